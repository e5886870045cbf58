"""What the sky, the mount and passers-by do to one frame, as physical strengths, and the priors they are drawn from."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from astro_monitor.records import CLASSES, borders
from training.simulate import labels as rules
from training.simulate import psf
from training.simulate.labels import AMBIGUOUS, Labels, Strengths
from training.simulate.motion import Motion, Vector
from training.simulate.rigs import Rig

CERTAIN_BACKGROUND = 1 + borders.BACKGROUND_AMBIGUOUS
"""Over the border of the background: from here on no frame is ambiguous."""
BRIGHTEST_SKY = 0.8
"""Share of the full scale that the sky reaches at most."""
LONGEST_TRAIL_PX = 60.0
WIDEST_DISC_PX = 50.0
NATURAL_SHARES = {
    "good": 0.45,
    "bad_tracking": 0.12,
    "very_bad_tracking": 0.08,
    "bad_seeing": 0.12,
    "background_issue": 0.15,
    AMBIGUOUS: 0.08,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Strengths of everything that may be wrong, or only unusual, in one frame.

    Attributes:
        seeing_factor: seeing over the site's usual one.
        defocus_px: signed diameter of the out-of-focus disc in frame pixels.
        motion: path over the exposure.
        extinction_mag: mean over the frame.
        cloud_contrast: 0 uniform (haze), towards 1 patchy.
        cloud_glow: how much a fully opaque cloud brightens the sky, over S (negative: a dark cloud).
        dew: share of the light scattered into a wide halo by dew.
        gradient_fraction, gradient_angle_deg, gradient_bend: peak to valley over S; direction; curvature 0 to 1.
        leak_fraction, leak_seed: peak over S, and the seed of its shape.
        sky_factor: what noise sees of the sky, over S, before gradients and leaks: moon, twilight, lamps.
        sky_slope: gradient, peak to valley, of the light that a bright sky has gained, as a share of it.
        moon: whether the Moon makes a bright sky, rather than twilight or lamps.
        stray_plus_px2, stray_cross_px2: change of the rig's own elongation vector in this frame.
        turn_deg: angle by which the sky is turned on the sensor: 180 after a meridian flip.
        trails: number of satellites or aircraft.
        cosmic_rays_mpx: hits per million frame pixels.
        pattern_seed: seed of cloud, trail and impact patterns.
        dither_x_px, dither_y_px: shift of the field against its nominal place.
    """

    seeing_factor: float = 1.0
    defocus_px: float = 0.0
    motion: Motion = field(default_factory=Motion)
    extinction_mag: float = 0.0
    cloud_contrast: float = 0.0
    cloud_glow: float = 0.0
    dew: float = 0.0
    gradient_fraction: float = 0.0
    gradient_angle_deg: float = 0.0
    gradient_bend: float = 0.0
    leak_fraction: float = 0.0
    leak_seed: int = 0
    sky_factor: float = 1.0
    sky_slope: float = 0.0
    moon: bool = False
    stray_plus_px2: float = 0.0
    stray_cross_px2: float = 0.0
    turn_deg: float = 0.0
    trails: int = 0
    cosmic_rays_mpx: float = 0.0
    pattern_seed: int = 0
    dither_x_px: float = 0.0
    dither_y_px: float = 0.0


def dew_blur_px(rig: Rig, condition: Condition) -> float:
    """Softening of the star's core by dew, as the FWHM of a round blur."""
    return 0.8 * condition.dew * rig.f0_px


def still_fwhm_px(rig: Rig, condition: Condition) -> float:
    """F: what a star would measure without any motion."""
    return psf.still_fwhm_px(rig, condition.seeing_factor, dew_blur_px(rig, condition), condition.defocus_px)


def elongation_px2(rig: Rig, condition: Condition) -> Vector:
    """The rig's own part in the elongation vector of this frame: usual, grown with the seeing, a little different."""
    plus, cross = psf.usual_elongation_px2(rig)
    wider = min(still_fwhm_px(rig, condition) / rig.f0_px, 2.0) ** (2 * rig.elongation_growth)
    return plus * wider + condition.stray_plus_px2, cross * wider + condition.stray_cross_px2


