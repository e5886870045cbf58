"""Rules about the width of the stars: seeing and focus."""

from __future__ import annotations

from ...baseline import MIN_MATCHED_STARS
from .. import limits
from ..evidence import Case, Finding, Strength
from .types import Rule


def wide_stars(case: Case) -> Finding | None:
    """Width of the stars against the rig's baseline, across any trail."""
    key = "fwhm_minor_px" if case.ratio("fwhm_minor_px") is not None else "fwhm_px"
    ratio = case.ratio(key)
    if ratio is None or case.count("star_count_measured") < 1.0:
        return None
    few = not case.has_enough_stars
    if few and (ratio < limits.FWHM_BAD or case.count("star_count_measured") < limits.LEAST_STARS):
        return None
    value, normal = case.value(key) or 0.0, case.baseline_median(key) or 0.0
    # The width that a line about the frame shows is that along both axes; this one leaves any trail out.
    side = " along the short axis of the stars" if key == "fwhm_minor_px" else ""
    sentence = f"FWHM {value:.2f} px{side} is {ratio:.2f} times the usual {normal:.2f} px"
    if ratio <= limits.FWHM_CLEAR:
        return _finding(case, "usual_width", "clear", key, normal, f"{sentence}.")
    bad = limits.FWHM_BAD
    if ratio < bad:
        return _finding(case, "wide_stars", "note", key, normal, f"{sentence}; {bad:g} times would be bad.")
    ordinary = _ordinary_here(case)
    if ordinary is not None:
        why = f", which is a better night's; up to {ordinary:.1f} px is ordinary at this site."
        return _finding(case, "ordinary_width", "clear", key, normal, f"{sentence}{why}")
    far = ratio >= bad * limits.BEYOND
    strength: Strength = "decisive" if far else "firm"
    if few or _doubtful(case, key, normal):
        strength = "suspect"
    cause = _blur(case)
    what = "refocus" if cause == "defocus" else "refocus if the air is not to blame"
    sentence = f"{sentence}; {bad:g} times ({bad * normal:.2f} px) is the border: {what}."
    return _finding(
        case, "wide_stars", strength, key, normal, sentence, cause=cause, severe=ratio >= 2.5 and strength != "suspect"
    )


def _finding(
    case: Case,
    rule: str,
    strength: Strength,
    key: str,
    normal_px: float,
    sentence: str,
    *,
    cause: str = "",
    severe: bool = False,
) -> Finding:
    """Return a finding about the width of the stars against a normal one."""
    against = strength in ("decisive", "firm", "suspect")
    return Finding(
        rule=rule, fault="seeing", strength=strength, metric=key, value=case.value(key),
        limit=limits.FWHM_BAD * normal_px, unit="px", sentence=sentence, label="bad_seeing" if against else "",
        cause=cause, severe=severe,
    )  # fmt: skip


def _doubtful(case: Case, key: str, normal_px: float) -> bool:
    """Return whether a width beyond the border is no firm evidence: the model has to agree.

    On a superb night the second best is still good; a width that scatters on good frames says little; stars that were
    matched with the reference frame and are as wide as there are better evidence than the median over other stars.
    """
    value, arcsec = case.value(key) or 0.0, case.value("fwhm_arcsec")
    site_px = case.site_fwhm_px
    superb = arcsec is not None and site_px is not None and value <= limits.SUPERB * site_px
    usual = value - normal_px < limits.SURE_ERRORS * case.baseline.spreads[key].mad
    same, matched = case.value("matched_width_ratio"), case.count("matched_star_count")
    denied = same is not None and matched >= MIN_MATCHED_STARS and same <= limits.FWHM_GOOD
    return superb or usual or denied


def _ordinary_here(case: Case) -> float | None:
    """Return the widest width in pixels that is ordinary at the site, when the frame is within it and the baseline is
    of another night, which may have been a superb one; else ``None``.
    """
    site_px, value = case.site_fwhm_px, case.value("fwhm_px")
    if not case.baseline.prior or site_px is None or value is None:
        return None
    return limits.FWHM_GOOD * site_px if value <= limits.FWHM_GOOD * site_px else None


