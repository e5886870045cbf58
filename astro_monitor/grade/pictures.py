"""The profile of a frame's stars as pictures for the quality model: now, as it usually is, and the kernel between them.

All are brought to one scale and one brightness, in which the usual star is equally wide and has the same peak: the
network need not learn how a camera samples. The only copy, for training and serving.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..records import Baseline, SourceFeatures

PROFILE_SIDE, FIELD_SIDE = 25, 13
"""Pixels along a side of the pictures of the whole frame, and of those of the nine parts of the field."""
PROFILE_STEP, FIELD_STEP = 1 / 3, 1 / 2
"""Side of their pixels in widths of the usual star: the first reach 4 widths from the centre, the others 3."""
PROFILE_CHANNELS = ("now", "usual", "kernel")
"""Pictures in the order of the last axis."""
STEEPNESS = 8.0
"""Pictures are stretched by asinh of so many times their values, so that a halo of a hundredth of the peak is seen."""
PEAK_OF_GAUSSIAN = 0.8825
"""Peak of a Gaussian of unit flux, times the square of its FWHM: 4 ln 2 / π."""
LEAST_WIDTH, MOST_WIDTH = 0.8, 24.0
"""Widths of stars are kept between these, pixels of the stack."""
WIDTH_STEPS = 100
"""Widths are rounded to such parts, so that the weights of few of them have to be kept."""
WORKING_SIDE = 49
"""Pixels along a side of the pictures from which the kernel is found: its edges are cut off afterwards."""
DAMPING = 0.003
"""Power below this share of the largest counts as noise when the kernel is found (Wiener 1949)."""

Picture = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Profiles:
    """Pictures of one frame.

    Attributes:
        whole: (25, 25, 3), the last axis in the order of ``PROFILE_CHANNELS``; 0 where one is unknown.
        field: (9, 13, 13) the profile in each part of the field, row by row; 0 where a part has no stars.
    """

    whole: NDArray[np.float32]
    field: NDArray[np.float32]


def profiles(features: SourceFeatures, baseline: Baseline) -> Profiles:
    """Return the pictures of one frame.

    Parameters:
        features: with the stacks of the frame.
        baseline: with the reference stack of its rig.
    """
    now, usual = features.stack, baseline.reference_stack
    now_bin, usual_bin = float(features.stack_bin_px), float(baseline.reference_stack_bin_px)
    width_px = _width(usual) * usual_bin if usual.any() else _width(now) * now_bin
    scaled_now = _scaled(now, width_px / now_bin, PROFILE_STEP, WORKING_SIDE)
    scaled_usual = _scaled(usual, width_px / usual_bin, PROFILE_STEP, WORKING_SIDE)
    pictures = (scaled_now, scaled_usual, _kernel(scaled_now, scaled_usual))
    edge = (WORKING_SIDE - PROFILE_SIDE) // 2
    whole = np.stack([_stretched(picture[edge:-edge, edge:-edge]) for picture in pictures], axis=-1)
    tiles = features.field_stacks.reshape(-1, *features.field_stacks.shape[-2:])
    field = _stretched(np.stack([_scaled(tile, width_px / now_bin, FIELD_STEP, FIELD_SIDE) for tile in tiles]))
    return Profiles(whole.astype(np.float32), field.astype(np.float32))


def _width(stack: NDArray[np.float32]) -> float:
    """Return the FWHM of a Gaussian with the flux and the peak of a stack, in its pixels."""
    peak = max(float(stack.max()), 1e-6)
    return min(max(math.sqrt(PEAK_OF_GAUSSIAN / peak), LEAST_WIDTH), MOST_WIDTH)


def _scaled(stack: NDArray[np.float32], width: float, step: float, side: int) -> Picture:
    """Return a stack of unit flux with pixels of ``step`` widths, in units of the peak of a Gaussian of that width.

    Parameters:
        width: of the usual star in pixels of the stack.
    """
    if not stack.any():
        return np.zeros((side, side))
    width = round(width * WIDTH_STEPS) / WIDTH_STEPS
    weights = _weights(stack.shape[0], width, step, side)
    return np.asarray(weights @ stack.astype(np.float64) @ weights.T * (width**2 / PEAK_OF_GAUSSIAN), np.float64)


@lru_cache(maxsize=512)
def _weights(pixels: int, width: float, step: float, side: int) -> Picture:
    """Return the weights (side, pixels) of the old pixels in each new one: a triangle as wide as the larger of both."""
    old = np.arange(pixels) - (pixels - 1) / 2
    new = (np.arange(side) - (side - 1) / 2) * step * width
    reach = max(step * width, 1.0)
    return np.asarray(np.maximum(1.0 - np.abs(new[:, None] - old[None, :]) / reach, 0.0) / reach, np.float64)


def _kernel(now: Picture, usual: Picture) -> Picture:
    """Return what the usual profile is convolved with to give this one; 0 while one of them is unknown."""
    if not now.any() or not usual.any():
        return np.zeros_like(now)
    of_now, of_usual = np.fft.rfft2(now), np.fft.rfft2(np.fft.ifftshift(usual))
    power = np.abs(of_usual) ** 2
    kernel = np.fft.irfft2(of_now * np.conj(of_usual) / (power + DAMPING * power.max()), s=now.shape)
    return np.asarray(kernel / (PROFILE_STEP**2 * PEAK_OF_GAUSSIAN), np.float64)


def _stretched(picture: Picture) -> Picture:
    """Return a picture after the stretch that keeps a peak of 1 at 1."""
    return np.asarray(np.arcsinh(STEEPNESS * picture) / np.arcsinh(STEEPNESS), np.float64)
