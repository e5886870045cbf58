"""True trails for simulated frames: satellites, tumbling and flashing ones, aircraft, meteors."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from benchmarks.streak_scenes import Draft, log_uniform
from training.simulate import conditions
from training.simulate.visitors import TrailTruth

WING_EXPONENT = 3.0
"""Moffat exponent of the trail's profile; the integral along the line takes half a power from it."""

Brightness = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def draw_trail(rng: np.random.Generator, draft: Draft, kind: str) -> TrailTruth:
    """Draw one trail into the added light.

    Parameters:
        kind: one of ``KINDS``.
    """
    height, width = draft.shape
    angle = rng.uniform(0, math.pi)
    if kind == "on_axis":
        angle = math.radians(rng.choice([0.0, 90.0]) + rng.uniform(-0.25, 0.25))
    while True:
        x0, y0 = rng.uniform(0.05, 0.95) * width, rng.uniform(0.05, 0.95) * height
        behind, ahead = _borders(x0, y0, angle, width, height)
        if kind in ("part", "short", "meteor"):
            # It entered or left the shadow of the Earth, or the exposure began or ended.
            length = log_uniform(rng, 90, 220) if kind == "short" else rng.uniform(0.3, 0.9) * (ahead - behind)
            start = rng.uniform(behind - 0.3 * length, ahead - 0.7 * length)
            behind, ahead = max(behind, start), min(ahead, start + length)
        if ahead - behind >= 80:
            break
    fwhm = conditions.still_fwhm_px(draft.rig, draft.condition)
    wide = fwhm * (rng.uniform(1.4, 3.0) if kind == "wide" else rng.uniform(0.95, 1.1))
    peak_e = draft.rig.noise_e * log_uniform(rng, 1.0, 60)
    bright = _brightness(rng, kind, behind, ahead, fwhm)
    tracks = [0.0]
    if kind == "aircraft":
        half = rng.uniform(1.5, 6) * fwhm
        tracks = [-half, half]
    x, y = draft.mesh()
    along = (x - x0) * math.cos(angle) + (y - y0) * math.sin(angle)
    across = -(x - x0) * math.sin(angle) + (y - y0) * math.cos(angle)
    near = (np.abs(across) < 8 * wide + abs(tracks[0])) & (along > behind - 3 * fwhm) & (along < ahead + 3 * fwhm)
    run = along[near].astype(np.float64)
    # The ends are as soft as a star.
    lit = (
        peak_e
        * bright(np.clip(run, behind, ahead))
        / ((1 + np.exp((behind - run) / (0.4 * fwhm))) * (1 + np.exp((run - ahead) / (0.4 * fwhm))))
    )
    alpha = wide / 2 / math.sqrt(2 ** (1 / (WING_EXPONENT - 0.5)) - 1)
    for track in tracks:
        draft.added_e[near] += (lit * (1 + ((across[near] - track) / alpha) ** 2) ** (0.5 - WING_EXPONENT)).astype(
            np.float32
        )
    dx, dy = math.cos(angle), math.sin(angle)
    return TrailTruth(
        x0_px=x0 + behind * dx, y0_px=y0 + behind * dy, x1_px=x0 + ahead * dx, y1_px=y0 + ahead * dy,
        width_px=wide + tracks[-1] - tracks[0], peak_e=peak_e,
    )  # fmt: skip


def _brightness(rng: np.random.Generator, kind: str, behind: float, ahead: float, fwhm: float) -> Brightness:
    """Return the light along a trail as a factor of its peak."""
    period, phase = log_uniform(rng, 25, 250), rng.uniform(0, 1)
    if kind == "dashed":
        lit = rng.uniform(0.35, 0.75)
        return lambda run: np.where((run / period + phase) % 1 < lit, 1.0, 0.02)
    if kind == "tumbling":
        depth = rng.uniform(0.3, 1)
        return lambda run: 1 - depth / 2 + depth / 2 * np.sin(2 * math.pi * (run / period + phase))
    if kind == "flare":
        middle, reach, base = (
            rng.uniform(behind, ahead),
            rng.uniform(0.1, 0.4) * (ahead - behind),
            rng.uniform(0.1, 0.5),
        )
        return lambda run: base + (1 - base) * np.exp(-(((run - middle) / reach) ** 2))
    if kind == "aircraft":
        return lambda run: 0.4 + 0.6 * np.exp(-0.5 * (((run + phase * period) % period - 12) / (1.5 * fwhm)) ** 2)
    if kind == "meteor":
        middle = behind + rng.uniform(0.4, 0.8) * (ahead - behind)
        return lambda run: np.clip(np.where(run < middle, (run - behind) / (middle - behind),
                                            (ahead - run) / (ahead - middle)), 0, 1) ** 0.7  # fmt: skip
    return np.ones_like


def _borders(x: float, y: float, angle: float, width: int, height: int) -> tuple[float, float]:
    """Distances along a line at which it leaves the frame, behind (negative) and ahead of its point."""
    behind, ahead = -math.inf, math.inf
    for position, direction, size in ((x, math.cos(angle), width), (y, math.sin(angle), height)):
        if abs(direction) > 1e-9:
            near, far = sorted(((-0.5 - position) / direction, (size - 0.5 - position) / direction))
            behind, ahead = max(behind, near), min(ahead, far)
    return behind, ahead


KINDS = (
    "crossing", "part", "short", "dashed", "tumbling", "flare", "wide", "aircraft", "meteor", "on_axis",
)  # fmt: skip
