"""The script of the demonstration night: kind, time and strength of its faults."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from .sky import Rig, Sky, point_spread, render

EXPOSURE_S = 120.0
"""Exposure of each frame in the headers."""
STARTED_UTC = datetime(2026, 3, 20, 21, 0, tzinfo=UTC)
"""Start of the first exposure: a fixed date, so that every demonstration is equal."""
NORMAL_FWHM_PX = 2.7
"""Seeing of the good frames: 3 arcseconds at the scale of the rig."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """One planned exposure of the night.

    Attributes:
        index: its number, from 1.
        expected: the expected class.
        what: description of what happens.
        fwhm_px: seeing width.
        drift_px: length of a steady drift during the exposure.
        defocus_px: radius of the out-of-focus ring.
        extinction_mag: extinction by cloud.
        satellite: whether a satellite trail crosses the frame.
    """

    index: int
    expected: str
    what: str
    fwhm_px: float = NORMAL_FWHM_PX
    drift_px: float = 0.0
    defocus_px: float = 0.0
    extinction_mag: float = 0.0
    satellite: bool = False

    @property
    def started_utc(self) -> datetime:
        """Start of the exposure."""
        return STARTED_UTC + timedelta(seconds=(self.index - 1) * (EXPOSURE_S + 5.0))


def demo_night(frames: int = 30) -> Iterator[Exposure]:
    """Yield the exposures of a night: good frames, interrupted by a drift, a cloud, a satellite and a focus loss.

    Parameters:
        frames: at least 10; the faults have a constant fraction of the night.

    Raises:
        ValueError: fewer than 10 frames.
    """
    if frames < 10:
        raise ValueError("the demonstration night needs at least 10 frames")
    for index in range(1, frames + 1):
        part = (index - 1) / frames
        fwhm_px = NORMAL_FWHM_PX * (1 + 0.04 * np.sin(7 * index))
        if 0.27 <= part < 0.40:
            yield Exposure(
                index=index, expected="very_bad_tracking", what="the mount drifts", fwhm_px=fwhm_px, drift_px=12.0
            )
        elif 0.53 <= part < 0.66:
            yield Exposure(
                index=index, expected="background_issue", what="a cloud passes", fwhm_px=fwhm_px, extinction_mag=1.6
            )
        elif 0.70 <= part < 0.70 + 1 / frames:
            yield Exposure(index=index, expected="good", what="a satellite crosses", fwhm_px=fwhm_px, satellite=True)
        elif 0.80 <= part < 0.93:
            yield Exposure(
                index=index, expected="bad_seeing", what="the focus is lost", fwhm_px=fwhm_px, defocus_px=5.0
            )
        else:
            yield Exposure(index=index, expected="good", what="all is well", fwhm_px=fwhm_px)


def render_exposure(rig: Rig, sky: Sky, exposure: Exposure, seed: int = 1) -> NDArray[np.uint16]:
    """Return the pixels of one exposure, which depend on seed and index only.

    Returns:
        (height, width) uint16.
    """
    rng = np.random.default_rng([seed, exposure.index])
    steps = np.linspace(-0.5, 0.5, max(2, int(2 * exposure.drift_px) + 1)) * exposure.drift_px
    path = [(float(0.94 * step), float(0.34 * step)) for step in steps]
    transmission: NDArray[np.float32] | float = 1.0
    sky_factor: NDArray[np.float32] | float = 1.0
    if exposure.extinction_mag > 0:
        yy, xx = np.mgrid[: rig.height_px, : rig.width_px].astype(np.float32)
        wave = 1 + 0.35 * np.sin(xx / 330 + exposure.index) * np.cos(yy / 270 - 0.7 * exposure.index)
        transmission = (10 ** (-0.4 * exposure.extinction_mag * wave)).astype(np.float32)
        sky_factor = (1 + 0.5 * exposure.extinction_mag * wave).astype(np.float32)
    trail = (0.0, 0.28 * rig.height_px, float(rig.width_px), 0.81 * rig.height_px) if exposure.satellite else None
    return render(
        rig,
        sky,
        point_spread(exposure.fwhm_px, path, exposure.defocus_px),
        rng,
        exposure_s=EXPOSURE_S,
        shift_px=(float(rng.normal(0, 4)), float(rng.normal(0, 4))),
        transmission=transmission,
        sky_factor=sky_factor,
        trail_px=trail,
    )
