"""Wide priors of rigs. The order of the draws is part of the data: another order makes other rigs of the same seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from training.simulate import psf
from training.simulate.rigs import OPTICS, Optics, Rig

F0_RANGE_PX = (1.15, 9.0)
"""Rigs whose normal star is narrower or wider than this are drawn again."""

OPTICS_SHARES = (0.32, 0.22, 0.18, 0.12, 0.16)
"""Probability of each kind in ``OPTICS``."""

SCALE_ARCSEC_PX: dict[Optics, tuple[float, float]] = {
    "refractor": (0.7, 5.0),
    "newtonian": (0.4, 2.5),
    "sct": (0.3, 1.5),
    "rc": (0.3, 1.5),
    "lens": (2.0, 8.0),
}
F_RATIO: dict[Optics, tuple[float, float]] = {
    "refractor": (4, 8),
    "newtonian": (3, 6),
    "sct": (2, 10),
    "rc": (5, 9),
    "lens": (1.8, 5),
}
OBSTRUCTION: dict[Optics, tuple[float, float]] = {"newtonian": (0.2, 0.4), "sct": (0.3, 0.42), "rc": (0.38, 0.5)}
"""Diameter of the central obstruction / aperture; the other kinds have none."""

STRUTS: dict[Optics, int] = {"newtonian": 4, "rc": 4}
CELLS_UM = (2.4, 2.9, 3.76, 3.8, 4.63, 5.4, 6.8, 9.0)
"""Sizes of sensor cells on the market, from planetary cameras to CCDs."""

ARCSEC_UM_PER_MM = 206.265
"""Angle in arcsec that 1 µm spans at a focal length of 1 mm: the radian is 206,265 arcsec."""


def draw_rig(rng: np.random.Generator) -> Rig:
    """Draw a rig from the priors."""
    return rig_from_seed(int(rng.integers(2**31)))


def rig_from_seed(seed: int) -> Rig:
    """Return the rig that belongs to a seed."""
    rng = np.random.default_rng([seed, 0x5216])
    while True:
        rig = _attempt(rng, seed)
        if F0_RANGE_PX[0] <= rig.f0_px <= F0_RANGE_PX[1]:
            return rig


@dataclass(frozen=True, slots=True, kw_only=True)
class _Camera:
    """What is drawn together of a camera. Electrons are those of one cell, see :mod:`training.simulate.rigs`."""

    cells: int
    ccd: bool
    bit_depth: int
    scaled: bool
    full_well_e: float
    top_adu: float
    offset_adu: float
    gain_e_adu: float
    read_noise_e: float


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(math.exp(rng.uniform(math.log(low), math.log(high))))


def _attempt(rng: np.random.Generator, seed: int) -> Rig:
    """Draw a rig once; its normal star may be too narrow or too wide."""
    telescope = _telescope(rng)
    blur = _blur(rng, telescope["optics"], telescope["scale_arcsec_px"])
    camera = _camera(rng, telescope["colour"])
    exposure_s = _log_uniform(rng, 2, 600)
    sky_e = _sky_e(rng, camera)
    aberration = 0.0 if rng.random() < 0.45 else float(rng.gamma(1.5, 0.35))
    shares = rng.dirichlet([1, 1, 1, 1]) * aberration
    rig = Rig(
        seed=seed,
        **telescope,
        **blur,
        **_angles(rng),
        f0_px=0.0,
        coma_px=0.0,
        astigmatism_px=0.0,
        curvature_px=0.0,
        tilt_px=0.0,
        gain_e_adu=float(camera.gain_e_adu * camera.cells),
        read_noise_e=float(camera.read_noise_e * math.sqrt(camera.cells)),
        offset_adu=float(round(camera.offset_adu)),
        full_well_e=float(camera.full_well_e * camera.cells),
        bit_depth=camera.bit_depth,
        scaled_to_16_bit=camera.scaled,
        **_flaws(rng, camera),
        sky_e_s=float(sky_e / exposure_s),
        **_gradient(rng),
        exposure_s=exposure_s,
    )
    f0_px = psf.normal_fwhm_px(rig)
    coma_px, astigmatism_px, curvature_px, tilt_px = (float(share * f0_px * rng.choice([-1, 1])) for share in shares)
    return replace(
        rig, f0_px=f0_px, coma_px=coma_px, astigmatism_px=astigmatism_px, curvature_px=curvature_px, tilt_px=tilt_px
    )


def _telescope(rng: np.random.Generator) -> dict[str, Any]:
    optics = OPTICS[int(rng.choice(len(OPTICS), p=OPTICS_SHARES))]
    scale_arcsec_px = _log_uniform(rng, *SCALE_ARCSEC_PX[optics])
    cell_um = rng.choice(CELLS_UM)
    colour = bool(rng.random() < 0.4)
    focal_mm = ARCSEC_UM_PER_MM * cell_um * (2 if colour else 1) / scale_arcsec_px
    f_ratio = rng.uniform(*F_RATIO[optics])
    return {
        "optics": optics,
        "scale_arcsec_px": scale_arcsec_px,
        "colour": colour,
        "aperture_mm": float(np.clip(focal_mm / f_ratio, 25, 1000)),
        "obstruction": float(rng.uniform(*OBSTRUCTION.get(optics, (0, 0)))),
        "struts": STRUTS.get(optics, 0),
    }


def _blur(rng: np.random.Generator, optics: Optics, scale_arcsec_px: float) -> dict[str, Any]:
    seeing_px = rng.uniform(2.0, 4.0) / scale_arcsec_px
    round_px = abs(rng.normal(0.3, 0.3)) + (rng.uniform(0.5, 1.4) if optics == "lens" else 0.0)
    elongation_px = 0.0
    if rng.random() < 0.4:
        elongation_px = min(abs(rng.normal(0, 0.6)), 1.2) * math.hypot(seeing_px, round_px, 0.9)
    beta = 0.0 if rng.random() < 0.5 else rng.uniform(2.4, 5.0)
    return {
        "seeing_px": float(seeing_px),
        "round_blur_px": float(round_px),
        "elongation_px": float(elongation_px),
        "moffat_beta": float(beta),
    }


def _camera(rng: np.random.Generator, colour: bool) -> _Camera:
    ccd = bool(rng.random() < 0.25)
    bits = 16 if ccd else int(rng.choice([12, 14, 16], p=(0.35, 0.3, 0.35)))
    full_well_e = _log_uniform(rng, 8e3, 1.0e5)
    scaled = bool(bits < 16 and rng.random() < 0.8)
    top_adu = ((1 << bits) - 1) * ((1 << (16 - bits)) if scaled else 1)
    offset_adu = rng.uniform(0.001, 0.02) * top_adu if rng.random() < 0.8 else rng.uniform(0.02, 0.06) * top_adu
    gain_e_adu = full_well_e / (top_adu - offset_adu) * rng.choice([1.0, 0.25, rng.uniform(0.1, 1.3)])
    return _Camera(
        cells=4 if colour else 1, ccd=ccd, bit_depth=bits, scaled=scaled, full_well_e=full_well_e, top_adu=top_adu,
        offset_adu=offset_adu, gain_e_adu=gain_e_adu,
        read_noise_e=rng.uniform(4, 12) if ccd else _log_uniform(rng, 0.8, 4.0),
    )  # fmt: skip


def _sky_e(rng: np.random.Generator, camera: _Camera) -> float:
    """Draw the sky per frame pixel and exposure: from a narrow-band or short exposure to a city."""
    brightest_e = 0.08 * min(camera.full_well_e, camera.top_adu * camera.gain_e_adu) * camera.cells
    return min(_log_uniform(rng, 4, 6000) * math.sqrt(camera.cells), brightest_e)


def _angles(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "strut_angle_deg": float(rng.uniform(0, 90)),
        "elongation_angle_deg": float(rng.uniform(0, 180)),
        "tilt_angle_deg": float(rng.uniform(0, 360)),
    }


def _flaws(rng: np.random.Generator, camera: _Camera) -> dict[str, Any]:
    """Draw what is wrong with the camera and in front of it."""
    return {
        "blooms": bool(camera.ccd and rng.random() < 0.5),
        "dark_e_s": _log_uniform(rng, 0.001, 0.1) * camera.cells,
        "dead_pixel_fraction": float(rng.choice([0.0, _log_uniform(rng, 1e-6, 2e-4)])),
        "hot_pixel_fraction": _log_uniform(rng, 1e-6, 6e-4) * camera.cells,
        "hot_pixel_e_s": _log_uniform(rng, 0.5, 30),
        "column_noise_e": float(camera.read_noise_e * rng.choice([0.0, rng.uniform(0.02, 0.3)])),
        "row_noise_e": float(camera.read_noise_e * rng.choice([0.0, rng.uniform(0.02, 0.3)])),
        "vignetting_fraction": float(rng.beta(1.3, 4) * 0.8),
        "dust_motes": int(rng.choice([0, 0, int(rng.integers(1, 4)), int(rng.integers(4, 13))])),
        "amp_glow_fraction": float(rng.choice([0.0, 0.0, _log_uniform(rng, 0.02, 0.6)])),
        "amp_glow_corner": int(rng.integers(4)),
    }


def _gradient(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "normal_gradient_fraction": float(rng.beta(1.2, 6) * 0.4),
        "normal_gradient_angle_deg": float(rng.uniform(0, 360)),
    }
