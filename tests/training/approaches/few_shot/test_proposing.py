"""few_shot through the rounds: what it proposes keeps what is not its own, and learns from nothing else."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from promptvc.prompts.model import Example, Prompt, Rule
from promptvc.training.approach import Standing, Variant
from promptvc.training.approaches.few_shot.few_shot import FewShot
from promptvc.training.data.holdout import divide
from promptvc.training.data.items import build
from promptvc.training.options import TrainingOptions
from promptvc.training.scoring import Embed, Tools
from promptvc.training.sizes import tokens_of
from promptvc.training.task import TrainingTask
from tests.training.makers import a_prompt, corrections, offline, questions

ROOT = Path(__file__).resolve().parents[4]
ROWS = questions(100, 3)
OPTIONS = TrainingOptions(max_examples=12)
KINDS = (
    "invoice charge bill",
    "parcel courier van",
    "login password code",
    "milk mouldy fridge",
    "oven pan",
    "gift coupon",
)


def task_of(rows: Sequence[tuple[str, str]] = ROWS, prompt: Prompt | None = None) -> TrainingTask:
    prompt = prompt or a_prompt()
    dataset = build(corrections(rows), prompt)
    return TrainingTask.of(prompt, dataset, divide(dataset.items, None, prompt))


def tools(embed: Embed | None = None) -> Tools:
    return Tools(offline(), embed=embed)


def first(task: TrainingTask, prompt: Prompt | None = None) -> Standing:
    """Round 1, from ``prompt`` where another approach has changed the baseline."""
    start = prompt or task.prompt
    asked = offline().ask(start, [case.case for case in task.cases])
    return Standing(1, Variant("unchanged", lambda _: start), start, dict(enumerate(asked)), (), 3)


def after(task: TrainingTask, parent: Variant) -> Standing:
    return replace(first(task), round=2, parent=parent, prompt=parent.fit(everything(task)))


def everything(task: TrainingTask) -> list[int]:
    return list(range(len(task.cases)))


def by_topic(texts: Sequence[str]) -> list[list[float]]:
    """Vectors of meaning: a direction for each topic's words."""
    found = []
    for text in texts:
        counts = [1e-9 + sum(word in kind for word in text.split()) for kind in KINDS]
        length = sum(count * count for count in counts) ** 0.5
        found.append([count / length for count in counts])
    return found


def test_round_one_chooses_and_later_rounds_refine() -> None:
    task = task_of()
    proposer = FewShot().begin(task, OPTIONS, tools())
    choices = proposer.propose(first(task))
    assert [variant.name for variant in choices] == [
        "choose, correct, 12 at most",
        "choose, look ahead, 12 at most",
        "choose, cover, 12 at most",
        "choose, correct, 6 at most",
    ]
    standing = after(task, choices[0])
    assert [variant.name for variant in proposer.propose(standing)] == [
        "exchange the weakest quarter",
        "drop what adds nothing",
        "keep the stronger half",
        "the most typical last",
    ]
    assert proposer.propose(replace(standing, round=3)) == ()


def test_rules_messages_and_citations_of_the_parent_stay() -> None:
    task = task_of()
    changed = replace(
        task.prompt,
        rules=(Rule("Mouldy milk is t4.", ("01JD3M8Z6VQW4N9T2X5KAB7CDE",)),),
        messages=tuple(replace(each, content=each.content + " ") for each in task.prompt.messages),
    )
    cites = {"messages[0]": ("01JD3M8Z6VQW4N9T2X5KAB7CDE",)}
    proposer = FewShot().begin(task, OPTIONS, tools())
    standing = first(task, changed)
    parent = Variant("reflected", lambda _: changed, cites)
    choices = list(proposer.propose(replace(standing, parent=parent)))
    assert choices
    later = list(proposer.propose(after(task, choices[0])))
    assert later
    for variant in choices + later:
        made = variant.fit(everything(task))
        assert (made.rules, made.messages) == (changed.rules, changed.messages)
        assert variant.cites == cites
    assert all(variant.fit(everything(task)).examples for variant in later)


def test_what_is_not_learned_from_is_not_in_it() -> None:
    task = task_of()
    proposer = FewShot().begin(task, OPTIONS, tools())
    choices = list(proposer.propose(first(task)))
    later = list(proposer.propose(after(task, choices[0])))
    half = everything(task)[::2]
    known = {task.items[item].text for at in half if (item := task.cases[at].item) is not None}
    # Other answers outside of it change nothing.
    others = [replace(case, output="t9") if at % 2 else case for at, case in enumerate(task.cases)]
    items = [replace(item, output="t9") for item in task.items]
    kept = {item for at in half if (item := task.cases[at].item) is not None}
    items = [task.items[at] if at in kept else item for at, item in enumerate(items)]
    twin = replace(task, cases=tuple(others), items=tuple(items))
    other = FewShot().begin(twin, OPTIONS, tools())
    again = list(other.propose(replace(first(task), parent=Variant("unchanged", lambda _: task.prompt))))
    again += other.propose(after(twin, again[0]))
    for variant, same in zip(choices + later, again, strict=True):
        made = variant.fit(half)
        assert {example.input["message"] for example in made.examples} <= known
        assert same.fit(half).examples == made.examples


def test_bounds_hold_in_every_round() -> None:
    task = task_of()
    options = TrainingOptions(max_examples=10, max_tokens=160)
    proposer = FewShot().begin(task, options, tools())
    choices = list(proposer.propose(first(task)))
    for variant in [*choices, *proposer.propose(after(task, choices[0]))]:
        examples = variant.fit(everything(task)).examples
        assert len(examples) <= 10
        assert examples or "look ahead" in variant.name
        assert sum(map(tokens_of, examples)) <= 160


