"""One table of sources for the self-organising map: normalised cut-outs and a few numbers for each source.

The only copy, for training and serving.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import SkyMap, Stars

MOST_SOURCES = 128
"""The brightest measured stars that are used; the table always has so many rows, unused ones are zero."""

STAMP_PX = 25
"""Side of a cut-out in pixels, as in the method of Teimoorinia et al."""
LEAST_SNR = 5.0
"""Fainter sources have no shape that can be seen."""
FEW_UNSATURATED = 8
"""With fewer unsaturated stars the saturated ones are used too."""

SOURCE_NUMBERS = (
    "log_fwhm_stamp_px",
    "log_fwhm_over_median",
    "ellipticity",
    "ellipticity_along_mean",
    "ellipticity_across_mean",
    "ellipticity_radial",
    "log_snr",
    "radius_in_field",
    "central_dip",
    "log_hfr_over_fwhm",
    "sky_over_noise",
)
"""Numbers of each source in addition to its cut-out. Directions are relative to the mean direction of the frame
(``along`` and ``across`` it) and to the centre of the field (``radial``), because an angle alone means nothing."""

SOURCE_LENGTH = STAMP_PX * STAMP_PX + len(SOURCE_NUMBERS)

Table = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """The table of one frame.

    Attributes:
        rows: (128, 636) float32: 625 pixels of the cut-out, row by row, scaled to a peak of about 1, then
            ``SOURCE_NUMBERS``. Unused rows are zero.
        valid: (128,) float32, 1 for used rows, 0 for the others.
    """

    rows: Table
    valid: NDArray[np.float32]


def sources(stars: Stars, sky: SkyMap, shape: tuple[int, int]) -> Sources:
    """Return the table of one frame's sources for the self-organising map.

    All cut-outs of a frame are mirrored alike, so that the mean direction of their elongation lies between 0 and 45
    degrees: the map need not learn eight copies of each trail.

    Parameters:
        stars: as measured, brightest first.
        sky: of the same frame.
        shape: (H, W) of the frame.
    """
    rows = np.zeros((MOST_SOURCES, SOURCE_LENGTH), np.float32)
    valid = np.zeros(MOST_SOURCES, np.float32)
    chosen = _choose(stars)
    if chosen.size:
        double = np.radians(2 * stars.theta_deg[chosen].astype(np.float64))
        a2, b2 = stars.a_px[chosen].astype(np.float64) ** 2, stars.b_px[chosen].astype(np.float64) ** 2
        ellipticity = (a2 - b2) / np.maximum(a2 + b2, 1e-9)
        mean = np.arctan2((ellipticity * np.sin(double)).sum(), (ellipticity * np.cos(double)).sum())
        mirror_y, swap = _mirrors(float(mean))
        rows[: chosen.size, : STAMP_PX * STAMP_PX] = _cutouts(stars.stamps[chosen], mirror_y, swap)
        rows[: chosen.size, STAMP_PX * STAMP_PX :] = _numbers(
            stars, chosen, sky, shape, ellipticity, double, float(mean)
        )
        valid[: chosen.size] = 1
    return Sources(rows, valid)


def mean_image(table: Sources) -> Table:
    """Return the mean of a frame's scaled cut-outs, (25, 25); zero without sources."""
    used = table.rows[table.valid > 0, : STAMP_PX * STAMP_PX]
    mean: Table = used.mean(axis=0, dtype=np.float32) if len(used) else np.zeros(STAMP_PX * STAMP_PX, np.float32)
    return mean.reshape(STAMP_PX, STAMP_PX)


def _choose(stars: Stars) -> NDArray[np.intp]:
    """Return the indices of the stars that the self-organising map sees: bright, and unsaturated if enough are."""
    bright = stars.snr >= LEAST_SNR
    clean = np.flatnonzero(bright & ~stars.saturated)
    chosen = clean if clean.size >= FEW_UNSATURATED else np.flatnonzero(bright)
    return chosen[:MOST_SOURCES]


def _mirrors(mean_double_angle: float) -> tuple[bool, bool]:
    """Which mirrors bring an axis (given by twice its angle, from +x to +y) to between 0 and 45 degrees."""
    mirror_y = mean_double_angle < 0
    return mirror_y, abs(mean_double_angle) > np.pi / 2


def _cutouts(stamps: NDArray[np.float32], mirror_y: bool, swap: bool) -> Table:
    """Return the cut-outs of stars as rows for the self-organising map, mirrored and scaled by their peak."""
    if mirror_y:
        stamps = stamps[:, ::-1, :]
    if swap:
        stamps = stamps.transpose(0, 2, 1)
    flat = np.ascontiguousarray(stamps).reshape(len(stamps), -1)
    inner = np.ascontiguousarray(stamps[:, 5:-5, 5:-5]).reshape(len(stamps), -1)
    # The mean of the four highest pixels is less at the mercy of noise than the highest.
    peak = np.partition(inner, inner.shape[1] - 4, axis=1)[:, -4:].mean(axis=1)
    scaled: Table = np.clip(flat / np.maximum(peak, 1e-6)[:, None], -0.25, 1.25)
    return scaled


def _numbers(
    stars: Stars,
    chosen: NDArray[np.intp],
    sky: SkyMap,
    shape: tuple[int, int],
    ellipticity: NDArray[np.float64],
    double: NDArray[np.float64],
    mean: float,
) -> Table:
    """Return the numbers of each star for the self-organising map: width, shape, place, brightness and sky."""
    fwhm = np.clip(np.nan_to_num(stars.fwhm_px[chosen].astype(np.float64)), 0.3, 1e3)
    x = stars.x_px[chosen] - (shape[1] - 1) / 2
    y = stars.y_px[chosen] - (shape[0] - 1) / 2
    half_diagonal = 0.5 * float(np.hypot(*shape))
    row = np.clip((stars.y_px[chosen] / sky.cell_px).astype(int), 0, sky.level_adu.shape[0] - 1)
    column = np.clip((stars.x_px[chosen] / sky.cell_px).astype(int), 0, sky.level_adu.shape[1] - 1)
    above = sky.level_adu[row, column] - np.median(sky.level_adu)
    columns = (
        np.log(fwhm / stars.stamp_bin),
        np.log(fwhm / np.median(fwhm)),
        ellipticity,
        ellipticity * np.cos(double - mean),
        ellipticity * np.sin(double - mean),
        ellipticity * np.cos(double - 2 * np.arctan2(y, x)),
        np.log(np.clip(stars.snr[chosen], 1.0, 1e6)),
        np.hypot(x, y) / half_diagonal,
        np.clip(stars.dip[chosen], -1, 1),
        np.log(np.clip(np.nan_to_num(stars.hfr_px[chosen]), 0.1, 1e3) / fwhm),
        np.arcsinh(above / max(sky.noise_adu, 1e-6)),
    )
    table: Table = np.nan_to_num(np.stack(columns, axis=1), nan=0.0, posinf=9.0, neginf=-9.0).astype(np.float32)
    return np.clip(table, -9, 9)
