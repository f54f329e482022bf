"""Each rule about prompts: what it finds, where, and what it leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptvc.base.config import CheckSettings
from promptvc.base.rules import RULES
from tests.prompts.lint.linting import ASKED, HEAD, PLAIN, lint, rules_of, user, with_rules

EXAMPLES = "examples:\n"


def example(question: str, output: str) -> str:
    return f"  - input: {{question: {question}}}\n    output: {output}\n"


FOUND = [
    # rule, what has it, its line, what has it not
    ("undeclared-variable", HEAD + PLAIN, 3, ASKED),
    ("unused-variable", ASKED.replace("{question:", "{other: {required: true}, question:"), 3, ASKED),
    ("template", ASKED.replace("Answer.", "'Answer {question}.'"), 5, ASKED),
    ("template", ASKED.replace("Answer.", "'Answer {{ a b }}.'"), 5, ASKED.replace("Answer.", "'a {b} c'")),
    ("empty-message", ASKED.replace("Answer.", "' '"), 5, ASKED),
    ("unknown-key", ASKED + "owner: me\n", 7, ASKED + "metadata: {owner: me}\n"),
    (
        "duplicate-rule",
        with_rules("Say  please.", "say PLEASE."),
        9,
        with_rules("Say please.", "Say thank you."),
    ),
    (
        "duplicate-rule",
        with_rules("Answer the questions politely.", "Please answer questions politely"),
        9,
        with_rules("Questions about cards are `card_one`", "Questions about bills are `card_two`"),
    ),
    (
        "duplicate-rule",
        with_rules("Be brief.", "Be brief."),
        9,
        with_rules("Be brief.", "Be kind."),
    ),
    (
        "duplicate-example",
        ASKED + EXAMPLES + example("hi  there", "a") + example("hi there", "a"),
        10,
        ASKED + EXAMPLES + example("HI", "a") + example("hi", "a"),
    ),
    (
        "contradicting-examples",
        ASKED + EXAMPLES + example("hi", "a") + example("hi", "b"),
        10,
        ASKED + EXAMPLES + example("hi", "a") + example("ho", "b"),
    ),
    (
        "example-output",
        ASKED + "output: {format: json}\n" + EXAMPLES + example("hi", "none"),
        10,
        ASKED + "output: {format: json}\n" + EXAMPLES + example("hi", "'{\"a\": 1}'"),
    ),
    ("byte-order-mark", "\ufeff" + ASKED, 1, ASKED),
    ("line-ends", ASKED.replace("\n", "\r\n"), 1, ASKED),
    ("oversize", ASKED.replace("Answer.", "A" * 40_000), 4, ASKED.replace("Answer.", "A" * 30_000)),
    ("oversize", ASKED + f"metadata: {{data: {'A' * 2**20}}}\n", None, ASKED),
    ("conflict-markers", f"<<<<<<< ours\n{ASKED}=======\n{ASKED}>>>>>>> theirs\n", 1, ASKED),
    ("conflict-markers", ASKED + "# <<<<<<< ours\n# >>>>>>> theirs\n", 7, ASKED + "# ======= part =======\n"),
    ("hidden-characters", ASKED.replace("Answer.", "An\u200bswer."), 5, ASKED.replace("Answer.", "می\u200cخواهم")),
    ("hidden-characters", ASKED.replace("Answer.", "A \u202egnirts"), 5, ASKED.replace("Answer.", "שלום")),
    (
        "hidden-characters",
        ASKED.replace("Answer.", "Hi \U000e0041\U000e0042"),
        5,
        ASKED.replace("Answer.", "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f ❤\ufe0f"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "bad", "line", "good"), FOUND)
def test_a_rule_finds_what_it_is_for_and_nothing_else(
    rule: str, bad: str, line: int | None, good: str
) -> None:
    found = lint(bad)
    assert [(one.rule, one.line) for one in found] == [(rule, line)]
    assert found[0].severity == RULES[rule].severity
    assert lint(good) == []


CONTRADICTIONS = [
    ("Always mention the price.", "Never mention the price."),
    ("Mention prices", "Do not mention the price."),
    ("Give advice about taxes.", "You must not give advice about taxes."),
    ("A refund is billing, always.", "A refund is never billing."),
    ("Questions about cards are card_arrival.", "Questions about cards are card_fraud."),
    ("Questions about cards go to `cards`", "Questions about cards belong to `fraud`"),
    ("Answer in German.", "Answer in English."),
    ("Answer in at most 50 words.", "Answer in at least 80 words."),
    ("Give exactly 3 reasons.", "Give exactly 5 reasons."),
    ("If the order is late, apologise.", "If the order is late, do not apologise."),
    ("Write your reply to the customer in German.", "Write your reply to the customer in French."),
    ("Keep summaries under 20 words.", "Keep summaries over 100 words."),
    ("Use no emojis.", "Use emojis."),
    ("Write 'none' for empty fields.", "Do not write 'none' for empty fields."),
]


@pytest.mark.parametrize(("one", "other"), CONTRADICTIONS)
def test_rules_that_contradict_each_other(one: str, other: str) -> None:
    for first, second in ((one, other), (other, one)):
        (problem,) = lint(with_rules("Be brief", first, "Stay calm", second))
        assert (problem.rule, problem.line) == ("contradicting-rules", 11)
        assert problem.message.startswith("contradicts rule 2")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("If the customer is angry, apologise.", "If the customer is not angry, apologise."),
        ("Apologise when the box is late.", "Do not apologise when the box is early."),
        ("Answer in German when they write in German.", "Answer in English when they write in English."),
        ("Answer in at most 50 words.", "Answer in at least 20 words."),
        ("Give exactly 3 reasons.", "Give exactly 3 examples."),
        ("A charge they do not recognise is card_fraud.", "A charge they do recognise is card_payment."),
        ("Questions about cards are card_arrival.", "Questions about late cards are card_fraud."),
        ("The tone is friendly.", "The tone is warm."),
        ("Mention the price.", "Mention the delivery date."),
        ("Do not mention the price.", "Never mention the date."),
        ("Do not mention the price.", "Never mention prices."),
        ("This is `a`.", "It is `b`."),
        ("Messages in Spanish go to the latam team.", "Messages in Portuguese go to the latam team."),
        ("Answer messages in Spanish with care.", "Answer messages in Portuguese with care."),
        ("Orders over 100 dollars need approval.", "Orders under 20 dollars need approval."),
        ("Messages over 100 words go to the long queue.", "Messages under 20 words go to the long queue."),
        ("Write 'not applicable' for empty fields.", "Write 'applicable' for empty fields."),
        ("Label no shows as missed.", "Label shows as missed."),
    ],
)
def test_rules_that_only_look_alike_do_not_contradict(one: str, other: str) -> None:
    assert "contradicting-rules" not in rules_of(with_rules(one, other))


EXPOSED = [
    ("Summarise {{ text }} in two sentences.", 7, "inside a sentence"),
    ("Summarise {{ text }}", 7, "inside a sentence"),
    ("Text:\n{{ text }}\n\nNow translate it.", 8, "has instructions behind it"),
    ("{{ text }} Translate this.", 7, "has instructions behind it"),
    ("<text>\n{{ text }}\nTranslate the text.", 8, "has instructions behind it"),
    ("<a></a>{{ text }}</a>\nTranslate.", 7, "inside a sentence"),
    ("```\ncode\n```\n{{ text }}\nTranslate.\n```", 10, "has instructions behind it"),
    ("{{ text }}\n{{ rules }}", 7, "has instructions behind it"),
]


@pytest.mark.parametrize(("content", "line", "words"), EXPOSED)
def test_text_of_strangers_among_instructions(content: str, line: int, words: str) -> None:
    (problem,) = lint(user(content))
    assert (problem.rule, problem.line) == ("injection-prone", line)
    assert problem.message.startswith("`text`")
    assert words in problem.message
    assert lint(user(content), CheckSettings(trusted=("text",))) == []


def test_one_finding_a_prompt_names_all_its_variables() -> None:
    head = HEAD + "variables: {a: {required: true}, b: {required: true}, c: {required: true}}\n"
    text = head + 'messages:\n  - {role: system, content: "{{ c }} it is"}\n'
    text += '  - {role: user, content: "Do you like {{ a }} and {{ b }}?"}\n'
    (problem,) = lint(text)
    assert (problem.rule, problem.line) == ("injection-prone", 5)
    assert problem.message.startswith("`c` stands in a system message")
    assert problem.message.endswith("; each of `a`, `b` stands inside a sentence of instructions")
    assert "trusted: [c, a, b]" in (problem.hint or "")
    assert "`c`" not in lint(text, CheckSettings(trusted=("c",)))[0].message


@pytest.mark.parametrize(
    "content",
    [
        "{{ text }}",
        "Translate the text below.\n\n{{ text }}",
        "Question: {{ text }}",
        'Translate into French: "{{ text }}"',
        "<text>\n{{ text }}\n</text>\nTranslate the text.",
        "<doc lang='de'>\nBody:\n{{ text }}\n</doc>\nTranslate.",
        "```\n{{ text }}\n```\nTranslate.",
        "---\n{{ text }}\n---\nTranslate.",
        "<<< {{ text }} >>>\nTranslate.",
        'Translate """{{ text }}""" into French.',
        "BEGIN TEXT\n{{ text }}\nEND TEXT\nTranslate.",
        "Text: {{ text }}\nLanguage:",
        "{{ examples }}\n{{ text }}",
    ],
)
def test_text_that_is_told_apart(content: str) -> None:
    assert lint(user(content)) == []


def test_a_variable_in_a_system_message_is_found_once_and_other_roles_are_not() -> None:
    text = HEAD + "variables: {a: {required: true}}\n"
    text += 'messages:\n  - {role: system, content: "{{ a }} and {{ a }}"}\n'
    text += '  - {role: assistant, content: "{{ a }} it"}\n'
    (problem,) = lint(text)
    assert (problem.rule, problem.line) == ("injection-prone", 5)
    assert "system message" in problem.message
    assert problem.hint is not None
    assert "trusted: [a]" in problem.hint


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ("{% for d in text %}{{ d.body }}{% endfor %}\nSum it up.", ["injection-prone"]),
        ("{% set t = text | upper %}{{ t }} is to be read.", ["injection-prone"]),
        ("{{ text | upper }}\nSum it up.", ["injection-prone"]),
        ("{% if text %}Sum it up.{% endif %}", []),
        ("<t>{% for d in text %}{{ d }}{% endfor %}</t>\nSum it up.", []),
        ("{{ known | default(text) }} is to be read.", ["injection-prone"]),
        ("{{ known | replace('a', text) | upper }} is to be read.", ["injection-prone"]),
        ("{{ '" + "-" * 400 + "' ~ text }} is to be read.", ["injection-prone"]),
        ("{{ '}}' ~ text }} is to be read.", ["injection-prone"]),
        ("{% set t = known | default(text) %}{{ t }} is to be read.", ["injection-prone"]),
        ("{{ known.text | upper(text='x') }} is to be read.{% if text is text %}{% endif %}", []),
    ],
)
def test_jinja_hides_nothing(content: str, found: list[str]) -> None:
    text = user(content, variables="text").replace("messages:", "template: jinja2\nmessages:")
    settings = CheckSettings(trusted=("known",))
    assert [rule for rule in rules_of(text, settings) if rule != "undeclared-variable"] == found


def test_line_and_column_of_a_hidden_character_and_its_name_instead_of_it() -> None:
    (problem,) = lint(ASKED.replace("Answer.", "An\u200bswer."))
    assert (problem.line, problem.column) == (5, 31)
    assert "U+200B" in problem.message
    assert "\u200b" not in f"{problem.message}{problem.hint}"


def test_a_file_with_very_many_rules_is_read_without_hurry() -> None:
    texts = [f"Rule {number} never says word{number}" for number in range(2000)]
    assert lint(with_rules(*texts), CheckSettings(max_characters=10**6)) == []


PLACES = "\n".join(f"{{{{ a{number} }}}}" for number in range(100))


@pytest.mark.parametrize(
    "content",
    [
        "{{ a }}" * 14_000,
        "{{ " * 30_000,
        "{% set a = " * 9_000,
        "{% for a" + " " * 90_000,
        "_" * 90_000 + "! {{ text }}",
        "<a>" * 30_000 + "{{ text }} and",
        "{{ text }} and " * 6_000,
        "* " * 45_000 + "{{ text }}",
        PLACES + "\n" + "{{ " * 30_000,
        PLACES + "\n" + "a:\n" * 30_000,
        "---\n" * 24_000 + PLACES,
        "<a>" * 30_000 + PLACES,
        "{% for a" + " " * 90_000 + "%}{{ a }}",
        "{{ " + "\\'" * 45_000 + " }}",
        "{{ \\' }}" * 12_000,
    ],
    ids=range(15),
)
@pytest.mark.parametrize("template", ["simple", "jinja2"])
def test_no_text_keeps_the_check_busy(content: str, template: str) -> None:
    """Each of these takes minutes where a pattern is read again from every place on."""
    rules_of(user(content).replace("messages:", f"template: {template}\nmessages:"))


def test_no_rule_keeps_the_check_busy() -> None:
    texts = ["a" + " " * 90_000 + "b", "x is " * 20_000, "not " * 20_000, "at most " * 12_000]
    lint(ASKED + "rules:\n" + "".join(f"  - text: {text}\n" for text in texts))


def test_a_message_that_is_too_long_to_look_through_is_no_safe_one() -> None:
    text = user("{{ text }}" + " a" * 60_000)
    assert rules_of(text, CheckSettings(max_characters=10**6)) == ["injection-prone"]


@pytest.mark.parametrize(
    "path", sorted(Path("tests/prompts/documents").glob("*.yaml")), ids=lambda path: path.stem
)
def test_hand_written_prompts_have_no_findings_but_these(path: Path) -> None:
    known = {
        "anchors": {
            "undeclared-variable",
            "injection-prone",
            "unknown-key",
            "contradicting-examples",
            "duplicate-example",
        },
    }
    found = set(rules_of(path.read_bytes()))
    assert found <= {"undeclared-variable", "unused-variable", "unknown-key", "injection-prone"} | known.get(
        path.stem, set()
    )
