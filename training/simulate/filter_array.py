"""A colour camera's real mosaic, for feeding readers. Training uses super-pixels directly (see ``rigs``)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from training.simulate import psf
from training.simulate.conditions import Condition
from training.simulate.rigs import Rig
from training.simulate.sky import StarField

ORDER = "RGGB"
RESPONSE = ((0.75, 1.20), (1.20, 0.85))
"""Light through the filters of one 2 × 2 cell, mean 1."""


def dye(light_e: NDArray[np.float32]) -> None:
    """Multiplies expected light (H, W) by the filters' responses, in place."""
    for row in (0, 1):
        for column in (0, 1):
            light_e[row::2, column::2] *= RESPONSE[row][column]


def on_sensor(rig: Rig, field: StarField, condition: Condition) -> tuple[Rig, StarField, Condition]:
    """The same scene in the sensor pixels of a colour camera, half as wide as its super-pixels.

    Render the result with ``mosaic=True`` and twice the height and width.

    Raises:
        ValueError: the rig has no colour filter array.
    """
    if not rig.colour:
        raise ValueError(f"rig {rig.seed} has no colour filter array")
    sensor = replace(
        rig,
        scale_arcsec_px=rig.scale_arcsec_px / 2,
        seeing_px=rig.seeing_px * 2,
        round_blur_px=rig.round_blur_px * 2,
        elongation_px=rig.elongation_px * 2,
        coma_px=rig.coma_px * 2,
        astigmatism_px=rig.astigmatism_px * 2,
        curvature_px=rig.curvature_px * 2,
        tilt_px=rig.tilt_px * 2,
        gain_e_adu=rig.gain_e_adu / 4,
        read_noise_e=rig.read_noise_e / 2,
        full_well_e=rig.full_well_e / 4,
        dark_e_s=rig.dark_e_s / 4,
        hot_pixel_fraction=rig.hot_pixel_fraction / 4,
        column_noise_e=rig.column_noise_e / 2,
        row_noise_e=rig.row_noise_e / 2,
        sky_e_s=rig.sky_e_s / 4,
    )
    sensor = replace(sensor, f0_px=psf.normal_fwhm_px(sensor))
    galaxies = tuple(
        replace(one, x_px=2 * one.x_px + 0.5, y_px=2 * one.y_px + 0.5, half_light_px=2 * one.half_light_px)
        for one in field.galaxies
    )
    finer = StarField(
        x_px=2 * field.x_px + 0.5,
        y_px=2 * field.y_px + 0.5,
        flux_e=field.flux_e,
        galaxies=galaxies,
        nebula=field.nebula,  # relative to the frame and the sky: the same
    )
    stretched = replace(
        condition,
        defocus_px=condition.defocus_px * 2,
        motion=condition.motion.scaled(2.0),
        dither_x_px=condition.dither_x_px * 2,
        dither_y_px=condition.dither_y_px * 2,
    )
    return sensor, finer, stretched
