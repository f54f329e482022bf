"""Training and evaluating with a provider: the real client against a server on loopback."""

from __future__ import annotations

from promptvc.base.config import ModelSettings
from promptvc.models.chat import open_model
from promptvc.models.messages import ChatMessage
from tests.builders import Repo
from tests.commands import cli_of
from tests.servers import Reply, Request, Server, answer, failure
from tests.worlds import DESK, desk_suite

MODEL = "openai:test-model"
FEW = (
    "--max-calls",
    "360",
)  # 30 cases, 3 times: baseline and one variant in training, both sides on the hold-out


class Nearest:
    """Answers as the nearest example does, a little differently for each model's name."""

    def __init__(self) -> None:
        self.model = open_model("offline", settings=ModelSettings(), environ={})

    def __call__(self, request: Request) -> Reply:
        turns = tuple(ChatMessage(turn["role"], turn["content"]) for turn in request.body["messages"])
        answering = self.model.complete(turns, {}, repeat=0)
        try:
            answering.send(None)
        except StopIteration as end:
            return answer(end.value.text)
        raise AssertionError("the offline model never waits")


def test_training_with_a_provider(small: Repo) -> None:
    cli = cli_of(small)
    with Server(Nearest()) as server:
        done = cli.json("train", DESK, *FEW, "--models", MODEL, more=server.environ())
        assert (done["verdict"], done["promoted"]) == ("improvement", True)
        assert done["calls"] == server.count
        (row,) = cli.json("train", DESK, "--history")
        assert row["model"] == MODEL
        assert row["tokens"]["input"] == 12 * server.count
        assert row["cost"] is None
        again = cli.json("train", DESK, *FEW, "--models", MODEL, more=server.environ())
        assert (again["calls"], again["look"], again["candidate"]) == (0, 1, 2)
        assert done["calls"] == server.count


def test_two_models_are_trained_for_together(small: Repo) -> None:
    cli = cli_of(small)
    with Server(Nearest()) as server:
        done = cli.json(
            "train", DESK, "--models", f"{MODEL}, openai:other", "--max-calls", "720", more=server.environ()
        )
        assert done["promoted"]
        asked = {request.body["model"] for request in server.requests}
        assert asked == {"test-model", "other"}
    (row,) = cli.json("train", DESK, "--history")
    assert row["model"] == f"{MODEL},openai:other"


def test_a_provider_that_fails_later_leaves_a_look_and_no_candidate(small: Repo) -> None:
    """The key is withdrawn when the hold-out's first case is asked."""
    nearest = Nearest()
    held = desk_suite(10)

    def script(request: Request) -> Reply:
        if f"question: {request.text}" in held:
            return failure(401, "key withdrawn", code="invalid_api_key")
        return nearest(request)

    cli = cli_of(small)
    with Server(script) as server:
        said = cli.fails(3, "train", DESK, *FEW, "--models", MODEL, **server.environ())
        assert "key withdrawn" in said
        ledger = small.git("ls-tree", "-r", "--name-only", "promptvc/ledger").splitlines()
        assert [path.split("/")[0] for path in ledger] == ["looks", "trainings"]
        (row,) = cli.json("train", DESK, "--history")
        assert (row["look"], row["verdict"], row["candidate"], row["promoted"]) == (1, None, None, False)
        assert row["reason"].startswith("failed: ")
        assert "key withdrawn" in row["reason"]
        assert row["calls"] > 0
        assert (row["cost"], row["alpha"] > 0.03) == (None, True)
        assert small.git("for-each-ref", "refs/heads/promptvc/desk") == ""
        server.script = nearest
        done = cli.json("train", DESK, *FEW, "--models", MODEL, more=server.environ())
    assert (done["look"], done["promoted"]) == (1, True)


def test_evaluating_with_a_provider(small: Repo) -> None:
    cli = cli_of(small)
    with Server(Nearest()) as server:
        arguments = ("evaluate", DESK, "--model", MODEL)
        done = cli.json(*arguments, "--save", codes=(0, 1), more=server.environ())
        assert server.count == 90
        assert (done["cases"], done["errored"], done["tokens"], done["cost"]) == (30, 0, 90 * 15, None)
        assert done["latency"]["p50"] > 0
        cli.json(*arguments, codes=(0, 1), more=server.environ())
        assert server.count == 90
        cli.json(*arguments, "--fresh", "--repeat", "1", codes=(0, 1), more=server.environ())
        assert server.count == 120
        assert "cost unknown" in cli(*arguments, **server.environ()).out
    assert small.show(f"HEAD:{done['evidence']}")


def test_failures_that_pass_are_retried_and_others_count_as_errors(small: Repo) -> None:
    cli = cli_of(small)

    def limited(request: Request) -> Reply:
        return failure(429, "slow down", retry_after="0") if request.number % 5 == 0 else answer("alpha")

    arguments = ("evaluate", DESK, "--model", MODEL, "--repeat", "1")
    with Server(limited) as server:
        done = cli.json(*arguments, codes=(0, 1), more=server.environ())
        assert (done["passed"], done["errored"]) == (10, 0)
        assert server.count > 30
    with Server(lambda request: failure(400, "no such thing")) as server:
        said = cli.fails(3, *arguments, "--fresh", **server.environ())
        assert "no such thing" in said


def test_local_only_refuses_what_is_not_loopback(small: Repo) -> None:
    small.write({"promptvc.yaml": "models: {local_only: true}\nevaluation: {success: 0.3}\n"})
    cli = cli_of(small)
    with Server(Nearest()) as server:
        arguments = ("evaluate", DESK, "--model", MODEL, "--repeat", "1")
        assert cli(*arguments, **server.environ()).code in {0, 1}
        more = server.environ(OPENAI_API_BASE="https://api.example.org/v1")
        said = cli.fails(2, *arguments, "--fresh", **more)
        assert "api.example.org" in said
