"""Wide priors of rigs. The order of the draws is part of the data: another order makes other rigs of the same seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from training.simulate import psf
from training.simulate.rigs import OPTICS, Optics, Rig

F0_RANGE_PX = (1.2, 15.0)
"""Rigs whose normal star is narrower or wider than this are drawn again."""

WIDE_F0_PX, WIDE_KEPT = 5.0, 0.45
"""Of rigs whose normal star is so wide, fewer are kept: few people sample their stars so finely."""

OPTICS_SHARES = (0.26, 0.17, 0.15, 0.11, 0.11, 0.08, 0.12)
"""Probability of each kind in ``OPTICS``."""

SCALE_ARCSEC_PX: dict[Optics, tuple[float, float]] = {
    "refractor": (0.7, 5.0),
    "newtonian": (0.4, 2.5),
    "sct": (0.15, 1.5),
    "rc": (0.3, 1.5),
    "lens": (2.0, 12.0),
    "wide": (8.0, 60.0),
    "observatory": (0.1, 0.9),
}
F_RATIO: dict[Optics, tuple[float, float]] = {
    "refractor": (4, 8),
    "newtonian": (3, 6),
    "sct": (2, 10),
    "rc": (5, 9),
    "lens": (1.8, 5),
    "wide": (1.2, 4),
}
OBSTRUCTION: dict[Optics, tuple[float, float]] = {
    "newtonian": (0.2, 0.4), "sct": (0.3, 0.42), "rc": (0.38, 0.5), "observatory": (0.15, 0.45),
}  # fmt: skip
"""Diameter of the central obstruction / aperture; the other kinds have none."""

STRUTS: dict[Optics, int] = {"newtonian": 4, "rc": 4, "observatory": 4}
SEEING_ARCSEC: dict[Optics, tuple[float, float]] = {"observatory": (0.4, 2.2)}
ORDINARY_SEEING_ARCSEC = (1.4, 4.2)
"""Usual seeing of a site; large telescopes stand on better ones."""

APERTURE_MM: dict[Optics, tuple[float, float]] = {"wide": (2.0, 60.0), "observatory": (500.0, 10_000.0)}
ORDINARY_APERTURE_MM = (25.0, 1000.0)

EXPOSURES_S = ((20.0, 900.0), (1.0, 20.0), (0.1, 2.0))
EXPOSURE_SHARES = (0.6, 0.25, 0.15)
SKIES_E = ((20.0, 8000.0), (2.0, 1500.0), (0.3, 100.0))
"""Sky per cell and exposure, for each of ``EXPOSURES_S``; narrow-band filters below."""

NARROW_SHARE, NARROW_SKY_E = 0.25, (1.0, 60.0)
"""Long exposures through narrow filters."""

CELLS_UM = (2.4, 2.9, 3.76, 3.8, 4.63, 5.4, 6.8, 9.0)
"""Sizes of sensor cells on the market, from planetary cameras to CCDs."""

MOST_OFFSET_ADU = 12_000.0
"""Above this offset cells are not summed."""

BRIGHTEST_SKY = 0.08
"""Share of the full scale that the normal sky of an exposure reaches at most."""

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
        if F0_RANGE_PX[0] <= rig.f0_px <= F0_RANGE_PX[1] and (rig.f0_px < WIDE_F0_PX or rng.random() < WIDE_KEPT):
            return rig


@dataclass(frozen=True, slots=True, kw_only=True)
class _Camera:
    """What is drawn together of a camera. Electrons are those of a frame pixel, see :mod:`training.simulate.rigs`."""

    cells: int
    binning: int
    summed: bool
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
    exposure_s, sky_e = _exposure(rng, camera)
    aberration = 0.0 if rng.random() < 0.45 else float(rng.gamma(1.5, 0.35))
    shares = rng.dirichlet([1, 1, 1, 1]) * aberration
    flaws = _flaws(rng, camera, sky_e, exposure_s)
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
        gain_e_adu=float(camera.gain_e_adu),
        read_noise_e=float(camera.read_noise_e),
        offset_adu=float(round(camera.offset_adu)),
        full_well_e=float(camera.full_well_e),
        binning=camera.binning,
        summed=camera.summed,
        calibrated=False,
        float_pixels=False,
        ramp_adu=0.0,
        ramp_angle_deg=float(rng.choice([0, 90, 180, 270]) + rng.normal(0, 6)),
        ramp_bend=float(rng.uniform(0, 1)),
        bit_depth=camera.bit_depth,
        scaled_to_16_bit=camera.scaled,
        **flaws,
        sky_e_s=float(sky_e / exposure_s),
        **_gradient(rng),
        exposure_s=exposure_s,
    )
    rig = _as_stored(rng, rig)
    f0_px = psf.normal_fwhm_px(rig)
    coma_px, astigmatism_px, curvature_px, tilt_px = (float(share * f0_px * rng.choice([-1, 1])) for share in shares)
    return replace(
        rig, f0_px=f0_px, coma_px=coma_px, astigmatism_px=astigmatism_px, curvature_px=curvature_px, tilt_px=tilt_px
    )


def _telescope(rng: np.random.Generator) -> dict[str, Any]:
    optics = OPTICS[int(rng.choice(len(OPTICS), p=OPTICS_SHARES))]
    scale_arcsec_px = _log_uniform(rng, *SCALE_ARCSEC_PX[optics])
    cell_um = rng.choice(CELLS_UM)
    colour = bool(rng.random() < (0.4 if optics != "observatory" else 0.0))
    if optics in F_RATIO:
        focal_mm = ARCSEC_UM_PER_MM * cell_um * (2 if colour else 1) / scale_arcsec_px
        aperture_mm = focal_mm / rng.uniform(*F_RATIO[optics])
    else:
        aperture_mm = _log_uniform(rng, *APERTURE_MM[optics])
    return {
        "optics": optics,
        "scale_arcsec_px": scale_arcsec_px,
        "colour": colour,
        "aperture_mm": float(np.clip(aperture_mm, *APERTURE_MM.get(optics, ORDINARY_APERTURE_MM))),
        "obstruction": float(rng.uniform(*OBSTRUCTION.get(optics, (0, 0)))),
        "struts": STRUTS.get(optics, 0),
    }


def _blur(rng: np.random.Generator, optics: Optics, scale_arcsec_px: float) -> dict[str, Any]:
    seeing_px = rng.uniform(*SEEING_ARCSEC.get(optics, ORDINARY_SEEING_ARCSEC)) / scale_arcsec_px
    round_px = abs(rng.normal(0.3, 0.3)) + (rng.uniform(0.5, 1.6) if optics in ("lens", "wide") else 0.0)
    base_px = math.hypot(seeing_px, round_px, 0.9)
    elongation, growth, stray = 0.0, 0.0, 0.0
    kind = rng.random()
    if kind < 0.27:  # every star is visibly drawn out: an axis ratio of 1.1 to 1.35
        elongation, stray = float(rng.uniform(0.45, 0.95)), float(rng.uniform(0.02, 0.2))
        growth = float(rng.uniform(0, 1)) if rng.random() < 0.4 else 0.0
    elif kind < 0.62:
        elongation, stray = min(abs(float(rng.normal(0, 0.4))), 0.6), float(rng.uniform(0.0, 0.2))
    beta = 0.0 if rng.random() < 0.5 else rng.uniform(2.4, 5.0)
    return {
        "seeing_px": float(seeing_px),
        "round_blur_px": float(round_px),
        "elongation_px": elongation * base_px,
        "elongation_growth": growth,
        "elongation_stray": stray,
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
    read_noise_e = rng.uniform(4, 14) if ccd else _log_uniform(rng, 0.8, 4.0)
    binning = int(rng.choice([1, 2, 3, 4], p=(0.62, 0.22, 0.09, 0.07)))
    binned, cells = binning**2, binning**2 * (4 if colour else 1)
    # Sums of cells fill a file of 16 bits soon: programs average those of cameras whose values fill it already.
    summed = bool(binning > 1 and (ccd or not scaled) and offset_adu * (1 if ccd else binned) < MOST_OFFSET_ADU)
    return _Camera(
        cells=cells, ccd=ccd, bit_depth=bits, scaled=scaled, full_well_e=full_well_e * cells, top_adu=top_adu,
        binning=binning, summed=summed, offset_adu=offset_adu * (binned if summed and not ccd else 1),
        gain_e_adu=gain_e_adu * (cells // binned if summed else cells),
        # A CCD is read once for all the cells that it bins.
        read_noise_e=read_noise_e * math.sqrt(cells // binned if ccd and summed else cells),
    )  # fmt: skip


def _exposure(rng: np.random.Generator, camera: _Camera) -> tuple[float, float]:
    """Draw the exposure and the sky per frame pixel in it: from a focus frame of a tenth of a second to a city."""
    kind = int(rng.choice(len(EXPOSURES_S), p=EXPOSURE_SHARES))
    narrow = kind == 0 and rng.random() < NARROW_SHARE
    full_e = min(camera.full_well_e, (min(camera.top_adu, 65535) - camera.offset_adu) * camera.gain_e_adu)
    sky_e = _log_uniform(rng, *(NARROW_SKY_E if narrow else SKIES_E[kind])) * math.sqrt(camera.cells)
    return _log_uniform(rng, *EXPOSURES_S[kind]), min(sky_e, BRIGHTEST_SKY * full_e)


def _as_stored(rng: np.random.Generator, rig: Rig) -> Rig:
    """Draw how the file holds its values: as the camera gave them, coarsely, on a ramp, or calibrated."""
    kind = rng.random()
    if kind < 0.09:  # the converter's steps are as large as the noise
        gain_e_adu = rig.noise_e / (rig.adu_step * float(rng.uniform(0.25, 1.3)))
        return replace(rig, gain_e_adu=max(gain_e_adu, rig.gain_e_adu))
    if kind < 0.21:
        noise_adu = rig.noise_e / rig.gain_e_adu
        most = 0.1 * (rig.saturation_adu - rig.offset_adu)
        return replace(rig, ramp_adu=min(noise_adu * _log_uniform(rng, 1.5, 40), most, 1500.0))
    if kind < 0.37:
        flat = rng.random() < 0.6
        floats = bool(rng.random() < 0.75)
        return replace(
            rig,
            calibrated=True,
            float_pixels=floats,
            summed=False,
            offset_adu=0.0 if floats else float(rng.choice([100.0, 500.0, 1000.0])),
            amp_glow_fraction=0.0,
            column_noise_e=0.0,
            vignetting_fraction=0.1 * rig.vignetting_fraction if flat else rig.vignetting_fraction,
            dust_motes=0 if flat else rig.dust_motes,
        )
    return rig


def _angles(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "strut_angle_deg": float(rng.uniform(0, 90)),
        "elongation_angle_deg": float(rng.uniform(0, 180)),
        "tilt_angle_deg": float(rng.uniform(0, 360)),
    }


def _flaws(rng: np.random.Generator, camera: _Camera, sky_e: float, exposure_s: float) -> dict[str, Any]:
    """Draw what is wrong with the camera and in front of it."""
    warm = bool(rng.random() < 0.24)
    dark_e_s = _log_uniform(rng, 0.001, 0.1) * camera.cells
    hot_fraction = _log_uniform(rng, 1e-6, 6e-4) * camera.cells
    hot_e_s = _log_uniform(rng, 0.5, 30)
    glow = float(rng.choice([0.0, 0.0, _log_uniform(rng, 0.02, 0.6)]))
    vignetting = float(rng.beta(1.3, 4) * 0.8)
    if warm:
        # Without cooling, hot pixels stand out of the noise however short the exposure is.
        dark_e_s = max(dark_e_s, sky_e * float(rng.uniform(0, 2)) / exposure_s)
        noise_e = math.sqrt(sky_e + dark_e_s * exposure_s + camera.read_noise_e**2)
        hot_fraction, hot_e_s = _log_uniform(rng, 2e-4, 8e-3), noise_e * _log_uniform(rng, 6, 150) / exposure_s
        glow = float(rng.choice([glow, _log_uniform(rng, 0.1, 2.0)]))
    if rng.random() < 0.12:
        vignetting = float(rng.uniform(0.4, 0.85))
    return {
        "blooms": bool(camera.ccd and rng.random() < 0.5),
        "dark_e_s": dark_e_s,
        "dead_pixel_fraction": float(rng.choice([0.0, _log_uniform(rng, 1e-6, 2e-4)])),
        "hot_pixel_fraction": min(hot_fraction, 8e-3),
        "hot_pixel_e_s": hot_e_s,
        "column_noise_e": float(camera.read_noise_e * rng.choice([0.0, rng.uniform(0.02, 0.3)])),
        "row_noise_e": float(camera.read_noise_e * rng.choice([0.0, rng.uniform(0.02, 0.3)])),
        "vignetting_fraction": vignetting,
        "dust_motes": int(rng.choice([0, 0, int(rng.integers(1, 4)), int(rng.integers(4, 13))])),
        "amp_glow_fraction": glow,
        "amp_glow_corner": int(rng.integers(4)),
    }


def _gradient(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "normal_gradient_fraction": float(rng.beta(1.2, 6) * 0.4),
        "normal_gradient_angle_deg": float(rng.uniform(0, 360)),
    }
