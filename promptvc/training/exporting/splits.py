"""Which split a record is in: by a stable hash of its input, as training divides, and no group straddles.

Records are taken in the order of their time. One that is nearly the same as an earlier one, or of the same user, goes
where that went. One that is related to records of different splits is in none. All others go by the hash. So what comes
later moves nothing that was there, and two records that are related are never in two splits.

Of more than :data:`CROWD` different inputs that hang together by near-duplicates, as those from one template do, all go
where the first went: their pairs are too many to look at. Only there a later input can move others.
"""

from __future__ import annotations

from collections.abc import Sequence

from promptvc.training.data.inputs import Form, alike, gathered
from promptvc.training.data.sample import stable_share
from promptvc.training.exporting.query import SPLITS, DatasetQuery

CROWD = 500
SALT = "dataset"

Splits = dict[tuple[Form, str | None], str | None]
"""By input and owner the split; None for what would straddle."""


def divide_records(known: Sequence[tuple[Form, str | None]], query: DatasetQuery) -> Splits:
    """The split of every (input, owner), in the order in which they were first seen."""
    by_user = query.grouping == "user"
    places, related = _related(list(dict.fromkeys(form for form, _ in known)))
    of_place: dict[Form, str] = {}
    of_owner: dict[str, str] = {}
    found: Splits = {}
    for form, owner in known:
        if (form, owner) in found:
            continue
        place = places.get(form, form)
        sides = {of_place[one] for one in (place, *related.get(form, ())) if one in of_place}
        if by_user and owner is not None and owner in of_owner:
            sides.add(of_owner[owner])
        if len(sides) > 1:
            found[form, owner] = None
            continue
        side = sides.pop() if sides else _by_hash(form, query)
        found[form, owner] = of_place[place] = side
        if owner is not None:
            of_owner[owner] = side
    return found


def _by_hash(form: Form, query: DatasetQuery) -> str:
    share, bound = stable_share(form.key, SALT), 0.0
    for name, width in zip(SPLITS, query.shares, strict=True):
        bound += width
        if share < bound and width:
            return name
    return next(name for name, width in zip(reversed(SPLITS), reversed(query.shares), strict=True) if width)


def _related(forms: Sequence[Form]) -> tuple[dict[Form, Form], dict[Form, list[Form]]]:
    """For members of crowds the input that stands for all of them; for other inputs those that are nearly the same."""
    groups: dict[int, list[Form]] = {}
    for root, form in zip(gathered(forms), forms, strict=True):
        groups.setdefault(root, []).append(form)
    places: dict[Form, Form] = {}
    related: dict[Form, list[Form]] = {}
    for members in groups.values():
        if len(members) > CROWD:
            places.update(dict.fromkeys(members, members[0]))
        elif len(members) > 1:
            for one, other in alike(members):
                related.setdefault(members[other], []).append(members[one])
                related.setdefault(members[one], []).append(members[other])
    return places, related
