"""The class rules of the class rules as pure functions of physical strengths.

Every fault has a *severity*: its strength over the strength at the class border. Tracking and seeing have two
borders, between which a frame is ambiguous; their severity is 1 at the geometric middle of the two.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from astro_monitor.records import CAUSES, CLASSES, FAULTS
from astro_monitor.records.borders import (
    EXTINCTION_BAD_MAG,
    FWHM_BAD,
    FWHM_GOOD,
    GRADIENT_BAD,
    LEAK_BAD,
    SKY_BAD,
    TRAIL_BAD,
    TRAIL_GOOD,
    TRAIL_VERY_BAD,
)

AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strengths:
    """What is physically wrong with a frame.

    Attributes:
        fwhm_px: F, the FWHM that the frame would have had with perfect tracking.
        normal_fwhm_px: F0.
        path_length_px: L, ghosts left out; for field rotation the median over the field.
        extinction_mag: mean over the frame.
        gradient_fraction: smooth gradient, peak to valley, over S.
        leak_fraction: peak of leaks and glow over S.
        sky_factor: sky over S.
        motion: share of each tracking cause in the path (any positive scale).
        defocus_px: diameter of the out-of-focus disc.
        dew: whether the extinction comes from dew on the optics.
    """

    fwhm_px: float
    normal_fwhm_px: float
    path_length_px: float = 0.0
    extinction_mag: float = 0.0
    gradient_fraction: float = 0.0
    leak_fraction: float = 0.0
    sky_factor: float = 1.0
    motion: Mapping[str, float] | None = None
    defocus_px: float = 0.0
    dew: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Truth of one frame.

    Attributes:
        label: one of ``CLASSES``, or ``ambiguous``.
        faults: a score for each of ``FAULTS``: 0 without a fault, 0.5 at the border, towards 1 beyond.
        cause: one of ``CAUSES``; ``none`` for a good frame. An ambiguous frame names its strongest fault's cause.
        flags: some of ``FLAGS``.
        margin: distance to the nearest border as a natural logarithm of strength over border; ambiguous
            frames have 0. Small margins are hard cases.
    """

    label: str
    faults: dict[str, float]
    cause: str
    flags: tuple[str, ...] = ()
    margin: float = math.inf

    def __post_init__(self) -> None:
        if self.label not in (*CLASSES, AMBIGUOUS) or self.cause not in CAUSES:
            raise ValueError(f"no such label or cause: {self.label!r}, {self.cause!r}")


def path_length_px(variance_px2: float) -> float:
    """L = √12 × the rms spread of the path along its main axis; for a steady drift this is its length."""
    return math.sqrt(12 * max(variance_px2, 0.0))


def score(severity: float) -> float:
    """Severity (0 none, 1 at the border) as a fault score between 0 and 1, 0.5 at the border."""
    return severity**2 / (1 + severity**2)


def severities(strengths: Strengths) -> dict[str, float]:
    """Severity of each of ``FAULTS``."""
    return {
        "tracking": strengths.path_length_px / strengths.fwhm_px / math.sqrt(TRAIL_GOOD * TRAIL_BAD),
        "seeing": max(strengths.fwhm_px / strengths.normal_fwhm_px - 1, 0) / (math.sqrt(FWHM_GOOD * FWHM_BAD) - 1),
        "background": max(_background(strengths).values()),
    }


def classify(strengths: Strengths, flags: tuple[str, ...] = ()) -> Labels:
    """Class, fault scores and cause of a frame.

    A frame is ambiguous when reading every value between two borders kindly gives another class than reading it
    severely. So a wide frame (F between the borders) under thick cloud is a background issue either way.
    """
    trail = strengths.path_length_px / strengths.fwhm_px
    width = strengths.fwhm_px / strengths.normal_fwhm_px
    kind = _worst(strengths, trailed=trail >= TRAIL_BAD, wide=width >= FWHM_BAD)
    severe = _worst(strengths, trailed=trail > TRAIL_GOOD, wide=width > FWHM_GOOD)
    label = kind if kind == severe else AMBIGUOUS
    severity = severities(strengths)
    faults = {fault: score(severity[fault]) for fault in FAULTS}
    return Labels(
        label=label,
        faults=faults,
        cause=_cause(label, severity, strengths),
        flags=flags,
        margin=0.0 if label == AMBIGUOUS else _margin(strengths),
    )


def _background(strengths: Strengths) -> dict[str, float]:
    return {
        "dew" if strengths.dew else "cloud": max(strengths.extinction_mag, 0) / EXTINCTION_BAD_MAG,
        "gradient": max(strengths.gradient_fraction, 0) / GRADIENT_BAD,
        "leak": max(strengths.leak_fraction, 0) / LEAK_BAD,
        "twilight": max(strengths.sky_factor - 1, 0) / (SKY_BAD - 1),
    }


def _worst(strengths: Strengths, *, trailed: bool, wide: bool) -> str:
    if strengths.path_length_px >= TRAIL_VERY_BAD * strengths.fwhm_px:
        return "very_bad_tracking"
    if trailed:
        return "bad_tracking"
    if max(_background(strengths).values()) >= 1:
        return "background_issue"
    return "bad_seeing" if wide else "good"


def _cause(label: str, severity: dict[str, float], strengths: Strengths) -> str:
    if label == "good":
        return "none"
    fault = {
        "very_bad_tracking": "tracking",
        "bad_tracking": "tracking",
        "background_issue": "background",
        "bad_seeing": "seeing",
    }.get(label) or max(severity, key=severity.__getitem__)
    if fault == "tracking":
        motion = strengths.motion or {"drift": 1.0}
        return max(motion, key=motion.__getitem__)
    if fault == "seeing":
        # A disc wider than a normal star shows its flat or hollow top through the seeing.
        return "defocus" if strengths.defocus_px > strengths.normal_fwhm_px else "seeing"
    background = _background(strengths)
    return max(background, key=background.__getitem__)


def _margin(strengths: Strengths) -> float:
    trail = strengths.path_length_px / strengths.fwhm_px
    width = strengths.fwhm_px / strengths.normal_fwhm_px
    ratios = [
        trail / (TRAIL_GOOD if trail <= TRAIL_GOOD else TRAIL_BAD),
        trail / TRAIL_VERY_BAD,
        width / (FWHM_GOOD if width <= FWHM_GOOD else FWHM_BAD),
        *_background(strengths).values(),
    ]
    return min(abs(math.log(ratio)) if ratio > 0 else math.inf for ratio in ratios)
