"""Rules about tracking: stars that are drawn out beyond the baseline of the rig."""

from __future__ import annotations

from .. import limits
from ..evidence import Case, Finding, Strength
from ..trails import Measured, Trail, always_trailed, trail_of
from .types import Rule


def follows_the_field(case: Case) -> bool:
    """Return whether elongation depends on the position in the field: optics, never tracking.

    Optics change little between two frames. An elongation around a point that goes beyond that of the baseline is the
    mount's; one away from the middle may come with the focus, so it has to go further.
    """
    coherence, radial = case.value("angle_coherence"), case.value("radial_elongation")
    growth = case.elongation_growth
    if growth is not None and radial is not None:
        most = limits.TRAIL_BAD if radial < 0 else limits.TRAIL_ALWAYS_BAD
        if growth >= most:
            return False
    turning = case.value("rotation_coherence") or 0.0
    return (
        coherence is not None
        and radial is not None
        and coherence < limits.COHERENT
        and (radial >= limits.RADIAL_OPTICS or (radial <= -limits.RADIAL_OPTICS and turning < limits.ROTATION_COHERENT))
    )


def long_trails(case: Case) -> Finding | None:
    """Return the finding of a path so long that no rig has it as its usual; it holds before the rig is known."""
    length, ratio = case.value("trail_length_px"), case.trail_ratio
    if length is None or not ratio or not always_trailed(case) or follows_the_field(case):
        return None
    trail, border = trail_of(case), limits.TRAIL_ALWAYS_BAD
    very = ratio >= limits.TRAIL_VERY_BAD and (trail is None or trail.most_ratio >= limits.TRAIL_VERY_BAD)
    where = _direction(case.value("elongation_angle_deg"))
    return Finding(
        rule="long_trails", fault="tracking", strength="absolute", metric="trail_length_px", value=length,
        limit=round(border * length / ratio, 3), unit="px",
        sentence=f"Stars are trails of {length:.1f} px, {ratio:.1f} times their width{where}; from {border:g} times on "
        "that is a fault of any rig: check guiding, balance and cables.",
        label="very_bad_tracking" if very else "bad_tracking", severe=very,
    )  # fmt: skip


def trailed_stars(case: Case) -> Finding | None:
    """Return the finding of stars that are drawn out all over the field, beyond the usual of the rig."""
    trail, coherence = trail_of(case), case.value("angle_coherence")
    if trail is None or coherence is None or follows_the_field(case) or always_trailed(case):
        return None
    enough, alone = case.has_enough_stars, not trail.beyond_usual
    if trail.most_ratio < limits.TRAIL_BAD or (coherence < limits.COHERENT and alone):
        return _round_stars(case, trail) if enough else None
    if trail.ratio < limits.TRAIL_CLEAR:
        return None  # one measurement against the others: the model decides
    # One or two sources of a field that has no more may be anything.
    several = case.count("star_count_measured") >= limits.THIN_STARS
    strength = _strength(trail) if enough and several and not alone else "suspect"
    shown = trail.sure if strength in ("decisive", "firm") and trail.ratio >= limits.TRAIL_BAD else trail.most
    very = shown.length_px >= limits.TRAIL_VERY_BAD * trail.width_px
    border = limits.TRAIL_VERY_BAD if very else limits.TRAIL_BAD
    return Finding(
        rule="trailed_stars", fault="tracking", strength=strength, metric="trail_length_px",
        value=round(shown.length_px, 3), limit=round(border * trail.width_px, 3), unit="px",
        sentence=_sentence(trail, shown, border), label="very_bad_tracking" if very else "bad_tracking",
        severe=very and strength == "decisive",
    )  # fmt: skip


def _strength(trail: Trail) -> Strength:
    """Return how sure an excess beyond the border is."""
    if trail.ratio >= limits.TRAIL_BAD * limits.TRAIL_SURE:
        return "decisive"
    halo = trail.most_ratio >= limits.TRAIL_BAD * limits.BEYOND and trail.ratio >= limits.TRAIL_GOOD
    return "firm" if trail.ratio >= limits.TRAIL_BAD or halo else "suspect"


