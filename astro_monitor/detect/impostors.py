"""Structures that resemble trails: each test excludes a structure of the sensor, the optics or the sky.

A satellite is a moving point source: its trail is a ridge as wide as a star, straight, brighter than both its sides,
and its brightness does not depend on the stars and borders that it crosses. The limits of this module were tuned on the
simulated structures of ``benchmarks.streaks``, seed 1, and tested with other seeds (decision record 15).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from .ridge import Line, Ridge
from .scene import Scene
from .starlight import FADES, FULL, ON_AXIS_STEPS, belongs_to_star, falls, is_saturated_near, off_axis_steps

LEAST_SNR = 6.0
"""Smallest ratio of the height of a trail to its error."""

_LEAST_SIDES = 0.6
"""Smallest fraction of a line with both sides on the frame: along a border a ridge resembles an edge."""
_WIDTH, _WIDTH_PER_NOISE, _WIDEST, _WIDER_STEPS, _NARROWEST = 1.6, 0.35, 3.3, 1.0, 0.6
"""Ratio of the width of a trail to that of the stars: largest; its increase per unit of height over the noise of a
pixel; upper limit of both; allowance in steps; smallest. Only aircraft are near enough to be out of focus, and they are
bright, so a brighter trail may be wider."""
_BEAM_NOISE, _BEAM_LENGTHS, _BEAM_EVEN, _BEAM_HALVES = 5.0, 35.0, 0.6, 1.25
"""A defocused aircraft may be even wider: smallest height over the noise of a pixel, smallest length over width,
smallest ratio of the brightness of the faintest tenth to the median, largest ratio of the widths of the halves."""
_STOUT_WIDTH, _STOUT_LENGTHS = 2.0, 20.0
"""A ridge wider than the stars by the first factor must have at least the second ratio of length to width: parts of
nebulae and galaxies are straight over shorter lengths."""
_CROOKED = -0.25
"""Fraction of the height by which two adjacent blocks are darker than their sides when a wide ridge has left its line:
it is a filament. The sides of a trail are as dark as the sky."""
_EVEN_SNR, _EVEN_WIDTH, _EVEN_WIDTH_SNR = 7.0, 1.25, 2.5
"""A trail has a constant width. Signal to noise from which the widths of the halves are compared; largest ratio of the
two; allowance, divided by the signal to noise and added to the ratio."""
_LARGEST_STEP = 0.8
"""Largest difference of the levels of the two sides, as a fraction of the height."""
_BENT, _TIGHTEST_STEPS = ((0.85, 2.0), (0.95, 4.0)), 1500.0
"""A ridge is an arc if the score of the best line is at most a fraction (first of a pair) of that of an arc with a
sagitta of at least so many steps (second), and the radius is below the last number of steps."""

_ASTRAY = 0.85
"""Fraction of the score of a straight arc below which another structure next to the line has shifted it."""
_NEAR_AXIS_STEPS = 2.5
"""Deviation from a column or row over the length of a line, in steps, below which it is examined column by column."""
_ON_AXIS_SNR = 9.0
"""Smallest signal to noise of a line along a column or row, whose own noise is added to that of the pixels."""
_SHARP = 0.75
"""Largest difference of adjacent pixels across a trail, as a fraction of its height; for stars 1.3 pixels wide it is
0.7."""
_COLUMN_REACH_PX = 6
"""Pixels on each side of a column that are compared with it."""
_SEAM_PX, _SEAM_SHARE = 2.0, 0.15
"""Seam between the halves of a frame that are read by two amplifiers: largest distance from the middle of the frame in
pixels, and smallest length as a fraction of the frame."""

_RAY_FADES, _RAY_FADING, _RAY_WIDENING = 0.85, 2.0, 1.25
"""Ray of amplifier glow, which fades and widens away from the border: smallest rank correlation of fading with
distance, smallest ratio of the light of the nearest third to the farthest, smallest ratio of the widths."""
_RAY_SNR, _RAY_SINE, _RAY_BEYOND = 4.0, 0.08, 2.0
"""Rays from one point: smallest signal to noise of each, smallest sine of the angle between two, largest distance of
the point in lengths of the ray."""
_RAY_POINT_STEPS, _FEWEST_RAYS = 12.0, 3
"""Largest distance in steps at which rays pass a common point, and their smallest number."""
_STAR_POINT_STEPS, _FEWEST_SPIKES = 4.0, 2
"""Largest distance in steps at which rays pass a saturated star, and their smallest number."""
_STEEP_FADING, _STEEP_START = 3.0, 2.6
"""Smallest ratio of the light of the nearest third to the farthest, and of the nearest sixth to the median, for light
that fades from one end."""
_GALAXY_WIDTH, _GALAXY_WIDER_STEPS, _GALAXY_FADING, _GALAXY_ASPECT = 1.35, 1.0, 2.2, 45.0
"""Edge-on galaxy: smallest ratio of its width to that of the stars, allowance in steps, smallest ratio of fading to
both ends, largest ratio of length to width."""
_DISC_WIDTH, _DISC_FADING, _DISC_FADES, _DISC_ASPECT = 1.8, 4.0, -0.9, 130.0
"""The same for a much wider disc: its width, its fading, the largest rank correlation of light with distance, and its
largest ratio of length to width."""


def impostor(ridge: Ridge, scene: Scene) -> str:
    """Return the name of the structure that a line belongs to; empty when it is a trail.

    Parameters:
        ridge: the ridge measured along the line.
        scene: the frame.
    """
    if ridge.sides_seen < _LEAST_SIDES:
        return "border"
    if ridge.height_adu < LEAST_SNR * ridge.error_adu:
        return "no ridge"
    if ridge.step_share > _LARGEST_STEP:
        return "edge"
    widest = min(_WIDTH + _WIDTH_PER_NOISE * ridge.height_adu / scene.sky.noise_adu, _WIDEST)
    if ridge.width_steps > widest * scene.star_steps + _WIDER_STEPS and not _is_beam(ridge, scene):
        return "wide"
    if ridge.width_steps > _STOUT_WIDTH * scene.star_steps and (
        ridge.line.length < _STOUT_LENGTHS * ridge.width_steps * scene.step or _leaves_its_line(ridge)
    ):
        return "stout"
    if ridge.width_steps < _NARROWEST * scene.star_steps:
        return "narrow"
    if _is_bent(ridge, scene.step):
        return "bent"
    if _is_line_of_sensor(ridge, scene):
        return "sensor"
    if belongs_to_star(ridge, scene):
        return "star"
    if _is_ray(ridge):
        return "ray"
    if _fades_from_end(ridge):
        return "fades"
    if _is_galaxy(ridge, scene):
        return "galaxy"
    return ""


def rays_of_one_point(ridges: Sequence[Ridge], scene: Scene) -> set[int]:
    """Return lines from one point in several directions: diffraction spikes, or glow from a point.

    Parameters:
        ridges: all measured ridges of the frame.
        scene: the frame.

    Returns:
        The indices of those ridges.
    """
    clear = [i for i, ridge in enumerate(ridges) if ridge.height_adu > _RAY_SNR * ridge.error_adu]
    rays: set[int] = set()
    for first, second in combinations(clear, 2):
        first_line, second_line = ridges[first].line, ridges[second].line
        sine = first_line.dx * second_line.dy - first_line.dy * second_line.dx
        if abs(sine) < _RAY_SINE:
            continue
        point = first_line.at(
            ((second_line.x - first_line.x) * second_line.dy - (second_line.y - first_line.y) * second_line.dx) / sine
        )
        star = is_saturated_near(scene, point)
        near = (_STAR_POINT_STEPS if star else _RAY_POINT_STEPS) * scene.step
        through = {i for i in clear if _misses_by(ridges[i].line, point) < near}
        if _count_directions(ridges[i] for i in through) >= (_FEWEST_SPIKES if star else _FEWEST_RAYS):
            rays |= through
    return rays


def _misses_by(line: Line, point: tuple[float, float]) -> float:
    """Return the distance of a point from a line; infinite far beyond the line's ends."""
    x, y = point[0] - line.x, point[1] - line.y
    along = x * line.dx + y * line.dy
    if not -_RAY_BEYOND * line.length < along < (1 + _RAY_BEYOND) * line.length:
        return math.inf
    return abs(y * line.dx - x * line.dy)


