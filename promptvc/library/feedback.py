"""What the library does with feedback: record, import, list, commit, and make data of it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from promptvc.feedback.compaction import BELOW
from promptvc.feedback.events import Event
from promptvc.library.opened import Opened
from promptvc.workflows import annotate as annotating
from promptvc.workflows import archive as archiving
from promptvc.workflows import browse, collect, intake
from promptvc.workflows import compact as compacting
from promptvc.workflows import dataset as corpora
from promptvc.workflows import keys as pseudonymizing
from promptvc.workflows import propose_cases as proposing
from promptvc.workflows import retain as retaining
from promptvc.workflows.record import Recorder


class Feedback(Opened):
    """The methods about events."""

    def add_feedback(self, name: str, **values: Any) -> collect.Added:
        """Record feedback: ``stars=2``, ``thumbs="up"``, ``input=..., output=..., corrected=...``, ``comment=...``."""
        return collect.add(self._fresh(), name, values)

    def reviews_waiting(self, name: str | None = None, **which: Any) -> annotating.Queue:
        """The answers that wait for a reviewer; ``which``: other fields of ``annotate.QueueRequest``."""
        return annotating.waiting(self._fresh(), annotating.QueueRequest(name, **which))

    def review_answer(self, target: str, *, reviewer: str | None = None, **said: Any) -> annotating.Reviewed:
        """Record a review of the event ``target``; ``said`` are fields of :class:`promptvc.workflows.annotate.Word`."""
        project = self._fresh()
        event = annotating.target_of(project, target)
        return annotating.review(project, event, annotating.Word(**said), reviewer)

    def recorder(self, *, bound: int = 10_000, wait_s: float = 0.25) -> Recorder:
        """A recorder of events for an application: microseconds for its caller, and it never raises.

        It lives on when this library is closed, and is safe for many threads. Use it in a ``with``, or close it.
        """
        project = self.project
        place = project.root or project.repository.git_dir
        return Recorder.open(place, environ=project.environ, bound=bound, wait_s=wait_s, clock=project.clock)

    def import_feedback(
        self,
        file: str | Path,
        *,
        prompt: str | None = None,
        columns: Mapping[str, str] | None = None,
        skip_bad: bool = False,
        **how: Any,
    ) -> intake.Imported:
        """Import a file; the same file again adds nothing. ``columns`` maps theirs to ours.

        ``how`` are the other fields of :class:`promptvc.workflows.intake.ImportRequest`: ``format``, ``table``,
        ``beside``.
        """
        request = intake.ImportRequest(Path(file), prompt, columns or {}, skip_bad, **how)
        return intake.import_file(self._fresh(), request)

    def quarantined_feedback(self) -> tuple[intake.Quarantined, ...]:
        """The rows that could not be events, with their reasons."""
        return intake.quarantined(self._fresh())

    def retry_feedback(
        self, *, prompt: str | None = None, columns: Mapping[str, str] | None = None
    ) -> intake.Retried:
        """Try the rows of the quarantine again; what succeeds leaves it."""
        return intake.retry(self._fresh(), prompt, columns or {})

    def events(self, name: str | None = None, **query: Any) -> tuple[Event, ...]:
        """Events, oldest first; ``query`` are the fields of :class:`promptvc.workflows.browse.ListRequest`."""
        return browse.list_events(self._fresh(), name, browse.ListRequest(**query))

    def feedback_summary(self, name: str | None = None) -> dict[str, Any]:
        """Counts and rates of committed and spooled events."""
        return browse.summary(self._fresh(), name)

    def commit_feedback(self, branch: str | None = None) -> collect.Sealed:
        """Commit the recorded events."""
        return collect.commit(self._fresh(), branch)

    def compact_feedback(
        self, name: str | None = None, *, below: int = BELOW, branch: str | None = None
    ) -> compacting.Compaction:
        """Merge segments smaller than ``below`` bytes into few large ones, in a commit of its own."""
        return compacting.compact_segments(self._fresh(), compacting.CompactRequest(name, below, branch))

    def archive_feedback(
        self, before: str, to: str | Path, *, name: str | None = None, branch: str | None = None
    ) -> archiving.Moved:
        """Move the months before ``before`` (``2025-01``) into Parquet files in ``to``, outside of git."""
        return archiving.archive(self._fresh(), archiving.ArchiveRequest(before, Path(to), name, branch))

    def restore_feedback(
        self, month: str, *, name: str | None = None, branch: str | None = None
    ) -> archiving.Moved:
        """Bring an archived month back into git."""
        return archiving.restore(self._fresh(), month, name=name, branch=branch)

    def verify_archive(self) -> archiving.Verified:
        """Look at the file of every archived part."""
        return archiving.verify(self._fresh())

    def retain_feedback(
        self, *, days: int | None = None, dry_run: bool = False, branch: str | None = None
    ) -> retaining.Retained:
        """Take the texts out of events that are older than ``days``, else as the settings say."""
        return retaining.retain(self._fresh(), retaining.RetainRequest(days, dry_run, branch))

    def user_keys(self) -> pseudonymizing.Keys:
        """The keys that pseudonyms of users are made with, the newest first; no secret is in it."""
        return pseudonymizing.list_keys(self._fresh())

    def rotate_user_key(self, *, cut: bool = False) -> pseudonymizing.Keys:
        """Make a new key the current one; ``cut`` for a key that somebody else has seen."""
        return pseudonymizing.rotate(self._fresh(), cut=cut)

    def propose_cases(self, name: str, output: str | Path | None = None) -> proposing.Proposed:
        """Write corrections and errors as cases for a person to accept."""
        return proposing.propose(self._fresh(), name, None if output is None else Path(output))

    def create_dataset(
        self, name: str, prompt: str, *, branch: str | None = None, **query: Any
    ) -> corpora.Created:
        """Commit the manifest of a dataset for fine-tuning.

        ``query`` are the fields of :class:`promptvc.training.exporting.query.DatasetQuery`; the bars of ratings and how
        far back training looks are those of the settings.
        """
        project = self._fresh()
        asked = corpora.usual_query(project, **query)
        return corpora.create(project, corpora.CreateRequest(name, prompt, asked, branch=branch))

    def update_dataset(
        self, name: str, prompt: str | None = None, *, branch: str | None = None
    ) -> corpora.Created:
        """Make a dataset anew from what main has now, by its own query; ``prompt`` pins another version."""
        request = corpora.CreateRequest(name, prompt, update=True, branch=branch)
        return corpora.create(self._fresh(), request)

    def datasets(self) -> tuple[corpora.Manifest, ...]:
        """The datasets of the working tree, by name."""
        return corpora.list_all(self._fresh())

    def export_dataset(self, name: str, format: str, file: str | Path, **options: Any) -> corpora.Exported:  # noqa: A002
        """Write the rows of a dataset; ``options`` are the other fields of ``dataset.ExportRequest``."""
        request = corpora.ExportRequest(name, format, **options)
        return corpora.export_to(self._fresh(), request, Path(file))

    def propose_curation(self, name: str) -> corpora.Proposed:
        """Add what a person should look at in a dataset to its curation."""
        return corpora.propose(self._fresh(), name)
