"""Sky level, gradient and patchiness from the mesh that the star finder subtracted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import Frame, SkyMap

ROUNDS = 8
MIN_CELLS_FOR_CURVES = 24
"""With fewer cells only a plane is fitted, with hardly any only a level."""
MIN_CELLS_FOR_SLOPE = 6
MESH_NOISE = 0.05
"""Noise of a mesh cell in units of the noise of a pixel: a cell is a clipped mean of at least a hundred pixels, and the
median of its neighbourhood."""
SUBTRACTED_NOISES = 3.0
"""A level of floats nearer to zero than this many times its noise means that the sky was subtracted."""
FULL_SCALE_ADU = 65535.0
"""Frames whose saturation is about 1 were scaled down from this."""


@dataclass(frozen=True, slots=True)
class Background:
    """The sky of one frame, ADU. ``gradient_angle_deg`` is where the sky brightens, from +x to +y."""

    level_adu: float
    noise_adu: float
    gradient_adu: float
    gradient_angle_deg: float
    rough_adu: float
    pedestal_adu: float


def background(frame: Frame, sky: SkyMap) -> Background:
    """Describe the sky.

    Parameters:
        frame: for what its header says about the pedestal and the gain.
        sky: mesh of sky levels.
    """
    mesh = sky.level_adu.astype(np.float64)
    smooth = _smooth(mesh)
    right, down = np.meshgrid(np.arange(mesh.shape[1]), np.arange(mesh.shape[0]))
    level = float(np.median(mesh))
    rough = max(_robust_variance(mesh - smooth) - (MESH_NOISE * sky.noise_adu) ** 2, 0.0)
    return Background(
        level_adu=level,
        noise_adu=float(sky.noise_adu),
        gradient_adu=float(smooth.max() - smooth.min()),
        gradient_angle_deg=float(np.degrees(np.arctan2(_slope(smooth, down), _slope(smooth, right)))),
        rough_adu=float(np.sqrt(rough)),
        pedestal_adu=_pedestal(level, sky.noise_adu, frame),
    )


def _smooth(mesh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fit a second-order surface that bright nebulae, galaxies or a tree in a minority of the cells do not bend.

    Least absolute deviations by reweighted least squares; unlike clipping, this does not depend on where it starts.
    """
    rows, columns = mesh.shape
    y, x = np.meshgrid(np.linspace(-1, 1, rows), np.linspace(-1, 1, columns), indexing="ij")
    terms = [np.ones_like(x)]
    if mesh.size >= MIN_CELLS_FOR_SLOPE and min(rows, columns) >= 2:
        terms += [x, y]
    if mesh.size >= MIN_CELLS_FOR_CURVES and min(rows, columns) >= 3:
        terms += [x * x, x * y, y * y]
    design = np.stack([term.ravel() for term in terms])
    typical = float(np.median(mesh))
    values = mesh.ravel() - typical
    weight = np.ones(values.size)
    fit = np.zeros(values.size)
    for _ in range(ROUNDS):
        weighted = design * weight
        normal, right = np.einsum("in,jn->ij", weighted, design), np.einsum("in,n->i", weighted, values)
        fit = np.einsum("i,in->n", np.linalg.lstsq(normal, right, rcond=None)[0], design)
        away = np.abs(values - fit)
        weight = 1 / np.maximum(away, max(0.5 * float(np.median(away)), 1e-9 * max(abs(typical), 1.0)))
        weight /= weight.max()
    return np.asarray(fit.reshape(mesh.shape) + typical, np.float64)


def _robust_variance(values: NDArray[np.float64]) -> float:
    return float((1.4826 * np.median(np.abs(values - np.median(values)))) ** 2)


def _slope(surface: NDArray[np.float64], along: NDArray[np.intp]) -> float:
    centred = along - along.mean()
    norm = float((centred**2).sum())
    return float((centred * surface).sum() / norm) if norm else 0.0


def _pedestal(level_adu: float, noise_adu: float, frame: Frame) -> float:
    """Level of no light: from the header, else from the photon noise of the sky.

    variance [ADU²] = (level - pedestal) [ADU] / gain [e/ADU] + read noise². Read noise is neglected, and a gain that is
    not known is taken as one electron per ADU of 16 bits, more than most cameras have: both make the sky too bright
    rather than too dark, so the pedestal is bounded from its low side, and parts of the sky are never overstated much.
    """
    if frame.meta.pedestal_adu is not None:
        return float(frame.meta.pedestal_adu)
    gain = frame.meta.e_per_adu
    if gain is None or gain <= 0:
        gain = FULL_SCALE_ADU if frame.saturation_adu <= 2 else 1.0
    # Super-pixels are means of several sensor pixels, whose noise they lower.
    sky_adu = gain * (noise_adu * frame.sensor_px_per_px) ** 2
    # Where the sky was subtracted, pixels scatter around zero, and only their noise shows how bright it was.
    subtracted = frame.pixels.dtype == np.float32 and level_adu <= SUBTRACTED_NOISES * noise_adu
    return level_adu - sky_adu if subtracted or level_adu <= 0 else max(0.0, level_adu - sky_adu)