def excess_px(rig: Rig, condition: Condition, aspect: float = 1.0, *, severely: bool = False) -> float:
    """E of the class rules.

    Parameters:
        aspect: height / width of the frame.
        severely: count the ghost of a jump that is ambiguous.
    """
    return condition.motion.excess_px(
        psf.usual_elongation_px2(rig), elongation_px2(rig, condition), aspect=aspect,
        least_ghost=borders.GHOST[0 if severely else 1],
    )  # fmt: skip


def strengths(rig: Rig, condition: Condition, aspect: float = 1.0) -> Strengths:
    """The strengths that decide about the class."""
    cloud_gradient = (
        abs(condition.cloud_glow)
        * condition.cloud_contrast
        * (1 - 10 ** (-0.4 * condition.extinction_mag))
        * (rig.sky_e / rig.effective_sky_e)
    )
    gained = condition.sky_slope * max(condition.sky_factor - 1, 0)
    return Strengths(
        fwhm_px=still_fwhm_px(rig, condition),
        normal_fwhm_px=rig.f0_px,
        path_length_px=condition.motion.length_px(aspect),
        excess_px=excess_px(rig, condition, aspect),
        severe_excess_px=excess_px(rig, condition, aspect, severely=True),
        extinction_mag=condition.extinction_mag,
        gradient_fraction=condition.gradient_fraction + cloud_gradient + gained,
        leak_fraction=condition.leak_fraction,
        sky_factor=condition.sky_factor,
        motion=condition.motion.shares(),
        defocus_px=abs(condition.defocus_px),
        dew=condition.dew > 0,
        moon=condition.moon,
    )


def label(rig: Rig, condition: Condition, aspect: float = 1.0) -> Labels:
    """Class, faults and cause of the frame that this rig takes under this condition."""
    flags = []
    if condition.trails:
        flags.append("streak")
    if max(abs(rig.coma_px), abs(rig.astigmatism_px), abs(rig.curvature_px), abs(rig.tilt_px)) > 0.5 * rig.f0_px:
        flags.append("optics")
    return rules.classify(strengths(rig, condition, aspect), tuple(flags))


def draw_condition(
    rng: np.random.Generator, rig: Rig, wanted: str | None = None, cause: str | None = None
) -> Condition:
    """A condition of a wanted class.

    Parameters:
        wanted: one of ``CLASSES``, ``ambiguous``, or ``None`` for a natural mixture.
        cause: narrows the class to one cause, such as ``rotation`` or ``dew``.

    Raises:
        ValueError: no such class, or a cause that does not belong to it.
    """
    if wanted is None:
        wanted = str(rng.choice(list(NATURAL_SHARES), p=list(NATURAL_SHARES.values())))
    if wanted not in (*CLASSES, AMBIGUOUS):
        raise ValueError(f"no such class: {wanted!r}")
    if cause not in _CAUSES_OF[wanted]:
        raise ValueError(f"{cause!r} is no cause of {wanted!r}")
    for _ in range(120):
        condition = _FAULT[wanted](rng, rig, _harmless(rng, rig), cause)
        truth = label(rig, condition)
        if truth.label == wanted and (cause is None or truth.cause == cause):
            return condition
    raise RuntimeError(f"no condition of class {wanted!r}, cause {cause!r} found for rig {rig.seed}")


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(math.exp(rng.uniform(math.log(low), math.log(high))))


def _near_or_far(rng: np.random.Generator, border: float, far: float) -> float:
    """A strength from a border upwards; four in ten are within a third of the border."""
    near = min(border * 1.35, far)
    return _log_uniform(rng, border, near) if rng.random() < 0.4 else _log_uniform(rng, border, far)


