"""The course of a night: what the last frames of a rig and target show together that no single one can show.

A drift continues between two frames, and so does a periodic error, while a trail in one frame may be either; gusts
elongate stars in another direction each time; a field that turns is a mount that is not aligned. All of it is plain
arithmetic on at most 24 frames.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from dataclasses import field as dataclass_field
from typing import Any

from ..baseline import median
from ..baseline.spreads import MAD_TO_SIGMA

LAST_FRAMES = 24
"""Frames of the course that are kept: two hours of five-minute exposures."""
LONGEST_GAP = 4.0
"""Frames that lie further apart than this many times the exposure (and 60 s) do not measure a motion."""
LAGS = 4
"""Rates are taken between frames up to so many apart: a new centring spoils few of them."""
LEAST_RATES = 3
"""Fewer rates between frames have no median that one new centring would leave alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One frame. Lengths in sensor pixels.

    Attributes:
        moment_s: start of the exposure, seconds since the epoch.
        field: number of the reference frame that places are relative to; places of different ones do not compare.
        x_px, y_px, turn_deg: where the field is and how it has turned, if stars were matched.
        plus_px2, cross_px2: the trail beyond that of the baseline: L² as a vector of twice the angle.
        trouble: the fault that the frame was decided to have, or empty.
        causes: probabilities by the model of the causes of that fault.
        hints: what the path of the stars says about the causes of a trail, as natural logarithms of odds.
    """

    frame_id: str
    moment_s: float
    exposure_s: float
    field: int
    x_px: float | None
    y_px: float | None
    turn_deg: float | None
    plus_px2: float
    cross_px2: float
    trouble: str
    causes: dict[str, float]
    hints: dict[str, float] = dataclass_field(default_factory=dict)

    @property
    def trail_px(self) -> float:
        """L beyond that of the baseline."""
        return math.sqrt(math.hypot(self.plus_px2, self.cross_px2))


@dataclass(frozen=True, slots=True)
class Drift:
    """A steady motion of the field: rate in pixels per second, and direction from +x to +y in degrees."""

    rate_px_s: float
    angle_deg: float


@dataclass(frozen=True, slots=True)
class Swing:
    """A periodic motion: period in seconds and half its peak to valley in pixels."""

    period_s: float
    amplitude_px: float


@dataclass(slots=True)
class Course:
    """The last frames of one rig and target, oldest first."""

    steps: deque[Step] = dataclass_field(default_factory=lambda: deque(maxlen=LAST_FRAMES))

    def note(self, step: Step) -> None:
        """Add a frame; one that is known is ignored. Its time may be anything: clocks are set back."""
        if not self.steps or step.frame_id != self.steps[-1].frame_id:
            self.steps.append(step)

    def forget(self, frame_id: str) -> None:
        """Remove a frame; an unknown one is ignored."""
        for step in [step for step in self.steps if step.frame_id == frame_id]:
            self.steps.remove(step)

    def episode(self) -> list[Step]:
        """Return the present episode, oldest first: the last frames that have the fault of the last one."""
        episode: list[Step] = []
        for step in reversed(self.steps):
            if not step.trouble or (episode and step.trouble != episode[0].trouble):
                break
            episode.append(step)
        return episode[::-1]

    def state(self) -> list[dict[str, Any]]:
        """Return everything as plain JSON values."""
        return [asdict(step) for step in self.steps]

    @classmethod
    def restore(cls, state: Sequence[dict[str, Any]]) -> Course:
        """Undo :meth:`state`.

        Raises:
            KeyError, TypeError, ValueError: the state is not one that :meth:`state` returned.
        """
        course = cls()
        course.steps.extend(Step(**step) for step in state)
        return course


def direction_scatter(episode: Sequence[Step]) -> float | None:
    """Return how much the directions of trails differ between frames: 0 all alike, 1 in all directions.

    Parameters:
        episode: at least three frames.

    Returns:
        one minus the resultant of the axial directions; ``None`` for fewer frames, or without trails.
    """
    lengths = [math.hypot(step.plus_px2, step.cross_px2) for step in episode]
    total = sum(math.sqrt(length) for length in lengths)
    if len(episode) < 3 or total <= 0:
        return None
    # Weighted by the trail's length rather than its square, so that the longest does not decide alone.
    shares = [1 / math.sqrt(length) if length > 0 else 0.0 for length in lengths]
    plus = sum(step.plus_px2 * share for step, share in zip(episode, shares, strict=True))
    cross = sum(step.cross_px2 * share for step, share in zip(episode, shares, strict=True))
    return 1.0 - math.hypot(plus, cross) / total


def drift(episode: Sequence[Step]) -> Drift | None:
    """Find a steady motion of the field along the trails, about as fast as the trails say.

    Parameters:
        episode: the frames of one trouble, and perhaps the one before it.

    Returns:
        the motion; ``None`` when there is none, or places are not known well enough to tell.
    """
    angle = _axis(episode)
    expected = [step.trail_px / step.exposure_s for step in episode if step.exposure_s > 0 and step.trail_px > 0]
    if angle is None or len(expected) < 3:
        return None
    cosine, sine = math.cos(angle), math.sin(angle)
    along, across = [], []
    for before, after, seconds in _pairs(episode):
        dx, dy = (after.x_px or 0.0) - (before.x_px or 0.0), (after.y_px or 0.0) - (before.y_px or 0.0)
        along.append((dx * cosine + dy * sine) / seconds)
        across.append((dy * cosine - dx * sine) / seconds)
    if len(along) < LEAST_RATES:
        return None
    rate, sideways, expected_rate = median(along), abs(median(across)), median(expected)
    error = MAD_TO_SIGMA * median([abs(value - rate) for value in along]) / math.sqrt(len(along) / LAGS)
    if not 0.5 * expected_rate <= abs(rate) <= 2.0 * expected_rate:
        return None
    if sideways > 0.5 * abs(rate) or abs(rate) < 2.5 * error:
        return None
    return Drift(abs(rate), math.degrees(angle if rate > 0 else angle + math.pi) % 360.0)


def turning(episode: Sequence[Step]) -> float | None:
    """Return the rate at which the field turns, degrees per second, when it turns steadily; else ``None``."""
    rates = []
    for before, after, seconds in _pairs(episode):
        if before.turn_deg is not None and after.turn_deg is not None:
            rates.append(((after.turn_deg - before.turn_deg + 180.0) % 360.0 - 180.0) / seconds)
    if len(rates) < LEAST_RATES:
        return None
    rate = median(rates)
    scatter = MAD_TO_SIGMA * median([abs(value - rate) for value in rates])
    return rate if rate and abs(rate) >= 3.0 * scatter else None


def swing(steps: Sequence[Step]) -> Swing | None:
    """Find a periodic motion along the trails: the worm, when its period is longer than two frames.

    Parameters:
        steps: the last frames, those without trouble included.
    """
    angle = _axis([step for step in steps if step.trouble])
    latest = steps[-1].field if steps else 0
    known = [step for step in steps if step.field == latest and step.x_px is not None and step.y_px is not None]
    if any(after.moment_s <= before.moment_s for before, after in itertools.pairwise(known)):
        return None  # the clock tells nothing
    if angle is None or len(known) < 10:
        return None
    times = [step.moment_s + 0.5 * step.exposure_s for step in known]
    span, gap = times[-1] - times[0], median([b - a for a, b in itertools.pairwise(times)])
    along = [(step.x_px or 0.0) * math.cos(angle) + (step.y_px or 0.0) * math.sin(angle) for step in known]
    middle = sum(along) / len(along)
    offsets_px = [offset - middle for offset in along]
    power = sum(offset * offset for offset in offsets_px)
    trials = [span / cycles for cycles in _spaced(1.5, span / (2.2 * gap), 60)] if gap > 0 and span > 6.6 * gap else []
    if not trials or power <= 0:
        return None
    fits = [(_wave(times, offsets_px, period), period) for period in trials]
    (explained, amplitude), period = max(fits, key=lambda fit: fit[0][0])
    trail = median([step.trail_px for step in steps if step.trouble])
    if explained < 0.75 * power or amplitude < 0.15 * trail:
        return None
    return Swing(period, amplitude)


def _axis(episode: Sequence[Step]) -> float | None:
    """Return the common direction of the trails in radians; ``None`` when they have none."""
    spread = direction_scatter(episode)
    if spread is None or spread > 0.25:
        return None
    return 0.5 * math.atan2(sum(step.cross_px2 for step in episode), sum(step.plus_px2 for step in episode))


def _pairs(episode: Sequence[Step]) -> Iterator[tuple[Step, Step, float]]:
    """Pairs of frames a few apart whose places compare, with the seconds between them."""
    for index, before in enumerate(episode):
        for after in episode[index + 1 : index + 1 + LAGS]:
            seconds = after.moment_s - before.moment_s
            near = seconds <= LAGS * LONGEST_GAP * max(before.exposure_s, 15.0)
            if before.field == after.field and None not in (before.x_px, after.x_px) and 0 < seconds and near:
                yield before, after, seconds


def _spaced(low: float, high: float, count: int) -> list[float]:
    """Return numbers at equal distances from low to high, such as the trial periods of a swing."""
    return [low + (high - low) * step / (count - 1) for step in range(count)]


def _wave(times: Sequence[float], places: Sequence[float], period: float) -> tuple[float, float]:
    """Least squares with one sine and cosine: the sum of squares that they explain, and the amplitude."""
    turns = [2 * math.pi * (moment - times[0]) / period for moment in times]
    s, c = [math.sin(turn) for turn in turns], [math.cos(turn) for turn in turns]
    ss, cc = sum(a * a for a in s), sum(a * a for a in c)
    sc = sum(a * b for a, b in zip(s, c, strict=True))
    sy = sum(a * y for a, y in zip(s, places, strict=True))
    cy = sum(a * y for a, y in zip(c, places, strict=True))
    size = ss * cc - sc * sc
    if size <= 1e-9:
        return 0.0, 0.0
    a, b = (sy * cc - cy * sc) / size, (cy * ss - sy * sc) / size
    return a * sy + b * cy, math.hypot(a, b)
