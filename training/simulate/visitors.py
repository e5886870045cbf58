"""Satellites, aircraft and cosmic rays."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.simulate.psf import Psf


@dataclass(frozen=True, slots=True, kw_only=True)
class TrailTruth:
    """One trail: its ends inside the frame, full width at half maximum (pixels), peak above the sky (electrons)."""

    x0_px: float
    y0_px: float
    x1_px: float
    y1_px: float
    width_px: float
    peak_e: float


def line_profile(psf: Psf) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Light across a long line of unit brightness: offsets in pixels and values with unit sum over pixels."""
    across = psf.grid.sum(axis=0, dtype=np.float64) / psf.oversampling
    offset = (np.arange(len(across)) - len(across) // 2) / psf.oversampling
    return offset, across


def add_trail(
    rng: np.random.Generator,
    light_e: NDArray[np.float32],
    mask: NDArray[np.bool_],
    psf: Psf,
    noise_e: float,
) -> TrailTruth | None:
    """Draws one trail into ``light_e`` and marks it in ``mask``; ``None`` when it misses the frame.

    Parameters:
        psf: of a star without the mount's motion (a satellite crosses in a moment).
        noise_e: of an empty pixel; trails reach from half of it upwards.
    """
    height, width = light_e.shape
    angle = rng.uniform(0, math.pi)
    through_x, through_y = rng.uniform(0.05, 0.95) * width, rng.uniform(0.05, 0.95) * height
    ends = _clip(through_x, through_y, angle, width, height)
    if rng.random() < 0.2:  # it entered or left during the exposure, or dipped into the Earth's shadow
        ends = (
            (ends[0] * rng.uniform(0, 0.8), ends[1]) if rng.random() < 0.5 else (ends[0], ends[1] * rng.uniform(0, 0.8))
        )
    if ends[1] - ends[0] < 15:
        return None
    peak_e = noise_e * math.exp(rng.uniform(math.log(0.8), math.log(80)))
    offset, across = line_profile(psf)
    across = across / across.max()
    plane = rng.random() < 0.12
    tracks = (-rng.uniform(1.5, 6) * psf.fwhm_px, rng.uniform(1.5, 6) * psf.fwhm_px) if plane else (0.0,)
    reach = min(max(12.0, 4 * psf.fwhm_px), float(offset[-1])) + max(abs(track) for track in tracks)
    y, x, along, distance = near_line(light_e.shape, through_x, through_y, angle, reach)
    inside = (along >= ends[0]) & (along <= ends[1])
    y, x, along, distance = y[inside], x[inside], along[inside], distance[inside]
    bright = np.ones_like(along)
    if plane:
        bright = 0.35 + 2.5 * np.exp(-0.5 * (((along % rng.uniform(40, 200)) - 20) / (1.5 * psf.fwhm_px)) ** 2)
    elif rng.random() < 0.3:
        bright = 1 + rng.uniform(0.2, 0.95) * np.sin(along * 2 * np.pi / rng.uniform(40, 1500) + rng.uniform(0, 6))
    for track in tracks:
        light = peak_e * bright * np.interp(distance - track, offset, across, left=0, right=0)
        light_e[y, x] += light.astype(np.float32)
        seen = (light > 0.5 * noise_e) | (np.abs(distance - track) <= 0.5 * psf.fwhm_px)
        mask[y[seen], x[seen]] = True
    half = offset[across >= 0.5]
    spread = float(half[-1] - half[0]) + (tracks[-1] - tracks[0])
    direction = np.array([math.cos(angle), math.sin(angle)])
    start, stop = np.array([through_x, through_y]) + np.outer(ends, direction)
    return TrailTruth(
        x0_px=float(start[0]), y0_px=float(start[1]), x1_px=float(stop[0]), y1_px=float(stop[1]),
        width_px=spread, peak_e=float(peak_e * bright.max()),
    )  # fmt: skip


def _clip(x: float, y: float, angle: float, width: int, height: int) -> tuple[float, float]:
    """Distances along the line from (x, y) at which it leaves the frame, behind and ahead."""
    behind, ahead = -math.inf, math.inf
    for position, direction, size in ((x, math.cos(angle), width), (y, math.sin(angle), height)):
        if abs(direction) > 1e-9:
            near, far = sorted(((-0.5 - position) / direction, (size - 0.5 - position) / direction))
            behind, ahead = max(behind, near), min(ahead, far)
    return behind, ahead


def near_line(
    shape: tuple[int, int], x0: float, y0: float, angle: float, reach: float, far: float = math.inf
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Pixels within ``reach`` of a line and ``far`` of its point (x0, y0): rows, columns, distance along and across."""
    height, width = shape
    cos, sin = math.cos(angle), math.sin(angle)
    if abs(cos) >= abs(sin):  # a band of rows for each column
        column = np.arange(width)
        centre = y0 + (column - x0) * sin / cos
        half = reach / abs(cos)
        row = np.rint(centre)[:, None].astype(np.int64) + np.arange(-int(half) - 1, int(half) + 2)
        x, y = np.broadcast_to(column[:, None], row.shape).ravel(), row.ravel()
    else:
        line = np.arange(height)
        centre = x0 + (line - y0) * cos / sin
        half = reach / abs(sin)
        column2 = np.rint(centre)[:, None].astype(np.int64) + np.arange(-int(half) - 1, int(half) + 2)
        x, y = column2.ravel(), np.broadcast_to(line[:, None], column2.shape).ravel()
    along = (x - x0) * cos + (y - y0) * sin
    keep = (x >= 0) & (x < width) & (y >= 0) & (y < height) & (np.abs(along) <= far)
    x, y, along = x[keep], y[keep], along[keep]
    across = -(x - x0) * sin + (y - y0) * cos
    return y, x, along, across


def add_cosmic_rays(
    rng: np.random.Generator, light_e: NDArray[np.float32], hits: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Short sharp tracks of charge. Returns x, y (centre), charge and peak of each, (N,)."""
    height, width = light_e.shape
    rows = []
    for _ in range(hits):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        length = rng.exponential(2.5) if rng.random() < 0.85 else rng.uniform(5, 30)
        charge = 300 * math.exp(rng.normal(0.8, 0.9)) * (1 + 0.3 * length)
        angle = rng.uniform(0, np.pi)
        steps = int(length * 3) + 1
        along = (np.arange(steps) - (steps - 1) / 2) / 3
        column = np.rint(x + along * math.cos(angle)).astype(np.int64)
        row = np.rint(y + along * math.sin(angle)).astype(np.int64)
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        column, row = column[inside], row[inside]
        if not len(row):
            continue
        share = charge / steps * rng.uniform(0.5, 1.5, len(row))
        np.add.at(light_e, (row, column), share.astype(np.float32))
        _, which = np.unique(row * width + column, return_inverse=True)
        peak = float(np.bincount(which, share).max())
        weight = share.sum()
        rows.append(((column * share).sum() / weight, (row * share).sum() / weight, weight, peak))
    table = np.array(rows).reshape(-1, 4)
    return table[:, 0], table[:, 1], table[:, 2], table[:, 3]