def _harmless(rng: np.random.Generator, rig: Rig) -> Condition:
    """A night that the labels do not condemn: everything present, nothing beyond a border."""
    faintly = rng.random(8)
    stray = rig.elongation_stray * math.hypot(*psf.usual_elongation_px2(rig)) * rng.normal(size=2)
    return Condition(
        seeing_factor=_seeing_factor_for(rig, float(rng.uniform(0.8, 1.25))),
        defocus_px=float(rng.uniform(-0.45, 0.45) * rig.f0_px) if faintly[0] < 0.5 else 0.0,
        motion=_harmless_motion(rng, rig),
        extinction_mag=float(rng.uniform(0, 0.4)) if faintly[2] < 0.35 else 0.0,
        cloud_contrast=float(rng.uniform(0, 0.8)),
        cloud_glow=float(rng.normal(0.2, 0.25)),
        dew=float(rng.uniform(0.02, 0.12)) if faintly[3] < 0.03 else 0.0,
        gradient_fraction=float(rng.uniform(0, 0.3)) if faintly[4] < 0.5 else 0.0,
        gradient_angle_deg=float(rng.uniform(0, 360)),
        gradient_bend=float(rng.uniform(0, 1)),
        leak_fraction=float(rng.uniform(0, 0.26)) if faintly[5] < 0.1 else 0.0,
        leak_seed=int(rng.integers(2**31)),
        sky_factor=_log_uniform(rng, 0.8, 1.3) if faintly[6] < 0.7 else _log_uniform(rng, 1.3, 3.5),
        sky_slope=float(rng.uniform(0, 0.08)),
        moon=bool(rng.random() < 0.6),
        stray_plus_px2=float(stray[0]),
        stray_cross_px2=float(stray[1]),
        trails=int(rng.choice([0, 1, 2, 3], p=(0.85, 0.1, 0.04, 0.01))),
        cosmic_rays_mpx=float(rng.gamma(1.0, 4.0 * min(rig.exposure_s / 120, 4))),
        pattern_seed=int(rng.integers(2**31)),
    )


def _harmless_motion(rng: np.random.Generator, rig: Rig) -> Motion:
    chance = rng.random()
    if chance < 0.3:
        return Motion()
    if chance < 0.36:
        # A knock that left a faint ghost.
        return Motion(
            jump_px=float(rng.uniform(1.5, 8) * rig.f0_px),
            jump_angle_deg=float(rng.uniform(0, 360)),
            jump_share=float(rng.uniform(0.005, 0.04)),
            jump_returns=bool(rng.random() < 0.5),
        )
    length = rng.uniform(0, 0.65) * rig.f0_px
    return _motion_of_length(_draw_motion(rng, None), float(length))


def _draw_motion(rng: np.random.Generator, cause: str | None) -> Motion:
    """A motion of arbitrary size; without a cause, often a mixture."""
    kinds = ("drift", "periodic", "jump", "wind", "rotation")
    main = cause or str(rng.choice(kinds))
    size = dict.fromkeys(kinds, 0.0)
    size[main] = 1.0
    if rng.random() < 0.35:
        size[str(rng.choice(kinds))] += float(rng.uniform(0.1, 0.7))
    rotation_reach = float(rng.uniform(0.0, 1.0))
    pivot_angle = float(rng.uniform(0, 2 * np.pi))
    return Motion(
        drift_px=size["drift"],
        drift_angle_deg=float(rng.uniform(0, 360)),
        periodic_px=0.82 * size["periodic"],
        periodic_cycles=_log_uniform(rng, 0.25, 8),
        periodic_phase=float(rng.uniform(0, 2 * np.pi)),
        right_ascension_angle_deg=float(rng.uniform(0, 360)),
        jump_px=0.7 * size["jump"],
        jump_angle_deg=float(rng.uniform(0, 360)),
        jump_share=float(rng.uniform(0.08, 0.92)),
        jump_returns=bool(rng.random() < 0.3),
        wind_px=0.29 * size["wind"],
        wind_seed=int(rng.integers(2**31)),
        rotation_px=1.4 * size["rotation"],
        rotation_sign=int(rng.choice([-1, 1])),
        pivot_x=rotation_reach * math.cos(pivot_angle),
        pivot_y=rotation_reach * math.sin(pivot_angle),
    )


