"""What changed in each version, why, and what became of it; foreign words stay words."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from promptvc.evidence.values import Score
from promptvc.review.changelog import Changelog, Happening, Section, Voice, apart, markdown
from promptvc.store.diff import Change
from tests.builders import Repo
from tests.commands import cli_of
from tests.worlds import DESK, DESK_FILE


def test_each_version_has_what_is_known_of_it(lived: Repo) -> None:
    found = cli_of(lived).json("changelog", DESK)
    assert found["name"] == DESK
    third, second, first = found["versions"]
    assert [one["version"] for one in (third, second, first)] == [3, 2, 1]
    assert [one["previous"] for one in (third, second, first)] == [2, 1, None]
    assert (second["approach"], second["verdict"]) == ("few_shot", "improvement")
    assert second["score"]["candidate"] == 1.0
    assert (third["approach"], third["verdict"], third["events"]) == (None, None, [])
    assert [change["path"] for change in third["changes"]] == ["version", "messages[0].content"]
    assert len(second["events"]) == len({event["id"] for event in second["events"]}) == 6
    assert {event["kind"] for event in second["events"]} == {"correction"}
    what = [(one["environment"], one["what"]) for one in second["happenings"]]
    assert sorted(what) == [
        ("production", "deployed"),
        ("production", "rolled back from it to v1, and held"),
        ("staging", "deployed"),
    ]
    assert sorted(one["what"] for one in first["happenings"]) == ["deployed", "rolled back to it"]
    assert {one["text"] for one in first["happenings"]} == {"", "<b>complaints</b> of @ada"}


def test_the_markdown_has_it_newest_first(lived: Repo) -> None:
    text = cli_of(lived).ok("changelog", DESK)
    places = [text.index(f"\n## v{number} - ") for number in (3, 2, 1)]
    assert places == sorted(places)
    assert "Verdict: **improvement** (0.333 to 1.000: +66.7 points, 93.9 % interval" in text
    assert "- `messages[0].content`: `Answer with one label only: alpha, beta or gamma.` became" in text
    assert "### Because of 6 events" in text
    assert "and 3 more" in text
    assert "`<b>complaints</b> of @ada`" in text
    assert "The first version." in text


def test_a_span_is_named_by_versions_environments_or_revisions(lived: Repo) -> None:
    cli = cli_of(lived)

    def versions(*options: str) -> list[int]:
        return [one["version"] for one in cli.json("changelog", DESK, *options)["versions"]]

    assert versions("--since", "production") == [3, 2]
    assert versions("--since", "staging") == [3]
    assert versions("--since", "v1", "--until", "v2") == [2]
    assert versions("--until", "HEAD~1") == [2, 1]
    assert versions("--since", "latest") == []
    assert "Nothing changed." in cli.ok("changelog", DESK, "--since", "latest")
    assert "has no revision nope" in cli.fails(2, "changelog", DESK, "--since", "nope")
    assert "--until v2" in cli.fails(2, "changelog", f"{DESK}@v2")
    assert f"did you mean {DESK}?" in cli.fails(2, "changelog", "desk/rout")


def test_every_prompt_and_those_that_were_not_there_yet(lived: Repo, tmp_path: Path) -> None:
    cli = cli_of(lived)
    other = lived.read(DESK_FILE).decode().replace(f"name: {DESK}", "name: desk/other")
    lived.commit({"prompts/desk/other.yaml": other}, "Another")
    found = cli.json("changelog")["prompts"]
    assert [(one["name"], [two["version"] for two in one["versions"]]) for one in found] == [
        ("desk/other", [3]),
        (DESK, [3, 2, 1]),
    ]
    since = cli.json("changelog", "--since", "HEAD~1")["prompts"]
    assert [one["name"] for one in since] == ["desk/other"]
    before = cli.json("changelog", "--until", "HEAD~1")["prompts"]
    assert [one["name"] for one in before] == [DESK]
    assert [one["name"] for one in cli.json("changelog", "--since", "production")["prompts"]] == [
        "desk/other",
        DESK,
    ]
    cli.fails(2, "changelog", "--since", "nope")
    target = tmp_path / "CHANGES.md"
    assert f"wrote {target}" in cli.ok("changelog", "-o", str(target))
    assert target.read_text() == cli.ok("changelog")
    assert "\n### v1 - " in target.read_text()


def test_a_hold_that_was_lifted_and_a_prompt_taken_out_are_told(lived: Repo) -> None:
    cli = cli_of(lived)
    lived.commit({f"deployments/production/holds/{DESK}/v2.yaml": None}, "Lift it")
    lived.commit({f"deployments/staging/{DESK}.yaml": None}, "Stop\n\nNobody uses it.")
    second = cli.json("changelog", DESK)["versions"][1]
    what = {(one["environment"], one["what"]): one["text"] for one in second["happenings"]}
    assert ("production", "no longer held") in what
    assert what["staging", "taken out"] == "Nobody uses it."


def test_a_reason_from_a_branch_is_of_who_wrote_it(lived: Repo) -> None:
    cli = cli_of(lived)
    lived.git("switch", "-q", "-c", "ship")
    cli.ok("deploy", f"{DESK}@v3", "--force", "--reason", "needed today")
    lived.git("switch", "-q", "main")
    lived.git("merge", "-q", "--no-ff", "-m", "Merge ship", "ship")
    newest = cli.json("changelog", DESK)["versions"][0]
    assert [one["text"] for one in newest["happenings"]] == ["needed today"]


def test_a_version_that_is_no_prompt_does_not_stop_the_others(lived: Repo) -> None:
    lived.commit({DESK_FILE: "version: 5\n"}, "Break it")
    text = cli_of(lived).ok("changelog", DESK)
    assert "What changed cannot be told" in text
    assert "## v1 - " in text


def test_a_shallow_clone_says_that_it_cannot_know(lived: Repo, tmp_path: Path) -> None:
    lived.git("clone", "-q", "--depth", "1", f"file://{lived.path}", str(tmp_path / "shallow"))
    cli = cli_of(lived).at(tmp_path / "shallow")
    assert "git fetch --unshallow" in cli.fails(2, "changelog", DESK)


LONG = "You route the messages of customers to the team that can help them. Answer with one label only, in lower case. "


def changed(before: str, after: str) -> str:
    change = Change("messages[0].content", "changed", before, after)
    section = Section(
        version=2, digest="d", commit="c" * 40, time="2026-01-01T00:00:00Z", author="Ada", subject="Edit",
        on_main=True, previous=1, approach=None, verdict=None, score=None, changes=(change,), events=(),
        happenings=(),
    )  # fmt: skip
    (line,) = [line for line in markdown([Changelog("a", (section,))]).splitlines() if "messages" in line]
    return line


def test_of_a_long_text_the_words_that_changed_are_shown() -> None:
    text = LONG + LONG + "Never guess a label that is not in the list. " + LONG
    line = changed(text, text.replace("Never guess", "Always say"))
    before, after = line.removeprefix("- `messages[0].content`: ").split(" became ")
    assert ("Never guess" in before, "Never guess" in after) == (True, False)
    assert ("Always say" in after, "Always say" in before) == (True, False)
    assert max(len(before), len(after)) < 100


def test_changes_at_both_ends_of_a_long_text_are_both_shown() -> None:
    line = changed(f"One {LONG}{LONG}end.", f"Two {LONG}{LONG}finish.")
    before, after = line.removeprefix("- `messages[0].content`: ").split(" became ")
    assert before.startswith("`One ")
    assert before.endswith("end.`")
    assert after.startswith("`Two ")
    assert after.endswith("finish.`")


def test_a_short_text_is_shown_as_it_is() -> None:
    assert changed("Be kind.", "Be brief.") == "- `messages[0].content`: `Be kind.` became `Be brief.`"


def test_other_citations_of_the_same_words_are_no_change_of_words() -> None:
    assert "became" not in changed(LONG, LONG)


@given(st.text(max_size=60), st.text(max_size=60), st.booleans())
def test_what_changed_is_never_shown_as_the_same(one: str, other: str, behind: bool) -> None:
    sides = (LONG + one, LONG + other) if behind else (one + LONG, other + LONG)
    before, after = apart(*sides)
    assert before != after or one.split() == other.split()


HOSTILE = [
    "`</code> <img src=x> [a](http://x) ![b](y) @ada #12 deadbeef1 | cell\n# heading\n- item\n\n<script>",
    "```\nfence",
    "\u202egnirts",
]
texts = st.one_of(st.text(max_size=40), st.sampled_from(HOSTILE))


@given(texts, texts, texts)
def test_foreign_words_are_never_markdown(one: str, two: str, three: str) -> None:
    section = Section(
        version=2,
        digest="d",
        commit="c" * 40,
        time="2026-01-01T00:00:00Z",
        author=one,
        subject=two,
        on_main=False,
        previous=1,
        approach=three,
        verdict="improvement",
        score=Score(0.5, 0.6, 0.1, 0.05, 0.15, 0.95, 60),
        changes=(
            Change(f"variables[{one!r}]", "added", None, {"text": two}),
            Change("rules[0]", "changed", {"text": one}, {"text": three}),
            Change("metadata.x", "removed", {"a": [one]}, None),
            Change("examples[0]", "moved", None, {"input": {"q": one}, "output": two}),
        ),
        events=(Voice("X", "rating", one), Voice("Y", None, None)),
        happenings=(Happening("2026-01-01T00:00:00Z", two, "deployed", one, three),),
    )
    text = markdown([Changelog(one, (section,)), Changelog(two, ())])
    tokens = MarkdownIt("gfm-like", {"html": True, "linkify": False}).parse(text)
    inner = [child for token in tokens for child in token.children or ()]
    kinds = {token.type for token in (*tokens, *inner)}
    assert kinds <= {
        "heading_open",
        "heading_close",
        "inline",
        "text",
        "code_inline",
        "paragraph_open",
        "paragraph_close",
        "bullet_list_open",
        "bullet_list_close",
        "list_item_open",
        "list_item_close",
        "softbreak",
        "strong_open",
        "strong_close",
    }, kinds
    plain = "".join(child.content for child in inner if child.type == "text")
    for sign in "@#<`":
        assert sign not in plain
    headings = [token for token in tokens if token.type == "heading_open"]
    assert len(headings) == 9