def _sentence(trail: Trail, shown: Measured, border: float) -> str:
    """Return what is to be said about drawn-out stars: how long, against what, and what to do."""
    usual = " beyond the usual of this rig" if trail.beyond_usual else ""
    unsure = "" if trail.beyond_usual else ", if it is not the optics (no history yet)"
    return (
        f"Stars are drawn out by {shown.length_px:.1f} px{usual}, {shown.length_px / trail.width_px:.1f} times their "
        f"width{_direction(shown.angle_deg)}; {border:g} times ({border * trail.width_px:.1f} px) is the "
        f"border{unsure}: check guiding, balance and wind."
    )


def _direction(angle_deg: float | None) -> str:
    """Return a phrase for the direction of a trail on the sensor; empty when it is not known."""
    return "" if angle_deg is None else f", {angle_deg % 180.0:.0f} degrees from the x axis towards the y axis"


def _round_stars(case: Case, trail: Trail) -> Finding | None:
    """Return that the stars are as round as in the baseline, which is evidence against a tracking fault."""
    usual, ratio = case.usual_trail_ratio, case.trail_ratio or 0.0
    if usual is None:
        seen = max(case.elongation_ratio or 0.0, ratio)
        sentence = f"Stars are round: elongated by {ratio:.2f} times their width."
    else:
        seen = 0.0
        sentence = f"Stars are elongated by {ratio:.2f} times their width, as is usual for this rig ({usual:.2f})."
    if not trail.clear or seen > limits.TRAIL_CLEAR:
        return None
    return Finding(
        rule="round_stars", fault="tracking", strength="clear", metric="trail_length_px",
        value=case.value("trail_length_px"), limit=None, unit="px", sentence=sentence,
    )  # fmt: skip


def turned_stars(case: Case) -> Finding | None:
    """Elongation whose direction turns around a point: field rotation."""
    growth, turning = case.elongation_growth, case.value("rotation_coherence")
    ratio, coherence = case.elongation_ratio if growth is None else growth, case.value("angle_coherence")
    if ratio is None or turning is None or coherence is None or follows_the_field(case):
        return None
    if ratio < limits.TRAIL_BAD or turning < limits.ROTATION_COHERENT or coherence >= limits.COHERENT:
        return None
    width = case.value("fwhm_minor_px") or case.value("fwhm_px") or 0.0
    strength: Strength = "suspect"
    if growth is not None and case.count("star_count_measured") >= limits.TURNED_STARS:
        strength = "decisive" if growth >= limits.TRAIL_BAD * limits.TRAIL_SURE else "firm"
    very = ratio >= limits.TRAIL_VERY_BAD
    border = limits.TRAIL_VERY_BAD if very else limits.TRAIL_BAD
    return Finding(
        rule="turned_stars", fault="tracking", strength=strength, metric="elongation", value=round(ratio * width, 3),
        limit=round(border * width, 3), unit="px",
        sentence=f"Stars are drawn out by {ratio * width:.1f} px around a point of the field, {ratio:.1f} times their "
        f"width; {border:g} times ({border * width:.1f} px) is the border: improve the polar alignment or expose for "
        "a shorter time.",
        label="very_bad_tracking" if very else "bad_tracking", cause="rotation",
        severe=very and strength == "decisive",
    )  # fmt: skip


def optics_pattern(case: Case) -> Finding | None:
    """Elongation that follows the place in the field is a matter of optics."""
    if not follows_the_field(case) or (case.elongation_ratio or 0.0) < limits.TRAIL_GOOD:
        return None
    return Finding(
        rule="optics_pattern", fault="tracking", strength="clear", metric="radial_elongation",
        value=case.value("radial_elongation"), limit=limits.RADIAL_OPTICS, unit="1", flag="optics",
        sentence="Elongation follows the place in the field: optics, not tracking; look at tilt, spacing and "
        "collimation.",
    )  # fmt: skip


TRACKING: tuple[Rule, ...] = (long_trails, trailed_stars, turned_stars, optics_pattern)
"""Rules about tracking."""
