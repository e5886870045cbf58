"""Rules about the sky: light that is lost, light that is added, and how both lie over the field."""

from __future__ import annotations

import math

from ...baseline import MIN_MATCHED_STARS, airmass
from ...plain import counted
from .. import limits
from ..evidence import Case, Finding, Strength
from .types import Rule


def lost_light(case: Case) -> Finding | None:
    """Light of matched stars against the best frame of the target, clear air at this airmass allowed for."""
    extinction, matched = case.value("extinction_mag"), case.count("matched_star_count")
    if extinction is None or matched < limits.THIN_STARS or case.baseline.size == 0:
        return None
    excess = extinction - _airmass_loss(case)
    if excess < limits.EXTINCTION_BAD_MAG:
        return None
    border = limits.EXTINCTION_BAD_MAG + _airmass_loss(case)
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
        limit=border, unit="mag", label="background_issue", cause="cloud",
        severe=excess >= 1.5 and strength != "suspect",
        sentence=f"{matched:.0f} matched stars are {extinction:.2f} mag fainter than in the best frame; "
        f"{border:.2f} mag is the border: look for cloud or dew.",
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
    """Far fewer stars than in earlier frames, where none can be matched to say how much light is lost."""
    count, usual = case.value("star_count"), case.baseline.spreads.get("star_count")
    if count is None or usual is None or count > 0.3 * usual.median:
        return None
    if usual.median < (limits.STARS_OF_A_LIGHT if count else limits.MIN_SHAPE_STARS):
        return None
    if case.count("matched_star_count") >= limits.THIN_STARS:
        return None  # matched stars measure the loss of light itself
    gone, sky, stars = count <= 0.1 * usual.median, case.sky_ratio or 1.0, counted(round(count), "star")
    strength: Strength = ("decisive" if sky >= 1.3 else "firm") if gone else "suspect"
    if count == 0:
        strength = "absolute"
    return Finding(
        rule="stars_gone", fault="background", strength=strength, metric="star_count", value=count,
        limit=round(0.3 * usual.median), unit="1", label="background_issue", cause="cloud",
        severe=strength in ("absolute", "decisive"),
        sentence=f"{stars} where {usual.median:.0f} are usual, and the sky is {sky:.1f} times as bright: look for "
        "cloud, dew or a cover.",
    )  # fmt: skip


def bright_sky(case: Case) -> Finding | None:
    """Sky that noise can see against that of the baseline. A bright sky rejects no frame: it lowers its weight."""
    ratio, noise = case.sky_ratio, case.baseline_median("background_noise_adu")
    if ratio is None or ratio < limits.SKY_BAD or noise is None:
        return None
    cause, light = _light(case)
    kept = "the stars have lost no light, and the frame only weighs less" if _keeps_starlight(case) else "look at it"
    return Finding(
        rule="bright_sky", fault="background", strength="bright", metric="background_noise_adu",
        value=case.value("background_noise_adu"), limit=limits.SKY_BAD**0.5 * noise, unit="ADU",
        label="background_issue", cause=cause,
        sentence=f"The sky is {ratio:.1f} times as bright as usual by its noise, {limits.SKY_BAD:g} times is the "
        f"border{light}; {kept}.",
    )  # fmt: skip


def hidden_starlight(case: Case) -> Finding | None:
    """A bright sky in which nothing shows whether the stars have lost light asks for a look."""
    ratio = case.sky_ratio
    if ratio is None or ratio < limits.SKY_BAD or case.value("extinction_mag") is not None or _keeps_starlight(case):
        return None
    return Finding(
        rule="hidden_starlight", strength="review", metric="matched_star_count", value=case.count("matched_star_count"),
        limit=float(MIN_MATCHED_STARS), unit="1",
        sentence="The sky is bright, and too few stars are matched to tell whether they have lost light.",
    )  # fmt: skip


def _keeps_starlight(case: Case) -> bool:
    """Return whether enough matched stars show that the sky takes no light from them."""
    extinction = case.value("extinction_mag")
    if extinction is None or case.count("matched_star_count") < MIN_MATCHED_STARS:
        return False
    return extinction - _airmass_loss(case) < limits.EXTINCTION_BAD_MAG


