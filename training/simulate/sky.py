"""What is in the sky: stars, galaxies and nebulosity, from nearly empty fields to the Milky Way.

Fluxes are those of a clear, normal night of the rig, in electrons per exposure.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.simulate.rigs import Rig

MARGIN_PX = 64
"""The field reaches this far beyond the frame, so that dithers and trails find stars there."""

FEW_STARS_SHARE, FEW_STARS = 0.17, (3.0, 20.0)
"""Fields with so few stars above SNR 5 in the frame: short exposures, narrow filters, cut-outs."""

FAINTEST_SNR = 1.0
"""Stars fainter than this in a normal frame are left out: they are less than the noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Galaxy:
    """An extended object. Position and half-light radius in frame pixels."""

    x_px: float
    y_px: float
    flux_e: float
    half_light_px: float
    sersic: float
    axis_ratio: float
    angle_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Nebula:
    """Nebulosity over the frame. ``peak_fraction`` is its brightest part over the normal sky.

    ``slope`` is that of its power spectrum, ``softness`` the exponent that shapes its edges, ``coverage`` the part of
    the frame it covers, ``filaments`` (0 to 1) how much of it hangs in threads.
    """

    seed: int
    peak_fraction: float
    slope: float
    softness: float
    coverage: float
    filaments: float
    dark_lanes: bool


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class StarField:
    """One target. ``x_px``, ``y_px``, ``flux_e``: (N,) float64, brightest first."""

    x_px: NDArray[np.float64]
    y_px: NDArray[np.float64]
    flux_e: NDArray[np.float64]
    galaxies: tuple[Galaxy, ...]
    nebula: Nebula | None


def flux_at_snr(rig: Rig, snr: float) -> float:
    """Flux of a star that reaches an optimal-filter SNR in a normal frame, Gaussian approximation, electrons."""
    sigma = rig.f0_px / 2.355
    area_px = 4 * math.pi * sigma**2
    return float(0.5 * snr**2 * (1 + math.sqrt(1 + 4 * area_px * rig.noise_e**2 / snr**2)))


def draw_field(rng: np.random.Generator, rig: Rig, shape: tuple[int, int]) -> StarField:
    """A field: number counts follow a power law, so that most stars are faint and some saturate.

    Parameters:
        shape: (height, width) of the frame.
    """
    height, width = shape
    area_mpx = (height + 2 * MARGIN_PX) * (width + 2 * MARGIN_PX) / 1e6
    # Stars above SNR 5 per million frame pixels: more where a pixel covers more sky.
    density = math.exp(rng.normal(math.log(800) + 0.4 * math.log(rig.scale_arcsec_px / 1.5), 1.3))
    if rng.random() < 0.08:
        density *= rng.uniform(4, 12)
    # A frame without stars tells nothing about the mount or the seeing: few fields are nearly empty.
    kind, frame_mpx = rng.random(), height * width / 1e6
    density = max(density, (4 if kind < 0.03 else 45) / area_mpx)
    if 0.03 < kind < FEW_STARS_SHARE:
        density = rng.uniform(*FEW_STARS) / frame_mpx
    slope = float(rng.uniform(0.55, 1.0))
    packing = 1e6 / (rig.f0_px**2 * 8)
    density = min(density, packing)
    faintest = flux_at_snr(rig, FAINTEST_SNR)
    count = int(rng.poisson(density * area_mpx * (flux_at_snr(rig, 5.0) / faintest) ** slope))
    count = min(count, 60_000)
    flux = faintest * rng.random(count) ** (-1 / slope)
    # Brighter ones are rare enough in a field of this size to be left out.
    flux = np.sort(np.minimum(flux, 300 * rig.full_well_e * rig.f0_px**2))[::-1]
    x = rng.uniform(-MARGIN_PX, width + MARGIN_PX, count)
    y = rng.uniform(-MARGIN_PX, height + MARGIN_PX, count)
    if count > 20 and rng.random() < 0.12:
        _gather_cluster(rng, x, y, shape)
    return StarField(
        x_px=x,
        y_px=y,
        flux_e=np.ascontiguousarray(flux),
        galaxies=_galaxies_of_field(rng, rig, shape),
        nebula=_draw_nebula(rng) if rng.random() < 0.3 else None,
    )


def _gather_cluster(
    rng: np.random.Generator, x: NDArray[np.float64], y: NDArray[np.float64], shape: tuple[int, int]
) -> None:
    """Moves some of the stars into an open or globular cluster (Plummer's profile)."""
    members = np.flatnonzero(rng.random(len(x)) < rng.uniform(0.15, 0.6))
    core_px = rng.uniform(0.03, 0.15) * min(shape)
    radius = core_px / np.sqrt(rng.random(len(members)) ** (-2 / 3) - 1 + 1e-9)
    angle = rng.uniform(0, 2 * np.pi, len(members))
    x[members] = rng.uniform(0.2, 0.8) * shape[1] + radius * np.cos(angle)
    y[members] = rng.uniform(0.2, 0.8) * shape[0] + radius * np.sin(angle)


def draw_galaxies(rng: np.random.Generator, rig: Rig, shape: tuple[int, int], number: int) -> list[Galaxy]:
    """Small galaxies, few bright and many faint ones.

    Parameters:
        shape: (height, width) of the frame.
        number: how many.
    """
    height, width = shape
    return [
        Galaxy(
            x_px=float(rng.uniform(0, width)),
            y_px=float(rng.uniform(0, height)),
            flux_e=flux_at_snr(rig, 8.0) * float(rng.random() ** (-1 / 0.9)) * 2,
            half_light_px=float(rig.f0_px * math.exp(rng.uniform(math.log(0.6), math.log(4)))),
            sersic=float(rng.choice([1.0, 1.5, 2.5, 4.0])),
            axis_ratio=float(rng.uniform(0.25, 1.0)),
            angle_deg=float(rng.uniform(0, 180)),
        )
        for _ in range(number)
    ]


def _galaxies_of_field(rng: np.random.Generator, rig: Rig, shape: tuple[int, int]) -> tuple[Galaxy, ...]:
    height, width = shape
    number = int(rng.poisson(rng.choice([0.5, 3.0, 8.0], p=(0.6, 0.3, 0.1)) * min(height * width / 1e6, 4)))
    galaxies = draw_galaxies(rng, rig, shape, number)
    if rng.random() < 0.08:
        half_light = float(rng.uniform(0.02, 0.1) * min(shape))
        galaxies.append(
            Galaxy(
                x_px=float(rng.uniform(0.25, 0.75) * width),
                y_px=float(rng.uniform(0.25, 0.75) * height),
                flux_e=float(rng.uniform(0.1, 2.0) * max(rig.effective_sky_e, 20) * 2 * math.pi * half_light**2),
                half_light_px=half_light,
                sersic=float(rng.choice([1.0, 2.0, 3.0])),
                axis_ratio=float(rng.uniform(0.2, 1.0)),
                angle_deg=float(rng.uniform(0, 180)),
            )
        )
    return tuple(galaxies)


def _draw_nebula(rng: np.random.Generator) -> Nebula:
    return Nebula(
        seed=int(rng.integers(2**31)),
        peak_fraction=float(math.exp(rng.uniform(math.log(0.03), math.log(3)))),
        slope=float(rng.uniform(2.6, 3.8)),
        softness=float(rng.uniform(0.8, 2.2)),
        coverage=float(rng.uniform(0.15, 0.9)),
        filaments=float(rng.choice([0.0, rng.uniform(0.2, 1.0)])),
        dark_lanes=bool(rng.random() < 0.3),
    )