def _motion_of_length(motion: Motion, length_px: float) -> Motion:
    now = motion.length_px()
    return motion.scaled(length_px / now) if now > 0 else motion


def _seeing_factor_for(rig: Rig, width_ratio: float) -> float:
    """Seeing factor at which a star is about ``width_ratio`` × F0 wide."""
    rest = max(rig.f0_px**2 - rig.seeing_px**2, 0.0)
    return math.sqrt(max((width_ratio * rig.f0_px) ** 2 - rest, (0.5 * rig.seeing_px) ** 2)) / rig.seeing_px


def _good(rng: np.random.Generator, rig: Rig, base: Condition, cause: str | None) -> Condition:
    return base


def _bad_tracking(rng: np.random.Generator, rig: Rig, base: Condition, cause: str | None) -> Condition:
    base = _maybe_second_fault(rng, rig, base)
    fwhm = still_fwhm_px(rig, base)
    length = fwhm * _near_or_far(rng, borders.TRAIL_BAD, borders.TRAIL_VERY_BAD_AMBIGUOUS[0])
    return replace(base, motion=_motion_of_length(_draw_motion(rng, cause), length))


def _very_bad_tracking(rng: np.random.Generator, rig: Rig, base: Condition, cause: str | None) -> Condition:
    base = _maybe_second_fault(rng, rig, base)
    border = borders.TRAIL_VERY_BAD_AMBIGUOUS[1] * still_fwhm_px(rig, base) * 1.005
    length = _near_or_far(rng, border, max(LONGEST_TRAIL_PX, 1.3 * border))
    return replace(base, motion=_motion_of_length(_draw_motion(rng, cause), length))


def _bad_seeing(rng: np.random.Generator, rig: Rig, base: Condition, cause: str | None) -> Condition:
    if cause == "seeing" or (cause is None and rng.random() < 0.5):
        return replace(
            base,
            seeing_factor=_seeing_factor_for(rig, _near_or_far(rng, borders.FWHM_BAD, 3.5)),
            defocus_px=base.defocus_px * rng.uniform(0, 1),
        )
    widest = max(WIDEST_DISC_PX, 3.0 * rig.f0_px)
    disc = _log_uniform(rng, 1.1, 3.0) * rig.f0_px if rng.random() < 0.5 else _log_uniform(rng, 1.5 * rig.f0_px, widest)
    return replace(base, defocus_px=float(disc * rng.choice([-1, 1])))


def _background_issue(rng: np.random.Generator, rig: Rig, base: Condition, cause: str | None) -> Condition:
    if rng.random() < 0.15:
        base = replace(base, seeing_factor=_seeing_factor_for(rig, float(rng.uniform(1.2, 2.5))))
    causes = [cause or str(rng.choice(["cloud", "cloud", "gradient", "leak", "twilight", "moon", "dew"]))]
    if rng.random() < 0.15:
        causes.append(str(rng.choice(["cloud", "gradient", "leak"])))
    return _with_background(rng, rig, base, causes)


def brightest_sky(rig: Rig) -> float:
    """Largest sky factor at which the sky leaves room in the pixels."""
    return max(BRIGHTEST_SKY * (rig.saturation_adu - rig.offset_adu) * rig.gain_e_adu / rig.effective_sky_e, 1.0)


