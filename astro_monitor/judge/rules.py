"""The rules about faults, as a table. Every rule runs on every frame; ``None`` means it has nothing to report.

Each rule reads numbers only. The opinion of the model is weighed against them in ``combine``.
"""

from __future__ import annotations

from collections.abc import Callable

from ..baseline import MIN_MATCHED_STARS, airmass
from ..plain import counted
from . import limits
from .evidence import Case, Finding, Strength, unit_of

Rule = Callable[[Case], Finding | None]


def follows_the_field(case: Case) -> bool:
    """Return whether elongation depends on the position in the field: optics, never tracking.

    Optics change little between two frames. An elongation around a point that goes beyond that of the baseline is the
    mount's; one away from the middle may come with the focus, so it has to go further.
    """
    coherence, radial = case.value("angle_coherence"), case.value("radial_elongation")
    now, usual = case.elongation_ratio, case.usual_elongation_ratio
    if now is not None and usual is not None and radial is not None:
        most = limits.TRAIL_BAD if radial < 0 else limits.TRAIL_LONE
        if now**2 - usual**2 >= most**2:
            return False
    turning = case.value("rotation_coherence") or 0.0
    return (
        coherence is not None
        and radial is not None
        and coherence < limits.COHERENT
        and (radial >= limits.RADIAL_OPTICS or (radial <= -limits.RADIAL_OPTICS and turning < limits.ROTATION_COHERENT))
    )


def trailed_stars(case: Case) -> Finding | None:
    """Return the finding of elongation in one direction all over the field, beyond that of the baseline."""
    ratio, coherence = case.trail_ratio, case.value("angle_coherence")
    if ratio is None or coherence is None or follows_the_field(case):
        return None
    excess = case.excess_trail_ratio
    alone = excess is None
    # A path that makes up for the optics leaves rounder stars than the baseline, which is no fault.
    beyond = ratio if excess is None else min(excess, ratio)
    enough = case.count("star_count_measured") >= limits.MIN_SHAPE_STARS
    if beyond < limits.TRAIL_BAD or (coherence < limits.COHERENT and alone):
        return _round_stars(case, beyond, ratio) if enough else None
    very = beyond >= limits.TRAIL_VERY_BAD
    far = beyond >= (limits.TRAIL_LONE if alone else limits.TRAIL_BAD * limits.BEYOND)
    strength: Strength = "suspect"
    if enough and coherence >= limits.COHERENT and (far or not alone):
        strength = "decisive" if far else "firm"
    border = limits.TRAIL_VERY_BAD if very else limits.TRAIL_BAD
    length = case.value("trail_length_px") or 0.0
    usual = "" if alone else " beyond the usual of this rig"
    unsure = "; it may be the optics (no history yet)" if strength == "suspect" and alone else ""
    return Finding(
        rule="trailed_stars", fault="tracking", strength=strength, metric="trail_length_px",
        value=length, limit=round(border * length / ratio, 3) if ratio else None, unit="px",
        sentence=f"Stars are elongated by {beyond:.2f} times their width{usual}, all in one direction; "
        f"{border:g} times is the border{unsure}.",
        label="very_bad_tracking" if very else "bad_tracking", severe=very and strength == "decisive",
    )  # fmt: skip


def _round_stars(case: Case, beyond: float, ratio: float) -> Finding | None:
    """Return that the stars are as round as in the baseline, which is evidence against a tracking fault."""
    usual = case.usual_trail_ratio
    if usual is None:
        turned = max(case.elongation_ratio or 0.0, ratio)
        if turned > 0.9 * limits.TRAIL_GOOD:
            return None
        sentence = f"Stars are round: elongated by {ratio:.2f} times their width."
    else:
        if beyond > 0.9 * limits.TRAIL_GOOD:
            return None
        sentence = f"Stars are elongated by {ratio:.2f} times their width, as is usual for this rig ({usual:.2f})."
    return Finding(
        rule="round_stars", fault="tracking", strength="clear", metric="trail_length_px",
        value=case.value("trail_length_px"), limit=None, unit="px", sentence=sentence,
    )  # fmt: skip


def turned_stars(case: Case) -> Finding | None:
    """Elongation whose direction turns around a point: field rotation."""
    ratio, turning = case.elongation_ratio, case.value("rotation_coherence")
    coherence = case.value("angle_coherence")
    if ratio is None or turning is None or coherence is None or follows_the_field(case):
        return None
    if ratio < limits.TRAIL_BAD or turning < limits.ROTATION_COHERENT or coherence >= limits.COHERENT:
        return None
    return Finding(
        rule="turned_stars", fault="tracking", strength="suspect", metric="rotation_coherence",
        value=turning, limit=limits.ROTATION_COHERENT, unit="1",
        sentence=f"The direction of elongation turns around a point of the field (coherence {turning:.2f}).",
        label="bad_tracking", cause="rotation",
    )  # fmt: skip


