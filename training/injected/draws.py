"""Which fault a frame gets, drawn from wide priors; strengths keep clear of the ambiguous bands of the class rules."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from astro_monitor.records import borders
from training.injected import kernels
from training.injected.light import Image, RealFrame, brightened, convolved, dimmed
from training.simulate.motion import Motion

CAUSES: dict[str, tuple[str, ...]] = {
    "bad_tracking": ("drift", "periodic", "jump", "wind"),
    "very_bad_tracking": ("drift", "periodic", "jump", "wind"),
    "bad_seeing": ("seeing", "defocus"),
    "background_issue": ("cloud", "gradient", "leak"),
}
"""Causes that can be injected by class."""
TRAIL_OVER_FWHM = {"good": (0.0, 0.6), "bad_tracking": (1.3, 2.6), "very_bad_tracking": (3.4, 9.0)}
"""Length of the path over the FWHM of the frame, from and to."""
LONGEST_TRAIL_PX = 60.0
"""Longest path: a longer one leaves no field of stars to recognise."""
WIDTH_RATIO = {"good": (1.0, 1.18), "bad_seeing": (1.75, 3.2)}
"""FWHM over the normal FWHM."""
EXTINCTION_MAG = {"good": (0.0, 0.3), "background_issue": (0.65, 2.5)}
"""Loss of starlight."""
GRADIENT, LEAK = (0.45, 2.5), (0.4, 4.0)
"""Peak to valley, and peak, over S. A good frame gets up to half of the border."""
GLOW_OF_CLOUD = (0.0, 0.5)
"""Light that a cloud adds over S; thick ones near a town add more."""
RING_FWHM_PER_DIAMETER = 0.75
"""Width at half maximum that an unobstructed disc adds in quadrature, over its diameter (measured on discs and rings
of 1 to 4 normal widths; good to 15 %, which the gap of the ambiguous band covers)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Injected:
    """A frame with a fault, and what is true about it.

    Attributes:
        pixels: (H, W) ADU.
        label, cause: by the class rules.
        strength: in units of the border of its class; 0 for a good frame.
    """

    pixels: Image
    label: str
    cause: str
    strength: float


def injected(
    frame: RealFrame, fwhm_px: float, effective_sky_adu: float, label: str, rng: np.random.Generator
) -> Injected:
    """Return a good frame with a fault of the class ``label``; for ``good``, with something that is no fault.

    Parameters:
        frame: the good frame.
        fwhm_px: of its stars.
        effective_sky_adu: S.
        label: one of the five classes.
        rng: of all that is drawn.
    """
    cause = str(rng.choice(CAUSES[label])) if label in CAUSES else "none"
    if label in ("bad_tracking", "very_bad_tracking"):
        length_px = min(_log_uniform(rng, *TRAIL_OVER_FWHM[label]) * fwhm_px, LONGEST_TRAIL_PX)
        kernel = kernels.of_motion(motion_of_length(cause, length_px, rng))
        border = borders.TRAIL_BAD if label == "bad_tracking" else borders.TRAIL_VERY_BAD
        return Injected(
            pixels=convolved(frame, kernel, rng).pixels(),
            label=label,
            cause=cause,
            strength=length_px / fwhm_px / border,
        )
    if label == "bad_seeing":
        ratio = _log_uniform(rng, *WIDTH_RATIO[label])
        added_px = fwhm_px * math.sqrt(ratio**2 - 1.0)
        kernel = kernels.of_seeing(added_px) if cause == "seeing" else _defocus(added_px, rng)
        return Injected(
            pixels=convolved(frame, kernel, rng).pixels(), label=label, cause=cause, strength=ratio / borders.FWHM_BAD
        )
    if label == "background_issue":
        return _background(frame, effective_sky_adu, cause, rng)
    return Injected(
        pixels=_harmless(frame, fwhm_px, effective_sky_adu, rng).pixels(), label="good", cause="none", strength=0.0
    )


def motion_of_length(cause: str, length_px: float, rng: np.random.Generator) -> Motion:
    """Return a motion of one cause whose path has a length.

    Parameters:
        cause: ``drift``, ``periodic``, ``jump`` or ``wind``.
        length_px: √12 × the rms spread of the path along its main axis.
        rng: of direction and form.
    """
    motion = Motion(
        drift_px=float(cause == "drift"),
        drift_angle_deg=float(rng.uniform(0, 360)),
        periodic_px=float(cause == "periodic"),
        periodic_cycles=_log_uniform(rng, 0.5, 6.0),
        periodic_phase=float(rng.uniform(0, 2 * math.pi)),
        right_ascension_angle_deg=float(rng.uniform(0, 360)),
        jump_px=float(cause == "jump"),
        jump_angle_deg=float(rng.uniform(0, 360)),
        jump_share=float(rng.uniform(0.2, 0.8)),
        wind_px=float(cause == "wind"),
        wind_seed=int(rng.integers(2**31)),
    )
    return motion.scaled(length_px / motion.length_px())


