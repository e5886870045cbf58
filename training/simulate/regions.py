"""The PSF over the field: one for each part of the frame in which it hardly changes, built when first needed."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from training.simulate import psf
from training.simulate.conditions import Condition, dew_blur_px, elongation_px2, still_fwhm_px
from training.simulate.psf import Points, Psf, Spectrum
from training.simulate.rigs import Rig

ROTATION_GRID = (6, 5)
OPTICS_GRID = (3, 3)


class Regions:
    """PSFs of one frame.

    Attributes:
        reach_px: half the size of a star's image: FWHM, trail and disc together.
    """

    def __init__(self, rig: Rig, condition: Condition, shape: tuple[int, int]) -> None:
        self._rig = psf.elongated(rig, *elongation_px2(rig, condition)) if rig.elongation_px else rig
        self._condition, self._shape = condition, shape
        self._aspect = shape[0] / shape[1]
        self._built: dict[int, Psf] = {}
        self._common_path: Spectrum | None = None
        aberration = max(abs(rig.coma_px), abs(rig.astigmatism_px), abs(rig.curvature_px), abs(rig.tilt_px))
        if condition.motion.rotation_px > 0.15 * rig.f0_px:
            self._columns, self._rows = ROTATION_GRID
        elif aberration > 0.15 * rig.f0_px:
            self._columns, self._rows = OPTICS_GRID
        else:
            self._columns = self._rows = 1
        fwhm = still_fwhm_px(rig, condition)
        trail = max(
            float(np.ptp(condition.motion.path(x, y, self._aspect), axis=0).max()) for x in (-1, 1) for y in (-1, 1)
        )
        self.reach_px = 0.5 * (fwhm + trail + abs(condition.defocus_px)) + aberration
        self._step = psf.choose_oversampling(fwhm)
        # Wings matter up to a few FWHM; the stars that show more get analytic ones beyond the grid.
        wings = (6.0 if self._columns == 1 else 3.5) * fwhm
        self._radius = int(np.clip(math.ceil(self.reach_px + wings) + 2, psf.MIN_RADIUS_PX, psf.MAX_RADIUS_PX))

    def index(self, x_px: NDArray[np.float64], y_px: NDArray[np.float64]) -> NDArray[np.int64]:
        """Which part of the frame holds each position."""
        column = np.clip((x_px / self._shape[1] * self._columns).astype(np.int64), 0, self._columns - 1)
        row = np.clip((y_px / self._shape[0] * self._rows).astype(np.int64), 0, self._rows - 1)
        return row * self._columns + column

    def psf(self, index: int) -> Psf:
        """The PSF of one part."""
        if index not in self._built:
            x = 2 * (index % self._columns + 0.5) / self._columns - 1
            y = 2 * (index // self._columns + 0.5) / self._rows - 1
            moving = not self._condition.motion.still
            self._built[index] = self._build(x, y, moving=moving)
        return self._built[index]

    @property
    def still(self) -> Psf:
        """The PSF in the centre of the field without the mount's motion."""
        if -1 not in self._built:
            self._built[-1] = self._build(0.0, 0.0, moving=False)
        return self._built[-1]

    def _build(self, x: float, y: float, *, moving: bool) -> Psf:
        condition = self._condition
        return psf.build(
            self._rig,
            seeing_factor=condition.seeing_factor,
            extra_blur_px=dew_blur_px(self._rig, condition),
            rays=psf.spot(self._rig, condition.defocus_px, x, y),
            path=self._path(x, y) if moving else None,
            step=self._step,
            radius_px=self._radius,
        )

    def _path(self, x: float, y: float) -> Points | Spectrum:
        """The path of one part; without rotation all parts have the same, which is transformed once."""
        motion = self._condition.motion
        if motion.rotation_px:
            return motion.path(x, y, self._aspect)
        if self._common_path is None:
            self._common_path = psf.path_spectrum(motion.path(), self._step, self._radius)
        return self._common_path