def optics_pattern(case: Case) -> Finding | None:
    """Elongation that follows the place in the field is a matter of optics."""
    if not follows_the_field(case) or (case.elongation_ratio or 0.0) < limits.TRAIL_GOOD:
        return None
    return Finding(
        rule="optics_pattern", fault="tracking", strength="clear", metric="radial_elongation",
        value=case.value("radial_elongation"), limit=limits.RADIAL_OPTICS, unit="1", flag="optics",
        sentence="Elongation follows the place in the field: optics (tilt, spacing, collimation), not tracking.",
    )  # fmt: skip


def wide_stars(case: Case) -> Finding | None:
    """Width of the stars against the rig's baseline, across any trail."""
    key = "fwhm_minor_px" if case.ratio("fwhm_minor_px") is not None else "fwhm_px"
    ratio = case.ratio(key)
    if ratio is None or case.count("star_count_measured") < limits.MIN_SHAPE_STARS:
        return None
    value, normal = case.value(key) or 0.0, case.baseline_median(key) or 0.0
    # The width that a line about the frame shows is that along both axes; this one leaves any trail out.
    side = " along the short axis of the stars" if key == "fwhm_minor_px" else ""
    sentence = f"FWHM {value:.2f} px{side} is {ratio:.2f} times the usual {normal:.2f} px"
    # On a superb night the second best is still good: below the width of the site the model has to agree.
    arcsec = case.value("fwhm_arcsec")
    superb = arcsec is not None and arcsec <= 0.8 * case.site.normal_fwhm_arcsec
    usual = value - normal < limits.SURE_ERRORS * case.baseline.spreads[key].mad
    bad = ratio >= limits.FWHM_BAD
    strength: Strength
    if ratio <= limits.FWHM_CLEAR:
        rule, strength, sentence = "usual_width", "clear", f"{sentence}."
    elif not bad:
        rule, strength, sentence = "wide_stars", "note", f"{sentence}; {limits.FWHM_BAD} times would be bad."
    else:
        far = ratio >= limits.FWHM_BAD * limits.BEYOND
        rule, strength = "wide_stars", "suspect" if superb or usual else "decisive" if far else "firm"
        sentence = f"{sentence}; {limits.FWHM_BAD} times is the border."
    return Finding(
        rule=rule, fault="seeing", strength=strength, metric=key, value=value,
        limit=limits.FWHM_BAD * normal, unit="px", sentence=sentence, label="bad_seeing" if bad else "",
        cause=_blur(case) if bad else "", severe=ratio >= 2.5 and not superb and not usual,
    )  # fmt: skip


def _blur(case: Case) -> str:
    """Return the cause of wide stars by their shape: ``defocus`` for stars with a dip, empty when unknown."""
    dip = case.value("central_dip_fraction")
    return "defocus" if dip is not None and dip >= limits.CENTRAL_DIP else ""


def slow_blur(case: Case) -> Finding | None:
    """Width against the sharpest this target has been, so that a slow loss of focus cannot become the baseline."""
    value, floor, ratio = case.value("fwhm_minor_px"), case.floor_fwhm_px, case.ratio("fwhm_minor_px")
    if value is None or not floor or ratio is None or ratio >= limits.FWHM_BAD or value < limits.FWHM_BAD * floor:
        return None
    if case.count("star_count_measured") < limits.MIN_SHAPE_STARS:
        return None
    return Finding(
        rule="slow_blur", fault="seeing", strength="suspect", metric="fwhm_minor_px", value=value,
        limit=limits.FWHM_BAD * floor, unit="px", label="bad_seeing", cause=_blur(case) or "defocus",
        sentence=f"FWHM has crept up to {value / floor:.2f} times the sharpest of this target ({floor:.2f} px).",
    )  # fmt: skip


def wide_stars_by_prior(case: Case) -> Finding | None:
    """Width against that assumed for any such rig, while there is no baseline."""
    arcsec, prior, trail = case.value("fwhm_arcsec"), case.prior_fwhm_arcsec, case.trail_ratio
    if case.has_baseline or arcsec is None or prior is None or arcsec < limits.FWHM_BAD * prior:
        return None
    # A wrong pixel scale makes no star large on the sensor.
    far = arcsec >= limits.FWHM_FAR * prior and (case.value("fwhm_px") or 0.0) >= limits.FWHM_FAR_PX
    if trail is not None and trail > (limits.TRAIL_VERY_BAD if far else limits.TRAIL_GOOD):
        return None
    plain = far and case.examined.grade.in_domain >= limits.FWHM_FAR_DOMAIN
    return Finding(
        rule="wide_stars_by_prior", fault="seeing", strength="decisive" if plain else "suspect",
        metric="fwhm_arcsec", value=arcsec,
        limit=limits.FWHM_BAD * prior, unit="arcsec", label="bad_seeing", cause=_blur(case),
        sentence=f"FWHM {arcsec:.1f} arcsec is wide for a rig whose normal is taken as {prior:.1f} arcsec "
        "(no history yet).",
    )  # fmt: skip


