"""What the judge remembers of one rig, target and filter: its baseline, the course of the night, and trends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..baseline import History, Restart
from ..records import Examined
from .course import Course
from .trends import Trends


@dataclass(slots=True)
class RigMemory:
    """The memory of one baseline key.

    Attributes:
        history: the frames behind the baseline.
        course: the last frames, accepted or not.
        trends: numbers that rise or fall over the accepted frames.
    """

    history: History
    course: Course = field(default_factory=Course)
    trends: Trends = field(default_factory=Trends)

    def arrive(self, examined: Examined) -> Restart:
        """Note what a new frame says about the rig before it is judged; trends end when the baseline starts again."""
        restart = self.history.arrive(examined)
        if restart.refocused:
            self.trends.clear()
        return restart

    def state(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {**self.history.state(), "course": self.course.state(), "trends": self.trends.state()}

    @classmethod
    def restore(cls, state: dict[str, Any]) -> RigMemory:
        """Undo :meth:`state`.

        Raises:
            KeyError, TypeError, ValueError: the state is not one that :meth:`state` returned.
        """
        return cls(
            history=History.restore(state),
            course=Course.restore(state.get("course", [])),
            trends=Trends.restore(state.get("trends", [])),
        )