def test_refining_drops_adds_and_reorders_only_what_was_learned() -> None:
    written = (
        Example({"message": "my parcel is at the van"}, "t2"),
        Example({"message": "gift promo"}, "t6"),
    )
    task = task_of(prompt=replace(a_prompt(), examples=written))
    proposer = FewShot().begin(task, OPTIONS, tools())
    choice = proposer.propose(first(task))[2]
    before = choice.fit(everything(task)).examples
    exchanged, lean, half, ordered = (
        variant.fit(everything(task)).examples for variant in proposer.propose(after(task, choice))
    )
    for made in (exchanged, lean, half, ordered):
        assert made[:2] == written
    learned = len(before) - 2
    assert set(map(repr, half)) < set(map(repr, before))
    assert len(half) == len(before) - learned // 2
    assert set(map(repr, lean)) <= set(map(repr, before))
    assert sorted(map(repr, ordered)) == sorted(map(repr, before))
    assert len(set(map(repr, exchanged)) - set(map(repr, before))) >= 1


def test_twins_of_an_example_are_dropped() -> None:
    task = task_of()
    chosen = FewShot().begin(task, OPTIONS, tools()).propose(first(task))[0].fit(everything(task))
    doubled = replace(chosen, examples=(*chosen.examples, *chosen.examples[:3]))
    proposer = FewShot().begin(task, OPTIONS, tools())
    lean = proposer.propose(after(task, Variant("doubled", lambda _: doubled)))[1]
    made = lean.fit(everything(task)).examples
    assert len(set(map(repr, made))) == len(made) <= len(chosen.examples)


def test_the_most_typical_stands_last() -> None:
    rows = [(f"milk spoiled {word}", "t4") for word in ("again", "today", "really", "box", "week", "order")]
    rows += [("oven pan", "t5"), ("invoice price", "t1"), ("parcel late", "t2"), ("gift promo", "t6")]
    rows += [(f"milk smell {word}", "t4") for word in ("help", "still", "please", "order")]
    prompt = a_prompt()
    dataset = build(corrections(rows), prompt)
    split = divide(dataset.items, [], prompt)
    task = TrainingTask.of(prompt, dataset, split)
    texts = [item.text for item in task.items]
    odd = next(text for text in texts if not text.startswith("milk"))
    typical = next(text for text in texts if text.startswith("milk"))
    examples = tuple(
        Example(item.input, item.output, item.because)
        for text in (typical, odd)
        for item in task.items
        if item.text == text
    )
    parent = Variant("two", lambda _: replace(prompt, examples=examples))
    ordered = FewShot().begin(task, OPTIONS, tools()).propose(after(task, parent))[3]
    assert [each.input["message"] for each in ordered.fit(everything(task)).examples] == [odd, typical]


def test_the_offline_responder_is_not_asked_about_an_order() -> None:
    task = task_of(prompt=replace(a_prompt(), model="offline"))
    proposer = FewShot().begin(task, OPTIONS, tools())
    later = proposer.propose(after(task, proposer.propose(first(task))[0]))
    assert "the most typical last" not in [variant.name for variant in later]


def test_with_vectors_examples_are_chosen_by_meaning_and_once_by_words() -> None:
    task = task_of()
    asked: list[str] = []

    def embed(texts: Sequence[str]) -> list[list[float]]:
        asked.extend(texts)
        return by_topic(texts)

    proposer = FewShot().begin(task, OPTIONS, tools(embed))
    assert asked == []
    names = [variant.name for variant in proposer.propose(first(task))]
    assert names == [
        "choose, correct by meaning, 12 at most",
        "choose, look ahead by meaning, 12 at most",
        "choose, cover by meaning, 12 at most",
        "choose, correct by meaning, 6 at most",
        "choose, correct by words, 12 at most",
    ]
    assert len(asked) == len(set(asked))
    assert set(asked) >= {item.text for item in task.items}


def test_meaning_finds_what_shares_no_word() -> None:
    kinds = {"t4": ("mouldy", "fridge"), "t5": ("oven", "pan")}
    rows = [
        (f"{words[n % 2]} {chr(97 + n)}{chr(98 + n)}x", label)
        for label, words in kinds.items()
        for n in range(12)
    ]
    task = task_of(rows)
    variant = FewShot().begin(task, TrainingOptions(max_examples=2), tools(by_topic)).propose(first(task))[2]
    examples = variant.fit(everything(task)).examples
    assert sorted(example.output for example in examples) == ["t4", "t5"]


def test_free_text_is_covered_and_diverse() -> None:
    rows = [(text, f"Answer number {at}, in free words") for at, (text, _) in enumerate(ROWS)]
    task = task_of(rows)
    variants = FewShot().begin(task, OPTIONS, tools()).propose(first(task))
    assert [variant.name.split(", ")[1] for variant in variants] == ["cover", "diverse", "cover"]
    made = [variant.fit(everything(task)).examples for variant in variants]
    assert made[0] != made[1]
    assert [len(examples) for examples in made] == [12, 12, 6]


def fingerprint() -> str:
    task = task_of()
    proposer = FewShot().begin(task, OPTIONS, tools(by_topic))
    choices = list(proposer.propose(first(task)))
    later = list(proposer.propose(after(task, choices[0])))
    made = [variant.fit(everything(task)[::3]).examples for variant in choices + later]
    return hashlib.sha256(repr(made).encode()).hexdigest()


@pytest.mark.parametrize("seed", ["0", "7"])
def test_the_same_everywhere(seed: str) -> None:
    code = f"import sys; sys.path[:0] = {[str(ROOT), str(Path(__file__).parent)]!r}\nimport test_proposing\n"
    code += "print(test_proposing.fingerprint())"
    told = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    assert told.strip() == fingerprint()
