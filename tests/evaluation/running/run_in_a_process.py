"""Runs tasks on a model as a command would: for tests that interrupt and kill it.

Arguments: the server's address, the cache's folder, how many tasks, how many at once, the grace in seconds.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from promptvc.base.config import ModelSettings
from promptvc.base.errors import PromptvcError
from promptvc.evaluation.running.cache import Cache
from promptvc.evaluation.running.runner import run
from promptvc.evaluation.running.tasks import RunOptions, Task
from promptvc.models.chat import open_model
from promptvc.models.messages import ChatMessage


def main() -> int:
    address, folder, count, concurrency, grace = sys.argv[1:]
    environ = {"OPENAI_API_BASE": address, "OPENAI_API_KEY": "sk-test-0123456789abcdef"}
    model = open_model("openai:test", settings=ModelSettings(local_only=True), environ=environ)
    tasks = (Task(f"c{n}", 0, (ChatMessage("user", f"text {n}"),), {}) for n in range(int(count)))
    cache = Cache(Path(folder))
    options = RunOptions(concurrency=int(concurrency), cache=cache, total=int(count), grace_s=float(grace))
    try:
        result = run(tasks, model, options)
    except PromptvcError as error:
        sys.stdout.write(json.dumps({"error": error.message, "hint": error.hint}))
        return error.exit_code
    finally:
        cache.close()
    texts = [outcome.completion.text if outcome.completion else None for outcome in result.outcomes]
    sys.stdout.write(json.dumps({"calls": result.spent.calls, "cached": result.spent.cached, "texts": texts}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
