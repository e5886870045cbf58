"""Rigs: telescope, camera and site, drawn from wide priors. A rig is a pure function of its seed.

Lengths are in *frame pixels* and electrons are per frame pixel. For a colour camera a frame pixel is a 2 × 2
super-pixel (the mean of its four cells), so gain, read noise and full well are those of the sum of four cells
shown as their mean: four times, twice and four times those of one cell.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from training.simulate import psf

Optics = Literal["refractor", "newtonian", "sct", "rc", "lens"]
Split = Literal["train", "validation", "test"]

OPTICS: tuple[Optics, ...] = ("refractor", "newtonian", "sct", "rc", "lens")
F0_RANGE_PX = (1.15, 9.0)
"""Rigs whose normal star is narrower or wider than this are drawn again."""


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
        seeing_px: FWHM of the usual seeing of the site.
        moffat_beta: exponent of the seeing wings; 0 takes Kolmogorov's profile.
        f0_px: FWHM of a normal star in the centre of the field, pixel included.
        coma_px, astigmatism_px, curvature_px, tilt_px: size of the geometric blur in the corner.
        tilt_angle_deg: direction in which the tilt grows.
        gain_e_adu, read_noise_e, offset_adu, full_well_e: of a frame pixel, see the module text.
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
        """Normal sky of one exposure in electrons per frame pixel: S of the class rules in electrons."""
        return self.sky_e_s * self.exposure_s

    @property
    def adu_step(self) -> int:
        """Values of the file are multiples of this."""
        return 1 << (16 - self.bit_depth) if self.scaled_to_16_bit else 1

    @property
    def converter_max_adu(self) -> int:
        """Largest value the file can hold."""
        return ((1 << self.bit_depth) - 1) * self.adu_step

    @property
    def saturation_adu(self) -> float:
        """Level at which a pixel of the file is full."""
        return min(float(self.converter_max_adu), self.offset_adu + self.full_well_e / self.gain_e_adu)

    @property
    def noise_e(self) -> float:
        """Noise of an empty frame pixel in a normal exposure, in electrons."""
        return math.sqrt(self.sky_e + self.dark_e_s * self.exposure_s + self.read_noise_e**2)

    @property
    def wavelength_over_aperture_px(self) -> float:
        """Diffraction scale at 550 nm, in frame pixels."""
        return 550e-9 / (self.aperture_mm * 1e-3) * 206264.8 / self.scale_arcsec_px


def rig_split(seed: int) -> Split:
    """Which part of the data a rig belongs to: 70 % train, 15 % validation, 15 % test, by a hash of its seed."""
    share = int.from_bytes(hashlib.sha256(f"rig {seed}".encode()).digest()[:4], "big") / 2**32
    return "train" if share < 0.70 else "validation" if share < 0.85 else "test"


def draw_rig(rng: np.random.Generator) -> Rig:
    """A rig from the priors."""
    return rig_from_seed(int(rng.integers(2**31)))


def rig_from_seed(seed: int) -> Rig:
    """The rig that belongs to a seed."""
    rng = np.random.default_rng([seed, 0x5216])
    while True:
        rig = _attempt(rng, seed)
        if F0_RANGE_PX[0] <= rig.f0_px <= F0_RANGE_PX[1]:
            return rig


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(math.exp(rng.uniform(math.log(low), math.log(high))))


def _attempt(rng: np.random.Generator, seed: int) -> Rig:
    optics = OPTICS[int(rng.choice(len(OPTICS), p=(0.32, 0.22, 0.18, 0.12, 0.16)))]
    low, high = {
        "refractor": (0.7, 5.0),
        "newtonian": (0.4, 2.5),
        "sct": (0.3, 1.5),
        "rc": (0.3, 1.5),
        "lens": (2.0, 8.0),
    }[optics]
    scale = _log_uniform(rng, low, high)
    cell_um = rng.choice([2.4, 2.9, 3.76, 3.8, 4.63, 5.4, 6.8, 9.0])
    colour = bool(rng.random() < 0.4)
    focal_mm = 206.265 * cell_um * (2 if colour else 1) / scale
    f_ratio = rng.uniform(
        *{"refractor": (4, 8), "newtonian": (3, 6), "sct": (2, 10), "rc": (5, 9), "lens": (1.8, 5)}[optics]
    )
    aperture_mm = float(np.clip(focal_mm / f_ratio, 25, 1000))
    obstruction = rng.uniform(*{"newtonian": (0.2, 0.4), "sct": (0.3, 0.42), "rc": (0.38, 0.5)}.get(optics, (0, 0)))
    struts = int({"newtonian": 4, "rc": 4}.get(optics, 0))

    seeing_px = rng.uniform(2.0, 4.0) / scale
    blur_px = abs(rng.normal(0.3, 0.3)) + (rng.uniform(0.5, 1.4) if optics == "lens" else 0.0)
    elongation_px = 0.0
    if rng.random() < 0.4:
        elongation_px = min(abs(rng.normal(0, 0.6)), 1.2) * math.hypot(seeing_px, blur_px, 0.9)
    beta = 0.0 if rng.random() < 0.5 else rng.uniform(2.4, 5.0)

    cells = 4 if colour else 1
    ccd = bool(rng.random() < 0.25)
    bits = 16 if ccd else int(rng.choice([12, 14, 16], p=(0.35, 0.3, 0.35)))
    full_well = _log_uniform(rng, 8e3, 1.0e5)
    scaled = bits < 16 and rng.random() < 0.8
    step = (1 << (16 - bits)) if scaled else 1
    top_adu = ((1 << bits) - 1) * step
    offset = rng.uniform(0.001, 0.02) * top_adu if rng.random() < 0.8 else rng.uniform(0.02, 0.06) * top_adu
    gain = full_well / (top_adu - offset) * rng.choice([1.0, 0.25, rng.uniform(0.1, 1.3)])
    read_noise = rng.uniform(4, 12) if ccd else _log_uniform(rng, 0.8, 4.0)

    exposure = _log_uniform(rng, 2, 600)
    # Per frame pixel and exposure: from a narrow-band or short exposure to city sky.
    sky_e = min(_log_uniform(rng, 4, 6000) * math.sqrt(cells), 0.08 * min(full_well, top_adu * gain) * cells)

    good_optics = rng.random() < 0.45
    aberration = 0.0 if good_optics else float(rng.gamma(1.5, 0.35))
    weights = rng.dirichlet([1, 1, 1, 1]) * aberration
    partial: dict[str, Any] = {
        "seed": seed,
        "optics": optics,
        "scale_arcsec_px": scale,
        "aperture_mm": aperture_mm,
        "obstruction": float(obstruction),
        "struts": struts,
        "strut_angle_deg": float(rng.uniform(0, 90)),
        "round_blur_px": float(blur_px),
        "elongation_px": float(elongation_px),
        "elongation_angle_deg": float(rng.uniform(0, 180)),
        "seeing_px": float(seeing_px),
        "moffat_beta": float(beta),
        "f0_px": 0.0,
        "coma_px": 0.0,
        "astigmatism_px": 0.0,
        "curvature_px": 0.0,
        "tilt_px": 0.0,
        "tilt_angle_deg": float(rng.uniform(0, 360)),
        "gain_e_adu": float(gain * cells),
        "read_noise_e": float(read_noise * math.sqrt(cells)),
        "offset_adu": float(round(offset)),
        "full_well_e": float(full_well * cells),
        "bit_depth": bits,
        "scaled_to_16_bit": bool(scaled),
        "blooms": bool(ccd and rng.random() < 0.5),
        "dark_e_s": _log_uniform(rng, 0.001, 0.1) * cells,
        "dead_pixel_fraction": float(rng.choice([0.0, _log_uniform(rng, 1e-6, 2e-4)])),
        "hot_pixel_fraction": _log_uniform(rng, 1e-6, 6e-4) * cells,
        "hot_pixel_e_s": _log_uniform(rng, 0.5, 30),
        "column_noise_e": float(read_noise * rng.choice([0.0, rng.uniform(0.02, 0.3)])),
        "row_noise_e": float(read_noise * rng.choice([0.0, rng.uniform(0.02, 0.3)])),
        "vignetting_fraction": float(rng.beta(1.3, 4) * 0.8),
        "dust_motes": int(rng.choice([0, 0, int(rng.integers(1, 4)), int(rng.integers(4, 13))])),
        "amp_glow_fraction": float(rng.choice([0.0, 0.0, _log_uniform(rng, 0.02, 0.6)])),
        "amp_glow_corner": int(rng.integers(4)),
        "colour": colour,
        "sky_e_s": float(sky_e / exposure),
        "normal_gradient_fraction": float(rng.beta(1.2, 6) * 0.4),
        "normal_gradient_angle_deg": float(rng.uniform(0, 360)),
        "exposure_s": float(exposure),
    }
    f0 = psf.normal_fwhm_px(Rig(**partial))
    for name, weight in zip(("coma_px", "astigmatism_px", "curvature_px", "tilt_px"), weights, strict=True):
        partial[name] = float(weight * f0 * rng.choice([-1, 1]))
    partial["f0_px"] = f0
    return Rig(**partial)
