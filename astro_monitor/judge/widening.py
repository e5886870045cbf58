"""Stars that widen slowly while each frame is still good: a focus that drifts with the temperature.

The logarithms of the widths are fitted by a *hinge*: level until some frame, then rising evenly. Of all ramps the one
that leaves the least scatter counts. A warning needs a rise to 1.3 times the level, several standard errors beyond the
scatter, at a rate that the air does not have for long, and the last frames well above the median of those before: the
seeing wanders by a sixth up and down, and comes back.

Two scales are looked at: frames (or minutes, where exposures are shorter), and groups of three of them for a drift that
is slower. Nights with and without drift are in ``benchmarks/focus_drift.py``.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import astuple, dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from ..baseline import airmass, median
from ..records import Examined, Reason
from .alerts import Notice

WIDTH_KEYS = ("fwhm_minor_px", "fwhm_px")
"""The width across the trail comes first: a trail is no focus."""
SEEING_WITH_AIRMASS = 0.6
"""Exponent with which seeing widens with air mass (Fried 1966, J. Opt. Soc. Am. 56, 1372: 3/5)."""
SHORTEST_STEP_S = 60.0
"""Frames that begin within so many seconds count as one: the air of short exposures is the same air."""
STEPS = 60
"""Steps that are remembered on either scale."""
STEPS_OF_A_GROUP = 3
"""Steps of the fine scale that make one of the coarse scale."""
OUTLIER = 0.2
"""Largest difference (natural logarithm) from the median of the last five steps that is believed: one gust or one bad
measurement makes no slope."""
FEWEST_STEPS, LONGEST_RAMP = 9, 24
"""Steps before anything is said, and longest ramp that is tried."""
LEAST_SCATTER = 0.02
"""Scatter that is assumed at least (natural logarithm), as widths of one night never agree better."""
LEAST_RATE, LEAST_ERRORS = 0.010, 5.0
"""Rise in one step (natural logarithm) and in standard errors from which it is a drift."""
TELLING_C = 0.5
"""Change of the temperature over the rise from which it is named as its reason, in degrees."""
BACK_TO_USUAL = 1.15
"""Widths below this multiple of the level before the rise say that the focus has come back."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What is asked of one of the two scales.

    Attributes:
        rise: multiple of the level to which the ramp has to rise.
        above: multiple of the median of earlier steps that the last ones have to reach.
        shortest: shortest ramp, in steps.
        last: steps that count as the last ones.
        recent: steps that do not count as earlier ones.
        first: steps that count as earlier ones at least.
    """

    rise: float
    above: float
    shortest: int
    last: int
    recent: int
    first: int


FINE = Scale(rise=1.30, above=1.24, shortest=6, last=4, recent=12, first=5)
"""What is asked of frames; see ``COARSE``."""
COARSE = Scale(rise=1.37, above=1.25, shortest=5, last=2, recent=10, first=3)
"""Limits found on 500 drawn nights of each kind (``benchmarks.focus_drift``, other seeds): 1.3 times is what a person
notices, and 1.24 times the earlier median is more than a seeing that wanders by 15 % reaches from its median. Groups
average the scatter but also the wandering, so that they have to rise further."""


@dataclass(slots=True)
class Step:
    """One frame, or several that count as one.

    Attributes:
        moment_s: start of the first, seconds since the epoch.
        log_width: mean natural logarithm of the width in sensor pixels, at the zenith where the air mass is known.
        frames: how many.
        frame_id, name: of the first.
        temperature_c: at the focuser, of the last frame that has it.
    """

    moment_s: float
    log_width: float
    frames: int
    frame_id: str
    name: str
    temperature_c: float | None

    def add(self, other: Step) -> None:
        """Add frames that count as one with these."""
        whole = self.frames + other.frames
        self.log_width += (other.log_width - self.log_width) * other.frames / whole
        self.frames = whole
        if other.temperature_c is not None:
            self.temperature_c = other.temperature_c


@dataclass(frozen=True, slots=True, kw_only=True)
class Rise:
    """A rise of the width.

    Attributes:
        factor: width now over the level before.
        usual_px: that level, at the zenith where the air mass is known.
        frames: how many frames rose.
        since_s: start of the first of them, seconds since the epoch.
        first_frame, first_name, last_name: the first of them by its identity and name, and the name of the last.
        warmed_c: change of the temperature over the rise in degrees, ``None`` when it is not known.
    """

    factor: float
    usual_px: float
    frames: int
    since_s: float
    first_frame: str
    first_name: str
    last_name: str
    warmed_c: float | None

    @property
    def sentence(self) -> str:
        """What has happened and what to do, without a full stop."""
        since = datetime.fromtimestamp(self.since_s, UTC)
        which = f"{self.frames} frames, {self.first_name} to {self.last_name}"
        percent = 100 * (self.factor - 1)
        what = f"FWHM has risen by {percent:.0f} % since {since:%H:%M} UTC ({which})"
        if self.warmed_c is None or abs(self.warmed_c) < TELLING_C:
            return f"{what}: refocus, or the air is getting worse"
        return (
            f"{what} while the temperature {'fell' if self.warmed_c < 0 else 'rose'} by {abs(self.warmed_c):.1f} °C: "
            "refocus"
        )

    def notice(self) -> Notice:
        """Return it as what opens a warning."""
        return Notice(sentence=self.sentence, cause="defocus", first_frame=self.first_frame, first_name=self.first_name)

    def reason(self) -> Reason:
        """Return it as a reason of the verdict on the last frame, which stays as it is."""
        return Reason(
            rule="widening", decision="keep", metric="fwhm_px", value=float(f"{self.factor:.3g}"),
            limit=FINE.rise, unit="1", sentence=f"{self.sentence}.",
        )  # fmt: skip


@dataclass(slots=True)
class Widening:
    """The widths of the last frames of one rig and target, on two scales, oldest first.

    Attributes:
        fine, coarse: steps of frames, and of groups of three of them.
        in_group: steps that are in the last group so far.
        usual_px: level before the rise that was reported; ``None`` when there is none, or the width has come back.
    """

    fine: deque[Step] = field(default_factory=lambda: deque(maxlen=STEPS))
    coarse: deque[Step] = field(default_factory=lambda: deque(maxlen=STEPS))
    in_group: int = 0
    usual_px: float | None = None

    def note(self, examined: Examined, moment_s: float, name: str) -> Rise | None:
        """Add a frame whose stars are not trailed.

        Parameters:
            moment_s: start of its exposure, seconds since the epoch; one before the last frame is ignored.
            name: of its file, for people.

        Returns:
            the rise, when this frame is the first to show one.
        """
        width_px = self.width_px(examined)
        if width_px is None or (self.fine and moment_s < self.fine[-1].moment_s):
            return None
        log_width = math.log(width_px)
        if len(self.fine) >= 3:
            middle = median([*(step.log_width for step in list(self.fine)[-4:]), log_width])
            log_width = min(max(log_width, middle - OUTLIER), middle + OUTLIER)
        self._add(Step(moment_s, log_width, 1, examined.frame_id, name, examined.meta.focuser_temp_c))
        if self.usual_px is not None:
            if width_px < BACK_TO_USUAL * self.usual_px:
                step = replace(self.fine[-1])
                self.clear()
                self._add(step)
            return None
        rise = _rise(list(self.fine), FINE, name) or _rise(self._whole_groups(), COARSE, name)
        if rise is None or width_px < BACK_TO_USUAL * rise.usual_px:
            return None
        self.usual_px = rise.usual_px
        return rise

    @staticmethod
    def width_px(examined: Examined) -> float | None:
        """Return the width of a frame's stars, at the zenith where the air mass is known; ``None`` without any."""
        values = examined.measurements.values
        width_px = next((value for key in WIDTH_KEYS if (value := values.get(key)) is not None), None)
        if width_px is None or not 0.0 < width_px < math.inf:
            return None
        mass = airmass(examined.meta.airmass, examined.meta.altitude_deg)
        return width_px if mass is None else width_px / mass**SEEING_WITH_AIRMASS

    def clear(self) -> None:
        """Start again, as after an autofocus."""
        self.fine.clear()
        self.coarse.clear()
        self.in_group = 0
        self.usual_px = None

    def _add(self, step: Step) -> None:
        """Add a step to both scales."""
        if self.fine and step.moment_s - self.fine[-1].moment_s < SHORTEST_STEP_S:
            self.fine[-1].add(step)
            self.coarse[-1].add(step)
            return
        self.fine.append(step)
        if 0 < self.in_group < STEPS_OF_A_GROUP:
            self.coarse[-1].add(step)
            self.in_group += 1
        else:
            self.coarse.append(replace(step))
            self.in_group = 1

    def _whole_groups(self) -> list[Step]:
        """Return the steps of the coarse scale that are complete."""
        groups = list(self.coarse)
        return groups if self.in_group == STEPS_OF_A_GROUP else groups[:-1]

    def state(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "fine": [list(astuple(step)) for step in self.fine],
            "coarse": [list(astuple(step)) for step in self.coarse],
            "in_group": self.in_group,
            "usual_px": self.usual_px,
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Widening:
        """Undo :meth:`state`.

        Raises:
            KeyError, TypeError, ValueError: the state is not one that :meth:`state` returned.
        """
        widening = cls(usual_px=state["usual_px"], in_group=int(state["in_group"]))
        widening.fine.extend(Step(*step) for step in state["fine"])
        widening.coarse.extend(Step(*step) for step in state["coarse"])
        return widening


def _rise(steps: Sequence[Step], scale: Scale, last_name: str) -> Rise | None:
    """Return the rise at the end of a series of steps; ``None`` when there is none that is worth a warning."""
    if len(steps) < FEWEST_STEPS:
        return None
    widths = [step.log_width for step in steps]
    ramp, level, rate, errors = _best_hinge(widths, scale.shortest)
    earlier = median(widths[: max(scale.first, len(widths) - scale.recent)])
    last = sum(widths[-scale.last :]) / scale.last
    if rate < LEAST_RATE or errors < LEAST_ERRORS or rate * ramp < math.log(scale.rise):
        return None
    if last - earlier < math.log(scale.above):
        return None
    first = steps[-1 - ramp]
    temperatures = [step.temperature_c for step in steps[-1 - ramp :] if step.temperature_c is not None]
    return Rise(
        factor=math.exp(rate * ramp),
        usual_px=math.exp(level),
        frames=sum(step.frames for step in steps[-1 - ramp :]),
        since_s=first.moment_s,
        first_frame=first.frame_id,
        first_name=first.name,
        last_name=last_name,
        warmed_c=temperatures[-1] - temperatures[0] if len(temperatures) > 1 else None,
    )


def _best_hinge(values: Sequence[float], shortest: int) -> tuple[int, float, float, float]:
    """Fit level until one step, then an even ramp, by least squares; return the ramp that leaves the least scatter.

    Parameters:
        values: at least ``FEWEST_STEPS``.
        shortest: shortest ramp, in steps.

    Returns:
        length of the ramp in steps, level before it, rise in one step, and that in standard errors.
    """
    count, total = len(values), sum(values)
    middle = total / count
    spread = sum((value - middle) ** 2 for value in values)
    best = (shortest, middle, 0.0, 0.0)
    least = math.inf
    for ramp in range(shortest, min(LONGEST_RAMP, count - 1) + 1):
        hinge_sum = 0.5 * ramp * (ramp + 1)
        hinge_square = ramp * (ramp + 1) * (2 * ramp + 1) / 6 - hinge_sum**2 / count
        product = sum(step * values[count - 1 - ramp + step] for step in range(1, ramp + 1)) - hinge_sum * middle
        rate = product / hinge_square
        left = max(spread - rate * product, 0.0)
        if left < least:
            least = left
            scatter = max(math.sqrt(left / (count - 2)), LEAST_SCATTER)
            best = (ramp, middle - rate * hinge_sum / count, rate, rate / scatter * math.sqrt(hinge_square))
    return best
