"""The same behaviour on every forge: what `pr`, `publish` and the reports build on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from promptvc.base.errors import InputError, NotFound, Refused
from promptvc.forge.forge import MOST_COMMENT, Forge, PullText, marked, marker_of
from tests.forge.conftest import Open, Server
from tests.forge.servers.serving import Fault
from tests.forge.servers.state import ADA, EVE, RITA

TEXT = PullText("A better prompt", "Why.\n")
MARK = "report/desk/route"
LONGEST = "a" + "-" * 199


def bodies(server: Server, number: int = 1) -> list[str]:
    return [comment.body for comment in server.comments if comment.of == number]


def test_who_is_it(server: Server, forge: Forge) -> None:
    assert forge.name == "acme/prompts"
    assert forge.default_branch() == "main"
    assert f"{forge.kind}server" == type(server).__name__.lower()


def test_a_pull_request_is_opened_once(server: Server, forge: Forge) -> None:
    first = forge.open_pull("topic", "main", TEXT)
    again = forge.open_pull("topic", "main", TEXT)
    assert first == again
    assert (first.number, first.state, first.draft, first.fork) == (1, "open", False, False)
    assert (first.title, first.body.strip()) == ("A better prompt", "Why.")
    assert (first.head, first.base, first.author) == ("topic", "main", "ada")
    assert first.commit == server.hosted.git.tip("topic")
    assert first.url.startswith(server.url)
    assert len(server.pulls) == 1


def test_opening_again_brings_the_text_up(server: Server, forge: Forge) -> None:
    forge.open_pull("topic", "main", TEXT)
    pull = forge.open_pull("topic", "main", PullText("Another title", "Because."))
    assert (pull.title, pull.body.strip()) == ("Another title", "Because.")
    assert [found.title for found in server.pulls] == ["Another title"]


def test_somebody_else_is_quicker(server: Server, forge: Forge) -> None:
    """Between our look and our opening: every forge says in its own way that there is one."""
    hosted = server.hosted
    theirs = hosted.open_pull("topic", "main", "Theirs", "b", hosted.accounts["bob"])
    server.inject(Fault("GET .*(pulls|merge_requests)$", 200, []))
    pull = forge.open_pull("topic", "main", TEXT)
    assert (pull.number, pull.title, pull.author) == (theirs.number, "A better prompt", "bob")
    assert server.count("POST .*(pulls|merge_requests)$") == 1
    assert len(server.pulls) == 1


def test_the_same_text_writes_nothing(server: Server, forge: Forge) -> None:
    pull = forge.open_pull("topic", "main", TEXT)
    before = len(server.requests)
    assert forge.update_pull(pull.number, TEXT) == pull
    assert {seen.method for seen in server.requests[before:]} <= {"GET"}


def test_a_draft_comes_and_goes(server: Server, forge: Forge) -> None:
    pull = forge.open_pull("topic", "main", PullText("A better prompt", "Why.", draft=True))
    assert (pull.draft, pull.title) == (True, "A better prompt")
    assert server.pulls[0].draft
    pull = forge.update_pull(pull.number, TEXT)
    assert (pull.draft, pull.title, server.pulls[0].draft) == (False, "A better prompt", False)
    pull = forge.update_pull(pull.number, PullText("A better prompt", "Why.", draft=True))
    assert (pull.draft, server.pulls[0].draft) == (True, True)
    assert forge.find_pull("topic", "main") == pull


def test_a_title_cannot_make_a_draft(server: Server, forge: Forge) -> None:
    pull = forge.open_pull("topic", "main", PullText("WIP: Draft: [draft] a title", "Why."))
    assert (pull.draft, pull.title, server.pulls[0].draft) == (False, "a title", False)


def test_pull_requests_are_found(server: Server, forge: Forge) -> None:
    assert forge.find_pull("topic", "main") is None
    pull = forge.open_pull("topic", "main", TEXT)
    other = forge.open_pull("other", "main", TEXT)
    assert forge.find_pull("topic", "main") == pull
    assert forge.find_pull("topic", "other") is None
    assert forge.open_pulls() == (pull, other)
    assert forge.open_pulls("to") == (pull,)
    assert forge.open_pulls("nothing/") == ()


def test_a_fork_is_not_us(server: Server, forge: Forge) -> None:
    pull = forge.open_pull("topic", "main", TEXT)
    server.hosted.pulls[0].fork = "eve/prompts"
    assert forge.find_pull("topic", "main") is None
    assert forge.open_pulls() == ()
    mine = forge.open_pull("topic", "main", TEXT)
    assert mine.number != pull.number


def test_a_closed_one_stays_and_a_new_one_is_opened(server: Server, forge: Forge) -> None:
    pull = forge.open_pull("topic", "main", TEXT)
    closed = forge.close_pull(pull.number)
    assert closed.state == "closed"
    assert forge.close_pull(pull.number) == closed
    assert forge.find_pull("topic", "main") == closed
    again = forge.open_pull("topic", "main", TEXT)
    assert (again.state, again.number != pull.number) == ("open", True)
    assert forge.find_pull("topic", "main") == again


@pytest.mark.parametrize("how", ["merge", "squash", "rebase"])
def test_a_merged_one_says_so(server: Server, forge: Forge, how: str) -> None:
    pull = forge.open_pull("topic", "main", TEXT)
    server.merge(pull.number, how)  # type: ignore[arg-type]
    found = forge.find_pull("topic", "main")
    assert found is not None
    assert found.state == "merged"
    assert server.hosted.git.git("show", "main:a.txt") == "two"
    assert forge.close_pull(pull.number).state == "merged"
    # Of one that is closed only the text can change.
    assert not forge.update_pull(pull.number, PullText("Other", "x", draft=True)).draft


def test_the_commit_follows_the_branch(server: Server, forge: Forge) -> None:
    pull = forge.open_pull("topic", "main", TEXT)
    git = server.hosted.git
    assert git.tip("topic") == pull.commit
    git.git("update-ref", "refs/heads/topic", str(git.tip("clash")))
    found = forge.find_pull("topic", "main")
    assert found is not None
    assert found.commit == git.tip("clash") != pull.commit


def test_a_branch_that_is_not_there(forge: Forge) -> None:
    with pytest.raises((Refused, NotFound)):
        forge.open_pull("nowhere", "main", TEXT)


def test_a_number_that_is_not_there(forge: Forge) -> None:
    with pytest.raises(NotFound):
        forge.update_pull(7, TEXT)
    with pytest.raises(NotFound):
        forge.comment(7, MARK, "x")


def test_labels_are_made_and_others_stay(server: Server, forge: Forge) -> None:
    pull = forge.open_pull("topic", "main", TEXT)
    server.hosted.labels |= {f"label-{at}": "ededed" for at in range(120)}
    server.hosted.labels["promptvc/trained"] = "ededed"  # beyond the first page
    server.pulls[0].labels.append("bug")
    forge.label(pull.number, ["promptvc", "promptvc/trained"])
    before = len(server.requests)
    forge.label(pull.number, ["promptvc", "PROMPTVC/trained"])
    assert server.count("POST|PUT") == sum(
        1 for seen in server.requests[:before] if seen.method in {"POST", "PUT"}
    )
    assert server.pulls[0].labels == ["bug", "promptvc", "promptvc/trained"]
    found = forge.find_pull("topic", "main")
    assert found is not None
    assert found.labels == ("bug", "promptvc", "promptvc/trained")


@pytest.mark.parametrize("label", ["", " ", "a,b", "x" * 51, "a\nb"])
def test_what_is_no_label(forge: Forge, label: str) -> None:
    pull = forge.open_pull("topic", "main", TEXT)
    with pytest.raises(InputError):
        forge.label(pull.number, [label])


def test_reviews_are_asked_for(server: Server, forge: Forge) -> None:
    pull = forge.open_pull("topic", "main", TEXT)
    asked = forge.ask(pull.number, ["bob", "@ada", "nobody", "carol@example.org", "carol", "Bob"])
    assert set(asked.reviewers) >= {"bob", "carol"}
    assert {name for name, _ in asked.refused} >= {"nobody", "carol@example.org"}
    assert all(reason for _, reason in asked.refused)
    assert set(server.pulls[0].reviewers) == {"bob", "carol"}
    # Who was asked, or has answered, is not asked again.
    server.approve(pull.number, "bob")
    before = len(server.requests)
    assert forge.ask(pull.number, ["bob", "carol"]).reviewers == ()
    assert set(server.pulls[0].reviewers) >= {"carol"}
    assert {seen.method for seen in server.requests[before:]} == {"GET"}


def test_who_was_asked_stays_asked(server: Server, forge: Forge) -> None:
    pull = forge.open_pull("topic", "main", TEXT)
    forge.ask(pull.number, ["bob"])
    assert forge.ask(pull.number, ["bob", "carol"]).reviewers == ("carol",)
    assert server.pulls[0].reviewers == ["bob", "carol"]


def test_teams_are_asked_where_the_forge_can(server: Server, forge: Forge) -> None:
    pull = forge.open_pull("topic", "main", TEXT)
    asked = forge.ask(pull.number, ["bob"], ["acme/reviewers", "acme/nobody", "elsewhere/reviewers"])
    refused = dict(asked.refused)
    assert {"acme/nobody", "elsewhere/reviewers"} <= set(refused)
    if forge.kind == "gitlab":
        assert "no groups" in refused["acme/reviewers"]
    else:
        assert asked.reviewers == ("bob", "acme/reviewers")
        assert server.pulls[0].teams == ["reviewers"]
        assert forge.ask(pull.number, [], ["acme/reviewers"]).reviewers == ()
    assert server.pulls[0].reviewers == ["bob"]


def test_one_comment_sticks(server: Server, forge: Forge) -> None:
    forge.open_pull("topic", "main", TEXT)
    first = forge.comment(1, MARK, "first")
    same = forge.comment(1, MARK, "first")
    second = forge.comment(1, MARK, "second")
    other = forge.comment(1, "other", "second")
    assert (first.changed, same.changed, second.changed, other.changed) == (True, False, True, True)
    assert first.url == same.url == second.url != other.url
    assert first.number == 1
    assert [body.strip() for body in bodies(server)] == [
        marked("second", MARK).strip(),
        marked("second", "other").strip(),
    ]


def test_a_comment_beyond_the_first_page_is_found(server: Server, forge: Forge) -> None:
    forge.open_pull("topic", "main", TEXT)
    for at in range(250):
        server.comment_as("bob", 1, f"chatter {at}")
    forge.comment(1, MARK, "first")
    for at in range(10):
        server.comment_as("bob", 1, f"more {at}")
    forge.comment(1, MARK, "second")
    assert len([body for body in bodies(server) if MARK in body]) == 1


def test_nobody_elses_comment_is_touched(server: Server, forge: Forge) -> None:
    forge.open_pull("topic", "main", TEXT)
    theirs = server.comment_as("bob", 1, marked("I know your marker", MARK))
    forge.comment(1, MARK, "ours")
    forge.comment(1, MARK, "ours again")
    assert theirs.edits == 0
    assert len(server.comments) == 2


def test_a_marker_in_the_middle_was_quoted(server: Server, forge: Forge) -> None:
    forge.open_pull("topic", "main", TEXT)
    quoted = server.comment_as("ada", 1, marked("> quoted", MARK) + "\nand an answer")
    forge.comment(1, MARK, "ours")
    assert quoted.edits == 0


def test_a_body_cannot_bring_a_marker(server: Server, forge: Forge) -> None:
    forge.open_pull("topic", "main", TEXT)
    forge.comment(1, "one", marked("hostile", "two"))
    forge.comment(1, "two", "second")
    assert len(server.comments) == 2


def test_the_first_of_two_is_updated(server: Server, forge: Forge) -> None:
    """Two jobs at once may have made two."""
    forge.open_pull("topic", "main", TEXT)
    for text in ("a", "b"):
        server.comment_as("ada", 1, marked(text, MARK))
    forge.comment(1, MARK, "c")
    assert [body.split("\n")[0] for body in bodies(server)] == ["c", "b"]


OURS = PullText("A better prompt", "Why.\n", marker="pull/desk/v2")
NEWER = PullText("An even better prompt", "Because.\n", marker="pull/desk/v2")


def test_what_nobody_changed_is_brought_up(server: Server, forge: Forge) -> None:
    pull = forge.open_pull("topic", "main", OURS)
    assert marker_of(pull.body) == "pull/desk/v2"
    before = len(server.requests)
    assert forge.update_pull(pull.number, OURS) == pull
    assert {seen.method for seen in server.requests[before:]} == {"GET"}
    server.pulls[0].body = server.pulls[0].body.replace("\n", "\r\n").rstrip()  # as some forges keep it
    pull = forge.open_pull("topic", "main", NEWER)
    assert (pull.title, pull.body.split("\n")[0]) == ("An even better prompt", "Because.")
    assert forge.update_pull(pull.number, OURS).title == "A better prompt"


@pytest.mark.parametrize(
    "edit",
    [
        lambda body: "My own words.\n\n" + body,
        lambda body: body + "\nMy own words.",
        lambda body: body.replace("Why.", "Why not?"),
        lambda body: "My own words.",
        lambda body: "",
    ],
    ids=["above", "below", "within", "instead", "nothing"],
)
def test_a_body_that_a_person_changed_stays(server: Server, forge: Forge, edit: Callable[[str], str]) -> None:
    forge.open_pull("topic", "main", OURS)
    theirs = server.pulls[0].body = edit(server.pulls[0].body)
    for text in (NEWER, OURS):
        assert forge.open_pull("topic", "main", text).body == theirs
        assert (server.pulls[0].title, server.pulls[0].body) == ("A better prompt", theirs)


def test_a_title_that_a_person_changed_stays_and_the_body_follows(server: Server, forge: Forge) -> None:
    forge.open_pull("topic", "main", OURS)
    server.pulls[0].title = "My title " + "t" * 240  # longer than we would send
    for text in (NEWER, OURS, NEWER):
        pull = forge.update_pull(1, text)
        assert pull.body.split("\n")[0] == text.body.strip()
        assert server.pulls[0].title == "My title " + "t" * 240


def test_a_long_text_of_a_person_is_never_refused(server: Server, forge: Forge) -> None:
    forge.open_pull("topic", "main", OURS)
    server.pulls[0].title, server.pulls[0].body = "t" * 250, "x" * 65_400
    before = len(server.requests)
    pull = forge.update_pull(1, NEWER)
    assert (pull.title, pull.body) == ("t" * 250, "x" * 65_400)
    assert {seen.method for seen in server.requests[before:]} == {"GET"}


def test_ready_or_draft_stays_what_a_person_made_it(server: Server, forge: Forge) -> None:
    forge.open_pull("topic", "main", PullText("A better prompt", "Why.", draft=True, marker="m"))
    server.pulls[0].draft, server.pulls[0].title = False, "A better prompt"
    pull = forge.update_pull(1, PullText("Another prompt", "Because.", draft=True, marker="m"))
    assert (pull.draft, pull.title, server.pulls[0].draft) == (False, "Another prompt", False)


def test_a_pull_request_that_somebody_opened_by_hand_is_theirs(server: Server, forge: Forge) -> None:
    hosted = server.hosted
    hosted.open_pull("topic", "main", "Theirs", "by hand", hosted.accounts["bob"])
    pull = forge.open_pull("topic", "main", OURS)
    assert (pull.title, pull.body, pull.author) == ("Theirs", "by hand", "bob")
    assert len(server.pulls) == 1


def test_a_comment_that_a_person_changed_stays(server: Server, forge: Forge) -> None:
    forge.open_pull("topic", "main", TEXT)
    forge.comment(1, MARK, "first")
    (ours,) = server.comments
    ours.body = "I looked at this.\n\n" + ours.body
    theirs = ours.body
    for text in ("second", "third", "third"):
        forge.comment(1, MARK, text)
    assert [body.split("\n")[0] for body in bodies(server)] == ["I looked at this.", "third"]
    assert ours.body == theirs


def test_a_forge_that_rewrites_comments_is_not_flooded(server: Server, forge: Forge) -> None:
    forge.open_pull("topic", "main", TEXT)
    for text in ("First", "Second", "Third", "Fourth"):
        forge.comment(1, MARK, text)
        for comment in server.comments:
            comment.body = comment.body.replace(text, f"({text})", 1)
    assert len(server.comments) == 2


def test_an_issue_that_a_person_changed_stays_and_the_news_are_below(server: Server, forge: Forge) -> None:
    forge.keep_issue("alerts", "One is wrong", "Look.")
    (issue,) = server.issues
    issue.body = theirs = "I am on it.\n\n" + issue.body
    changes = [forge.keep_issue("alerts", "Two are wrong", text).changed for text in ("a", "b", "b")]
    assert changes == [True, True, False]
    assert (issue.title, issue.body) == ("One is wrong", theirs)
    assert [comment.body.split("\n")[0] for comment in server.comments] == ["b"]
    forge.close_issue("alerts", "")
    assert issue.state == "closed"


def test_the_title_of_an_issue_that_a_person_changed_stays(server: Server, forge: Forge) -> None:
    forge.keep_issue("alerts", "One is wrong", "Look.")
    (issue,) = server.issues
    issue.title = "Ask ada"
    assert forge.keep_issue("alerts", "Two are wrong", "Look here.").changed
    assert (issue.title, issue.body.split("\n")[0]) == ("Ask ada", "Look here.")
    assert not forge.keep_issue("alerts", "Two are wrong", "Look here.").changed


def test_an_issue_is_kept_and_closed(server: Server, forge: Forge) -> None:
    first = forge.keep_issue("alerts", "Something is wrong", "Look.", ["alert"])
    same = forge.keep_issue("alerts", "Something is wrong", "Look.", ["alert"])
    second = forge.keep_issue("alerts", "More is wrong", "Look here.", ["alert", "urgent"])
    assert (first.changed, same.changed, second.changed) == (True, False, True)
    assert first.number == same.number == second.number
    (issue,) = server.issues
    assert (issue.title, issue.labels, issue.state) == ("More is wrong", ["alert", "urgent"], "open")
    assert issue.body.startswith("Look here.")
    closed = forge.close_issue("alerts", "All is well.")
    assert closed is not None
    assert (closed.number, issue.state) == (first.number, "closed")
    assert [comment.body.split("\n")[0] for comment in server.comments] == ["All is well."]
    assert forge.close_issue("alerts", "All is well.") is None
    again = forge.keep_issue("alerts", "Wrong again", "Look.")
    assert again.number != first.number
    assert len(server.issues) == 2


def test_an_issue_among_many_is_found(server: Server, forge: Forge) -> None:
    forge.open_pull("topic", "main", TEXT)
    theirs = server.issue_as("bob", "mine", marked("x", "alerts"))
    first = forge.keep_issue("alerts", "Something", "x")
    for at in range(150):
        server.issue_as("ada", f"other {at}", "y")
    assert forge.keep_issue("alerts", "Something", "x") == first.__class__(
        first.number, first.url, changed=False
    )
    assert theirs.title == "mine"


def test_closing_without_words_says_nothing(server: Server, forge: Forge) -> None:
    forge.keep_issue("alerts", "Something", "x")
    assert forge.close_issue("alerts", "") is not None
    assert server.comments == []


@pytest.mark.parametrize(
    "text",
    [
        PullText("", "x"),
        PullText("draft: ", "x"),
        PullText("two\nlines", "x"),
        PullText("bell\x07", "x"),
        PullText("t" * 248, "x"),
        PullText("t", "x" * (MOST_COMMENT + 1)),
        PullText("t", "é" * (MOST_COMMENT // 2 + 1)),
        PullText("t", "\ud800"),
        PullText("t", "a\0b"),
    ],
    ids=lambda text: f"{text.title[:8]!r}-{len(text.body)}",
)
def test_a_text_that_no_forge_takes(server: Server, forge: Forge, text: PullText) -> None:
    with pytest.raises(InputError):
        forge.open_pull("topic", "main", text)
    assert server.requests == []


def test_the_longest_texts_are_taken(server: Server, forge: Forge) -> None:
    forge.open_pull("topic", "main", PullText("t" * 247, "x" * MOST_COMMENT, draft=True, marker=LONGEST))
    forge.comment(1, LONGEST, "x" * MOST_COMMENT)
    forge.keep_issue(LONGEST, "t" * 247, "x" * MOST_COMMENT)
    with pytest.raises(InputError):
        forge.comment(1, MARK, "x" * (MOST_COMMENT + 1))


@pytest.mark.parametrize("marker", ["", "A", "a b", "a-->", "a~b", "/x", "é", "x" * 201])
def test_what_is_no_marker(server: Server, forge: Forge, marker: str) -> None:
    with pytest.raises(InputError):
        forge.comment(1, marker, "x")
    assert server.requests == []


def test_a_reader_may_not_write(server: Server, opened: Open) -> None:
    with pytest.raises(Refused) as caught:
        opened(RITA).open_pull("topic", "main", TEXT)
    assert RITA not in str(caught.value)
    assert caught.value.hint


def test_a_stranger_sees_nothing_of_a_private_repository(server: Server, opened: Open) -> None:
    server.hosted.private = True
    with pytest.raises(NotFound):
        opened(EVE).find_pull("topic", "main")
    assert opened(ADA).find_pull("topic", "main") is None


def test_a_bad_token_is_named_by_its_variable(opened: Open) -> None:
    with pytest.raises(InputError) as caught:
        opened("token-that-was-revoked").default_branch()
    assert "_TOKEN" in caught.value.message
    assert "revoked" not in str(caught.value)
