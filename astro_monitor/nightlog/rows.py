"""What goes into the night log and what comes out of it, besides documents."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from ..documents import Body, Decision, Document, FrameJudgedView, FrameSkippedView
from ..errors import NightLogError

BY_RULES = "rules"
"""Who decided, where no person did."""


OUTCOMES = ("frame.judged", "frame.skipped", "frame.failed")
"""Kinds of the documents in which the way of a file ends."""


class LogBlocked(NightLogError):
    """Nothing was written, for a reason that may pass: the same commit may be tried again."""


class LogFull(LogBlocked):
    """The disk is full. Nothing was written; the same commit succeeds once there is space."""


class LogDamaged(NightLogError):
    """The file is no longer sound. Opened again, it is checked, set aside, and rebuilt from the document trail."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A document that has no number yet.

    Attributes:
        kind: one of ``documents.BODIES``, except ``session.heartbeat``, which is never logged.
        body: as ``kind`` says.
        cause: ``doc_id`` of a document that is in the log already, or empty.
        cause_index: instead of ``cause``: position of an earlier draft of the same commit.
    """

    kind: str
    body: Body
    cause: str = ""
    cause_index: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRow:
    """A judged frame as it stands now: its verdict, with the latest revision applied.

    Attributes:
        seq: number of the ``frame.judged`` document.
        doc_id: its identity.
        time: when it was judged, UTC text.
        night: date on which the observing night began.
        paths: where this content was last seen, newest first; empty when other content has taken its place on disk.
        decision: the latest decision.
        first_decision: what the judge said at first.
        rules_decision: what the judge said last: it looks at the first frames of a night again.
        decided_by: ``BY_RULES``, or who revised it.
        why: the revision's reason; empty when it was never revised.
        label, cause: the class and its likely cause, of the second look where there was one.
        weight: what the frame counts in a stack, as it stands now.
        replaced_by: frame that its file holds now, another content of the same exposure; empty when it stands.
        body: of the ``frame.judged`` document.
    """

    seq: int
    doc_id: str
    frame_id: str
    time: str
    night: str
    paths: tuple[str, ...]
    decision: Decision
    first_decision: Decision
    rules_decision: Decision
    decided_by: str
    why: str
    weight: float
    body: FrameJudgedView
    replaced_by: str = ""
    label: str = "unknown"
    cause: str = "none"

    def kept_weight(self, weight: float | None) -> float:
        """Return what the frame counts when it is kept: as is said, else as it stands, else by its first verdict."""
        if weight is not None:
            return weight
        if self.weight > 0:
            return self.weight
        if self.first_decision == "keep":
            return self.body.weight
        return 1.0 if self.body.weight_if_kept is None else self.body.weight_if_kept


@dataclass(frozen=True, slots=True, kw_only=True)
class SkippedRow:
    """A file that is no light frame.

    Attributes:
        seq: number of its document.
        time: when it was noted, UTC text.
        night: date on which the observing night began.
        paths: where this content was last seen, newest first; empty when other content has taken its place on disk.
        body: as of ``frame.skipped``, also where a log of protocol 1.0 has it as ``frame.judged``.
    """

    seq: int
    frame_id: str
    time: str
    night: str
    paths: tuple[str, ...]
    body: FrameSkippedView


def as_skipped(document: Document) -> FrameSkippedView:
    """Return the view of ``frame.skipped``, also for a ``frame.judged`` of protocol 1.0 with flag ``not_a_light``."""
    if document.kind == "frame.skipped":
        return FrameSkippedView.of(document.body)
    judged = FrameJudgedView.of(document.body)
    return FrameSkippedView(
        file=judged.file,
        root=judged.root,
        relative_path=judged.relative_path,
        size_bytes=judged.size_bytes,
        frame_id=judged.frame_id,
        sha256=judged.sha256,
        type=judged.meta.kind,
        why=judged.reasons[0].sentence if judged.reasons else "",
        keyword=judged.meta.sources.get("kind", ""),
        rig=judged.rig,
        meta=judged.meta,
        timings_s=judged.timings_s,
    )


def checksum(row: Sequence[str | int]) -> int:
    """Return the CRC-32 of a night log row without its last column: a flipped bit must not change a verdict."""
    return zlib.crc32("\x1f".join(str(value) for value in row).encode("utf-8", "surrogateescape"))