def _count_directions(ridges: Iterable[Ridge]) -> int:
    """Return the number of clearly different directions of the ridges."""
    distinct: list[Ridge] = []
    for ridge in ridges:
        if all(abs(ridge.line.dx * o.line.dy - ridge.line.dy * o.line.dx) > _RAY_SINE for o in distinct):
            distinct.append(ridge)
    return len(distinct)


def _is_beam(ridge: Ridge, scene: Scene) -> bool:
    """Whether a ridge is that of a defocused aircraft: bright, and of constant brightness and width."""
    light = ridge.light_adu[np.isfinite(ridge.light_adu)]
    narrow, wide = sorted(ridge.half_widths)
    return (
        len(light) > 0
        and ridge.height_adu > _BEAM_NOISE * scene.sky.noise_adu
        and ridge.line.length > _BEAM_LENGTHS * ridge.width_steps * scene.step
        and float(np.quantile(light, 0.1)) > _BEAM_EVEN * float(np.median(light))
        and 0 < wide < _BEAM_HALVES * narrow
    )


def _leaves_its_line(ridge: Ridge) -> bool:
    """Whether adjacent blocks are darker than their sides, because the ridge has left the line."""
    dark = ridge.light_adu < _CROOKED * ridge.height_adu
    return bool((dark[1:] & dark[:-1]).any())


