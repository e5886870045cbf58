"""Short sequences of frames for training, in the order of time: what a program meets that has to learn what is usual.

A night may begin well or badly; trouble may last; the Moon rises, the focus drifts, the mount flips. Faults that last
keep their nature from frame to frame, and the field moves between frames as the mount moves it within them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from astro_monitor.records import borders
from training.simulate.conditions import Condition, brightest_sky, draw_condition, label
from training.simulate.labels import AMBIGUOUS
from training.simulate.nights import Episode, Mount, troubled, weather
from training.simulate.rigs import Rig

COURSE_SHARES = {
    "begins well": 0.29,
    "begins badly": 0.16,
    "lasting": 0.12,
    "single": 0.18,
    "sky": 0.08,
    "focus": 0.06,
    "flip": 0.11,
}
"""Kinds of sequences and how many of all are of each."""

FAULT_SHARES = {
    "bad_tracking": 0.27,
    "very_bad_tracking": 0.24,
    "bad_seeing": 0.15,
    "background_issue": 0.26,
    AMBIGUOUS: 0.08,
}
UNGUIDED_SHARE = 0.45
"""Sequences in which the mount's errors go on between the frames."""

Conditions = list[Condition]


def draw_course(rng: np.random.Generator, rig: Rig, frames: int, kind: str) -> Conditions:
    """Draw the conditions of all frames of a sequence.

    Parameters:
        rig: that takes them.
        frames: how many.
        kind: a key of ``COURSE_SHARES``.
    """
    calm = list(weather(rng, rig, frames))
    if rng.random() < 0.4:
        # Good frames that have nothing in common but the rig: the hardest to learn a usual from.
        calm = [_shifted(draw_condition(rng, rig, "good"), one) for one in calm]
    course = _COURSE[kind](rng, rig, calm)
    if rng.random() < UNGUIDED_SHARE:
        mount = Mount(1 + float(rng.uniform(1, 15)) / rig.exposure_s)
        course = [mount.carry(one) for one in course]
    return course


def _shifted(condition: Condition, place: Condition) -> Condition:
    """Return a condition with the dither, and the turn of the field, of another one."""
    return replace(condition, dither_x_px=place.dither_x_px, dither_y_px=place.dither_y_px, turn_deg=place.turn_deg)


def _single(rng: np.random.Generator, rig: Rig, calm: Condition) -> Condition:
    """One frame with a fault of its own."""
    return _shifted(draw_condition(rng, rig, _fault(rng)), calm)


def _fault(rng: np.random.Generator) -> str:
    return str(rng.choice(list(FAULT_SHARES), p=list(FAULT_SHARES.values())))


def _spell(
    rng: np.random.Generator, rig: Rig, calm: Sequence[Condition], first: int, last: int, ramp: int
) -> Conditions:
    """A fault that lasts from one frame to another, of about the same strength but for its beginning and its end."""
    worst = draw_condition(rng, rig, _fault(rng))
    cause = label(rig, worst).cause
    episode = Episode(cause=cause, first=first, last=last, ramp=ramp, worst=worst)
    course = []
    for number, one in enumerate(calm):
        strength = episode.strength(number)
        course.append(troubled(rng, one, episode, strength * float(rng.uniform(0.9, 1.1))) if strength else one)
    return course


def _begins_well(rng: np.random.Generator, rig: Rig, calm: Conditions) -> Conditions:
    quiet = int(rng.integers(math.ceil(0.25 * len(calm)), math.ceil(0.5 * len(calm)) + 1))
    if rng.random() < 0.25:
        last = min(quiet + int(rng.integers(2, 5)), len(calm)) - 1
        return _spell(rng, rig, calm, quiet, last, 1 + int(rng.integers(2)))
    return [one if number < quiet or rng.random() < 0.12 else _single(rng, rig, one) for number, one in enumerate(calm)]


def _begins_badly(rng: np.random.Generator, rig: Rig, calm: Conditions) -> Conditions:
    bad = int(rng.integers(1, math.ceil(0.7 * len(calm)) + 1))
    # The fault begins before the first frame, so that it is at its height there.
    course = _spell(rng, rig, calm, -5, bad - 1, 1 + int(rng.integers(2)))
    if rng.random() < 0.5:
        late = int(rng.integers(bad, len(calm)))
        course[late] = _single(rng, rig, course[late])
    return course


def _lasting(rng: np.random.Generator, rig: Rig, calm: Conditions) -> Conditions:
    first = int(rng.integers(math.floor(0.25 * len(calm)), math.ceil(0.5 * len(calm)) + 1))
    return _spell(rng, rig, calm, first, 3 * len(calm), 1 + int(rng.integers(3)))


def _singles(rng: np.random.Generator, rig: Rig, calm: Conditions) -> Conditions:
    return [_single(rng, rig, one) if rng.random() < 0.75 else one for one in calm]


def _bright_sky(rng: np.random.Generator, rig: Rig, calm: Conditions) -> Conditions:
    """Dusk or a setting moon at the beginning, dawn or a rising moon at the end."""
    most = max(min(30.0, brightest_sky(rig)), 1.0)
    least = min(1.2 * borders.SKY_BAD, most)
    height = float(rng.uniform(math.log(least), math.log(most)))
    bright = float(rng.uniform(0.3, 0.9)) * len(calm)
    moon, slope = bool(rng.random() < 0.5), float(rng.uniform(0, 0.08))
    course = []
    for number, one in enumerate(calm):
        up = math.exp(height * max(1 - number / bright, 0.0))
        course.append(replace(one, sky_factor=max(one.sky_factor * up, 1.0), moon=moon, sky_slope=slope))
    if rng.random() < 0.35:
        skies = [(one.sky_factor, one.sky_slope) for one in reversed(course)]
        course = [replace(one, sky_factor=sky, sky_slope=tilt) for one, (sky, tilt) in zip(course, skies, strict=True)]
    return [_single(rng, rig, one) if rng.random() < 0.2 else one for one in course]


def _focus(rng: np.random.Generator, rig: Rig, calm: Conditions) -> Conditions:
    """The focus drifts away from a good one, a little in each exposure."""
    start = float(rng.uniform(0, 0.25)) * len(calm)
    widest_px = float(rng.uniform(1.2, 4.5)) * rig.f0_px * float(rng.choice([-1, 1]))
    steps = [max(number - start, 0.0) / (len(calm) - 1 - start) for number in range(len(calm))]
    return [replace(one, defocus_px=widest_px * step) for one, step in zip(calm, steps, strict=True)]


def _flip(rng: np.random.Generator, rig: Rig, calm: Conditions) -> Conditions:
    """The field stands on its head from the middle on, or the camera was turned."""
    after = int(rng.integers(math.ceil(0.3 * len(calm)), math.ceil(0.7 * len(calm))))
    turn_deg = 180.0 if rng.random() < 0.75 else float(rng.uniform(5, 355))
    course = [replace(one, turn_deg=turn_deg if number >= after else 0.0) for number, one in enumerate(calm)]
    return [_single(rng, rig, one) if rng.random() < 0.55 else one for one in course]


_COURSE: dict[str, Callable[[np.random.Generator, Rig, Conditions], Conditions]] = {
    "begins well": _begins_well,
    "begins badly": _begins_badly,
    "lasting": _lasting,
    "single": _singles,
    "sky": _bright_sky,
    "focus": _focus,
    "flip": _flip,
}
