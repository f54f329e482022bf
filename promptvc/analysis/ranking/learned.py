"""A ranker learned from choices: LambdaMART (Burges 2010, "From RankNet to LambdaRank to LambdaMART") by LightGBM.

The library grows the trees and is not needed afterwards. One thread and fixed seeds: the same choices give the same
trees on the same machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import ModuleType
from typing import Any

from promptvc.analysis.ranking.features import FEATURES, Group
from promptvc.analysis.ranking.forest import Forest, grown
from promptvc.base.errors import Usage

INSTALL = "pip install 'promptvc[rank]'"
ROUNDS = 60
CUT = 5
"""Ranks that count: what is trained for is what is tested, NDCG@5."""
PARAMETERS = {
    "objective": "lambdarank",
    "lambdarank_truncation_level": CUT,
    "num_leaves": 8,
    "learning_rate": 0.1,
    "min_data_in_leaf": 20,
    "min_sum_hessian_in_leaf": 0.001,
    "lambda_l2": 1.0,
    "use_missing": False,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "seed": 1,
    "verbosity": -1,
}


def learn(groups: Sequence[Group]) -> Forest:
    """A forest that scores what was taken above what was not.

    Raises:
        Usage: the library is not there, or its OpenMP runtime.
    """
    np, lightgbm = _libraries()
    rows = np.array([row for group in groups for row in group.rows], dtype=float)
    labels = [int(at == group.taken) for group in groups for at in range(len(group.rows))]
    data = lightgbm.Dataset(
        rows,
        label=np.array(labels),
        group=np.array([len(group.rows) for group in groups]),
        feature_name=list(FEATURES),
        params=PARAMETERS,
    )
    booster = lightgbm.train(PARAMETERS, data, num_boost_round=ROUNDS)
    structures: list[dict[str, Any]] = [one["tree_structure"] for one in booster.dump_model()["tree_info"]]
    return grown(structures)


def _libraries() -> tuple[ModuleType, ModuleType]:
    try:
        import lightgbm
        import numpy as np
    except ImportError as error:
        raise Usage("training a ranker takes LightGBM", hint=INSTALL) from error
    except OSError as error:  # the wheel has the library, and not the OpenMP runtime that it links to
        hint = "install it: apt-get install libgomp1, or brew install libomp"
        raise Usage(f"LightGBM cannot be loaded: {error}", hint=hint) from error
    return np, lightgbm
