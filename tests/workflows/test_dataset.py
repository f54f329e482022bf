"""Data for fine-tuning, as a user makes it: created, exported from any clone, curated, checked."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

import promptvc
from promptvc.training.exporting.formats import FORMATS
from tests.builders import Repo
from tests.commands import Cli, Ran, cli_of
from tests.worlds import DESK, DESK_FILE, DESK_PROMPT, desk_rows, questions

MANIFEST = "datasets/routing.yaml"
CURATION = "datasets/routing.curation.yaml"


@pytest.fixture
def made(desk: Repo) -> Repo:
    cli_of(desk).ok("dataset", "create", "routing", "--prompt", DESK)
    return desk


def export(cli: Cli, place: Path, *options: str, form: str = "sft") -> bytes:
    cli.ok("dataset", "export", "routing", "--format", form, "--output", str(place), *options)
    return place.read_bytes()


def add_events(repo: Repo, folder: Path, rows: str) -> None:
    (folder / "more.jsonl").write_text(rows)
    cli_of(repo).ok("feedback", "import", str(folder / "more.jsonl"))
    cli_of(repo).ok("feedback", "commit")


def test_creating_commits_the_manifest_and_nothing_else(desk: Repo) -> None:
    before = desk.rev("HEAD")
    desk.write({"mine.txt": "not theirs"})
    cli = cli_of(desk)
    done = cli.json("dataset", "create", "routing", "--prompt", DESK)
    assert desk.git("diff", "--name-only", before, "HEAD").splitlines() == [MANIFEST]
    assert desk.status() == ["?? mine.txt"]
    assert (done["commit"], done["branch"], done["changed"]) == (desk.rev("HEAD"), "main", True)
    assert (done["prompt"], done["version"], done["digest"]) == (DESK, 1, desk.git("hash-object", DESK_FILE))
    assert done["origin"]["commit"] == before
    assert done["records"]["total"] == 60
    assert done["records"]["kinds"] == {"correction": 60}
    assert sum(done["records"]["splits"].values()) == 60
    assert done["records"]["left_out"] == {"repeat a hold-out input": 0}
    assert sum(done["rows"]["kto"].values()) == 120
    train = done["records"]["splits"]["train"]
    assert done["weights"]["kto"] == {"desirable": 1.0, "undesirable": 1.0}
    assert set(done["weights"]["labels"]) == {"alpha", "beta", "gamma"}
    stats = cli.json("dataset", "stats", "routing")
    for label, weight in done["weights"]["labels"].items():
        assert weight == pytest.approx(train / (3 * stats["labels"]["train"][label]), abs=1e-6)
    assert desk.git("log", "-1", "--format=%s") == f"Create dataset routing: 60 records of {DESK} v1"
    (listed,) = cli.json("dataset", "list")
    assert listed == cli.json("dataset", "show", "routing")
    assert {key: done[key] for key in listed} == listed


def test_every_clone_exports_the_same_bytes(made: Repo, tmp_path: Path) -> None:
    cli = cli_of(made)
    promised = cli.json("dataset", "show", "routing")["digests"]
    made.git("clone", "-q", str(made.path), str(tmp_path / "clone"))
    made.git("clone", "-q", "--depth", "1", made.path.as_uri(), str(tmp_path / "shallow"))
    for form in FORMATS:
        for split in ("train", "validation", "test"):
            here = export(cli, tmp_path / "here", "--split", split, form=form)
            assert hashlib.sha256(here).hexdigest() == promised[form][split]
            for clone in ("clone", "shallow"):
                assert (
                    export(cli.at(tmp_path / clone), tmp_path / "there", "--split", split, form=form) == here
                )
    whole = export(cli, tmp_path / "whole")
    assert whole == b"".join(
        export(cli, tmp_path / "part", "--split", split) for split in ("train", "validation", "test")
    )


def test_no_hash_seed_and_no_output_changes_a_byte(made: Repo, tmp_path: Path) -> None:
    cli = cli_of(made)
    written = export(cli, tmp_path / "rows", form="preference")
    for seed in ("1", "2"):
        arguments = ("dataset", "export", "routing", "--format", "preference")
        done = cli.process(*arguments, more={"PYTHONHASHSEED": seed})
        assert done == Ran(0, written.decode(), "")


def test_later_events_change_nothing_until_they_are_asked_for(made: Repo, tmp_path: Path) -> None:
    cli = cli_of(made)
    before = export(cli, tmp_path / "before")
    add_events(made, tmp_path, desk_rows(5, salt="later"))
    assert export(cli, tmp_path / "after") == before
    out = str(tmp_path / "now")
    done = cli.json("dataset", "export", "routing", "--format", "sft", "--output", out, "--at", "main")
    assert done["reproduced"] is False
    assert done["changed"] == ["2 segments of events instead of 1", "75 records instead of 60"]
    assert set(before.splitlines()) < set((tmp_path / "now").read_bytes().splitlines())
    noted = cli("dataset", "export", "routing", "--format", "sft", "--at", "main").err
    assert noted.count("not what the manifest promises: ") == 2


def test_an_update_keeps_the_query_and_moves_nothing(made: Repo, tmp_path: Path) -> None:
    cli = cli_of(made)
    before = {
        split: export(cli, tmp_path / "x", "--split", split) for split in ("train", "validation", "test")
    }
    again = cli.json("dataset", "create", "routing", "--update")
    assert not again["changed"]
    add_events(made, tmp_path, desk_rows(5, salt="later"))
    updated = cli.json("dataset", "create", "routing", "--update")
    assert (updated["changed"], updated["records"]["total"]) == (True, 75)
    assert updated["query"] == again["query"]
    for split, rows in before.items():
        assert set(rows.splitlines()) <= set(export(cli, tmp_path / "x", "--split", split).splitlines())
    assert made.git("log", "-1", "--format=%s").startswith("Update dataset routing: 75 records")


def test_the_version_stays_until_another_is_named(made: Repo, tmp_path: Path) -> None:
    cli = cli_of(made)
    made.write({DESK_FILE: made.read(DESK_FILE).replace(b"Answer with", b"Reply with")})
    cli.ok("commit", DESK, "-m", "Reply")
    assert b"Answer with" in export(cli, tmp_path / "rows")
    assert cli.json("dataset", "create", "routing", "--update")["version"] == 1
    assert cli.json("dataset", "create", "routing", "--update", "--prompt", f"{DESK}@v2")["version"] == 2
    assert b"Reply with" in export(cli, tmp_path / "rows")


def test_the_hold_out_stays_out(desk: Repo, tmp_path: Path) -> None:
    asked = questions("alpha", 3, salt="hold")  # of the suite
    row = {
        "time": "2026-02-01T10:00:00Z",
        "prompt": DESK,
        "kind": "demonstration",
        "source": "human",
        "output": "alpha",
    }
    add_events(
        desk, tmp_path, "".join(json.dumps(row | {"input": {"question": one}}) + "\n" for one in asked)
    )
    cli = cli_of(desk)
    done = cli("dataset", "create", "routing", "--prompt", DESK)
    assert "3 left out: repeat a hold-out input" in done.out
    rows = export(cli, tmp_path / "rows").decode()
    assert not [one for one in asked if one in rows]
    leaky = cli("dataset", "create", "leaky", "--prompt", DESK, "--with-holdout")
    assert "63 records" in leaky.out
    assert "an evaluation on them says nothing" in leaky.err


def test_a_curation_counts_once_it_is_committed(made: Repo, tmp_path: Path) -> None:
    cli = cli_of(made)
    first, second = (event["id"] for event in cli.json("feedback", "list", DESK)[:2])
    before = export(cli, tmp_path / "before")
    entries = (
        f"- {{action: drop, events: [{first}], reason: wrong}}\n"
        f"- {{action: keep, events: [{second}], reason: fine}}\n"
    )
    made.write({CURATION: entries})
    done = cli("dataset", "export", "routing", "--format", "sft")
    assert done.out.encode() == before
    assert "do not count until they are committed" in done.err
    made.commit({CURATION: entries}, "Curate")
    changed = cli.json("dataset", "export", "routing", "--format", "sft", "--output", str(tmp_path / "after"))
    assert changed["changed"] == ["the curation is another", "59 records instead of 60"]
    updated = cli.json("dataset", "create", "routing", "--update")
    assert updated["records"]["left_out"]["dropped by the curation"] == 1
    assert len(export(cli, tmp_path / "after").splitlines()) == len(before.splitlines()) - 1
    assert cli.json("check")["problems"] == []


def test_proposals_are_added_once_and_keep_what_stands_there(made: Repo, tmp_path: Path) -> None:
    text = "I have waited for my parcel since last Monday and nobody tells me where it is"
    row = {
        "time": "2026-02-01T10:00:00Z",
        "prompt": DESK,
        "kind": "demonstration",
        "source": "human",
        "output": "alpha",
    }
    add_events(
        made, tmp_path, "".join(json.dumps(row | {"input": text + end}) + "\n" for end in ("", "!", " now"))
    )
    cli = cli_of(made)
    assert cli.json("dataset", "propose", "routing") == {"file": CURATION, "proposed": []}
    assert not (made.path / CURATION).exists()
    done = cli.json("dataset", "create", "routing", "--update", "--propose")
    (entry,) = done["proposed"]
    assert (entry["action"], len(entry["events"])) == ("drop", 1)
    written = made.read(CURATION)
    assert cli.json("dataset", "propose", "routing")["proposed"] == []
    assert made.read(CURATION) == written


def test_refusals(made: Repo) -> None:
    cli = cli_of(made)
    assert "--update" in cli.fails(2, "dataset", "create", "routing", "--prompt", DESK)
    assert "--prompt NAME" in cli.fails(2, "dataset", "create", "other")
    assert "did you mean routing?" in cli.fails(2, "dataset", "show", "routin")
    assert "did you mean" in cli.fails(2, "dataset", "create", "other", "--prompt", "desk/rout")
    assert "--update keeps" in cli.fails(
        2, "dataset", "create", "routing", "--update", "--since", "2026-01-01"
    )
    assert "three numbers" in cli.fails(2, "dataset", "create", "o", "--prompt", DESK, "--shares", "1/2")
    assert "add up to 1" in cli.fails(2, "dataset", "create", "o", "--prompt", DESK, "--shares", "1/2/3")
    assert "is no time" in cli.fails(2, "dataset", "create", "o", "--prompt", DESK, "--until", "soon")
    assert "no kind" in cli.fails(
        2, "dataset", "create", "o", "--prompt", DESK, "--kinds", "correction,usage"
    )
    assert "60 not reviewed" in cli.fails(1, "dataset", "create", "o", "--prompt", DESK, "--reviewed-only")
    assert "--output FILE" in cli("dataset", "export", "routing", "--format", "sft", "--json").error["hint"]
    assert "no revision" in cli.fails(2, "dataset", "export", "routing", "--format", "sft", "--at", "nowhere")
    cli.fails(2, "dataset", "export", "routing", "--format", "csv")
    assert made.status() == []


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--since", "999999999", "is no time"),
        ("--since", "0001-01-01T00:00:00+14:00", "is no time"),
        ("--until", "9999-12-31T23:59:59-12:00", "is no time"),
        ("--until", "1970-01-01", "no event of"),
        ("--since", "9999-12-31", "no event of"),
        ("--until", "0001-01-01", "no event of"),
    ],
)
def test_absurd_times_are_one_clear_error(desk: Repo, option: str, value: str, said: str) -> None:
    code = 2 if said == "is no time" else 1
    create = ("dataset", "create", "o", "--prompt", DESK, option, value)
    assert said in cli_of(desk).fails(code, *create)


def test_the_first_and_the_last_day_stand_in_the_manifest(desk: Repo) -> None:
    cli = cli_of(desk)
    cli.ok("dataset", "create", "o", "--prompt", DESK, "--since", "0001-01-01", "--until", "9999-12-31")
    query = cli.json("dataset", "show", "o")["query"]
    assert (query["since"], query["until"]) == ("0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z")
    text = desk.read("datasets/o.yaml").decode()
    desk.write({"datasets/o.yaml": text.replace("days: 30", "days: 999999999")})
    assert "days" in cli.fails(2, "dataset", "show", "o")


def test_a_dataset_is_called_one_and_no_zero_is_told(made: Repo) -> None:
    cli = cli_of(made)
    for command in ("create", "show"):
        assert "`Bad Name` cannot name a dataset" in cli.fails(2, "dataset", command, "Bad Name")
    assert cli.json("dataset", "show", "routing")["records"]["left_out"] == {"repeat a hold-out input": 0}
    assert "left out" not in cli.ok("dataset", "show", "routing")
    refused = cli.fails(1, "dataset", "create", "o", "--prompt", DESK, "--reviewed-only")
    assert "gives a record: 60 not reviewed\n" in refused


def test_a_prompt_without_feedback_says_how_to_give_some(made: Repo) -> None:
    quiet = {"prompts/quiet.yaml": DESK_PROMPT.replace(DESK, "quiet"), "promptvc.yaml": "main: main\n"}
    made.commit(quiet, "Quiet")
    cli = cli_of(made)
    create = ("dataset", "create", "o", "--prompt", "quiet")
    assert "hint: promptvc feedback add quiet, " in cli.fails(1, *create)
    made.git("switch", "-q", "-c", "side")
    cli.ok("feedback", "add", "quiet", "--suggestion", "be brief")
    cli.ok("feedback", "commit")
    assert "committed here and not on main" in cli.fails(1, *create)
    made.git("switch", "-q", "main")
    made.git("merge", "-q", "side")
    assert "--corrected" in cli.fails(1, *create)


@pytest.mark.parametrize(
    ("number", "other", "said"),
    [
        ("total: 60", "total: 6", "`records.total` says 6, and there are 60"),
        ("correction: 60", "correction: 59", "`records.kinds.correction` says 59, and there are 60"),
        ("correction: 60", "rating: 60", "`records.kinds.correction` says 0, and there are 60"),
    ],
)
def test_an_export_holds_the_numbers_against_the_manifest(
    made: Repo, tmp_path: Path, number: str, other: str, said: str
) -> None:
    cli = cli_of(made)
    text = made.read(MANIFEST).decode()
    assert number in text
    made.write({MANIFEST: text.replace(number, other, 1)})
    command = ("dataset", "export", "routing", "--format", "sft", "--output", str(tmp_path / "rows"))
    done = cli(*command)
    assert (done.code, "as the manifest promises" in done.out) == (0, False)
    assert f"not what the manifest promises: {said}\n" in done.err
    told = cli.json(*command)
    assert told["reproduced"] is False
    assert said in told["changed"]


def test_an_export_holds_its_rows_against_the_manifest(made: Repo, tmp_path: Path) -> None:
    cli = cli_of(made)
    rows = cli.json("dataset", "show", "routing")["rows"]["sft"]
    text = made.read(MANIFEST).decode()
    before, after = text.split("\nrows:\n", 1)
    wrong = after.replace(f"train: {rows['train']}", "train: 1", 1)  # sft is the first of the formats
    made.write({MANIFEST: f"{before}\nrows:\n{wrong}"})
    command = ("dataset", "export", "routing", "--format", "sft", "--output", str(tmp_path / "rows"))
    assert f"`rows.sft.train` says 1, and there are {rows['train']}" in cli(*command).err
    assert cli.json(*command, "--split", "test")["reproduced"] is True


def test_check_looks_at_manifests_and_curations(made: Repo) -> None:
    cli = cli_of(made)
    text = made.read(MANIFEST).decode()
    stranger = "01JD3M8Z6VQW4N9T2X5KAB7CDE"

    def problems(files: dict[str, str], code: int) -> list[tuple[str, str, str]]:
        made.write(files)
        found = cli.json("check", codes=(code,))["problems"]
        return [(one["rule"], one["severity"], one["message"]) for one in found]

    assert problems({MANIFEST: text.replace("total: 60", "total: 61")}, 1) == [
        ("dataset", "error", f"`records.{key}` add up to 60, not to the 61 of `total`")
        for key in ("kinds", "splits")
    ]
    ((rule, severity, message),) = problems({MANIFEST: text.replace("grouping: user", "grouping: nobody")}, 1)
    assert (rule, severity) == ("dataset", "error")
    assert "grouping" in message
    digest = made.git("hash-object", DESK_FILE)
    ((_, severity, message),) = problems({MANIFEST: text.replace(digest, "0" * len(digest))}, 0)
    assert (severity, message) == ("warning", f"{DESK} v1 (0000000000) is not here")
    curation = f"- {{action: drop, events: [{stranger}], reason: x}}\n"
    assert problems({MANIFEST: text, CURATION: curation}, 0) == [
        ("curation", "warning", f"there is no event {stranger}")
    ]
    assert problems({CURATION: curation.replace("drop", "delete")}, 1)[0][:2] == ("curation", "error")
    assert problems({CURATION: curation, MANIFEST: text}, 0) != []
    (made.path / MANIFEST).unlink()
    assert problems({CURATION: curation}, 0) == [("curation", "warning", "there is no dataset routing")]


def test_the_library_makes_and_exports_datasets(desk: Repo, tmp_path: Path) -> None:
    with promptvc.open(desk.path, environ=desk.environ) as library:
        created = library.create_dataset("routing", DESK, shares=(1.0, 0.0, 0.0))
        assert created.manifest.made.splits == {"train": 60, "validation": 0, "test": 0}
        assert [one.name for one in library.datasets()] == ["routing"]
        done = library.export_dataset("routing", "dpo", tmp_path / "pairs", split="train")
        assert (done.reproduced, dict(done.rows)) == (True, {"train": 60})
        assert library.propose_curation("routing").entries == ()
        assert not library.update_dataset("routing").changed


def test_a_bare_repository_reads_datasets(made: Repo, tmp_path: Path) -> None:
    made.git("clone", "-q", "--bare", str(made.path), str(tmp_path / "bare"))
    cli = cli_of(made).at(tmp_path / "bare")
    assert [one["name"] for one in cli.json("dataset", "list")] == ["routing"]
    assert export(cli, tmp_path / "there") == export(cli_of(made), tmp_path / "here")
    assert "no working tree" in cli.fails(2, "dataset", "propose", "routing")
