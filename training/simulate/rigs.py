"""Rigs: telescope, camera and site. :mod:`training.simulate.priors` draws them; a rig is a pure function of its seed.

Lengths are in *frame pixels* and electrons are per frame pixel. For a colour camera a frame pixel is a 2 × 2
super-pixel (the mean of its four cells), so gain, read noise and full well are those of the sum of four cells
shown as their mean: four times, twice and four times those of one cell. Binning sums or averages cells in the same way.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Literal

Optics = Literal["refractor", "newtonian", "sct", "rc", "lens", "wide", "observatory"]
Split = Literal["train", "validation", "test"]

OPTICS: tuple[Optics, ...] = ("refractor", "newtonian", "sct", "rc", "lens", "wide", "observatory")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """One telescope with its camera under its sky.

    Attributes:
        seed: everything else follows from it; also the key of the train / validation / test split.
        optics: kind of telescope.
        scale_arcsec_px: sky angle of one frame pixel.
        aperture_mm: diameter of the entrance pupil.
        obstruction: diameter of the central obstruction / aperture.
        struts, strut_angle_deg: spider vanes (0: none) and where they point.
        round_blur_px: FWHM of the round blur of optics, guiding jitter and charge diffusion.
        elongation_px, elongation_angle_deg: FWHM along one axis of a further blur that every frame of the rig has
            (pinched or miscollimated optics, usual guiding). It is no tracking fault: only a comparison with
            the rig's other frames tells.
        elongation_growth: power of the frame's FWHM over F0 with which the length of that elongation grows.
        elongation_stray: rms change of its vector from frame to frame, as a share of it.
        seeing_px: FWHM of the usual seeing of the site.
        moffat_beta: exponent of the seeing wings; 0 takes Kolmogorov's profile.
        f0_px: FWHM of a normal star in the centre of the field, pixel included.
        coma_px, astigmatism_px, curvature_px, tilt_px: size of the geometric blur in the corner.
        tilt_angle_deg: direction in which the tilt grows.
        gain_e_adu, read_noise_e, offset_adu, full_well_e: of a frame pixel, see the module text.
        binning, summed: cells of the sensor per pixel of the file along each side, and whether their values were added
            rather than averaged.
        calibrated: whether bias and dark were subtracted; ``offset_adu`` is then what was left or added.
        float_pixels: whether the file holds 32-bit numbers, which may be negative.
        ramp_adu, ramp_angle_deg, ramp_bend: fixed pattern of the sensor, the same in every frame: peak to valley,
            direction, curvature.
        bit_depth: of the converter.
        scaled_to_16_bit: whether the camera multiplies its values up to 16 bits.
        dead_pixel_fraction: pixels that see only part of the light.
        blooms: whether charge of saturated stars runs along the columns.
        dark_e_s, hot_pixel_fraction, hot_pixel_e_s: dark current, its outliers and their scale.
        column_noise_e, row_noise_e: rms of column and row offsets.
        vignetting_fraction: light lost in the corners.
        dust_motes: number of dust shadows.
        amp_glow_fraction, amp_glow_corner: glow of the amplifier relative to the sky, and the corner it sits in.
        colour: whether the camera has a colour filter array.
        sky_e_s: normal sky of a frame pixel.
        normal_gradient_fraction, normal_gradient_angle_deg: gradient that this site always has.
        exposure_s: usual exposure.
    """

    seed: int
    optics: Optics
    scale_arcsec_px: float
    aperture_mm: float
    obstruction: float
    struts: int
    strut_angle_deg: float
    round_blur_px: float
    elongation_px: float
    elongation_angle_deg: float
    elongation_growth: float
    elongation_stray: float
    seeing_px: float
    moffat_beta: float
    f0_px: float
    coma_px: float
    astigmatism_px: float
    curvature_px: float
    tilt_px: float
    tilt_angle_deg: float
    gain_e_adu: float
    read_noise_e: float
    offset_adu: float
    full_well_e: float
    binning: int
    summed: bool
    calibrated: bool
    float_pixels: bool
    ramp_adu: float
    ramp_angle_deg: float
    ramp_bend: float
    bit_depth: int
    scaled_to_16_bit: bool
    blooms: bool
    dark_e_s: float
    dead_pixel_fraction: float
    hot_pixel_fraction: float
    hot_pixel_e_s: float
    column_noise_e: float
    row_noise_e: float
    vignetting_fraction: float
    dust_motes: int
    amp_glow_fraction: float
    amp_glow_corner: int
    colour: bool
    sky_e_s: float
    normal_gradient_fraction: float
    normal_gradient_angle_deg: float
    exposure_s: float

    @property
    def sky_e(self) -> float:
        """Normal sky of one exposure in electrons per frame pixel, without dark current."""
        return self.sky_e_s * self.exposure_s

    @property
    def dark_e(self) -> float:
        """Charge of the dark current in one exposure, electrons per frame pixel."""
        return self.dark_e_s * self.exposure_s

    @property
    def effective_sky_e(self) -> float:
        """S of the class rules: the sky that noise can see, in electrons per frame pixel."""
        return self.sky_e + self.dark_e + self.read_noise_e**2

    @property
    def cells(self) -> int:
        """Cells of the sensor in a pixel of the frame."""
        return self.binning**2 * (4 if self.colour else 1)

    @property
    def adu_step(self) -> int:
        """Values of the file are multiples of this."""
        return 1 << (16 - self.bit_depth) if self.scaled_to_16_bit else 1

    @property
    def converter_max_adu(self) -> int:
        """Largest value the file can hold. Sums of cells fill 16 bits."""
        most = ((1 << self.bit_depth) - 1) * self.adu_step
        return min(most * self.binning**2, 65535) if self.summed else most

    @property
    def saturation_adu(self) -> float:
        """Level at which a pixel of the file is full."""
        return min(float(self.converter_max_adu), self.offset_adu + self.full_well_e / self.gain_e_adu)

    @property
    def noise_e(self) -> float:
        """Noise of an empty frame pixel in a normal exposure, in electrons."""
        return math.sqrt(self.effective_sky_e)

    @property
    def wavelength_over_aperture_px(self) -> float:
        """Diffraction scale at 550 nm, in frame pixels."""
        return 550e-9 / (self.aperture_mm * 1e-3) * 206264.8 / self.scale_arcsec_px


def rig_split(seed: int) -> Split:
    """Which part of the data a rig belongs to: 70 % train, 15 % validation, 15 % test, by a hash of its seed."""
    share = int.from_bytes(hashlib.sha256(f"rig {seed}".encode()).digest()[:4], "big") / 2**32
    return "train" if share < 0.70 else "validation" if share < 0.85 else "test"