def _background(frame: RealFrame, effective_sky_adu: float, cause: str, rng: np.random.Generator) -> Injected:
    """Return a frame with a fault of the background."""
    shape = frame.light_adu.shape
    if cause == "cloud":
        lost_mag = _log_uniform(rng, *EXTINCTION_MAG["background_issue"])
        glow_adu = np.full(shape, rng.uniform(*GLOW_OF_CLOUD) * effective_sky_adu, np.float32)
        clouded = brightened(dimmed(frame, 10 ** (-0.4 * lost_mag), rng), glow_adu, rng)
        strength = lost_mag / borders.EXTINCTION_BAD_MAG
        return Injected(pixels=clouded.pixels(), label="background_issue", cause=cause, strength=strength)
    low_high, border = (GRADIENT, borders.GRADIENT_BAD) if cause == "gradient" else (LEAK, borders.LEAK_BAD)
    share = _log_uniform(rng, *low_high)
    shape_of_light = slope(shape, rng) if cause == "gradient" else spot(shape, rng)
    added = brightened(frame, np.asarray(share * effective_sky_adu * shape_of_light, np.float32), rng)
    return Injected(pixels=added.pixels(), label="background_issue", cause=cause, strength=share / border)


def _harmless(frame: RealFrame, fwhm_px: float, effective_sky_adu: float, rng: np.random.Generator) -> RealFrame:
    """Return a frame with a little of everything that the rules do not condemn; half of them have nothing."""
    if rng.random() < 0.5:
        return frame
    chance = rng.random()
    if chance < 0.3:
        length_px = rng.uniform(*TRAIL_OVER_FWHM["good"]) * fwhm_px
        cause = str(rng.choice(CAUSES["bad_tracking"]))
        return convolved(frame, kernels.of_motion(motion_of_length(cause, length_px, rng)), rng)
    if chance < 0.6:
        ratio = rng.uniform(*WIDTH_RATIO["good"])
        return convolved(frame, kernels.of_seeing(max(fwhm_px * math.sqrt(ratio**2 - 1.0), 0.1)), rng)
    if chance < 0.8:
        return dimmed(frame, 10 ** (-0.4 * rng.uniform(*EXTINCTION_MAG["good"])), rng)
    share = rng.uniform(0.0, 0.5 * borders.GRADIENT_BAD)
    light = np.asarray(share * effective_sky_adu * slope(frame.light_adu.shape, rng), np.float32)
    return brightened(frame, light, rng)


def slope(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return light that grows smoothly over the frame, from 0 to 1; sometimes bent."""
    angle, bend = rng.uniform(0, 2 * math.pi), rng.uniform(0, 1)
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    along = x * math.cos(angle) + y * math.sin(angle)
    along = (along - along.min()) / (along.max() - along.min())
    return np.asarray((1 - bend) * along + bend * along**2)


def spot(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Return a leak: light with a peak of 1 at a border or in a corner that falls within a part of the frame."""
    angle, width = rng.uniform(0, 2 * math.pi), rng.uniform(0.25, 0.7)
    y, x = np.mgrid[-1 : 1 : shape[0] * 1j, -1 : 1 : shape[1] * 1j]
    reach = 1.0 / max(abs(math.cos(angle)), abs(math.sin(angle)))
    centre_x, centre_y = reach * math.cos(angle), reach * math.sin(angle)
    light = np.exp(-0.5 * ((x - centre_x) ** 2 + (y - centre_y) ** 2) / width**2)
    return np.asarray(light / light.max())


def _defocus(added_px: float, rng: np.random.Generator) -> kernels.Kernel:
    """Return a disc or ring that adds a width in quadrature."""
    obstruction = float(rng.choice([0.0, rng.uniform(0.2, 0.45)]))
    return kernels.of_defocus(max(added_px / RING_FWHM_PER_DIAMETER, 1.5), obstruction)


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(math.exp(rng.uniform(math.log(low), math.log(high))))
