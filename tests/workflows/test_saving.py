"""What a saved run keeps of many cases."""

from __future__ import annotations

import json

from promptvc.evidence.records import RunRecord, parse
from promptvc.evidence.runs import OUTPUTS_KEPT
from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK


def test_of_many_cases_the_answers_of_those_that_failed(desk: Repo) -> None:
    cases = [
        {
            "id": f"c{number}",
            "vars": {"question": f"number {number}"},
            "assert": [{"type": "regex", "value": "."}],
        }
        for number in range(OUTPUTS_KEPT + 1)
    ]
    cases[7]["assert"] = [{"type": "equals", "value": "nobody says this"}]
    lines = "".join(json.dumps(case) + "\n" for case in cases)
    suite = {
        f"evaluation/{DESK}.yaml": f"cases: {DESK.rpartition('/')[2]}.many.jsonl\n",
        f"evaluation/{DESK}.many.jsonl": lines,
    }
    desk.commit(suite, "Ask many")
    path = cli_of(desk).json("evaluate", DESK, "--save", codes=(0, 1))["evidence"]
    record = parse(desk.show(f"HEAD:{path}"), file=path)
    assert isinstance(record, RunRecord)
    assert len(record.cases) == OUTPUTS_KEPT + 1
    assert [one.case for one in record.cases if one.output is not None] == ["c7"]
    assert all(one.output_digest for one in record.cases)
