"""A star field and a camera in numpy, realistic enough for the program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

OVERSAMPLING = 4
"""Grid points per pixel of point-spread functions."""

MOFFAT_BETA = 3.5
"""Exponent of the Moffat profile of long exposures: between pure turbulence (4.765) and observed values (about 3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """A telescope and its camera.

    Attributes:
        height_px, width_px: frame size.
        scale_arcsec_px: pixel scale.
        e_per_adu: gain.
        read_noise_e: read noise.
        offset_adu: level without light.
        sky_e_s: clear sky per pixel and second.
        vignetting: fraction of the light that is lost in the corners.
    """

    height_px: int = 960
    width_px: int = 1280
    scale_arcsec_px: float = 1.1
    e_per_adu: float = 0.8
    read_noise_e: float = 3.0
    offset_adu: float = 500.0
    sky_e_s: float = 4.0
    vignetting: float = 0.12


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sky:
    """Stars and a faint nebula, with positions in pixels from the field centre and fluxes in electrons per second.

    Attributes:
        x_px, y_px, flux_e_s: (N,) float64.
        nebula: (height, width) float32, electrons per pixel and second.
    """

    x_px: NDArray[np.float64]
    y_px: NDArray[np.float64]
    flux_e_s: NDArray[np.float64]
    nebula: NDArray[np.float32]

    @classmethod
    def seeded(cls, rig: Rig, seed: int = 1, stars: int = 900) -> Sky:
        """Return a field whose star counts rise tenfold in about 2.5 magnitudes, as outside the Milky Way."""
        rng = np.random.default_rng(seed)
        half_height, half_width = 0.6 * rig.height_px, 0.6 * rig.width_px
        flux = 6.0 * rng.pareto(0.9, stars) + 6.0
        yy, xx = np.mgrid[: rig.height_px, : rig.width_px].astype(np.float32)
        blob = np.exp(-(((xx - 0.35 * rig.width_px) / 150) ** 2 + ((yy - 0.6 * rig.height_px) / 90) ** 2))
        return cls(
            x_px=rng.uniform(-half_width, half_width, stars),
            y_px=rng.uniform(-half_height, half_height, stars),
            flux_e_s=np.minimum(flux, 4000.0),
            nebula=(0.25 * blob).astype(np.float32),
        )


def point_spread(
    fwhm_px: float, path_px: Sequence[tuple[float, float]] = ((0.0, 0.0),), defocus_px: float = 0.0
) -> NDArray[np.float64]:
    """Return a Moffat profile along a path and over the ring of a defocused pupil with a central obstruction.

    Parameters:
        fwhm_px: width of the Moffat core.
        path_px: positions of the star during the exposure, at equal intervals.
        defocus_px: outer radius of the defocused ring; 0 is in focus.

    Returns:
        (S, S) array on the fine grid, S odd, sum 1.
    """
    ring = [(0.0, 0.0)]
    if defocus_px > 0:
        radii = np.sqrt(np.linspace(0.35**2, 1.0, 7)) * defocus_px
        turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        ring = [(r * np.cos(t), r * np.sin(t)) for r in radii for t in turns]
    reach = 4.0 * fwhm_px + defocus_px + max(max(abs(x), abs(y)) for x, y in path_px)
    half = int(np.ceil(reach)) * OVERSAMPLING
    axis = np.arange(-half, half + 1) / OVERSAMPLING
    alpha_px = fwhm_px / (2.0 * np.sqrt(2.0 ** (1.0 / MOFFAT_BETA) - 1.0))
    total = np.zeros((axis.size, axis.size))
    for path_x, path_y in path_px:
        for ring_x, ring_y in ring:
            square_y = ((axis - path_y - ring_y) / alpha_px) ** 2
            square_x = ((axis - path_x - ring_x) / alpha_px) ** 2
            total += (1.0 + square_y[:, None] + square_x[None, :]) ** -MOFFAT_BETA
    return np.asarray(total / total.sum(), np.float64)


def render(
    rig: Rig,
    sky: Sky,
    spread: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    exposure_s: float,
    shift_px: tuple[float, float] = (0.0, 0.0),
    transmission: NDArray[np.float32] | float = 1.0,
    sky_factor: NDArray[np.float32] | float = 1.0,
    trail_px: tuple[float, float, float, float] | None = None,
) -> NDArray[np.uint16]:
    """Return the pixels of one frame.

    Parameters:
        rig, sky: the telescope with its camera, and the observed field.
        spread: the result of :func:`point_spread`.
        rng: source of all random numbers.
        exposure_s: exposure time.
        shift_px: pointing offset (x, y).
        transmission: fraction of starlight that is transmitted; a scalar or (height, width).
        sky_factor: sky brightness relative to a clear sky; a scalar or (height, width).
        trail_px: ends (x0, y0, x1, y1) of a satellite trail, or ``None``.

    Returns:
        (height, width) uint16.
    """
    height, width = rig.height_px, rig.width_px
    yy, xx = np.mgrid[:height, :width].astype(np.float32)
    radius = np.hypot((xx - width / 2) / (width / 2), (yy - height / 2) / (height / 2)) / np.sqrt(2)
    light = np.zeros((height, width), np.float32)
    _add_stars(light, sky, spread, exposure_s, shift_px, (height, width))
    light += sky.nebula * exposure_s
    light *= transmission
    electrons = (light + rig.sky_e_s * exposure_s * np.asarray(sky_factor, np.float32)) * (
        1 - rig.vignetting * radius**2
    )
    if trail_px is not None:
        electrons += _trail_light(xx, yy, trail_px, peak_e=6.0 * float(np.sqrt(electrons.mean())))
    noisy = electrons + rng.standard_normal((height, width), np.float32) * np.sqrt(electrons + rig.read_noise_e**2)
    adu = noisy / rig.e_per_adu + rig.offset_adu
    return np.asarray(np.clip(np.rint(adu), 0, 65535), np.uint16)


def _add_stars(
    light: NDArray[np.float32],
    sky: Sky,
    spread: NDArray[np.float64],
    exposure_s: float,
    shift_px: tuple[float, float],
    shape: tuple[int, int],
) -> None:
    """Add the pixel-integrated profile of each star; sub-pixel positions are rounded to the fine grid."""
    height, width = shape
    stamps = _phase_stamps(spread)
    side = stamps.shape[-1]
    fine_x = np.rint((sky.x_px + shift_px[0] + width / 2) * OVERSAMPLING).astype(int)
    fine_y = np.rint((sky.y_px + shift_px[1] + height / 2) * OVERSAMPLING).astype(int)
    for x, y, flux in zip(fine_x, fine_y, sky.flux_e_s, strict=True):
        left, top = x // OVERSAMPLING - side // 2, y // OVERSAMPLING - side // 2
        x0, x1, y0, y1 = max(left, 0), min(left + side, width), max(top, 0), min(top + side, height)
        if x0 < x1 and y0 < y1:
            stamp = stamps[y % OVERSAMPLING, x % OVERSAMPLING, y0 - top : y1 - top, x0 - left : x1 - left]
            light[y0:y1, x0:x1] += stamp * np.float32(flux * exposure_s)


def _phase_stamps(spread: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the fine grid integrated over pixels for each sub-pixel phase: (phase y, phase x, side, side)."""
    n = OVERSAMPLING
    side = spread.shape[0] // n + 3
    side += 1 - side % 2
    stamps = np.zeros((n, n, side, side), np.float32)
    centre = (side // 2) * n + n // 2
    start = centre - spread.shape[0] // 2
    for phase_y in range(n):
        for phase_x in range(n):
            fine = np.zeros((side * n, side * n))
            y, x = start + phase_y - n // 2, start + phase_x - n // 2
            fine[y : y + spread.shape[0], x : x + spread.shape[1]] = spread
            stamps[phase_y, phase_x] = fine.reshape(side, n, side, n).sum(axis=(1, 3))
    return stamps


def _trail_light(
    xx: NDArray[np.float32], yy: NDArray[np.float32], ends: tuple[float, float, float, float], peak_e: float
) -> NDArray[np.float32]:
    """Return the light of a straight trail between two points of the simulated frame, in electrons."""
    x0, y0, x1, y1 = ends
    length = float(np.hypot(x1 - x0, y1 - y0))
    across = ((xx - x0) * (y1 - y0) - (yy - y0) * (x1 - x0)) / length
    along = ((xx - x0) * (x1 - x0) + (yy - y0) * (y1 - y0)) / length
    profile = peak_e * np.exp(-0.5 * (across / 1.6) ** 2) * ((along >= 0) & (along <= length))
    return np.asarray(profile, np.float32)
