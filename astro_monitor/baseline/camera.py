"""Gain, pedestal and read noise of a camera from everything that frames say: one posterior on a grid.

Unknown are the gain g [e/ADU], the read noise r [e] and the pedestal p [ADU]. Level L and variance v of the sky of one
frame bind them: ``v g² = (L - p) g + r²``. So two numbers span the grid: the noise of a pixel in electrons, ``n = g
√v``, and r. Each source is a factor: the header's gain and pedestal, overscan, bias and dark frames, the slopes of
:mod:`.photon_transfer`, the table of read noise, and what cameras are like. Factors have wide tails, so that one source
that is wrong, such as a gain for 12 bits in a header of 16-bit pixels, does not overrule the others.

What rules need follows from the gain alone: S, the sky that noise can see, is ``v g`` in ADU, whatever the pedestal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..records import UNKNOWN_CAMERA, Camera, CameraSource
from .exposed import Exposed
from .photon_transfer import NO_SLOPE, Numbers, Slope, slope_over_field, slope_over_time, table
from .sensors import ANY, ReadNoise, read_noise_of

LEAST_NOISE_E, MOST_NOISE_E, NOISES = 0.5, 2000.0, 160
"""Noise of a pixel in electrons that the grid covers, and its number of steps (5 % each)."""
SHARES = 28
"""Steps of the grid across: the logarithm of the sky over the squared read noise, both in electrons."""
LEAST_SHARE, MOST_SHARE = -7.0, 9.0
"""That logarithm at both ends: beyond them the smaller of the two no longer counts."""
USUAL_GAIN_E, GAIN_WIDTH = 0.55, 1.1
"""Median gain of cameras in electrons per ADU of 16 bits, and standard deviation of its logarithm: 0.06 (12 bits padded
to 16, high gain) to 5 (deep wells)."""
ANY_GAIN = 2.75
"""Range of the logarithm of the gain of any camera: that of an even density as wide as ``GAIN_WIDTH``."""
USUAL_SKY_E, SKY_WIDTH = 150.0, 2.2
"""Sky of an exposure in electrons a pixel, and standard deviation of its logarithm: narrow band to a city."""
USUAL_PEDESTAL_ADU, PEDESTAL_WIDTH = 500.0, 1.3
"""Pedestal of cameras in ADU of 16 bits, and standard deviation of its logarithm."""
ZERO_SHARE_WHOLE, ZERO_SHARE_FLOAT = 0.03, 0.4
"""Part of the frames without a word on calibration whose pedestal is nought: whole numbers, floating point."""
NEGATIVE = 1e-4
"""Part of the pixels below zero from which a pedestal was subtracted."""
SUBTRACTED_NOISES = 3.0
"""Sky level in units of its noise, below which the sky may have been subtracted: it says nothing then."""
SKY_LEFT_NOISES = 0.3
"""Sky level in units of its noise, up to which the sky of floating-point pixels was subtracted together with the
pedestal."""
HEADER_GAIN_ERROR, HEADER_GAIN_WRONG = 0.08, 0.05
"""Error of a gain in a header, and how often it is something else."""
OVERSCAN = "BIASSEC"
"""Source of a pedestal that was measured on the overscan of the frame: the keyword that names its place."""

PEDESTAL_WRONG = 0.02
"""How often a pedestal in a header is something else."""
TIME_ERROR, TIME_WRONG = 0.08, 0.01
"""Error of the slope over time beyond its scatter, as a fraction of it, and how often it is something else."""
FIELD_ERROR, FIELD_TOO_STEEP, FIELD_TOO_FLAT = 0.12, 0.03, 0.2
"""The same of the slope over the field, which is more often too flat than too steep."""
AGREES = 3.0
"""A pedestal in the header is right when it is within so many standard errors of all that is known."""
SLACK = 0.05
"""Error of the sky above a known pedestal by which variance and gain need not agree: response that differs between
pixels, faint stars; and the steps of the grid."""
SMOOTHED = 0.8
"""Independence of neighbouring pixels below which a frame was interpolated or smoothed."""
LOWEST = 1e-12
"""Density of a pedestal that no camera has, per ADU: so small that it only keeps the logarithm finite."""


@dataclass(frozen=True, slots=True)
class _Grid:
    """Points of the grid, each (``NOISES``, ``SHARES``): electrons per ADU of 16 bits, electrons, ADU of 16 bits."""

    gain: Numbers
    read_noise_e: Numbers
    pedestal_adu: Numbers
    sky_e: Numbers


def estimate(frames: Sequence[Exposed], read_noise: ReadNoise | None = None) -> Camera:
    """Return gain, pedestal and read noise of the camera that took some frames.

    Parameters:
        frames: light, bias and dark frames of one camera at one gain and binning, the newest last.
        read_noise: of one pixel as it is read; ``None``: by the name of the camera.

    Returns:
        ``UNKNOWN_CAMERA`` without a light frame whose noise was measured.
    """
    lights = [frame for frame in frames if frame.kind == "light" and frame.cells]
    if not lights:
        return UNKNOWN_CAMERA
    if lights[-1].is_calibrated:
        frames = lights
    # A dark sky tells the pedestal best: its error is that of the gain times the sky.
    ordered = sorted(lights, key=lambda frame: frame.variance_adu2)
    darkest, newest = ordered[len(ordered) // 8], lights[-1]
    unit = newest.unit_adu
    level, variance = darkest.level_adu / unit, darkest.variance_adu2 / unit**2
    noise = math.sqrt(variance)
    grid = _grid(level, variance)
    factors: dict[CameraSource, Numbers] = {}
    # The steps of the grid are even in what makes an even density of sky and read noise in their logarithms.
    prior = _usual_gain(grid) + _read_noise(grid, newest, read_noise)
    prior += _normal(np.log(grid.sky_e / USUAL_SKY_E), SKY_WIDTH)
    over_time, over_field = slopes(frames, unit)
    factors["photon_transfer"] = _time_factor(grid, over_time) + _field_factor(grid, over_field)
    factors["header"] = _header_gain(grid, newest, unit)
    pedestal, source = _pedestal_factor(grid, newest, level, noise, unit)
    if source == "prior":
        prior += pedestal
    else:
        factors[source] = factors.get(source, 0.0) + pedestal
    for kind in ("bias", "dark"):
        dark = [frame for frame in frames if frame.kind == kind and frame.cells]
        if dark:
            factors[kind] = _calibration_factor(grid, dark[-1], level, unit)
    found = _camera(grid, prior, factors, unit, len(lights), newest.noise_error)
    told = _told_pedestal(frames, newest)
    agrees = told is not None and abs(found.pedestal_adu - told) <= AGREES * max(found.pedestal_error_adu, 1.0 * unit)
    # The overscan is measured on the frame itself: no program can have written another level into it.
    certain = newest.pedestal_source == OVERSCAN
    return replace(found, pedestal_adu=told) if told is not None and (agrees or certain) else found


def _told_pedestal(frames: Sequence[Exposed], newest: Exposed) -> float | None:
    """Return the pedestal by the header of the newest light frame, else by the newest bias frame; ``None``: neither."""
    if newest.pedestal_source:
        return newest.pedestal_adu
    biases = [frame.level_adu for frame in frames if frame.kind == "bias" and frame.cells]
    return biases[-1] if biases else None


def slopes(frames: Sequence[Exposed], unit_adu: float = 1.0) -> tuple[Slope, Slope]:
    """Return the slopes of variance over level, over time and over the field, in 1/(e/ADU) of 16 bits.

    Parameters:
        frames: of one camera; frames whose sky was subtracted are left out: their level says nothing.
        unit_adu: ADU of 16 bits in the unit of their pixels.
    """
    telling = [frame for frame in frames if frame.cells and not _is_subtracted(frame) and not frame.is_coarse]
    lights = [frame for frame in telling if frame.kind == "light"]
    if not lights:
        return NO_SLOPE, NO_SLOPE
    level, variance, pairs = table([frame.cells for frame in telling])
    over_time = slope_over_time(level / unit_adu, variance / unit_adu**2, pairs)
    level, variance, pairs = table([frame.cells for frame in lights])
    return over_time, slope_over_field(level / unit_adu, variance / unit_adu**2, pairs)


def _is_subtracted(frame: Exposed) -> bool:
    """Return whether the sky of a light frame may have been subtracted."""
    hidden = abs(frame.level_adu) <= SUBTRACTED_NOISES * math.sqrt(frame.variance_adu2)
    return frame.kind == "light" and hidden and not frame.whole_numbers


def _grid(level_adu: float, variance_adu2: float) -> _Grid:
    """Return the grid for a frame with this level and variance, in ADU of 16 bits."""
    noise_e = np.geomspace(LEAST_NOISE_E, MOST_NOISE_E, NOISES)[:, None]
    ratio = np.exp(np.linspace(LEAST_SHARE, MOST_SHARE, SHARES))[None, :]
    read_noise_e = noise_e / np.sqrt(1.0 + ratio)
    sky_e = noise_e**2 * ratio / (1.0 + ratio)
    gain = np.broadcast_to(noise_e / math.sqrt(variance_adu2), read_noise_e.shape)
    return _Grid(gain=gain, read_noise_e=read_noise_e, pedestal_adu=level_adu - sky_e / gain, sky_e=sky_e)


def _normal(distance: Numbers, width: float | Numbers) -> Numbers:
    """Return the logarithm of a Gaussian, but for its constant."""
    return np.asarray(-0.5 * (distance / width) ** 2, np.float64)


def _tailed(distance: Numbers, width: float | Numbers, wrong: float | Numbers, broad: float | Numbers) -> Numbers:
    """Return the logarithm of a density but for its constant: a Gaussian, on a floor for a source that is wrong.

    Parameters:
        distance: from what the source says.
        width: standard error of the source.
        wrong: how often it is something else.
        broad: range over which the number is then spread evenly, in the unit of ``distance``.
    """
    floor = wrong * np.minimum(math.sqrt(2.0 * math.pi) * width / broad, 1.0)
    return np.asarray(np.log(np.exp(-0.5 * np.minimum((distance / width) ** 2, 700.0)) + floor), np.float64)


def _usual_gain(grid: _Grid) -> Numbers:
    """Return the factor of what gains cameras have; one in twenty has any."""
    log_gain = np.log(grid.gain / USUAL_GAIN_E)
    usual, any_gain = np.exp(_normal(log_gain, GAIN_WIDTH)), np.exp(_normal(log_gain, 3.0 * GAIN_WIDTH)) / 3.0
    return np.asarray(np.log(0.95 * usual + 0.05 * any_gain + LOWEST), np.float64)


def _read_noise(grid: _Grid, frame: Exposed, known: ReadNoise | None) -> Numbers:
    """Return the factor of the read noise by the table of cameras; binning may have added up several."""
    noise = known or read_noise_of(frame.camera)
    binned = 1 if known else max(frame.binning, 1)
    width = math.log(noise.high_e / noise.low_e) / (2.0 if noise is ANY else 3.0)
    middle = 0.5 * math.log(noise.low_e * noise.high_e) + 0.5 * math.log(binned)
    width = math.hypot(width, 0.5 * math.log(binned))
    larger = np.log(grid.read_noise_e) - middle
    if frame.is_calibrated or frame.negative_fraction > NEGATIVE:
        # The dark current was subtracted, and its noise is still there.
        return _normal(larger, 1.0) if known is None else _normal(larger, np.where(larger > 0.0, width + 0.7, width))
    return _normal(larger, width)


def _time_factor(grid: _Grid, slope: Slope) -> Numbers:
    """Return the factor of the slope over time."""
    if not math.isfinite(slope.error):
        return np.zeros_like(grid.gain)
    width = np.hypot(slope.error, TIME_ERROR / grid.gain)
    return _tailed(1.0 / grid.gain - slope.per_adu, width, TIME_WRONG, ANY_GAIN / grid.gain)


def _field_factor(grid: _Grid, slope: Slope) -> Numbers:
    """Return the factor of the slope over the field: too flat where the sensor has a ramp, and counted less for it."""
    if not math.isfinite(slope.error):
        return np.zeros_like(grid.gain)
    width = np.hypot(slope.error, FIELD_ERROR / grid.gain)
    steeper = 1.0 / grid.gain - slope.per_adu
    wrong = np.where(steeper > 0.0, FIELD_TOO_FLAT, FIELD_TOO_STEEP)
    return _tailed(steeper, width, wrong, ANY_GAIN / grid.gain)


def _header_gain(grid: _Grid, frame: Exposed, unit: float) -> Numbers:
    """Return the factor of the gain in the header.

    It may be that of the camera's own bits, of which the file holds multiples, and of a pixel before software took the
    mean of several. Where pixels were smoothed, the noise is lower than that of the camera.
    """
    if frame.e_per_adu <= 0.0:
        return np.zeros_like(grid.gain)
    log_gain = np.log(grid.gain / (frame.e_per_adu * unit))
    width = HEADER_GAIN_ERROR
    if frame.independence < SMOOTHED:
        log_gain = log_gain + 1.3 * math.log(max(frame.independence, 0.05))
        width = math.hypot(width, math.log(max(frame.independence, 0.05)))
    meanings = [(0.0, 1.0)]
    if frame.step_adu > 1.0:
        meanings.append((-math.log(frame.step_adu), 0.7))
    if frame.binning > 1:
        meanings.append((2.0 * math.log(frame.binning), 0.3))
    heights = sum(share * np.exp(_normal(log_gain - offset, width)) for offset, share in meanings)
    return np.asarray(np.log(heights + HEADER_GAIN_WRONG * np.exp(_normal(log_gain, 1.0))), np.float64)


def _pedestal_factor(
    grid: _Grid, frame: Exposed, level: float, noise: float, unit: float
) -> tuple[Numbers, CameraSource]:
    """Return the factor of the pedestal, and what it is from: the header, the overscan, or what cameras are like."""
    pedestal = grid.pedestal_adu
    if frame.pedestal_source:
        told = frame.pedestal_adu / unit
        width = np.hypot(math.hypot(2.0, 0.1 * noise), SLACK * (level - told))
        source: CameraSource = "overscan" if frame.pedestal_source == OVERSCAN else "header"
        return _tailed(pedestal - told, width, PEDESTAL_WRONG, ANY_GAIN * max(level - told, noise)), source
    if level <= (0.0 if frame.whole_numbers else SKY_LEFT_NOISES * noise):
        # The sky was subtracted, or whole numbers were read with the wrong zero: any pedestal will do.
        return np.zeros_like(pedestal), "prior"
    zero_share = ZERO_SHARE_WHOLE if frame.whole_numbers else ZERO_SHARE_FLOAT
    if frame.negative_fraction > NEGATIVE:
        zero_share = 0.97
    width = math.hypot(math.hypot(2.0, 0.2 * noise), SLACK * level)
    at_zero = np.exp(_normal(pedestal, width)) / width
    positive = np.maximum(pedestal, 1.0)
    usual = np.exp(_normal(np.log(positive / USUAL_PEDESTAL_ADU), PEDESTAL_WIDTH)) / (positive * PEDESTAL_WIDTH)
    usual = np.where(pedestal > 0.0, usual, LOWEST)
    return np.log(zero_share * at_zero + (1.0 - zero_share) * usual + LOWEST), "prior"


def _calibration_factor(grid: _Grid, frame: Exposed, sky_adu: float, unit: float) -> Numbers:
    """Return the factor of a bias or dark frame: its level is the pedestal, its noise the read noise.

    A dark frame is brighter than the pedestal by its dark current, and noisier.
    """
    level, noise = frame.level_adu / unit, math.sqrt(frame.variance_adu2) / unit
    offset = grid.pedestal_adu - level
    width = math.hypot(math.hypot(1.0, 0.1 * noise), SLACK * (sky_adu - level))
    below = width if frame.kind == "bias" else math.hypot(math.hypot(5.0, noise), width)
    broad = ANY_GAIN * max(sky_adu - level, noise)
    by_level = _tailed(offset, np.where(offset > 0.0, width, below), PEDESTAL_WRONG, broad)
    larger = np.log(grid.read_noise_e / (grid.gain * noise))
    width_of_noise = np.where(larger > 0.0, 0.1, 0.1 if frame.kind == "bias" else 0.5)
    by_noise = _tailed(larger, width_of_noise, PEDESTAL_WRONG, ANY_GAIN)
    return by_level + by_noise


def _camera(
    grid: _Grid, prior: Numbers, factors: dict[CameraSource, Numbers], unit: float, lights: int, own_error: float
) -> Camera:
    """Return means and errors of the posterior, and the source that narrows the gain most."""
    whole = prior + sum(factors.values())
    weights = _weights(whole)
    log_gain = np.log(grid.gain[:, 0])
    middle, width = _moments(log_gain, weights.sum(axis=1))
    pedestal, pedestal_error = _moments(grid.pedestal_adu, weights)
    log_noise, noise_error = _moments(np.log(grid.read_noise_e), weights)
    source: CameraSource = "prior"
    widest = 1.2 * width
    for name, factor in factors.items():
        _, without = _moments(log_gain, _weights(whole - factor).sum(axis=1))
        if without > widest:
            source, widest = name, without
    return Camera(
        e_per_adu=math.exp(middle) / unit,
        e_per_adu_error_fraction=math.hypot(width, own_error),
        pedestal_adu=pedestal * unit,
        pedestal_error_adu=pedestal_error * unit,
        read_noise_e=math.exp(log_noise),
        read_noise_error_fraction=noise_error,
        source=source,
        frames=lights,
    )


def _weights(logarithms: Numbers) -> Numbers:
    """Return the posterior, normalised."""
    weights = np.exp(logarithms - logarithms.max())
    return np.asarray(weights / weights.sum(), np.float64)


def _moments(values: Numbers, weights: NDArray[np.float64]) -> tuple[float, float]:
    """Return the median of a number and half the width of the middle 68 % under weights."""
    order = np.argsort(values, axis=None, kind="stable")
    ordered, below = values.ravel()[order], np.cumsum(weights.ravel()[order])
    low, middle, high = np.interp((0.159, 0.5, 0.841), below, ordered)
    return float(middle), float(high - low) / 2