def _blur(case: Case) -> str:
    """Return the cause of wide stars by their shape: ``defocus`` for stars with a dip, empty when unknown."""
    dip = case.value("central_dip_fraction")
    return "defocus" if dip is not None and dip >= limits.CENTRAL_DIP else ""


def slow_blur(case: Case) -> Finding | None:
    """Width against the sharpest this target has been, so that a slow loss of focus cannot become the baseline."""
    value, sharpest, ratio = case.value("fwhm_minor_px"), case.floor_fwhm_px, case.ratio("fwhm_minor_px")
    floor = max(sharpest or 0.0, limits.RESOLVED_FWHM_PX)
    if value is None or not sharpest or ratio is None or ratio >= limits.FWHM_BAD or value < limits.CREPT_UP * floor:
        return None
    if not case.has_enough_stars or _ordinary_here(case) is not None:
        return None
    strength: Strength = "suspect" if _doubtful(case, "fwhm_minor_px", floor) else "firm"
    return Finding(
        rule="slow_blur", fault="seeing", strength=strength, metric="fwhm_minor_px", value=value,
        limit=limits.CREPT_UP * floor, unit="px", label="bad_seeing", cause=_blur(case) or "defocus",
        sentence=f"FWHM {value:.2f} px has crept up to {value / floor:.2f} times the sharpest of this target, "
        f"{floor:.2f} px; {limits.CREPT_UP:.2f} times is the border: refocus.",
    )  # fmt: skip


def sharp_as_sampled(case: Case) -> Finding | None:
    """Stars about as narrow as the pixels can show: no bad seeing, whatever the rig and before it is known."""
    value = case.value("fwhm_px")
    if case.has_baseline or value is None or value > limits.FWHM_CLEAR * limits.SAMPLED_FWHM_PX:
        return None
    if case.count("star_count_measured") < limits.MIN_SHAPE_STARS:
        return None
    return Finding(
        rule="sharp_as_sampled", fault="seeing", strength="clear", metric="fwhm_px", value=value,
        limit=limits.FWHM_BAD * limits.SAMPLED_FWHM_PX, unit="px",
        sentence=f"FWHM {value:.2f} px is about as sharp as pixels show stars ({limits.SAMPLED_FWHM_PX:g} px).",
    )  # fmt: skip


def wide_stars_by_prior(case: Case) -> Finding | None:
    """Width against that assumed for any such rig, while there is no baseline and the pixel scale is known."""
    value, prior_px, trail = case.value("fwhm_px"), case.site_fwhm_px, case.trail_ratio
    if case.has_baseline or value is None or prior_px is None or value < limits.FWHM_BAD * prior_px:
        return None
    # A wrong pixel scale makes no star large on the sensor.
    far = value >= limits.FWHM_FAR * prior_px and value >= limits.FWHM_FAR_PX
    if trail is not None and trail > (limits.TRAIL_VERY_BAD if far else limits.TRAIL_GOOD):
        return None
    border_px = max(limits.FWHM_FAR * prior_px, limits.FWHM_FAR_PX) if far else limits.FWHM_BAD * prior_px
    # One or two large sources may be a galaxy or a nebula.
    plain = case.count("star_count_measured") >= limits.LEAST_STARS
    plain = plain or case.examined.grade.in_domain >= limits.FWHM_FAR_DOMAIN
    strength: Strength = "absolute" if far and plain else "suspect"
    known = "is out of focus for any rig: focus" if far else "may be too much (no history yet): look at the focus"
    return Finding(
        rule="wide_stars_by_prior", fault="seeing", strength=strength, metric="fwhm_px",
        value=value, limit=round(border_px, 3), unit="px", label="bad_seeing", cause=_blur(case), severe=far,
        sentence=f"FWHM {value:.1f} px, {value / prior_px:.1f} times the normal of this site "
        f"({prior_px:.1f} px), {known}.",
    )  # fmt: skip


SEEING: tuple[Rule, ...] = (wide_stars, slow_blur, sharp_as_sampled, wide_stars_by_prior)
"""Rules about seeing and focus."""
