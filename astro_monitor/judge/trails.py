"""How far the stars of a frame are drawn out beyond the usual of the rig, by every way in which that is measured.

Three measurements of one thing err in different ways: the mean shape of the stars against that of the baseline sees
short even trails, and misses light that wind or a jump puts into a halo; the same stars against the reference frame
leave out what differs from star to star; the kernel between the mean profiles sees halos and second knots. A frame is
condemned by what two of them agree on, and cleared when none of them sees a trail.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from ..baseline import MIN_MATCHED_STARS, SAME_TRAIL_SHARE_ON_PURPOSE
from . import limits
from .evidence import Case


@dataclass(frozen=True, slots=True)
class Measured:
    """One measurement of a trail: its length in pixels, and its direction from +x to +y in degrees, if known."""

    length_px: float
    angle_deg: float | None


@dataclass(frozen=True, slots=True)
class Trail:
    """The excess E of a frame over the usual of its rig; without history its whole length L.

    Attributes:
        sure: what two measurements agree on, or the only one says.
        most: the longest that any of them says.
        clear: no measurement sees a trail.
        width_px: F, the width of the stars across the trail.
        beyond_usual: whether the usual of the rig was subtracted.
    """

    sure: Measured
    most: Measured
    clear: bool
    width_px: float
    beyond_usual: bool

    @property
    def ratio(self) -> float:
        """E / F as two measurements agree on it."""
        return self.sure.length_px / self.width_px

    @property
    def most_ratio(self) -> float:
        """E / F by the measurement that sees most."""
        return self.most.length_px / self.width_px


def trail_of(case: Case) -> Trail | None:
    """Return how far the stars are drawn out; ``None`` where it is not measured.

    Parameters:
        case: the frame and its baseline.
    """
    width = case.value("fwhm_minor_px") or case.value("fwhm_px")
    if not width:
        return None
    if case.not_sidereal:
        return _on_purpose(case, width)
    shapes = [one for one in (_by_moments(case), _by_matched_stars(case)) if one is not None]
    kernel = _by_kernel(case)
    ordered = sorted([*shapes, *([] if kernel is None else [kernel])], key=lambda one: one.length_px)
    if not ordered:
        return None
    sure, most = ordered[-2 if len(ordered) > 1 else -1], ordered[-1]
    round_shapes = all(one.length_px <= limits.TRAIL_CLEAR * width for one in shapes)
    no_path = kernel is None or kernel.length_px <= limits.KERNEL_CLEAR * width
    no_path = no_path and (case.elongation_growth or 0.0) <= limits.TRAIL_GOOD
    return Trail(sure, most, round_shapes and no_path, width, beyond_usual=case.excess_trail_ratio is not None)


def _on_purpose(case: Case, width: float) -> Trail | None:
    """Return the trail of a frame of a target that moves: none where its stars trail about like those of the others.

    The stars are no points there, so that the same stars and the kernel measure nothing.
    """
    usual, found = case.usual_trail_ratio, _by_moments(case)
    if found is None or usual is None or case.excess_trail_ratio is None or case.baseline.prior:
        return None
    alike = case.excess_trail_ratio**2 <= SAME_TRAIL_SHARE_ON_PURPOSE * usual**2
    trail = Measured(0.0, found.angle_deg) if alike else found
    clear = trail.length_px <= limits.TRAIL_CLEAR * width
    return Trail(trail, trail, clear, width, beyond_usual=True)


def _by_moments(case: Case) -> Measured | None:
    """Return the trail in the mean elongation vector of the stars, beyond the usual vector and its scatter."""
    length, excess, width = case.value("trail_length_px"), case.excess_trail_ratio, case.value("fwhm_minor_px")
    if length is None:
        return None
    angle = case.value("elongation_angle_deg")
    if excess is None or width is None:
        return Measured(length, angle)
    # A path that makes up for the optics leaves rounder stars than the baseline, which is no fault.
    return Measured(min(excess * width, length), angle)


def _by_matched_stars(case: Case) -> Measured | None:
    """Return the trail in the difference between the same stars now and in the reference frame.

    The reference frame may be trailed itself: what usual frames differ from it by, and their scatter, is subtracted.
    """
    plus, cross = case.value("matched_trail_plus_px2"), case.value("matched_trail_cross_px2")
    spreads = case.baseline.spreads
    usual_plus, usual_cross = spreads.get("matched_trail_plus_px2"), spreads.get("matched_trail_cross_px2")
    if plus is None or cross is None or usual_plus is None or usual_cross is None or not case.has_baseline:
        return None
    if case.count("matched_star_count") < MIN_MATCHED_STARS:
        return None
    plus, cross = plus - usual_plus.median, cross - usual_cross.median
    scatter_px2 = math.hypot(usual_plus.mad, usual_cross.mad)
    length_px2 = max(math.hypot(plus, cross) - limits.TRAIL_STRAYS * scatter_px2, 0.0)
    return Measured(math.sqrt(length_px2), math.degrees(0.5 * math.atan2(cross, plus)) % 180.0)


def _by_kernel(case: Case) -> Measured | None:
    """Return the length of the kernel that turns the rig's mean profile into that of the frame."""
    length, across = case.value("kernel_length_px"), case.value("kernel_minor_px")
    if length is None or across is None or not case.has_baseline:
        return None
    if case.count("star_count_measured") < limits.MIN_SHAPE_STARS:
        return None
    # Wider seeing adds as much along the path as across it.
    return Measured(math.sqrt(max(length**2 - across**2, 0.0)), case.value("kernel_angle_deg"))


def visible_ratio(case: Case) -> float:
    """Return the longest trail over the width of the stars that a person would see in the frame; 0 where none is.

    The usual elongation of the rig counts: it is seen as well.

    Parameters:
        case: the frame and its baseline.
    """
    width = case.value("fwhm_minor_px") or case.value("fwhm_px")
    kernel = _by_kernel(case)
    lengths = [case.value("trail_length_px"), kernel.length_px if kernel is not None else None]
    measured = [length / width for length in lengths if length is not None and width]
    return max([*measured, case.elongation_ratio or 0.0])


def always_trailed(case: Case) -> bool:
    """Return whether the path is so long that it is a fault whatever is usual: L of at least 2 F, in one direction.

    A few stars may seem drawn out in a gradient or a nebula: where the usual of the rig is round, the same stars as in
    the reference frame, or the kernel, must not deny it.

    Parameters:
        case: the frame and its baseline.
    """
    ratio, coherence = case.trail_ratio, case.value("angle_coherence")
    if ratio is None or ratio < limits.TRAIL_ALWAYS_BAD or coherence is None or coherence < limits.COHERENT:
        return False
    if case.count("star_count_measured") < limits.THIN_STARS or case.not_sidereal:
        return False
    trail, usual = trail_of(case), case.usual_trail_ratio
    return usual is None or usual >= limits.TRAIL_BAD or trail is None or trail.ratio >= limits.TRAIL_GOOD
