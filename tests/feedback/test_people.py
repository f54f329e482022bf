"""Persons under several keys: rotation, links in events, and who is who without any key."""

from __future__ import annotations

import random
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.base.clock import format_time
from promptvc.base.errors import InputError
from promptvc.base.ids import derived_ulid
from promptvc.feedback.events import Event, parse_event
from promptvc.feedback.people import People, as_persons, names_of
from promptvc.feedback.pseudonyms import (
    Key,
    KeyRing,
    find_keys,
    make_key,
    pseudonym,
    pseudonyms_of,
    rotate_key,
)
from promptvc.feedback.redact import Redactor

NOW = datetime(2026, 3, 1, tzinfo=UTC)
OLD, MIDDLE, NEW = (Key(letter * 16) for letter in (b"o", b"m", b"n"))


def event(number: int, ring: KeyRing, **values: Any) -> Event:
    time = NOW + timedelta(days=number)
    about = {"id": derived_ulid(time, b"%d" % number, 0), "time": format_time(time), "prompt": "a"}
    clean, _ = Redactor(ring).event({**about, "kind": "rating", "source": "human", "stars": 4, **values})
    return parse_event(clean)


def test_the_newest_key_is_used_and_linked_ones_are_told() -> None:
    ring = KeyRing((NEW, MIDDLE, OLD))
    data = event(1, ring, user=" bob ").data
    assert data["user"] == pseudonym("bob", NEW)
    assert data["aka"] == [pseudonym("bob", MIDDLE), pseudonym("bob", OLD)]
    assert event(1, KeyRing((NEW, OLD)), user="bob").data["aka"] == pseudonym("bob", OLD)
    assert "aka" not in event(1, KeyRing((NEW, OLD), frozenset({OLD.id})), user="bob").data
    assert "aka" not in event(1, KeyRing((NEW,)), user="bob").data
    assert "aka" not in event(1, ring).data
    assert event(1, KeyRing((NEW, MIDDLE, OLD), frozenset({OLD.id})), user="bob").data["aka"] == pseudonym(
        "bob", MIDDLE
    )


def test_a_pseudonym_is_not_linked_and_a_reviewer_is() -> None:
    ring = KeyRing((NEW, OLD))
    known = pseudonym("bob", MIDDLE)
    assert event(1, ring, user=known).data["user"] == known
    assert "aka" not in event(1, ring, user=known).data
    note = event(1, ring, kind="annotation", target=event(0, ring).id, approved=True, reviewer="eve").data
    assert (note["reviewer"], note["aka"]) == (pseudonym("eve", NEW), pseudonym("eve", OLD))
    both = event(1, ring, user="bob", reviewer="eve").data
    assert both["aka"] == pseudonym("bob", OLD), "it tells of the user"


def test_names_that_an_event_brings_along_become_pseudonyms_too() -> None:
    ring = KeyRing((NEW, OLD))
    data = event(1, ring, user="bob", aka=["bobby", known := pseudonym("bob", MIDDLE)]).data
    assert data["aka"] == [pseudonym("bobby", NEW), known, pseudonym("bob", OLD)]
    assert Redactor().event(data)[0] == data


def test_what_was_written_before_a_rotation_is_known_again() -> None:
    ring = KeyRing((NEW, MIDDLE, OLD))
    value = {"kind": "rating", "user": "bob", "comment": "c"}
    clean, _ = Redactor(ring).event(value)
    before = list(Redactor(ring).before(value, clean))
    assert before == [
        Redactor(KeyRing((MIDDLE, OLD))).event(value)[0],
        Redactor(KeyRing((OLD,))).event(value)[0],
    ]
    assert list(Redactor(ring).before(clean, clean)) == []
    assert list(Redactor(ring).before({"comment": "c"}, {"comment": "c"})) == []