def _is_bent(ridge: Ridge, step: int) -> bool:
    """Return whether a ridge is an impostor: it follows an arc, or another structure has shifted its line."""
    if ridge.straight_share < _ASTRAY and not ridge.bend_steps:
        return True
    if not any(ridge.straight_share < share and abs(ridge.bend_steps) >= bend for share, bend in _BENT):
        return False
    length = ridge.line.length / step
    return length**2 / (8 * abs(ridge.bend_steps)) < _TIGHTEST_STEPS


def _is_line_of_sensor(ridge: Ridge, scene: Scene) -> bool:
    """Whether a line is a bad column or row, a column of bloomed charge, or the seam between two amplifiers."""
    off_axis, upright = off_axis_steps(ridge, scene.step)
    if off_axis > _NEAR_AXIS_STEPS:
        return False
    if ridge.height_adu < _ON_AXIS_SNR * ridge.error_adu:
        return True
    pixels = scene.pixels if upright else scene.pixels.T
    across, along = ridge.line.at(ridge.line.length / 2)
    first, last = ridge.line.y, ridge.line.y + ridge.line.dy * ridge.line.length
    if not upright:
        across, along = along, across
        first, last = ridge.line.x, ridge.line.x + ridge.line.dx * ridge.line.length
    first, last = sorted((max(round(first), 0), min(round(last), len(pixels))))
    middle = (pixels.shape[1] - 1) / 2
    if abs(across - middle) < max(_SEAM_PX, 0.5 * scene.step + 1) and last - first > _SEAM_SHARE * len(pixels):
        return True
    left = max(round(across) - _COLUMN_REACH_PX, 0)
    piece = np.asarray(pixels[first:last, left : round(across) + _COLUMN_REACH_PX + 1], np.float64)
    # About 600 rows are enough for the profile.
    profile = np.median(piece[:: max(1, len(piece) // 600)], axis=0)
    change = np.diff(profile)
    height = float(profile.max() - np.median(profile))
    if off_axis < ON_AXIS_STEPS and profile.max() >= FULL * scene.saturation_adu:
        return True
    return bool(min(change.max(), -change.min()) > _SHARP * height)


def _fades_from_end(ridge: Ridge) -> bool:
    """Whether light falls from one end, steeply at first: the spike of a star outside the frame, or glow."""
    known = np.isfinite(ridge.light_adu)
    places, light = ridge.places_px[known], ridge.light_adu[known]
    for distance in (places, -places):
        if falls(distance, light, ridge.light_error_adu, -_RAY_FADES, _STEEP_FADING):
            first = light[np.argsort(distance)[: max(1, len(light) // 6)]]
            if float(np.mean(first)) > _STEEP_START * float(np.median(light)):
                return True
    return False


def _is_ray(ridge: Ridge) -> bool:
    """Whether a ridge is a ray of glow: it widens from one end to the other, or fades and widens a little."""
    narrow, wide = sorted(ridge.half_widths)
    snr = ridge.height_adu / ridge.error_adu
    if snr > _EVEN_SNR and 0 < (_EVEN_WIDTH + _EVEN_WIDTH_SNR / snr) * narrow < wide:
        return True
    known = np.isfinite(ridge.light_adu)
    places, light = ridge.places_px[known], ridge.light_adu[known]
    for distance, (near, far) in ((places, ridge.half_widths), (-places, ridge.half_widths[::-1])):
        if falls(distance, light, ridge.light_error_adu, -_RAY_FADES, _RAY_FADING) and 0 < _RAY_WIDENING * near < far:
            return True
    return False


def _is_galaxy(ridge: Ridge, scene: Scene) -> bool:
    """Whether a ridge is an edge-on galaxy: wider than a star, brightest in the middle, fading to both ends."""
    known = np.flatnonzero(np.isfinite(ridge.light_adu))
    if ridge.width_steps < _GALAXY_WIDTH * scene.star_steps + _GALAXY_WIDER_STEPS or len(known) < 5:
        return False
    aspect = ridge.line.length / (ridge.width_steps * scene.step)
    if aspect > (_DISC_ASPECT if ridge.width_steps > _DISC_WIDTH * scene.star_steps else _GALAXY_ASPECT):
        return False
    brightest = known[int(np.argmax(ridge.light_adu[known]))]
    centre_px = float(ridge.places_px[brightest])
    if not 0.15 * ridge.line.length < centre_px < 0.85 * ridge.line.length:
        return False
    distance, light = np.abs(ridge.places_px - centre_px)[known], ridge.light_adu[known]
    max_correlation, min_ratio = (FADES[0], _GALAXY_FADING) if aspect <= _GALAXY_ASPECT else (_DISC_FADES, _DISC_FADING)
    return falls(distance, light, ridge.light_error_adu, max_correlation, min_ratio)
