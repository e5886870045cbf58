"""What a session has done so far, in numbers that add up."""

from __future__ import annotations

from dataclasses import dataclass

from .documents.vocabulary import Decision


@dataclass
class Counts:
    """What a session has done so far: ``judged`` light frames are ``kept``, in ``review`` or ``rejected``.

    Files that are no light frames are ``skipped``, files that could not be graded ``failed``; neither is in ``judged``.
    """

    judged: int = 0
    skipped: int = 0
    failed: int = 0
    kept: int = 0
    review: int = 0
    rejected: int = 0

    def judge(self, decision: Decision) -> None:
        """Count one more verdict."""
        self.judged += 1
        self._add(decision, 1)

    def revise(self, old: Decision, new: Decision) -> None:
        """Replace a counted verdict by another one."""
        self._add(old, -1)
        self._add(new, 1)

    def take_back(self, decision: Decision) -> None:
        """Uncount a verdict: other content of the file has one instead."""
        self.judged -= 1
        self._add(decision, -1)

    def _add(self, decision: Decision, number: int) -> None:
        """Add a number, which may be negative, to the count of frames with a decision."""
        match decision:
            case "keep":
                self.kept += number
            case "review":
                self.review += number
            case _:
                self.rejected += number