def test_one_person_under_each_key_and_others_apart() -> None:
    first, second, third = KeyRing((OLD,)), KeyRing((MIDDLE, OLD)), KeyRing((NEW, MIDDLE, OLD))
    events = [
        *(event(0, first, user="bob"), event(1, first, user="eve"), event(2, first, session="s")),
        *(event(3, second, user="bob"), event(4, third, user="bob"), event(5, third, user="eve")),
    ]
    people = People.of(events)
    bob, eve = pseudonym("bob", OLD), pseudonym("eve", OLD)
    assert [people.person(one.user) for one in events if one.user] == [bob, eve, bob, bob, eve]
    assert people.names(pseudonym("bob", NEW)) == tuple(sorted(pseudonyms_of("bob", third.keys)))
    assert people.person("u-other") == "u-other"
    assert people.names("u-other") == ("u-other",)
    assert [one.user for one in as_persons(events)] == [bob, eve, None, bob, bob, eve]
    assert People.of(events[:3]).person(bob) == bob
    assert as_persons(events[:3]) == events[:3]
    assert names_of(events[4]) == pseudonyms_of("bob", third.keys)
    assert names_of(events[2]) == ()


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12), st.randoms(use_true_random=False)
)
def test_persons_are_the_groups_that_links_make_in_any_order(
    links: list[tuple[int, int]], order: random.Random
) -> None:
    def name(number: int) -> str:
        return f"u-{number:08x}-{'0' * 32}"

    events = [
        event(at, KeyRing((NEW,)), user=name(one), aka=name(other)) for at, (one, other) in enumerate(links)
    ]
    groups = {number: {number} for number in range(10)}
    for one, other in links:
        joined = groups[one] | groups[other]
        for number in joined:
            groups[number] = joined
    people = People.of(events)
    for one in range(10):
        assert people.names(name(one)) == tuple(sorted(map(name, groups[one])))
        assert {people.person(name(other)) for other in groups[one]} == {people.person(name(one))}
    shuffled = order.sample(events, len(events))
    assert [People.of(shuffled).person(name(one)) for one in range(10)] == [
        people.person(name(one)) for one in range(10)
    ]


def test_a_rotation_keeps_what_was_there(tmp_path: Path) -> None:
    assert rotate_key(tmp_path, now=NOW, random=b"1" * 32).keys == (make_key(tmp_path),)
    first = make_key(tmp_path)
    linked = rotate_key(tmp_path, now=NOW + timedelta(days=1), random=b"2" * 32)
    assert linked.keys[1:] == linked.linked == (first,)
    assert linked == find_keys(tmp_path, {})
    cut = rotate_key(tmp_path, now=NOW + timedelta(days=2), cut=True, random=b"3" * 32)
    assert cut == find_keys(tmp_path, {})
    assert cut.keys == (Key((b"3" * 32).hex().encode()), *linked.keys)
    assert cut.linked == ()
    again = rotate_key(tmp_path, now=NOW + timedelta(days=3), random=b"4" * 32)
    assert again.linked == (cut.current,)
    earlier = again.before()
    assert earlier is not None
    assert (earlier.keys, earlier.linked) == (cut.keys, cut.linked)
    assert (earlier := earlier.before()) is not None
    assert (earlier.keys, earlier.linked) == (linked.keys, linked.linked)
    assert [again.since[key.id] for key in again.keys] == [NOW + timedelta(days=day) for day in (3, 2, 1, 0)]
    assert stat.S_IMODE((tmp_path / "user.key").stat().st_mode) == 0o600
    assert pseudonyms_of("bob", again.keys) == tuple(pseudonym("bob", key) for key in again.keys)
    assert pseudonyms_of(known := pseudonym("bob", first), again.keys) == (known,)


def test_a_key_file_with_one_line_is_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "user.key").write_text("a shared secret of a team\n")
    ring = find_keys(tmp_path, {})
    assert ring == KeyRing((Key(b"a shared secret of a team"),), origin=str(tmp_path / "user.key"))
    (tmp_path / "user.key").chmod(0o644)
    rotate_key(tmp_path, now=NOW)
    assert stat.S_IMODE((tmp_path / "user.key").stat().st_mode) == 0o600


def test_several_keys_in_the_environment() -> None:
    text = "since 2026-02-01T00:00:00Z\nthe third secret of a team\n\n"
    text += "cut\nthe second secret of a team\nthe first secret of all\n"
    ring = find_keys(Path("/nowhere"), {"PROMPTVC_USER_KEY": text})
    assert ring is not None
    assert [key.secret for key in ring.keys] == [
        *(b"the third secret of a team", b"the second secret of a team", b"the first secret of all")
    ]
    assert (ring.linked, ring.origin) == ((), "PROMPTVC_USER_KEY")
    assert ring.since == {ring.current.id: datetime(2026, 2, 1, tzinfo=UTC)}


@pytest.mark.parametrize(
    "text", ["cut\n", "a shared secret of a team\nshort", "since 2026-02-31T00:00:00Z\n" + "k" * 20]
)
def test_bad_keys_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "user.key").write_text(text)
    with pytest.raises(InputError):
        find_keys(tmp_path, {})
    with pytest.raises(InputError):
        rotate_key(tmp_path, now=NOW)
    assert (tmp_path / "user.key").read_text() == text
