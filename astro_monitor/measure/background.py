"""Sky level, gradient and patchiness from the mesh that the star finder subtracted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import FrameMeta, SkyMap

CLIP_ROUNDS = 5
CLIP_SIGMA = 2.5
SUBSAMPLE_SHARE = (2.0, 98.0)
"""The smooth sky's peak and valley are percentiles, so that one corner of the fit does not decide."""


@dataclass(frozen=True, slots=True)
class Background:
    """The sky of one frame. ``pedestal_adu`` is ``None`` when nothing tells the level of no light."""

    level_adu: float
    noise_adu: float
    gradient_adu: float
    gradient_angle_deg: float
    rough_adu: float
    pedestal_adu: float | None
    pedestal_source: str


def background(sky: SkyMap, meta: FrameMeta, sensor_px_per_px: int) -> Background:
    """Describe the sky.

    Parameters:
        sky: mesh of sky levels.
        meta: for the pedestal and the gain.
        sensor_px_per_px: super-pixels average this many squared sensor pixels, which lowers the noise.
    """
    mesh = sky.level_adu.astype(np.float64)
    smooth = _smooth(mesh)
    low, high = np.percentile(smooth, SUBSAMPLE_SHARE)
    rows, columns = mesh.shape
    yy, xx = np.mgrid[:rows, :columns]
    slope_x, slope_y = _slope(smooth, xx), _slope(smooth, yy)
    level = float(np.median(mesh))
    # Each mesh cell is a median of many pixels; its own noise is small but not nothing.
    cell_noise = 1.25 * sky.noise_adu / max(sky.cell_px, 1)
    rough = float(np.sqrt(max(_robust_variance(mesh - smooth) - cell_noise**2, 0.0)))
    pedestal, source = _pedestal(level, sky.noise_adu * sensor_px_per_px, meta)
    return Background(
        level_adu=level,
        noise_adu=float(sky.noise_adu),
        gradient_adu=float(high - low),
        gradient_angle_deg=float(np.degrees(np.arctan2(slope_y, slope_x))),
        rough_adu=rough,
        pedestal_adu=pedestal,
        pedestal_source=source,
    )


def _smooth(mesh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit a second-order surface, leaving out cells that stand off: nebulae, galaxies, a tree."""
    rows, columns = mesh.shape
    yy, xx = np.mgrid[:rows, :columns]
    x = (2 * xx - columns + 1) / max(columns - 1, 1)
    y = (2 * yy - rows + 1) / max(rows - 1, 1)
    terms = [np.ones_like(x), x, y, x * x, x * y, y * y] if min(rows, columns) >= 3 else [np.ones_like(x)]
    design = np.stack([term.ravel() for term in terms], axis=1)
    values = mesh.ravel()
    used = np.ones(values.size, np.bool_)
    fit = np.full(values.size, float(np.median(values)))
    for _ in range(CLIP_ROUNDS):
        if np.count_nonzero(used) < 2 * design.shape[1]:
            break
        coefficients, *_ = np.linalg.lstsq(design[used], values[used], rcond=None)
        fit = design @ coefficients
        residual = values - fit
        spread = np.sqrt(_robust_variance(residual[used]))
        still = np.abs(residual) <= CLIP_SIGMA * spread + 1e-9 * max(abs(float(values[0])), 1.0)
        if np.array_equal(still, used):
            break
        used = still
    return np.asarray(fit.reshape(mesh.shape), np.float64)


def _robust_variance(values: NDArray[np.float64]) -> float:
    return float((1.4826 * np.median(np.abs(values - np.median(values)))) ** 2) if values.size else 0.0


def _slope(surface: NDArray[np.float64], along: NDArray[np.intp]) -> float:
    centred = along - along.mean()
    norm = float((centred**2).sum())
    return float((centred * surface).sum() / norm) if norm else 0.0


def _pedestal(level_adu: float, noise_adu: float, meta: FrameMeta) -> tuple[float | None, str]:
    """Level of no light: from the header, else from the gain, because photon noise tells the number of electrons.

    variance[ADU²] = (level - pedestal) / gain + read noise²; the read noise is neglected, so the sky is bounded from
    above and the pedestal from below.
    """
    if meta.pedestal_adu is not None:
        return meta.pedestal_adu, meta.sources.get("pedestal_adu", "header")
    if meta.e_per_adu is not None and meta.e_per_adu > 0:
        sky_adu = noise_adu**2 * meta.e_per_adu
        return max(0.0, level_adu - min(sky_adu, level_adu)), "photon noise and gain"
    return None, "neither a pedestal nor a gain is in the header"
