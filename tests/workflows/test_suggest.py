"""`suggest`: what events speak for, by rules or by a model, over one prompt or all; nothing is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import promptvc
from tests.builders import Repo
from tests.commands import Cli, cli_of
from tests.servers import Reply, Request, Server, answer, json_reply

OPTIMIZER = "openai:optimizer"
ORDER = (
    "mention the order number",
    "order number is missing",
    "please do mention the order number next time",
    "where is the order number?",
)
BRIEF = ("too long", "keep it short please", "much shorter please")


def prompt(name: str) -> str:
    return f"""\
name: {name}
version: 1
model: offline
variables:
  message: {{required: true}}
messages:
  - role: system
    content: Answer letters to a shop.
  - role: user
    content: "{{{{ message }}}}"
"""


def rows(
    name: str, *texts: str, day: int = 10, kind: str = "suggestion", **more: Any
) -> list[dict[str, Any]]:
    """Each text by another person."""
    return [
        {
            "time": f"2026-01-{day:02d}T10:{at:02d}:00Z",
            "prompt": name,
            "kind": kind,
            "source": "human",
            "comment": text,
            "session": f"{name} {day} {at}",
            **more,
        }
        for at, text in enumerate(texts)
    ]


Make = Callable[..., Cli]


@pytest.fixture
def shop(repo: Repo, tmp_path: Path) -> Make:
    """Commit prompts, files and events; the command line there."""

    def make(*events: dict[str, Any], files: Mapping[str, str] | None = None, commit: bool = True) -> Cli:
        repo.commit(
            {
                "promptvc.yaml": "{}\n",
                ".gitignore": ".promptvc/\n",
                "prompts/shop/mail.yaml": prompt("shop/mail"),
                "prompts/shop/chat.yaml": prompt("shop/chat"),
                **(files or {}),
            }
        )
        file = tmp_path / "rows.jsonl"
        file.write_text("".join(json.dumps(one) + "\n" for one in events))
        cli = cli_of(repo)
        if events:
            cli.ok("feedback", "import", str(file))
            if commit:
                cli.ok("feedback", "commit")
        return cli

    return make


def test_what_people_ask_for_is_suggested_with_their_events_and_words(shop: Make, repo: Repo) -> None:
    cli = shop(*rows("shop/mail", *ORDER), *rows("shop/mail", *BRIEF[:2], day=11))
    before = repo.status(), repo.rev("HEAD"), repo.git("for-each-ref")
    found = cli.json("suggest", "shop/mail")
    assert set(found) == {"suggestions", "remarks"}
    assert found["remarks"] == ["no model proposes here: rules are extracted from users' words"]
    first, second = found["suggestions"]
    assert (first["prompt"], first["action"], first["path"]) == ("shop/mail", "add_rule", "rules")
    assert first["text"] == "Mention the order number."
    assert first["origin"] == "rules"
    assert first["why"] == "4 users in 4 events ask for it."
    assert first["effect"] is None
    assert first["people"] == 4
    assert [one["id"] for one in first["events"]] == first["because"] == sorted(first["because"])
    assert {one["words"] for one in first["events"]} == set(ORDER)
    assert second["text"] == "Keep it short."
    assert cli.json("suggest", "shop/mail") == found
    assert (repo.status(), repo.rev("HEAD"), repo.git("for-each-ref")) == before


def test_a_correction_is_quoted_with_what_was_said_of_it(shop: Make) -> None:
    corrected: dict[str, Any] = {
        "input": {"message": "Where is it?"},
        "output": "Sorry.",
        "corrected": "On its way.",
    }
    cli = shop(*rows("shop/mail", "never say sorry", kind="correction", **corrected))
    (one,) = cli.json("suggest", "shop/mail")["suggestions"]
    assert one["text"] == "Never say sorry."
    assert [event["words"] for event in one["events"]] == ["Where is it? -> On its way. (never say sorry)"]


def test_people_read_it_as_a_list(shop: Make) -> None:
    cli = shop(*rows("shop/mail", *ORDER))
    done = cli("suggest")
    assert done.code == 0
    lines = done.out.splitlines()
    assert lines[0] == "1. shop/mail: add rule"
    assert lines[1] == "   Mention the order number."
    assert lines[2] == "   4 users in 4 events ask for it. effect unknown; by rules"
    assert sum(bool(re.match(r"   [0-9A-Z]{26}  ", line)) for line in lines) == 3
    assert lines[-1] == "   and 1 more"
    assert "no model proposes here" in done.err


def test_all_prompts_are_ranked_together_and_cut(shop: Make) -> None:
    cli = shop(*rows("shop/mail", *ORDER), *rows("shop/chat", *BRIEF))
    texts = [(one["prompt"], one["text"]) for one in cli.json("suggest")["suggestions"]]
    assert texts == [("shop/mail", "Mention the order number."), ("shop/chat", "Keep it short.")]
    assert [one["prompt"] for one in cli.json("suggest", "--limit", "1")["suggestions"]] == ["shop/mail"]


def test_only_the_asked_days_and_framework_are_heard(shop: Make) -> None:
    old = rows("shop/mail", *ORDER, day=1, context={"framework": "LangChain"})
    new = rows("shop/mail", *BRIEF, day=20)
    cli = shop(*old, *new)

    def texts(*more: str) -> list[str]:
        return [one["text"] for one in cli.json("suggest", "shop/mail", *more)["suggestions"]]

    assert texts() == ["Keep it short."]
    assert texts("--days", "30") == ["Mention the order number.", "Keep it short."]
    assert texts("--days", "30", "--framework", "langchain") == ["Mention the order number."]
    assert texts("--days", "30", "--framework", "other") == []


def test_too_little_says_how_much_more_would_do(shop: Make) -> None:
    cli = shop(*rows("shop/mail", "fine", "ok"))
    found = cli.json("suggest", "shop/mail")
    assert found["suggestions"] == []
    assert found["remarks"][1:] == [
        "shop/mail: 2 events in 7 days, too few to suggest anything; 8 more would do."
    ]
    assert cli.ok("suggest", "shop/chat").splitlines() == ["nothing to suggest"]


def test_what_is_not_committed_is_not_heard(shop: Make) -> None:
    cli = shop(*rows("shop/mail", *ORDER), commit=False)
    assert cli.json("suggest", "shop/mail")["suggestions"] == []
    cli.ok("feedback", "commit")
    assert len(cli.json("suggest", "shop/mail")["suggestions"]) == 1


def test_nothing_of_the_hold_out_is_heard(shop: Make) -> None:
    suite = 'cases:\n  - {id: held, vars: {message: "Where is the parcel of my aunt?"}, expected: soon}\n'
    on_held = rows("shop/mail", *ORDER, input={"message": "where is the PARCEL of my aunt"}, day=9)
    others = rows("shop/mail", *BRIEF, day=10, input={"message": "Do you sell ladders?"})
    cli = shop(*on_held, *others, files={"evaluation/shop/mail.yaml": suite})
    assert [one["text"] for one in cli.json("suggest", "shop/mail")["suggestions"]] == ["Keep it short."]


def test_bad_input_is_one_clear_error(shop: Make) -> None:
    cli = shop(*rows("shop/mail", *ORDER), files={"evaluation/shop/chat.yaml": "cases: 3\n"})
    assert "did you mean shop/mail" in cli.fails(2, "suggest", "shop/mial")
    assert "revision" in cli.fails(2, "suggest", "shop/mail@v1")
    cli.fails(2, "suggest", "shop/mail", "--limit", "0")
    assert "evaluation/shop/chat.yaml" in cli.fails(2, "suggest", "shop/chat")
    found = cli.json("suggest")
    assert len(found["suggestions"]) == 1
    assert any(remark.startswith("shop/chat was left out: ") for remark in found["remarks"])


def test_the_library_suggests_too(shop: Make, repo: Repo) -> None:
    shop(*rows("shop/mail", *ORDER))
    with promptvc.open(repo.path, environ=repo.environ) as library:
        (found,) = library.suggest("shop/mail", limit=3).suggestions
    assert found.proposal.text == "Mention the order number."
    assert found.people == 4


def edits(*numbers: int) -> str:
    edit = {
        "action": "add_rule",
        "at": None,
        "text": "State the order number first.",
        "because": list(numbers),
        "why": "asked",
    }
    return json.dumps({"edits": [edit]})


def at(server: Server) -> dict[str, str]:
    return {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "a-key"}


def test_a_model_proposes_when_one_is_named(shop: Make) -> None:
    cli = shop(*rows("shop/mail", *ORDER))
    asked: list[Request] = []

    def script(request: Request) -> Reply:
        asked.append(request)
        return answer(edits(1, 2))

    with Server(script) as server:
        found = cli.json("suggest", "shop/mail", "--optimizer", OPTIMIZER, more=at(server))
        again = cli.json("suggest", "shop/mail", "--optimizer", OPTIMIZER, more=at(server))
    assert len(asked) == 1  # the second time from the cache
    assert found == again
    (one,) = found["suggestions"]
    assert (one["text"], one["origin"]) == ("State the order number first.", OPTIMIZER)
    assert len(one["because"]) == 2
    assert {event["words"] for event in one["events"]} <= set(ORDER)
    assert found["remarks"] == []


@pytest.mark.parametrize(
    ("reply", "remark"),
    [
        (lambda: json_reply({"error": {"message": "no such model"}}, status=404), f"{OPTIMIZER} failed: "),
        (lambda: answer("I would rather not."), f"{OPTIMIZER} failed: "),
        (lambda: answer('{"edits": []}'), f"{OPTIMIZER} proposed nothing that can be used for shop/mail; "),
    ],
)
def test_a_model_that_fails_leaves_it_to_rules_and_is_named(
    shop: Make, reply: Callable[[], Reply], remark: str
) -> None:
    settings = f"training: {{optimizer: {{model: '{OPTIMIZER}'}}}}\n"
    cli = shop(*rows("shop/mail", *ORDER), files={"promptvc.yaml": settings})
    with Server(lambda _request: reply()) as server:
        found = cli.json("suggest", "shop/mail", more=at(server))
    assert [(one["text"], one["origin"]) for one in found["suggestions"]] == [
        ("Mention the order number.", "rules")
    ]
    (said,) = found["remarks"]
    assert said.startswith(remark)
    assert said.endswith("rules are extracted from users' words")
    offline = cli.json("suggest", "shop/mail", "--optimizer", "offline")
    assert offline["suggestions"] == found["suggestions"]


def test_a_model_that_failed_is_not_asked_for_the_next_prompt(shop: Make) -> None:
    cli = shop(*rows("shop/mail", *ORDER), *rows("shop/chat", *BRIEF))
    asked: list[Request] = []

    def script(request: Request) -> Reply:
        asked.append(request)
        return json_reply({"error": {"message": "no such model"}}, status=404)

    with Server(script) as server:
        found = cli.json("suggest", "--optimizer", OPTIMIZER, more=at(server))
    assert len(asked) == 1
    assert [one["prompt"] for one in found["suggestions"]] == ["shop/mail", "shop/chat"]
    assert len(found["remarks"]) == 1
