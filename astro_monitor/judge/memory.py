"""What the judge remembers of one rig, target and filter: its baseline, the course of the night, and trends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ..baseline import History, Places, Restart
from ..records import Baseline, BaselineKey, Examined, fitting_baseline, is_moving_target, same_sensor
from ..settings import JudgeSettings, SiteSettings
from .cameras import Cameras
from .course import Course
from .trends import Trends

MAX_HISTORIES = 32
"""Baselines kept; the one not used for longest is forgotten first. A night has far fewer."""


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


class RigMemories:
    """The memories of all rigs, targets and filters.

    Parameters:
        settings: name targets that are tracked at their own rate.
        site: its normal width of stars.
        cameras: what frames tell of pedestals and gains, of any target.

    Attributes:
        by_key: the one used last at the end.
        touched: keys of those that have changed since they were last written down.
    """

    def __init__(self, settings: JudgeSettings, site: SiteSettings, cameras: Cameras) -> None:
        self._settings = settings
        self._site = site
        self._cameras = cameras
        self.by_key: dict[BaselineKey, RigMemory] = {}
        self.touched: set[BaselineKey] = set()

    def of(self, key: BaselineKey) -> RigMemory:
        """Return the memory of a key, and mark it as the one used last; one that knows nothing for a new key."""
        memory = self.by_key.pop(key, None)
        if memory is None:
            memory = self._with_settings(RigMemory(History(key=key, places=self._places_of_rig(key))))
        self.by_key[key] = memory
        memory.history.pool = self._cameras.pool(key)
        self.touched.add(key)
        while len(self.by_key) > MAX_HISTORIES:
            del self.by_key[next(iter(self.by_key))]
        return memory

    def baselines(self) -> tuple[Baseline, ...]:
        """Return every baseline there is, the one used last at the end."""
        return tuple(memory.history.baseline() for memory in self.by_key.values())

    def baseline_of(self, history: History) -> Baseline:
        """Return what a frame is compared with: the baseline of its history, or what other targets say of the rig."""
        others = [memory.history.baseline() for key, memory in self.by_key.items() if key != history.key]
        return fitting_baseline(history.key, [*others, history.baseline()])

    def take_touched(self) -> list[RigMemory]:
        """Return the memories that have changed since the last call."""
        changed = [self.by_key[key] for key in self.touched if key in self.by_key]
        self.touched.clear()
        return changed

    def restore(self, memories: Iterable[RigMemory], cameras: Cameras) -> None:
        """Go on with stored memories, and the settings of today."""
        self._cameras = cameras
        self.by_key = {memory.history.key: self._with_settings(memory) for memory in memories}

    def _with_settings(self, memory: RigMemory) -> RigMemory:
        """Let a history know what the settings say of its site and target, and what is known of its camera."""
        memory.history.pool = self._cameras.pool(memory.history.key)
        memory.history.normal_fwhm_arcsec = self._site.normal_fwhm_arcsec
        memory.history.sidereal = not is_moving_target(memory.history.key.target, self._settings.moving_targets)
        return memory

    def _places_of_rig(self, key: BaselineKey) -> Places:
        """Return where the same sensor showed lines with its last target."""
        for other_key, other in reversed(self.by_key.items()):
            if same_sensor(key, other_key):
                return other.history.places.for_other_field()
        return Places()
