"""promptfoo's tests, one after the other, wherever they are written: inline, in files, in CSV, in scenarios."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from promptvc.base.losses import Losses
from promptvc.evaluation.promptfoo.sheet import rows_of_csv
from promptvc.evaluation.promptfoo.source import FILE, Source, Unreadable, is_code, kind_of

_DEEPEST = 3
_PROGRAM = "a program makes these tests, and an import runs none: write them to a file"


def each_test(
    value: Any, path: str, source: Source, losses: Losses, depth: int = 0
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(where, test) of every test in ``value``: a list, a file, a glob. What is none is a loss."""
    if value is None:
        return
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from each_test(each, f"{path}[{index}]", source, losses, depth)
    elif isinstance(value, str):
        yield from _of_files(value, path, source, losses, depth)
    elif isinstance(value, Mapping) and isinstance(value.get("path"), str) and "vars" not in value:
        losses.add(path, value["path"], _PROGRAM)
    elif isinstance(value, Mapping):
        yield path, value
    else:
        losses.add(path, value, "it is no test")


def scenarios_of(value: Any, source: Source, losses: Losses) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every test of every scenario with each of the scenario's configurations, as promptfoo runs them."""
    for index, scenario in enumerate(value if isinstance(value, list) else [] if value is None else [value]):
        path = f"scenarios[{index}]"
        for where, one in [*each_test(scenario, path, source, losses)]:
            configs = [*each_test(one.get("config"), f"{where}.config", source, losses)]
            tests = [*each_test(one.get("tests"), f"{where}.tests", source, losses)] or [(where, {})]
            for key in one:
                if key not in {"config", "tests", "description"}:
                    losses.add(f"{where}.{key}", one[key], "a scenario is its `config` and its `tests`")
            for config_path, config in configs:
                for test_path, test in tests:
                    yield f"{test_path} with {config_path}", merged(config, test)


def merged(base: Mapping[str, Any], test: Mapping[str, Any]) -> dict[str, Any]:
    """A test on top of another: its own keys win, mappings are joined, assertions are added."""
    both: dict[str, Any] = {**base, **test}
    for key in ("vars", "options", "metadata"):
        if isinstance(base.get(key), Mapping) and isinstance(test.get(key), Mapping):
            both[key] = {**base[key], **test[key]}
    if isinstance(base.get("assert"), list) and isinstance(test.get("assert"), list):
        both["assert"] = [*base["assert"], *test["assert"]]
    return both


def _of_files(
    value: str, path: str, source: Source, losses: Losses, depth: int
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if is_code(value):
        losses.add(path, value, _PROGRAM)
        return
    try:
        files = source.paths(value)
    except Unreadable as error:
        losses.add(path, value, str(error))
        return
    for file in files:
        try:
            if depth >= _DEEPEST:
                raise Unreadable("files name files too deeply")
            if kind_of(file) == ".csv":
                yield from rows_of_csv(source.text(file), file, losses)
            else:
                yield from each_test(source.data(file), file, source, losses, depth + 1)
        except Unreadable as error:
            losses.add(path, f"{FILE}{file}", str(error))
