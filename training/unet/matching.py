"""Detections against truth, star by star and trail by trail."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from astro_monitor.records import KIND_ARTEFACT, Streak
from training.simulate import SimFrame
from training.simulate.visitors import TrailTruth

COUNTED_SNR = 5.0
"""Truth fainter than this may be found, but need not be."""

FAINTEST_SNR = 2.0
"""A detection at the place of something fainter than this is false: the simulator lists nothing below."""

SNR_EDGES = (5.0, 7.0, 10.0, 20.0, math.inf)


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """One frame.

    Attributes:
        truth_snr, truth_found: (T,) of the stars and extended sources that should be found.
        error_px: (T,) distance of what was found, frame pixels; NaN where nothing was.
        true: (N,) for each detection, whether something real is there.
        truth_kind: (N,) kind of what is there; -1 for nothing.
        claimed_snr: (N,) its signal to noise; 0 for nothing.
    """

    truth_snr: NDArray[np.float32]
    truth_found: NDArray[np.bool_]
    error_px: NDArray[np.float64]
    true: NDArray[np.bool_]
    truth_kind: NDArray[np.int64]
    claimed_snr: NDArray[np.float32]


def match(
    frame: SimFrame,
    x_px: NDArray[np.float32],
    y_px: NDArray[np.float32],
    bin_factor: int,
    counted_snr: float = COUNTED_SNR,
) -> Match:
    """Pair detections with the truth, nearest first.

    Parameters:
        frame: with its truth.
        x_px, y_px: (N,) detections, frame pixels.
        bin_factor: coarser detections may be farther off.
        counted_snr: truth from here on should be found.
    """
    stars = frame.stars[frame.stars["snr"] >= FAINTEST_SNR]
    stars = stars[np.argsort(-stars["snr"], kind="stable")]
    reach = np.maximum(2.0 * bin_factor, 0.5 * stars["fwhm_px"])
    nearest = np.full(len(stars), np.nan)
    claimed = np.full(len(x_px), -1)
    if len(stars) and len(x_px):
        found = cKDTree(np.stack([x_px, y_px], axis=1))
        nearest, _ = found.query(np.stack([stars["x_px"], stars["y_px"]], axis=1))
        claimed = _claim(stars, reach, found)
    hit = np.nan_to_num(nearest, nan=np.inf) <= reach
    truth_kind = np.full(len(x_px), -1)
    truth_kind[claimed >= 0] = stars["kind"][claimed[claimed >= 0]]
    claimed_snr = np.zeros(len(x_px), np.float32)
    claimed_snr[claimed >= 0] = stars["snr"][claimed[claimed >= 0]]
    counted = (stars["kind"] != KIND_ARTEFACT) & (stars["snr"] >= counted_snr)
    return Match(
        truth_snr=stars["snr"][counted],
        truth_found=hit[counted],
        error_px=np.where(hit, nearest, np.nan)[counted],
        true=(truth_kind >= 0) & (truth_kind != KIND_ARTEFACT),
        truth_kind=truth_kind,
        claimed_snr=claimed_snr,
    )


def _claim(stars: NDArray[np.void], reach: NDArray[np.float64], found: cKDTree) -> NDArray[np.int64]:
    """Place of the true source that each detection stands for, or -1. Each is given away once: doubles are false."""
    truth = cKDTree(np.stack([stars["x_px"], stars["y_px"]], axis=1))
    pairs = truth.sparse_distance_matrix(found, float(reach.max()), output_type="ndarray")
    # An artefact counts a third: a star under a hot pixel is a star. Brightest first, then nearest.
    weight = stars["snr"] * np.where(stars["kind"] == KIND_ARTEFACT, 1 / 3, 1)
    pairs = pairs[np.lexsort((pairs["v"], -weight[pairs["i"]]))]
    owner = np.full(found.n, -1)
    taken = np.zeros(len(stars), bool)
    for star, detection, distance in pairs.tolist():
        if owner[detection] < 0 and not taken[star] and distance <= reach[star]:
            owner[detection] = star
            taken[star] = True
    return owner


def same_trail(truth: TrailTruth, found: Streak, tolerance_px: float) -> bool:
    """Whether a found trail lies on a true one: middle and both ends near its line, and nearly its direction."""
    dx, dy = truth.x1_px - truth.x0_px, truth.y1_px - truth.y0_px
    length = math.hypot(dx, dy)
    turned = abs(math.degrees(math.atan2(dy, dx)) - found.angle_deg) % 180
    if min(turned, 180 - turned) > 4:
        return False
    x, y = (found.x0_px + found.x1_px) / 2, (found.y0_px + found.y1_px) / 2
    apart = abs((x - truth.x0_px) * dy - (y - truth.y0_px) * dx) / length
    return apart <= tolerance_px + truth.width_px
