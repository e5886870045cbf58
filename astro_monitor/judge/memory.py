"""What the judge remembers of one rig, target and filter: its baseline, the course of the night, and trends."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..baseline import History, Places, Restart
from ..records import Baseline, BaselineKey, Examined, Reason, fitting_baseline, is_moving_target, same_sensor
from ..settings import JudgeSettings, SiteSettings
from .cameras import Cameras
from .course import Course
from .signs import shown_name
from .trends import Trends
from .widening import Rise, Widening

SAME_PLACE_DEG = 0.05
"""Headers that name places so many degrees apart name the same one: a dither is smaller, a mosaic panel larger."""
FEWEST_MATCHED = 6
"""Stars that must be matched for a frame to show the field of the frames before."""

MAX_HISTORIES = 32
"""Baselines kept; the one not used for longest is forgotten first. A night has far fewer."""


@dataclass(slots=True)
class RigMemory:
    """The memory of one baseline key.

    Attributes:
        history: the frames behind the baseline.
        course: the last frames, accepted or not.
        trends: numbers that rise or fall over the accepted frames.
        widening: the widths of the last frames, for a focus that drifts.
        pointing_deg: right ascension and declination by the header of the last frame that showed the field; ``None``
            where they are not known.
    """

    history: History
    course: Course = field(default_factory=Course)
    trends: Trends = field(default_factory=Trends)
    widening: Widening = field(default_factory=Widening)
    pointing_deg: tuple[float, float] | None = None

    def arrive(self, examined: Examined) -> Restart:
        """Note what a new frame says about the rig before it is judged; trends end when the baseline starts again."""
        restart = self.history.arrive(examined)
        if restart.refocused:
            self.trends.clear()
            self.widening.clear()
        return restart

    @property
    def widened(self) -> bool:
        """Whether the stars are still as wide as when a slow rise of the width was reported."""
        return self.widening.usual_px is not None

    def note_width(self, examined: Examined, fault: str, moment_s: float) -> Rise | None:
        """Note the width of the stars; return the rise, when this frame is the first to show a slow one.

        Parameters:
            fault: that the frame was decided to have: trailed stars and those behind cloud say little about the focus.
            moment_s: start of its exposure, seconds since the epoch.
        """
        if fault in ("tracking", "background"):
            return None
        return self.widening.note(examined, moment_s, shown_name(examined))

    def reasons(self, rise: Rise | None) -> tuple[Reason, ...]:
        """Return the reasons that trends are, that of the width first when it has just been found."""
        return (*(() if rise is None else (rise.reason(),)), *self.trends.reasons())

    def note_pointing(self, examined: Examined) -> None:
        """Remember where the header says that the telescope points, when the frame shows the field."""
        matched = examined.measurements.values.get("matched_star_count")
        place = _place_deg(examined)
        if place is not None and (self.pointing_deg is None or (matched or 0.0) >= FEWEST_MATCHED):
            self.pointing_deg = place

    def is_sent_elsewhere(self, examined: Examined) -> bool:
        """Return whether the header names another place than that of the frames before: it was meant so."""
        place = _place_deg(examined)
        if place is None or self.pointing_deg is None:
            return False
        (ra, dec), (ra_before, dec_before) = place, self.pointing_deg
        across = ((ra - ra_before + 180.0) % 360.0 - 180.0) * math.cos(math.radians(dec))
        return math.hypot(across, dec - dec_before) > SAME_PLACE_DEG

    def state(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            **self.history.state(),
            "course": self.course.state(),
            "trends": self.trends.state(),
            "widening": self.widening.state(),
            "pointing_deg": self.pointing_deg,
        }

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
            widening=Widening.restore(state["widening"]) if "widening" in state else Widening(),
            pointing_deg=_pair(state.get("pointing_deg")),
        )


def _place_deg(examined: Examined) -> tuple[float, float] | None:
    """Return right ascension and declination by the header; ``None`` where one is missing."""
    ra_deg, dec_deg = examined.meta.ra_deg, examined.meta.dec_deg
    return None if ra_deg is None or dec_deg is None else (ra_deg, dec_deg)


def _pair(stored: Sequence[float] | None) -> tuple[float, float] | None:
    """Return two stored numbers; ``None`` stays ``None``."""
    if stored is None:
        return None
    first, second = stored
    return float(first), float(second)


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
