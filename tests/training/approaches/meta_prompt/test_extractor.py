"""Rules from users' words: what several say in different ways becomes one rule with all their events."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from promptvc.training.approaches.meta_prompt.extractor import extract
from promptvc.training.approaches.screening import screened
from promptvc.training.proposal import RULES, Proposal, applied
from tests.commands import ROOT
from tests.training.approaches.meta_prompt.remarks import (
    DEFECTS,
    found,
    mail,
    planted,
    remark,
    rules,
    said,
)
from tests.training.makers import a_prompt, an_id, event


def test_five_planted_defects_are_five_rules() -> None:
    signals, truth = planted()
    proposals = extract(signals, mail())
    about: dict[str, Proposal] = {}
    for proposal in proposals:
        defect, count = Counter(truth[event] for event in proposal.because).most_common(1)[0]
        # What is cited is its reason: all of it but at most a tenth, and most of what was said of the defect.
        assert count >= 0.9 * len(proposal.because), (proposal.text, proposal.because)
        assert defect != "noise", proposal.text
        about.setdefault(defect, proposal)
    assert set(about) == set(DEFECTS)
    assert {about[defect] for defect in about} == set(proposals[:5])
    for defect, proposal in about.items():
        assert len(proposal.because) >= 0.8 * len(DEFECTS[defect]), proposal
        assert proposal.action == "add_rule"
        assert proposal.origin == RULES
    assert not any("opposite" in proposal.why for proposal in proposals)
    assert {proposal.text for proposal in proposals[:5]} == {
        "Do not say sorry.",
        "Mention the order number.",
        "End with a question.",
        "Use euros.",
        "Reply in English.",
    }


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_what_was_said_changes_neither_rules_nor_reasons(seed: int) -> None:
    signals, truth = planted()
    usual = extract(signals, mail())
    shuffled = list(signals)
    random.Random(seed).shuffle(shuffled)
    assert extract(shuffled, mail()) == usual
    # Said at other times, by other ids: the same five things are found.
    order = list(range(len(truth)))
    random.Random(seed).shuffle(order)
    signals, truth = planted(order)
    defects = [
        Counter(truth[event] for event in each.because).most_common(1)[0][0]
        for each in extract(signals, mail())
    ]
    assert set(defects[:5]) == set(DEFECTS)


def test_hash_seeds_change_nothing() -> None:
    script = (
        "import json; from promptvc.training.approaches.meta_prompt.extractor import extract\n"
        "from tests.training.approaches.meta_prompt.remarks import mail, planted\n"
        "print(json.dumps([each.to_json() for each in extract(planted()[0], mail(), most=40)]))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", script],
            cwd=ROOT,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(printed) == 1
    assert len(json.loads(printed.pop())) >= 5


def test_each_rule_counts_its_people_and_says_what_it_may_gain() -> None:
    proposals = found(
        [
            *(remark(number, "please cite the source", user=f"u{number % 3}") for number in range(6)),
            remark(6, "no emojis", user="u7", suggestion=True),
            event(7, "rating", stars=5, output="fine"),
        ]
    )
    first, second = proposals
    assert first.text == "Cite the source."
    assert first.because == tuple(sorted(an_id(number) for number in range(6)))
    assert first.why == "3 users in 6 events ask for it."
    # Six of seven judged answers lost everything for it; ten more without fault are assumed.
    assert first.effect == round(6 / 17, 4)
    assert first.basis == "what 6 of 7 judged answers lost, shrunk as by 10 without fault"
    assert second.why == "1 user in 1 event asks for it."
    assert second.effect is None
    assert second.basis == ""


def test_people_count_and_not_how_often_they_say_it() -> None:
    loud = [remark(number, "use bullet points", user="u1") for number in range(40)]
    two = [remark(40, "cite your sources", user="u2"), remark(41, "please name the source", user="u3")]
    proposals = found([*loud, *two])
    assert rules(proposals) == ["Name the source.", "Use bullet points."]
    assert proposals[1].why == "1 user in 40 events asks for it."


def test_the_same_words_of_nobody_in_particular_are_one_voice() -> None:
    proposals = found([remark(number, "Use bullet points!") for number in range(30)])
    assert [each.why for each in proposals] == ["1 user in 30 events asks for it."]


def test_most_is_a_cap_and_the_best_supported_stay() -> None:
    signals, _ = planted()
    everything = extract(signals, mail(), most=40)
    assert extract(signals, mail(), most=2) == everything[:2]


def test_what_the_prompt_says_already_is_not_said_again() -> None:
    texts = ("mention the order number", "order number missing")
    assert rules(said(*texts)) == ["Mention the order number."]
    assert said(*texts, prompt=mail("Always give the order number.")) == ()
    assert said(*texts, prompt=mail(system="Include the order number.")) == ()


@pytest.mark.parametrize(
    ("rule", "texts", "action", "text"),
    [
        ("Apologise first.", ("stop apologising", "no apologies please"), "reword_rule", "Do not apologise."),
        ("Apologise first.", ("no need to apologise", "there is no need to say sorry"), "remove_rule", None),
        (
            "Answer in German.",
            ("please answer in English", "should be in english"),
            "reword_rule",
            "Answer in English.",
        ),
        (
            "Never use bullet points.",
            ("use bullet points", "I want bullet points"),
            "reword_rule",
            "Use bullet points.",
        ),
    ],
)
def test_a_rule_that_people_speak_against_is_reworded_or_removed(
    rule: str, texts: tuple[str, ...], action: str, text: str | None
) -> None:
    prompt = mail("Sign with the shop's name.", rule)
    (proposal,) = said(*texts, prompt=prompt)
    assert (proposal.action, proposal.at, proposal.text) == (action, 1, text)
    assert proposal.because == tuple(sorted(an_id(number) for number in range(2)))
    assert proposal.why == "2 users in 2 events ask for it; rules[1] says otherwise."
    made = applied(prompt, [proposal])
    assert [each.text for each in made.rules] == ["Sign with the shop's name."] + ([text] if text else [])


def test_one_person_cannot_take_a_rule_away() -> None:
    again = [remark(number, "stop apologising", user="u1") for number in range(9)]
    assert found(again, mail("Apologise first.")) == ()


def test_what_people_disagree_about_is_no_rule() -> None:
    assert rules(said("shorter please", "too long", "longer please", "too short")) == []
    proposals = said("too long", "shorter please", "keep it short", "much too long", "longer please")
    assert [each.why for each in proposals] == ["4 users in 4 events ask for it, 1 user for the opposite."]


def test_who_asks_for_the_opposite_is_not_among_the_reasons() -> None:
    (proposal,) = said("use emojis", "please use emojis", "use more emojis", "do not use emojis")
    assert proposal.text == "Use emojis."
    assert an_id(3) not in proposal.because
    assert proposal.why == "3 users in 3 events ask for it, 1 user for the opposite."


def test_no_something_means_what_the_answers_show() -> None:
    complaints = [
        remark(number, "no greeting", user=f"u{number}", output="Your parcel is late.") for number in range(3)
    ]
    assert rules(found(complaints)) == ["Include the greeting."]
    complaints = [
        remark(number, "no greeting", user=f"u{number}", output="Hello! Your parcel is late.")
        for number in range(3)
    ]
    assert rules(found(complaints)) == ["Write no greeting."]
    assert rules(found([remark(0, "no dates", suggestion=True)])) == ["Write no dates."]
    assert found([remark(0, "no dates")]) == ()


def test_too_long_gets_a_number_from_answers_that_people_like() -> None:
    liked = [event(number, "rating", stars=5, output="word " * 33) for number in range(6)]
    minded = [remark(number, "too long", user=f"u{number}", output="word " * 90) for number in range(6, 9)]
    assert rules(found([*liked, *minded])) == ["Keep the answer short: at most 40 words."]
    assert rules(found(minded)) == ["Keep the answer short."]


def test_praise_is_no_wish_unless_it_asks() -> None:
    praise = [
        event(number, "rating", stars=5, comment="use of bullet points, nice", user=f"u{number}")
        for number in range(5)
    ]
    assert found(praise) == ()
    praise = [
        event(number, "rating", stars=5, comment="good, but please use bullet points", user=f"u{number}")
        for number in range(2)
    ]
    assert rules(found(praise)) == ["Use bullet points."]


def test_other_languages_are_grouped_and_crash_nothing() -> None:
    proposals = said(
        "bitte auf Englisch antworten",
        "Antworten bitte nur auf Englisch",
        "Veuillez répondre en anglais, s'il vous plaît",
        suggestion=True,
    )
    assert {an_id(0), an_id(1)} <= set(proposals[0].because)
    assert said("日本語で答えてください", "😀😀", "…", "ß", suggestion=True) == ()


def test_wishes_for_the_workshop_are_no_rules() -> None:
    assert (
        said(
            "Maybe add a line about login codes", "It would help if the prompt had examples", suggestion=True
        )
        == ()
    )


_WORDS = (
    "please do not never always stop no too many long answer in English euros the order number is missing , . ! ?"
    " should be must mention why it you sorry apologise instead of rather not but and 'x"
)
_PIECES = st.sampled_from(_WORDS.split())


@settings(max_examples=60)
@given(st.lists(st.one_of(st.text(max_size=60), st.lists(_PIECES, max_size=14).map(" ".join)), max_size=8))
def test_whatever_is_said_rules_are_plain_sentences_with_their_events(texts: list[str]) -> None:
    events = [
        remark(number, text, user=f"u{number}", suggestion=number % 2 == 0)
        for number, text in enumerate(texts)
    ]
    prompt = a_prompt()
    for proposal in found(events, prompt, most=50):
        assert proposal.text is not None
        assert screened(proposal.text) == proposal.text
        assert proposal.text[-1] in ".!?"
        assert "\n" not in proposal.text
        assert proposal.because == tuple(sorted(set(proposal.because)))
        assert set(proposal.because) <= {each.id for each in events}
        assert proposal.because