def lost_light(case: Case) -> Finding | None:
    """Light of matched stars against the best frame of the target, clear air at this airmass allowed for."""
    extinction, matched = case.value("extinction_mag"), case.count("matched_star_count")
    if extinction is None or matched < limits.THIN_STARS or case.baseline.size == 0:
        return None
    excess = extinction - _airmass_loss(case)
    if excess < limits.EXTINCTION_BAD_MAG:
        return None
    if excess < limits.EXTINCTION_BAD_MAG / limits.DEW_SHARE and _is_dew(case):
        return Finding(
            rule="lost_light", fault="background", strength="clear", metric="extinction_mag", value=extinction,
            limit=limits.EXTINCTION_BAD_MAG / limits.DEW_SHARE + _airmass_loss(case), unit="mag", cause="dew",
            sentence=f"Stars are {extinction:.2f} mag fainter; it looks like dew, which spreads more than it takes.",
        )  # fmt: skip
    # Blurred or trailed stars lose light from their apertures: then only a large loss is evidence of the sky.
    blurred = (case.ratio("fwhm_px") or 1.0) >= 1.4 or (case.trail_ratio or 0.0) >= limits.TRAIL_BAD
    far = excess >= (2.0 if blurred else limits.BEYOND) * limits.EXTINCTION_BAD_MAG
    strength: Strength = "suspect"
    # Knots of a nebula taken for stars agree neither with one another nor with themselves.
    sure = excess - limits.SURE_ERRORS * case.extinction_error_mag >= limits.EXTINCTION_BAD_MAG
    if matched >= MIN_MATCHED_STARS and case.has_baseline and sure and (far or not blurred):
        strength = "decisive" if far else "firm"
    return Finding(
        rule="lost_light", fault="background", strength=strength, metric="extinction_mag", value=extinction,
        limit=limits.EXTINCTION_BAD_MAG + _airmass_loss(case), unit="mag", label="background_issue", cause="cloud",
        severe=excess >= 1.5 and strength != "suspect",
        sentence=f"{matched:.0f} matched stars are {extinction:.2f} mag fainter than in the best frame.",
    )  # fmt: skip


def _airmass_loss(case: Case) -> float:
    """Return the loss of starlight in magnitudes that airmass explains, compared with the reference frame."""
    here, there = airmass(case.examined.meta.airmass, case.examined.meta.altitude_deg), case.reference_airmass
    return max(limits.AIRMASS_MAG * (here - there), 0.0) if here is not None and there is not None else 0.0


def _is_dew(case: Case) -> bool:
    """Return whether the model takes a loss, measured on enough stars with a baseline, for dew as soon as for cloud."""
    by_cause = case.examined.grade.cause_probabilities
    dew, cloud = by_cause.get("dew", 0.0), by_cause.get("cloud", 0.0)
    enough = case.has_baseline and case.count("matched_star_count") >= MIN_MATCHED_STARS
    return enough and dew >= limits.DEW_NOTED and dew >= limits.DEW_PART * (dew + cloud)


def stars_gone(case: Case) -> Finding | None:
    """Far fewer stars than in the baseline, where none can be matched to say how much light is lost."""
    count, normal = case.value("star_count"), case.baseline_median("star_count")
    if count is None or normal is None or normal < 30 or count > 0.3 * normal:
        return None
    if case.count("matched_star_count") >= limits.THIN_STARS:
        return None  # matched stars measure the loss of light itself
    gone, sky, stars = count <= 0.1 * normal, case.sky_ratio or 1.0, counted(round(count), "star")
    strength: Strength = ("decisive" if sky >= 1.3 else "firm") if gone else "suspect"
    return Finding(
        rule="stars_gone", fault="background", strength=strength, metric="star_count", value=count,
        limit=round(0.3 * normal), unit="1", label="background_issue", cause="cloud", severe=strength == "decisive",
        sentence=f"{stars} where {normal:.0f} are usual, and the sky is {sky:.1f} times as bright.",
    )  # fmt: skip


