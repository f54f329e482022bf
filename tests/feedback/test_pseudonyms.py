from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from promptvc.base.errors import InputError, StorageError
from promptvc.feedback.pseudonyms import Key, find_key, is_pseudonym, make_key, pseudonym

KEY = Key(b"0123456789abcdef")


def test_same_person_same_pseudonym() -> None:
    made = pseudonym("bob@example.com", KEY)
    assert is_pseudonym(made)
    assert made == pseudonym(" bob@example.com\n", KEY)
    assert made.split("-")[1] == KEY.id
    assert "bob" not in made
    assert pseudonym("Zoe\u0308", KEY) == pseudonym("Zo\u00eb", KEY)


def test_other_person_or_other_key_another_one() -> None:
    other = Key(b"fedcba9876543210")
    assert len({pseudonym("bob", KEY), pseudonym("eve", KEY), pseudonym("bob", other)}) == 3
    assert KEY.id != other.id


def test_a_pseudonym_stays() -> None:
    made = pseudonym("bob", KEY)
    assert pseudonym(made, Key(b"fedcba9876543210")) == made


def test_the_secret_does_not_show() -> None:
    assert "0123456789abcdef" not in repr(KEY)


def test_no_key_then_a_key_of_its_own(tmp_path: Path) -> None:
    directory = tmp_path / "promptvc" / "keys"
    assert find_key(directory, {}) is None
    made = make_key(directory)
    assert make_key(directory) == made == find_key(directory, {})
    assert stat.S_IMODE((directory / "user.key").stat().st_mode) == 0o600
    assert [path.name for path in directory.iterdir()] == ["user.key"]


def test_the_environment_comes_first(tmp_path: Path) -> None:
    make_key(tmp_path, random=bytes(32))
    file = tmp_path / "shared.key"
    file.write_text("a shared secret of a team\n")
    assert find_key(tmp_path, {"PROMPTVC_USER_KEY_FILE": str(file)}) == Key(b"a shared secret of a team")
    both = {"PROMPTVC_USER_KEY_FILE": str(file), "PROMPTVC_USER_KEY": "another secret of theirs"}
    assert find_key(tmp_path, both) == Key(b"another secret of theirs")


def test_bad_keys_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="shorter than 16 bytes"):
        find_key(tmp_path, {"PROMPTVC_USER_KEY": "short"})
    with pytest.raises(InputError, match="cannot read the key"):
        find_key(tmp_path, {"PROMPTVC_USER_KEY_FILE": str(tmp_path / "none")})
    (tmp_path / "user.key").write_text("")
    with pytest.raises(InputError, match="shorter"):
        find_key(tmp_path, {})


def test_a_directory_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError):
        make_key(tmp_path / "file" / "keys")


def test_processes_that_make_one_at_once_agree(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from promptvc.feedback.pseudonyms import make_key;"
        "print(make_key(Path(sys.argv[1])).id)"
    )
    root = Path(__file__).parents[2]
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], cwd=root, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    assert len({process.communicate()[0] for process in processes}) == 1
