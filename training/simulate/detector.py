"""From light on the sensor to numbers in a file: noise, defects, saturation, bloom, conversion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.simulate.background import MESH_PX, enlarge, ramp
from training.simulate.rigs import Rig

POISSON_BELOW_E = 10.0
"""Above this, and where the read noise is larger than that of the light, noise is Gaussian, of the same variance."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Defects:
    """Pixels that do not do their duty.

    Attributes:
        x, y, charge_e: hot pixels, (N,): columns, rows and electrons in one exposure.
        dead_x, dead_y, response: dead pixels, (M,): columns, rows and the part of the light they see.
    """

    x: NDArray[np.int64]
    y: NDArray[np.int64]
    charge_e: NDArray[np.float64]
    dead_x: NDArray[np.int64]
    dead_y: NDArray[np.int64]
    response: NDArray[np.float64]


def find_defects(rig: Rig, shape: tuple[int, int]) -> Defects:
    """The same for every frame of a rig."""
    rng = np.random.default_rng([rig.seed, 0x407, *shape])
    count = int(rng.poisson(rig.hot_pixel_fraction * shape[0] * shape[1]))
    # Rates of hot pixels fall off as a power law: few are very hot.
    rate_e_s = rig.hot_pixel_e_s * rng.random(count) ** (-0.9) * 0.2
    dead = int(rng.poisson(rig.dead_pixel_fraction * shape[0] * shape[1]))
    return Defects(
        x=rng.integers(0, shape[1], count),
        y=rng.integers(0, shape[0], count),
        charge_e=np.minimum(rate_e_s * rig.exposure_s, 1.2 * rig.full_well_e),
        dead_x=rng.integers(0, shape[1], dead),
        dead_y=rng.integers(0, shape[0], dead),
        response=rng.uniform(0, 0.8, dead),
    )


def read_out(
    rng: np.random.Generator, rig: Rig, light_e: NDArray[np.float32], defects: Defects
) -> tuple[NDArray[np.uint16] | NDArray[np.float32], NDArray[np.bool_]]:
    """Values of the file and which pixels are saturated.

    Parameters:
        light_e: (H, W) expected electrons from sky and sources; changed in place.
        defects: from :func:`find_defects`.
    """
    height, width = light_e.shape
    light_e[defects.dead_y, defects.dead_x] *= defects.response.astype(np.float32)
    light_e += rig.dark_e_s * rig.exposure_s
    light_e[defects.y, defects.x] += defects.charge_e.astype(np.float32)
    charge = rng.standard_normal(light_e.shape, dtype=np.float32)
    few = light_e < (POISSON_BELOW_E if rig.read_noise_e**2 < POISSON_BELOW_E else 0.0)
    charge *= np.sqrt(np.where(few, 0, light_e) + np.float32(rig.read_noise_e**2))
    charge += light_e
    if few.any():
        charge[few] += rng.poisson(light_e[few]) - light_e[few]
    fixed = np.random.default_rng([rig.seed, 0xC01])
    if rig.column_noise_e:
        charge += np.float32(rig.column_noise_e) * fixed.standard_normal(width, dtype=np.float32)
    if rig.row_noise_e:
        charge += np.float32(rig.row_noise_e) * rng.standard_normal((height, 1), dtype=np.float32)
    if rig.blooms:
        _bloom(charge, rig.full_well_e)
    np.minimum(charge, rig.full_well_e, out=charge)
    full = charge >= 0.98 * rig.full_well_e
    if rig.calibrated:
        _subtract_dark(rig, charge, defects)
    if rig.ramp_adu:
        charge += np.float32(rig.ramp_adu * rig.gain_e_adu) * _fixed_ramp(rig, (height, width))
    step = rig.adu_step
    charge /= rig.gain_e_adu * step
    charge += rig.offset_adu / step
    if rig.float_pixels:
        np.minimum(charge, rig.converter_max_adu // step, out=charge)
        charge *= step
        return charge, full | (charge >= 0.98 * rig.saturation_adu)
    np.rint(charge, out=charge)
    np.clip(charge, 0, rig.converter_max_adu // step, out=charge)
    pixels = charge.astype(np.uint16) * np.uint16(step)
    return pixels, pixels >= 0.98 * rig.saturation_adu


def _subtract_dark(rig: Rig, charge: NDArray[np.float32], defects: Defects) -> None:
    """Take away what a master dark holds: dark current and most of the hot pixels, which keep their noise.

    A master at another temperature takes away too much or too little.
    """
    rng = np.random.default_rng([rig.seed, 0xDA2C])
    right = rng.normal(1.0, 0.08)
    charge -= rig.dark_e
    removed = defects.charge_e * right * (rng.random(len(defects.charge_e)) < 0.95)
    charge[defects.y, defects.x] -= removed.astype(np.float32)


def _fixed_ramp(rig: Rig, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Pattern of the sensor that every frame has, peak to valley 1 and nowhere negative: (H, W)."""
    mesh = (max(shape[0] // MESH_PX, 4) + 1, max(shape[1] // MESH_PX, 4) + 1)
    y, x = np.meshgrid(np.linspace(-1, 1, mesh[0]), np.linspace(-1, 1, mesh[1]), indexing="ij")
    rising = ramp(x, y, rig.ramp_angle_deg, rig.ramp_bend)
    return enlarge(rising - rising.min(), shape)


def _bloom(charge: NDArray[np.float32], full_well_e: float) -> None:
    """Charge above the full well runs up and down its column, as in a CCD without anti-blooming gates."""
    height = charge.shape[0]
    for column in np.flatnonzero((charge > full_well_e).any(axis=0)):
        line = charge[:, column]
        excess = np.where(line > full_well_e, line - full_well_e, 0).astype(np.float64)
        np.minimum(line, full_well_e, out=line)
        for direction in (1, -1):
            carried, half = 0.0, excess / 2
            rows = range(height) if direction == 1 else range(height - 1, -1, -1)
            for row in rows:
                carried += half[row]
                if carried <= 0:
                    continue
                taken = min(carried, full_well_e - float(line[row]))
                line[row] += taken
                carried -= taken
