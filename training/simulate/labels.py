"""The class rules as pure functions of physical strengths.

Every fault has a *severity*: its strength over the strength at the class border. Tracking and seeing have two
borders, between which a frame is ambiguous; their severity is 1 at the geometric middle of the two. A value near a
border of the background, or near that of very bad tracking, is read both ways as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from astro_monitor.records import CAUSES, CLASSES, FAULTS
from astro_monitor.records.borders import (
    BACKGROUND_AMBIGUOUS,
    EXTINCTION_BAD_MAG,
    FWHM_BAD,
    FWHM_GOOD,
    GRADIENT_BAD,
    LEAK_BAD,
    SKY_BAD,
    TRAIL_ALWAYS_BAD,
    TRAIL_BAD,
    TRAIL_GOOD,
    TRAIL_VERY_BAD,
    TRAIL_VERY_BAD_AMBIGUOUS,
)

AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Strengths:
    """What is physically wrong with a frame.

    Attributes:
        fwhm_px: F, the FWHM that the frame would have had with perfect tracking.
        normal_fwhm_px: F0.
        path_length_px: L, faint ghosts left out; for field rotation the median over the field.
        excess_px: E, faint ghosts left out; ``None`` where nothing is usual, so that it is L.
        severe_excess_px: E with every ghost that is not certainly harmless; ``None``: the same.
        extinction_mag: mean over the frame.
        gradient_fraction: smooth gradient, peak to valley, over S.
        leak_fraction: peak of leaks and glow over S.
        sky_factor: what noise sees of the sky now, over S.
        motion: share of each tracking cause in the path (any positive scale).
        defocus_px: diameter of the out-of-focus disc.
        dew: whether the extinction comes from dew on the optics.
        moon: whether a bright sky comes from the Moon rather than from twilight or lamps.
    """

    fwhm_px: float
    normal_fwhm_px: float
    path_length_px: float = 0.0
    excess_px: float | None = None
    severe_excess_px: float | None = None
    extinction_mag: float = 0.0
    gradient_fraction: float = 0.0
    leak_fraction: float = 0.0
    sky_factor: float = 1.0
    motion: Mapping[str, float] | None = None
    defocus_px: float = 0.0
    dew: bool = False
    moon: bool = False

    @property
    def excess_f(self) -> float:
        """E / F, read kindly."""
        return (self.path_length_px if self.excess_px is None else self.excess_px) / self.fwhm_px

    @property
    def severe_excess_f(self) -> float:
        """E / F, read severely: never less than read kindly."""
        severe = 0.0 if self.severe_excess_px is None else self.severe_excess_px / self.fwhm_px
        return max(severe, self.excess_f)

    @property
    def length_f(self) -> float:
        """L / F."""
        return self.path_length_px / self.fwhm_px


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
        "tracking": max(
            strengths.excess_f / math.sqrt(TRAIL_GOOD * TRAIL_BAD), _beyond(strengths.length_f, TRAIL_ALWAYS_BAD)
        ),
        "seeing": max(strengths.fwhm_px / strengths.normal_fwhm_px - 1, 0) / (math.sqrt(FWHM_GOOD * FWHM_BAD) - 1),
        "background": max(_background(strengths).values()),
    }


def classify(strengths: Strengths, flags: tuple[str, ...] = ()) -> Labels:
    """Class, fault scores and cause of a frame.

    A frame is ambiguous when reading every value between two borders kindly gives another class than reading it
    severely. So a wide frame (F between the borders) under thick cloud is a background issue either way.
    """
    kind, severe = _worst(strengths, severely=False), _worst(strengths, severely=True)
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


def _beyond(value: float, border: float) -> float:
    """Severity of a value that says nothing below its border."""
    return value / border if value >= border else 0.0


def _background(strengths: Strengths) -> dict[str, float]:
    """Severity of each cause of the background; the sky's is what it has gained."""
    return {
        "dew" if strengths.dew else "cloud": max(strengths.extinction_mag, 0) / EXTINCTION_BAD_MAG,
        "gradient": max(strengths.gradient_fraction, 0) / GRADIENT_BAD,
        "leak": max(strengths.leak_fraction, 0) / LEAK_BAD,
        "moon" if strengths.moon else "twilight": max(strengths.sky_factor - 1, 0) / (SKY_BAD - 1),
    }


def _background_ratios(strengths: Strengths) -> tuple[float, ...]:
    """Each strength of the background over its border."""
    return (
        strengths.extinction_mag / EXTINCTION_BAD_MAG,
        strengths.gradient_fraction / GRADIENT_BAD,
        strengths.leak_fraction / LEAK_BAD,
        strengths.sky_factor / SKY_BAD,
    )


def _worst(strengths: Strengths, *, severely: bool) -> str:
    """Return the worst class that applies, every value in an ambiguous band read one way."""
    trail = strengths.severe_excess_f if severely else strengths.excess_f
    least_very_bad = TRAIL_VERY_BAD_AMBIGUOUS[0 if severely else 1]
    if trail > least_very_bad or (not severely and trail >= least_very_bad):
        return "very_bad_tracking"
    if strengths.length_f >= TRAIL_ALWAYS_BAD or (trail > TRAIL_GOOD if severely else trail >= TRAIL_BAD):
        return "bad_tracking"
    width = strengths.fwhm_px / strengths.normal_fwhm_px
    if max(_background_ratios(strengths)) >= (1 - BACKGROUND_AMBIGUOUS if severely else 1 + BACKGROUND_AMBIGUOUS):
        return "background_issue"
    return "bad_seeing" if (width > FWHM_GOOD if severely else width >= FWHM_BAD) else "good"


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
    trail = strengths.excess_f
    width = strengths.fwhm_px / strengths.normal_fwhm_px
    low, high = TRAIL_VERY_BAD_AMBIGUOUS
    ratios = [
        trail / (TRAIL_GOOD if trail <= TRAIL_GOOD else TRAIL_BAD),
        trail / (low if trail < TRAIL_VERY_BAD else high),
        width / (FWHM_GOOD if width <= FWHM_GOOD else FWHM_BAD),
        *(
            ratio / (1 - BACKGROUND_AMBIGUOUS if ratio < 1 else 1 + BACKGROUND_AMBIGUOUS)
            for ratio in _background_ratios(strengths)
        ),
    ]
    return min(abs(math.log(ratio)) if ratio > 0 else math.inf for ratio in ratios)
