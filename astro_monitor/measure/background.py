"""Sky level, gradient and patchiness from the sky mesh of the star finder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..records import SkyMap

ROUNDS = 8
"""Iterations of the reweighted fit; it converges to a small fraction of the noise."""
MIN_CELLS_FOR_CURVES = 24
"""Fewest cells of the mesh for a second-order surface; with fewer, a plane is fitted."""
MIN_CELLS_FOR_SLOPE = 6
"""Fewest cells of the mesh for a plane; with fewer, a constant is fitted."""
MESH_NOISE = 0.05
"""Noise of a mesh cell as a fraction of the noise of a pixel: a cell is a clipped mean of at least a hundred pixels,
and the median of its neighbourhood."""


@dataclass(frozen=True, slots=True)
class Background:
    """The sky of one frame in ADU; ``gradient_angle_deg`` is the direction of increasing brightness, from +x to +y."""

    level_adu: float
    noise_adu: float
    gradient_adu: float
    gradient_angle_deg: float
    rough_adu: float


def background(sky: SkyMap) -> Background:
    """Return the properties of the sky.

    Parameters:
        sky: mesh of sky levels.
    """
    mesh = sky.level_adu.astype(np.float64)
    smooth = _fitted_surface(mesh)
    right, down = np.meshgrid(np.arange(mesh.shape[1]), np.arange(mesh.shape[0]))
    level = float(np.median(mesh))
    rough = max(_robust_variance(mesh - smooth) - (MESH_NOISE * sky.noise_adu) ** 2, 0.0)
    return Background(
        level_adu=level,
        noise_adu=float(sky.noise_adu),
        gradient_adu=float(smooth.max() - smooth.min()),
        gradient_angle_deg=float(np.degrees(np.arctan2(_slope(smooth, down), _slope(smooth, right)))),
        rough_adu=float(np.sqrt(rough)),
    )


def _fitted_surface(mesh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a second-order surface, robust against nebulae, galaxies or a tree in a minority of the cells.

    Least absolute deviations by reweighted least squares; unlike clipping, this does not depend on the start.
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
    """Return the variance of sky values from their median absolute deviation."""
    return float((1.4826 * np.median(np.abs(values - np.median(values)))) ** 2)


def _slope(surface: NDArray[np.float64], along: NDArray[np.intp]) -> float:
    """Return the slope of the sky level along an axis of its mesh, by least squares; 0 when the axis has one cell."""
    centred = along - along.mean()
    norm = float((centred**2).sum())
    return float((centred * surface).sum() / norm) if norm else 0.0
