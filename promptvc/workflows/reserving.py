"""`train --reserve`: allow for trainings in another job, which has keys and may not write.

Their looks at hold-outs are in the ledger, and pushed, before that job begins: whatever becomes of it, they count. One
that ends without having looked gives its look back by its record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from promptvc.base.errors import Interrupted, NotFound, PromptvcError
from promptvc.base.files import storage_errors
from promptvc.base.ids import new_ulid
from promptvc.evidence.looks import Look
from promptvc.store.ledgers import Ledgers
from promptvc.training.reservations import Reservation, Reserved, parse_reservation
from promptvc.training.trained import Failed, Trained, TrainRequest
from promptvc.workflows.learning import Prepared, prepare
from promptvc.workflows.meeting import looked_at
from promptvc.workflows.project import Project
from promptvc.workflows.standing import standings


def reserve(
    project: Project, request: TrainRequest, run: str, *, name: str | None = None, due: bool = False
) -> Reservation:
    """Reserve a training of ``name``, or of every prompt that is due; nothing is trained, no model is called.

    With a remote the ledger is fetched first and pushed at the end: a look has to be seen by all.

    Args:
        request: of it only the models count, and what they are trained with.
        run: names the run that will train.
        due: only what is due, ``name`` among it.

    Raises:
        NotFound: main has no prompt ``name``.
        GitError, Busy, StorageError: from git; nothing counts that is not pushed.
    """
    ledgers = Ledgers.of(project.resolver, project.settings.remote)
    main = project.need_main()
    if ledgers.has_remote:
        ledgers.fetch()
    wanted: Sequence[tuple[str, str | None]] = [(name, None)] if name is not None else []
    if due:
        wanted = [(one.name, one.due.trigger) for one in standings(project, name) if one.due.due]
    found = [_reserve(project, ledgers, prepare(project, each, request), why) for each, why in wanted]
    if ledgers.has_remote and any(one.look is not None for one in found):
        ledgers.push()
    return Reservation(run, main, tuple(found))


def _reserve(project: Project, ledgers: Ledgers, prepared: Prepared, trigger: str | None) -> Reserved:
    identifier = new_ulid(project.clock())
    look: str | None = None
    split = prepared.split
    if split.holdout:
        digests = (prepared.baseline.digest, looked_at(split.holdout, prepared.models))
        wanted = Look.ahead(identifier, project.clock(), prepared.name, digests, split.holdout_keys)
        look = ledgers.reserve(wanted, project.clock).key
        project.log.event("training.look_reserved", name=prepared.name, key=look)
    return Reserved(identifier, prepared.name, prepared.main, prepared.models, trigger, look)


def read_reservation(file: Path, run: str | None = None) -> Reservation:
    """The reservation in ``file``.

    Args:
        run: that it has to be for.

    Raises:
        NotFound: there is no such file, or it is for another run: a second attempt would look a second time.
        InvalidDocument: it is no reservation.
    """
    if not file.is_file():
        raise NotFound(f"there is no file {file}", hint="promptvc train --due --reserve FILE writes it")
    with storage_errors(file):
        found = parse_reservation(file.read_bytes(), file=str(file))
    if run is not None and found.run != run:
        raise NotFound(
            f"nothing is reserved for run {run}: this is the reservation of {found.run}",
            hint="run all jobs again, not only those that failed: a second attempt takes a look of its own",
        )
    return found


def train_reserved(
    project: Project,
    reservation: Reservation,
    request: TrainRequest,
    train: Callable[[str, TrainRequest], Trained],
) -> Iterator[Trained | Failed]:
    """How each reserved training ended, as it ends; one that fails keeps no other back.

    Args:
        request: with the folder that parcels go to.
        train: trains one prompt.

    Raises:
        Interrupted: Ctrl-C.
    """
    for one in reservation.trainings:
        project.refresh()
        wanted = replace(request, reserved=one, models=one.models, trigger=one.trigger)
        try:
            yield train(one.prompt, wanted)
        except Interrupted:
            raise
        except PromptvcError as error:
            project.log.event("training.failed", name=one.prompt, kind=error.kind)
            yield Failed(one.prompt, one.trigger, error, one.models)
