"""`train --models A,B --each`: a training of its own for each model, one after another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from promptvc.base.errors import Interrupted, PromptvcError, ProviderError
from promptvc.training.trained import Failed, Trained, TrainRequest
from promptvc.workflows.project import Project

__all__ = ["Failed", "exit_code", "train_each"]


def train_each(
    project: Project,
    name: str,
    requests: Sequence[TrainRequest],
    train: Callable[[str, TrainRequest], Trained],
) -> Iterator[Trained | Failed]:
    """How each training ended, as it ends.

    Where a provider fails, its model is told of and the next one is trained. Anything else would meet the next one
    too, and is the last to be told of; what ended before has been told by then.

    Args:
        train: trains one prompt.

    Raises:
        PromptvcError, KeyboardInterrupt: as ``train`` does, in the first training; but for ProviderError.
    """
    for number, request in enumerate(requests):
        project.refresh()
        try:
            outcome: Trained | Failed = train(name, request)
        except ProviderError as error:
            outcome = _failed(project, name, request, error)
        except (PromptvcError, KeyboardInterrupt) as error:
            if not number:
                raise
            yield _failed(project, name, request, _of_the_tree(error))
            return
        yield outcome


def exit_code(outcomes: Iterable[Trained | Failed]) -> int:
    """0 where all came to their end; else that of the gravest error, 3 for a provider's."""
    return max((one.error.exit_code for one in outcomes if isinstance(one, Failed)), default=0)


def _failed(project: Project, name: str, request: TrainRequest, error: PromptvcError) -> Failed:
    project.log.event("training.failed", name=name, kind=error.kind)
    return Failed(name, request.trigger, error, request.models)


def _of_the_tree(error: PromptvcError | KeyboardInterrupt) -> PromptvcError:
    return error if isinstance(error, PromptvcError) else Interrupted("interrupted")