def _light(case: Case) -> tuple[str, str]:
    """Return the likely cause of a bright sky, and a phrase about it, where time and site are known."""
    sun, moon, lit = (case.value(key) for key in ("sun_altitude_deg", "moon_altitude_deg", "moon_illumination"))
    if sun is not None and sun > limits.NIGHT_DEG:
        return "twilight", f"; the sun is only {-sun:.0f} degrees below the horizon" if sun < 0 else "; the sun is up"
    if moon is None or lit is None:
        return "moon", ""
    if moon > 0 and lit > limits.MOON_TELLS:
        away = case.value("moon_separation_deg")
        where = "" if away is None else f", {away:.0f} degrees away"
        return "moon", f"; the moon is up ({moon:.0f} degrees high, {100 * lit:.0f} % lit{where})"
    return "", "; neither sun nor moon is up"


def uneven_sky(case: Case) -> Finding | None:
    """What the sky has over the field beyond the pattern of the baseline, in parts of the sky that noise can see."""
    change, sky = case.sky_change_share, case.sky_ratio
    if change is None or change.share < limits.SKY_CHANGE_SUSPECT:
        return None
    if sky is not None and sky < limits.SKY_DARKER:
        return None  # the usual frames have light in them that this one lacks
    border_adu = limits.GRADIENT_BAD * change.sky_adu
    enough = change.share >= limits.GRADIENT_BAD and change.range_adu >= (
        case.baseline_median("background_noise_adu") or 0.0
    )
    # The level of no light may be lower, and the sky brighter, than they are taken to be.
    unsure = change.share < limits.GRADIENT_BAD * (1.0 + change.sky_error)
    strength: Strength = "suspect"
    if enough:
        far = change.known and change.share >= limits.GRADIENT_BAD * limits.BEYOND
        strength = "decisive" if far and not unsure else "firm"
    doubt = ", but the level of no light is uncertain" if unsure else ""
    return Finding(
        rule="uneven_sky", fault="background", metric="background_gradient_adu", unit="ADU", strength=strength,
        value=case.value("background_gradient_adu"),
        limit=(case.baseline_median("background_gradient_adu") or 0.0) + border_adu,
        label="background_issue", cause="gradient", unsure=unsure,
        sentence=f"The sky differs over the field by {change.range_adu:.4g} ADU from its usual pattern, "
        f"{100 * change.share:.0f} % of its level; {100 * limits.GRADIENT_BAD:g} % is the border{doubt}: look for the "
        "moon, lamps and leaks of light.",
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
    """Return a finding that nothing is wrong with the sky, measured on starlight and against the baseline.

    Up to the border of a bright sky the level denies a fault: a sky that is only brighter rejects no frame.
    """
    loss_mag, sky, change = _lost_mag(case), case.sky_ratio, case.sky_change_share
    if loss_mag is None or sky is None or change is None or loss_mag > limits.EXTINCTION_BAD_MAG:
        return None
    patchy, usual_patchy = (
        case.value("background_patchiness_fraction"),
        case.baseline_median("background_patchiness_fraction"),
    )
    if patchy is not None and usual_patchy is not None and patchy - usual_patchy > 0.05:
        return None
    if not limits.SKY_DARKER < sky < limits.SKY_BAD or change.share > limits.SKY_CHANGE_CLEAR:
        return None
    return Finding(
        rule="even_sky", fault="background", strength="clear", metric="extinction_mag",
        value=case.value("extinction_mag"), limit=limits.EXTINCTION_BAD_MAG, unit="mag",
        sentence=f"The sky is {sky:.2f} times the usual and stars have lost {loss_mag:.2f} mag at most: clear.",
    )  # fmt: skip


def _lost_mag(case: Case) -> float | None:
    """Return the most light in magnitudes that the stars of a frame may have lost, air not counted; ``None``: unknown.

    In a field with few stars none can be matched, and the light of its standard star is compared with the usual; where
    that is saturated, no star that is gone is all that can be said.
    """
    extinction = case.value("extinction_mag")
    if extinction is not None and case.count("matched_star_count") >= MIN_MATCHED_STARS:
        return max(extinction - _airmass_loss(case) + limits.SURE_ERRORS * case.extinction_error_mag, 0.0)
    if not case.has_few_stars or not case.has_enough_stars:
        return None
    light = case.ratio("star_light_adu_s")
    if light is None:
        return 0.0 if case.value("star_light_adu_s") is None else None
    return max(-2.5 * math.log10(light), 0.0) if light > 0 else None


BACKGROUND: tuple[Rule, ...] = (
    lost_light,
    stars_gone,
    bright_sky,
    hidden_starlight,
    uneven_sky,
    uneven_sky_by_prior,
    even_sky,
)
"""Rules about the sky."""