def _with_background(rng: np.random.Generator, rig: Rig, base: Condition, causes: list[str]) -> Condition:
    for cause in causes:
        if cause == "cloud":
            base = replace(
                base,
                extinction_mag=_near_or_far(rng, CERTAIN_BACKGROUND * borders.EXTINCTION_BAD_MAG, 4.0),
                cloud_contrast=float(rng.choice([rng.uniform(0, 0.15), rng.uniform(0.15, 1.0)])),
                cloud_glow=float(rng.normal(0.6, 0.7)),
            )
        elif cause == "dew":
            base = replace(
                base,
                extinction_mag=_near_or_far(rng, CERTAIN_BACKGROUND * borders.EXTINCTION_BAD_MAG, 2.0),
                dew=float(rng.uniform(0.15, 0.7)),
                cloud_contrast=0.0,
                cloud_glow=0.0,
            )
        elif cause == "gradient":
            base = replace(base, gradient_fraction=_near_or_far(rng, CERTAIN_BACKGROUND * borders.GRADIENT_BAD, 3.0))
        elif cause == "leak":
            base = replace(base, leak_fraction=_near_or_far(rng, CERTAIN_BACKGROUND * borders.LEAK_BAD, 6.0))
        else:
            least = CERTAIN_BACKGROUND * borders.SKY_BAD
            most = max(min(25.0, brightest_sky(rig)), least)
            base = replace(base, sky_factor=_near_or_far(rng, least, most), moon=cause == "moon")
    return base


def _maybe_second_fault(rng: np.random.Generator, rig: Rig, base: Condition) -> Condition:
    chance = rng.random()
    if chance < 0.08:
        return _with_background(rng, rig, base, [str(rng.choice(["cloud", "gradient", "leak", "twilight", "moon"]))])
    if chance < 0.2:
        return replace(base, seeing_factor=_seeing_factor_for(rig, float(rng.uniform(1.2, 2.5))))
    return base


def _ambiguous(rng: np.random.Generator, rig: Rig, base: Condition, cause: str | None) -> Condition:
    chance = rng.random()
    fwhm = still_fwhm_px(rig, base)
    if chance < 0.45:
        band = (borders.TRAIL_GOOD, borders.TRAIL_BAD) if chance < 0.3 else borders.TRAIL_VERY_BAD_AMBIGUOUS
        return replace(base, motion=_motion_of_length(_draw_motion(rng, cause), float(rng.uniform(*band)) * fwhm))
    if chance < 0.5:
        share = float(rng.uniform(*borders.GHOST))
        knock = Motion(
            jump_px=float(rng.uniform(3, 9)) * fwhm, jump_angle_deg=float(rng.uniform(0, 360)),
            jump_share=share if rng.random() < 0.5 else 1 - share,
        )  # fmt: skip
        return replace(base, motion=knock)
    if chance < 0.68:
        ratio = rng.uniform(borders.FWHM_GOOD, borders.FWHM_BAD)
        return replace(base, seeing_factor=_seeing_factor_for(rig, float(ratio)))
    if chance < 0.85:
        return replace(base, defocus_px=float(rng.uniform(0.6, 1.5) * rig.f0_px * rng.choice([-1, 1])))
    near = 1 + float(rng.uniform(-1, 1)) * borders.BACKGROUND_AMBIGUOUS
    changes: tuple[dict[str, float], ...] = (
        {"extinction_mag": near * borders.EXTINCTION_BAD_MAG, "cloud_glow": 0.1},
        {"gradient_fraction": near * borders.GRADIENT_BAD},
        {"leak_fraction": near * borders.LEAK_BAD},
        {"sky_factor": near * borders.SKY_BAD, "sky_slope": 0.02},
    )
    return replace(base, **changes[int(rng.integers(len(changes)))])  # type: ignore[arg-type]


_Draw = Callable[[np.random.Generator, Rig, Condition, str | None], Condition]
_FAULT: dict[str, _Draw] = {
    "good": _good,
    "bad_tracking": _bad_tracking,
    "very_bad_tracking": _very_bad_tracking,
    "bad_seeing": _bad_seeing,
    "background_issue": _background_issue,
    AMBIGUOUS: _ambiguous,
}
_TRACKING = (None, "drift", "periodic", "jump", "wind", "rotation")
_CAUSES_OF: dict[str, tuple[str | None, ...]] = {
    "good": (None, "none"),
    "bad_tracking": _TRACKING,
    "very_bad_tracking": _TRACKING,
    "bad_seeing": (None, "seeing", "defocus"),
    "background_issue": (None, "cloud", "gradient", "leak", "twilight", "dew", "moon"),
    AMBIGUOUS: (None,),
}