def bright_sky(case: Case) -> Finding | None:
    """Sky level against that of the baseline. Moonlight alone never condemns, so this is never decisive."""
    key = "sky_adu_s" if case.ratio("sky_adu_s") is not None else "sky_above_pedestal_adu"
    ratio, noise = case.sky_ratio, case.baseline_median("background_noise_adu")
    above, normal = case.value("sky_above_pedestal_adu"), case.baseline_median("sky_above_pedestal_adu")
    if ratio is None or ratio < limits.SKY_BAD or above is None or normal is None:
        return None
    if noise is not None and above - normal < 2.0 * noise:
        return None  # narrowband: the sky is so dark that its ratio means nothing
    return Finding(
        rule="bright_sky", fault="background", strength="firm", metric=key, value=case.value(key),
        limit=limits.SKY_BAD * (case.baseline_median(key) or 0.0), unit=unit_of(key), label="background_issue",
        sentence=f"The sky is {ratio:.1f} times as bright as usual; {limits.SKY_BAD:g} times is the border"
        f"{_lights(case)}.",
    )  # fmt: skip


def _lights(case: Case) -> str:
    """Return a phrase for the light that may be behind it, where time and site are known."""
    sun, moon, lit = (case.value(key) for key in ("sun_altitude_deg", "moon_altitude_deg", "moon_illumination"))
    if sun is not None and sun > limits.NIGHT_DEG:
        return f"; the sun is only {-sun:.0f} degrees below the horizon" if sun < 0 else "; the sun is up"
    if moon is not None and lit is not None and moon > 0 and lit > limits.MOON_TELLS:
        away = case.value("moon_separation_deg")
        where = "" if away is None else f", {away:.0f} degrees away"
        return f"; the moon is up ({moon:.0f} degrees high, {100 * lit:.0f} % lit{where})"
    return ""


def uneven_sky(case: Case) -> Finding | None:
    """What the sky has over the field beyond the pattern of the baseline."""
    share = case.sky_range_share
    noise, normal = case.baseline_median("background_noise_adu"), case.baseline_median("sky_above_pedestal_adu")
    if share is None or share < limits.SKY_CHANGE_SUSPECT or noise is None or normal is None:
        return None
    # Never decisive: where no header tells the level of no light, the sky is only estimated.
    firm = share >= limits.GRADIENT_BAD and share * max(normal, 0.0) >= noise
    strength: Strength = "firm" if firm else "suspect"
    return Finding(
        rule="uneven_sky", fault="background", metric="background_gradient_adu", unit="ADU", strength=strength,
        value=case.value("background_gradient_adu"),
        limit=(case.baseline_median("background_gradient_adu") or 0.0) + limits.GRADIENT_BAD * normal,
        label="background_issue", cause="gradient",
        sentence=f"The sky differs by {100 * share:.0f} % of its level over the field from its usual pattern.",
    )  # fmt: skip


def uneven_sky_by_prior(case: Case) -> Finding | None:
    """The same without a baseline: only a note, because nebulae and vignetting look alike."""
    value = case.value("background_gradient_fraction")
    if case.has_baseline or value is None or value < limits.GRADIENT_BAD:
        return None
    return Finding(
        rule="uneven_sky_by_prior", fault="background", strength="note", metric="background_gradient_fraction",
        value=value, limit=limits.GRADIENT_BAD, unit="1",
        sentence=f"The sky runs by {100 * value:.0f} % of its level over the field (no history yet).",
    )  # fmt: skip


def even_sky(case: Case) -> Finding | None:
    """Return a finding that nothing is wrong with the sky, measured on matched stars and against the baseline."""
    extinction, sky, share = case.value("extinction_mag"), case.sky_ratio, case.sky_range_share
    if extinction is None or sky is None or share is None:
        return None
    patchy, usual_patchy = (
        case.value("background_patchiness_fraction"),
        case.baseline_median("background_patchiness_fraction"),
    )
    if patchy is not None and usual_patchy is not None and patchy - usual_patchy > 0.05:
        return None
    if case.count("matched_star_count") < MIN_MATCHED_STARS:
        return None
    if extinction - _airmass_loss(case) + limits.SURE_ERRORS * case.extinction_error_mag > limits.EXTINCTION_BAD_MAG:
        return None
    if not limits.SKY_DARKER < sky < limits.SKY_CLEAR or share > limits.SKY_CHANGE_CLEAR:
        return None
    return Finding(
        rule="even_sky", fault="background", strength="clear", metric="extinction_mag", value=extinction,
        limit=limits.EXTINCTION_BAD_MAG, unit="mag",
        sentence=f"The sky is {sky:.2f} times the usual and stars have lost {extinction:.2f} mag: clear.",
    )  # fmt: skip


RULES: tuple[Rule, ...] = (
    trailed_stars,
    turned_stars,
    optics_pattern,
    wide_stars,
    slow_blur,
    wide_stars_by_prior,
    lost_light,
    stars_gone,
    bright_sky,
    uneven_sky,
    uneven_sky_by_prior,
    even_sky,
)
"""Rules about the three faults."""
