"""The files of a prompt root in memory, and rows that are the same cases in three formats."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

from promptvc.base.documents import dump_yaml
from promptvc.evaluation.cases.suite import Suite, load_suite

FILE = "evaluation/support/triage.yaml"


class Folder:
    """Files by their paths from the root; notes what was asked for."""

    def __init__(self, files: Mapping[str, str | bytes]) -> None:
        self._files = {path: text.encode() if isinstance(text, str) else text for path, text in files.items()}
        self.asked: list[str] = []

    def read(self, path: str) -> bytes | None:
        self.asked.append(path)
        return self._files.get(path)

    def list(self, folder: str) -> list[str]:
        self.asked.append(folder)
        above = f"{folder}/" if folder else ""
        below = [path.removeprefix(above) for path in self._files if path.startswith(above)]
        return sorted({head + slash for head, slash, _ in (path.partition("/") for path in below)})


def load(text: str, file: str = FILE, /, **datasets: str | bytes) -> Suite:
    """A suite whose datasets stand in its own folder; ``more_jsonl`` is the file `more.jsonl`."""
    above = file.rpartition(":")[2].rpartition("/")[0]
    files = {f"{above}/{name.replace('_', '.')}": data for name, data in datasets.items()}
    return load_suite(text.encode(), file=file, files=Folder(files))


def as_jsonl(cases: Sequence[Mapping[str, Any]]) -> str:
    return "".join(json.dumps(case, ensure_ascii=len(case) % 2 == 0) + "\n" for case in cases)


def as_yaml(cases: Sequence[Mapping[str, Any]]) -> str:
    return dump_yaml(list(cases))


def as_csv(cases: Sequence[Mapping[str, Any]]) -> str:
    """Cases with texts as ``vars`` and a text as ``expected``, all with the same keys."""
    names = list(dict.fromkeys(name for case in cases for name in case["vars"]))
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(
        [*names, "__expected", "__id", "__cluster", "__threshold", "__split", "__description", "__tags"]
    )
    for case in cases:
        keys = ("expected", "id", "cluster", "threshold", "split", "description")
        texts = ["" if case.get(key) is None else str(case[key]) for key in keys]
        writer.writerow([*(case["vars"][name] for name in names), *texts, ",".join(case.get("tags", []))])
    return stream.getvalue()
