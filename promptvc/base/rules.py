"""Every rule of `check`: its stable name, how grave it is, what it is for.

The name is a contract: settings, comments in prompts and the reports of other tools refer to it.
"""

from __future__ import annotations

from dataclasses import dataclass

from promptvc.base.findings import Severity
from promptvc.base.schema_messages import nearest_word


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes:
        severity: unless the settings say another, or the finding itself is graver.
        summary: what it finds, as one sentence.
        reason: why that is worth a finding.
        fixable: whether `check --fix` can mend some of what it finds.
        ignorable: whether a comment in the file may silence it; not what guards history, deployments and secrets.
    """

    id: str
    severity: Severity
    summary: str
    reason: str
    fixable: bool = False
    ignorable: bool = False


def _integrity(name: str, severity: Severity, summary: str, reason: str) -> Rule:
    return Rule(name, severity, summary, reason)


def _lint(name: str, severity: Severity, summary: str, reason: str, *, fixable: bool = False) -> Rule:
    return Rule(name, severity, summary, reason, fixable, ignorable=True)


_ALL = (
    # What a prompt says
    _lint(
        "unused-variable", "warning", "A declared variable stands in no message.",
        "Callers give a value that the model never sees; often the place is misspelt.",
    ),
    _lint(
        "undeclared-variable", "warning", "A message has a place for a variable that is not declared.",
        "Nobody who reads `variables` knows that it has to be given.",
    ),
    _lint(
        "template", "warning", "A template cannot be rendered, or a text only looks like a place.",
        "What is no place reaches the model as it is written.",
    ),
    _lint(
        "injection-prone", "warning", "Text that a stranger writes stands where instructions stand.",
        "A model cannot tell it from the instructions around it.",
    ),
    _lint(
        "contradicting-rules", "warning", "Two rules say opposite things.",
        "The model follows one of them, and which one changes from answer to answer.",
    ),
    _lint(
        "duplicate-rule", "warning", "Two rules say the same.",
        "It costs tokens, and an edit of one leaves the other behind.", fixable=True,
    ),
    _lint(
        "duplicate-example", "warning", "Two examples are the same.",
        "It costs tokens and tells the model nothing new.", fixable=True,
    ),
    _lint(
        "contradicting-examples", "warning", "Two examples have one input and different outputs.",
        "One of them teaches the wrong answer, unless both are right.",
    ),
    _lint(
        "example-output", "warning", "An example answers with text where the prompt asks for JSON.",
        "Models follow examples before they follow `output`.",
    ),
    _lint(
        "empty-message", "warning", "A message has no text.",
        "Several providers refuse a request with an empty message.",
    ),
    _lint(
        "oversize", "warning", "A prompt is longer than `check.max_characters`, or its file than 1 MiB.",
        "Every call pays for every character.",
    ),
    _lint(
        "unknown-key", "warning", "A key that promptvc does not know.",
        "It is kept and has no effect; often it is misspelt.",
    ),
    _lint(
        "prompt-yml", "warning", "Something in a .prompt.yml means nothing here.",
        "It meant something to GitHub's own tools, which are retired.",
    ),
    _lint(
        "byte-order-mark", "warning", "A file begins with a byte order mark.",
        "Other tools take it for a part of the first key.", fixable=True,
    ),
    _lint(
        "line-ends", "warning", "Lines end with CR LF.",
        "Digests are of bytes: an editor that writes LF makes another version of the same text.", fixable=True,
    ),
    _lint(
        "crowded", "warning", "Very many prompts lie in one folder.", "Every commit writes the folder anew.",
    ),
    _lint(
        "leak", "warning", "A case of the hold-out is an example of the prompt.",
        "The case then asks whether the model can copy.",
    ),
    # What nobody may hide
    _integrity(
        "secret", "error", "A file holds what looks like a key, a token or a private key.",
        "Git keeps it for ever, and every clone has it.",
    ),
    _integrity(
        "hidden-characters", "error", "A prompt holds characters that no reader sees.",
        "They can say something to a model that a reviewer does not read.",
    ),
    _integrity(
        "conflict-markers", "error", "A merge was committed unresolved.", "Both sides would reach the model.",
    ),
    _integrity(
        "link", "error", "A symbolic link stands where a file of ours should.",
        "git keeps the path that it names, so no version has the text that it leads to.",
    ),
    _integrity(
        "nested", "error", "A folder of ours is a repository of its own.", "Nothing in it is read.",
    ),
    _integrity("settings", "error", "The settings cannot be used.", "The defaults would count instead."),
    _integrity("name", "error", "A file's path is no name.", "Nothing can refer to it."),
    _integrity("prompt", "error", "A file is no prompt.", "It cannot be rendered."),
    _integrity(
        "version-reuse", "error", "A version number has two contents.",
        "Evidence, deployments and people mean one text by one number.",
    ),
    _integrity("suite", "error", "A suite cannot be used.", "Its prompt cannot be judged."),
    _integrity("evidence", "error", "A record is not what it should be.", "Nothing can rest on it."),
    _integrity("quarantine", "warning", "A quarantine is out of date or cannot be read.", "It hides failures."),
    _integrity("baseline", "error", "An approved baseline is not as in its evidence.", "It was not what was approved."),
    _integrity("dataset", "error", "The manifest of a dataset contradicts itself.", "It does not say what was made."),
    _integrity("curation", "error", "A curation is of events that are not there.", "It has no effect."),
    _integrity("environment", "error", "The rules of an environment cannot be kept.", "Nothing gets in, or anything."),
    _integrity(
        "deployment", "error", "A deployment is no version of main.",
        "Its text was edited by hand and reviewed by nobody.",
    ),
    _integrity("hold", "error", "A hold cannot be read.", "It holds nothing."),
    _integrity("hold-dangling", "error", "A hold is of a content that there never was.", "It holds nothing."),
    _integrity("hold-ignored", "error", "An environment runs what is held.", "Somebody said that it must not."),
    _integrity("hold-lifted", "warning", "An environment runs what was held until lately.", "Look once more."),
    _integrity("segment", "error", "A file of feedback lies where none is read.", "Its events do not count."),
    _integrity("event", "error", "A line of feedback is no event.", "It does not count."),
    _integrity("event-time", "warning", "Feedback is dated in the future.", "It does not count before its time."),
    _integrity("event-conflict", "error", "One event has two contents.", "One of them was edited."),
    _integrity("expired-event", "error", "Texts that were taken out came back.", "An old branch was merged."),
    _integrity("archive", "error", "The list of archived feedback cannot be used.", "What it lists does not count."),
    _integrity("archive-absent", "warning", "Archived feedback cannot be read here.", "It does not count."),
    _integrity(
        "derived", "error", "Derived files are committed.",
        "Whoever made them could have them say anything about history and scores.",
    ),
    _integrity("leftover", "warning", "A crash left something in the git folder.", "The next commit mends it."),
    _integrity("spool", "warning", "A line in the spool is torn.", "It was not counted as an event."),
    # Comments that silence findings
    _integrity("unused-ignore", "warning", "A comment silences nothing.", "It would silence what comes later."),
    _integrity("refused-ignore", "error", "A comment tries to silence what no file may silence.", "It has no effect."),
)  # fmt: skip

RULES = {rule.id: rule for rule in _ALL}


def nearest_rule(name: str) -> str | None:
    """The rule that ``name`` was probably meant to be."""
    return nearest_word(name, RULES)
