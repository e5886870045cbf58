"""Trends: numbers that rise or fall over many accepted frames, each of them still good.

The slope is the median of the slopes between frames (Theil and Sen), so single frames do not bend it. A trend is
reported when it has carried the number far enough, and well beyond its scatter. It changes no decision.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..baseline import is_sane, median
from ..baseline.spreads import MAD_TO_SIGMA
from ..records import Examined, Reason

LAST_FRAMES = 40
"""Accepted frames that a trend is fitted to, as many as a baseline remembers."""
LEAST_FRAMES, LEAST_SPAN_S = 10, 1200.0
"""Fewest frames, and shortest time in seconds, over which a slope is more than seeing that comes and goes."""
BEYOND_SCATTER = 3.0
"""Change over the frames, in standard errors of the slope, from which a trend is more than noise."""
COOLS_C_H = 0.3
"""Fall of the temperature that is worth reporting."""


@dataclass(frozen=True, slots=True)
class TrendRow:
    """One row of the table.

    Attributes:
        metric: key of the metric table.
        least: change over the frames that is worth reporting, as a fraction of the median, or in the metric's own unit.
        relative: which of the two ``least`` is.
        sign: +1 when a rise is bad.
        advice: gives the end of the sentence from the change of the temperature in degrees an hour, if known.
    """

    metric: str
    unit: str
    least: float
    relative: bool
    sign: int
    name: str
    advice: Callable[[float | None], str]


def _refocus(cooling_c_h: float | None) -> str:
    """Return the end of the sentence about rising star width: the change of temperature, and the advice to refocus."""
    if cooling_c_h is not None and abs(cooling_c_h) >= COOLS_C_H:
        falls = "falls" if cooling_c_h < 0 else "rises"
        return f" while the temperature {falls} by {abs(cooling_c_h):.1f} °C an hour: refocus."
    return ": refocus, or the air is getting worse."


TABLE = (
    TrendRow("fwhm_arcsec", "arcsec/h", 0.08, True, 1, "FWHM", _refocus),
    TrendRow("fwhm_px", "px/h", 0.08, True, 1, "FWHM", _refocus),
    TrendRow("extinction_mag", "mag/h", 0.15, False, 1, "Extinction", lambda _: ": haze, dew, or a low target."),
    TrendRow("sky_adu_s", "ADU/s/h", 0.5, True, 1, "The sky", lambda _: ": dawn, the moon, or lights."),
)
"""Numbers whose trends are reported."""


@dataclass(slots=True)
class Trends:
    """Accepted frames, oldest first: start in seconds since the epoch, numbers, temperature."""

    frames: deque[tuple[float, dict[str, float], float | None]] = field(
        default_factory=lambda: deque(maxlen=LAST_FRAMES)
    )

    def note(self, examined: Examined, moment_s: float) -> None:
        """Add an accepted frame; one that is earlier than the last is ignored."""
        if self.frames and moment_s <= self.frames[-1][0]:
            return
        values = examined.measurements.values
        kept = {row.metric: value for row in TABLE if is_sane(value := values.get(row.metric))}
        self.frames.append((moment_s, kept, examined.meta.focuser_temp_c))

    def reasons(self) -> tuple[Reason, ...]:
        """Return one reason for each number with a trend; FWHM in one unit only."""
        reasons: dict[str, Reason] = {}
        for row in TABLE:
            slope = self._slope(row)
            if slope is not None and row.name not in reasons:
                cooling = _per_hour([(when, warm) for when, _, warm in self.frames if warm is not None])
                rises = "rises" if slope > 0 else "falls"
                reasons[row.name] = Reason(
                    rule="creeping", decision="keep", metric=row.metric, value=float(f"{slope:.3g}"), limit=None,
                    unit=row.unit,
                    sentence=f"{row.name} {rises} by {abs(slope):.2g} {row.unit.removesuffix('/h')} an hour"
                    f"{row.advice(cooling)}",
                )  # fmt: skip
        return tuple(reasons.values())

    def clear(self) -> None:
        """Start again, as after an autofocus."""
        self.frames.clear()

    def state(self) -> list[Any]:
        """Return everything as plain JSON values."""
        return [[when, values, warm] for when, values, warm in self.frames]

    @classmethod
    def restore(cls, state: Sequence[Any]) -> Trends:
        """Undo :meth:`state`.

        Raises:
            TypeError, ValueError: the state is not one that :meth:`state` returned.
        """
        trends = cls()
        trends.frames.extend((float(when), dict(values), warm) for when, values, warm in state)
        return trends

    def _slope(self, row: TrendRow) -> float | None:
        """Change an hour, when it is worth reporting."""
        points = [(when, values[row.metric]) for when, values, _ in self.frames if row.metric in values]
        slope = _per_hour(points)
        if slope is None or slope * row.sign <= 0:
            return None
        hours = (points[-1][0] - points[0][0]) / 3600.0
        middle = median([value for _, value in points])
        least = row.least * abs(middle) if row.relative else row.least
        start = points[0][0]
        level = median([value - slope * (when - start) / 3600.0 for when, value in points])
        scatter = median([abs(value - level - slope * (when - start) / 3600.0) for when, value in points])
        # Noise alone gives a slope of about its scatter over the span, divided by the root of the number of frames.
        noise = MAD_TO_SIGMA * scatter * math.sqrt(12.0 / len(points))
        return slope if abs(slope) * hours >= max(least, BEYOND_SCATTER * noise) else None


def _per_hour(points: Sequence[tuple[float, float]]) -> float | None:
    """Return the slope per hour of a metric over accepted frames (Theil-Sen); ``None`` for too few frames."""
    if len(points) < LEAST_FRAMES or points[-1][0] - points[0][0] < LEAST_SPAN_S:
        return None
    slopes = [
        (later - earlier) / (after - before)
        for index, (before, earlier) in enumerate(points)
        for after, later in points[index + 1 :]
    ]
    return 3600.0 * median(slopes)
