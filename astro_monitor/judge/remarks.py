"""Rules that are about no fault of the sky or the mount: flags, limits set by the user, and hard facts."""

from __future__ import annotations

from ..baseline import TURNED_DEG
from ..plain import counted
from . import limits
from .evidence import Case, Finding, unit_of
from .rules import Rule


def no_stars(case: Case) -> Finding | None:
    """A frame without stars is looked at, unless other evidence says what happened to them."""
    if case.value("star_count") is not None and case.count("star_count") > 0:
        return None
    return Finding(
        rule="no_stars", strength="review", metric="star_count", value=case.value("star_count"), limit=1.0,
        unit="1", flag="few_stars", sentence="No star was found in this frame.",
    )  # fmt: skip


def few_stars(case: Case) -> Finding | None:
    """Few stars: shape numbers are weak. A star-poor field is no fault."""
    count = case.count("star_count_measured")
    if count >= limits.FEW_STARS or case.count("star_count") == 0:
        return None
    return Finding(
        rule="few_stars", strength="note", metric="star_count_measured", value=count,
        limit=float(limits.FEW_STARS), unit="1", flag="few_stars",
        sentence=f"Only {counted(round(count), 'star')} could be measured, so their shapes are uncertain.",
    )  # fmt: skip


def lost_field(case: Case) -> Finding | None:
    """Part of the field grid without stars: a tree, a dome edge, a small cloud. Star-poor fields abstain."""
    dead, usual = case.value("dead_cell_fraction"), case.baseline_median("dead_cell_fraction") or 0.0
    if dead is None or case.count("star_count") < 150 or dead - usual < limits.DEAD_CELLS_FLAG:
        return None
    return Finding(
        rule="lost_field", strength="review" if dead - usual >= limits.DEAD_CELLS_REVIEW else "note",
        metric="dead_cell_fraction", value=dead, limit=usual + limits.DEAD_CELLS_REVIEW, unit="1",
        flag="obstructed", sentence=f"{100 * dead:.0f} % of the field has far fewer stars than the rest.",
    )  # fmt: skip


def small_cloud(case: Case) -> Finding | None:
    """Part of the field whose matched stars have lost more light than the others: a small cloud, or the edge of one."""
    patch = case.value("extinction_patch_mag")
    # Seen the other way round, the corners of a flat that is not applied look like this.
    turned = abs(case.value("field_turn_deg") or 0.0) > TURNED_DEG or not case.same_side
    if patch is None or patch < limits.PATCH_FLAG_MAG or turned:
        return None
    return Finding(
        rule="small_cloud", strength="review" if patch >= limits.PATCH_REVIEW_MAG else "note",
        metric="extinction_patch_mag", value=patch, limit=limits.PATCH_REVIEW_MAG, unit="mag", flag="small_cloud",
        sentence=f"In a part of the field the stars have lost {patch:.1f} mag more than in the whole.",
    )  # fmt: skip


def saturated(case: Case) -> Finding | None:
    """Return the remark on saturation: a flag; a look when a large part of the frame is lost."""
    pixels, stars = case.count("saturated_pixel_fraction"), case.count("saturated_star_fraction")
    if pixels < limits.SATURATED_PIXELS_FLAG and stars < limits.SATURATED_STARS_FLAG:
        return None
    by_pixels = pixels >= limits.SATURATED_PIXELS_FLAG
    what = f"{100 * pixels:.1f} % of the pixels are" if by_pixels else f"{100 * stars:.0f} % of the stars are"
    return Finding(
        rule="saturated", strength="review" if pixels >= limits.SATURATED_PIXELS_REVIEW else "note",
        metric="saturated_pixel_fraction" if by_pixels else "saturated_star_fraction",
        value=pixels if by_pixels else stars,
        limit=limits.SATURATED_PIXELS_REVIEW if by_pixels else limits.SATURATED_STARS_FLAG,
        unit="1", flag="saturated", sentence=f"{what} saturated.",
    )  # fmt: skip


def streaks(case: Case) -> Finding | None:
    """Satellite and aircraft trails are reported, never a reason to reject: stacking removes them."""
    count = case.count("streak_count")
    if count < 1:
        return None
    return Finding(
        rule="streaks", strength="note", metric="streak_count", value=count, limit=None, unit="1", flag="streak",
        sentence=f"{count:.0f} satellite or aircraft trail{'s' if count > 1 else ''}; stacking will remove "
        f"{'them' if count > 1 else 'it'}.",
    )  # fmt: skip


def off_target(case: Case) -> Finding | None:
    """As many stars as in the baseline, but not those of the reference frame: another field, or a large shift."""
    if case.baseline.size == 0 or len(case.baseline.reference_stars) < 15 or not case.same_side:
        return None
    matched, offset = case.count("matched_star_count"), case.value("offset_px")
    side = min(case.examined.sensor_shape)
    shifted = matched >= limits.THIN_STARS and offset is not None and offset > 0.25 * side
    other = matched < 3 and (case.ratio("star_count") or 0.0) >= 0.5
    if not shifted and not other:
        return None
    return Finding(
        rule="off_target", strength="note", metric="offset_px" if shifted else "matched_star_count",
        value=offset if shifted else matched, limit=0.25 * side if shifted else 3.0,
        unit=unit_of("offset_px" if shifted else "matched_star_count"), flag="off_target",
        sentence="The field has moved by more than a quarter of the frame since the reference frame."
        if shifted else "The stars are not those of the reference frame: the telescope may point elsewhere.",
    )  # fmt: skip


def bright_ground(case: Case) -> Finding | None:
    """A sky near full scale, or on its way there within seconds, is looked at while the rig is not known.

    Flats and dawn look so; a camera that is always exposed that far is known after five frames with enough stars.
    """
    part, exposure_s = case.value("sky_saturation_fraction"), case.examined.meta.exposure_s
    if case.has_baseline or part is None:
        return None
    filling = part > limits.SKY_FILLING_LEAST and exposure_s and part / exposure_s > limits.SKY_FILLING_PER_S
    if part <= limits.SKY_NEAR_FULL and not filling:
        return None
    took = "" if part > limits.SKY_NEAR_FULL or not exposure_s else f" after {exposure_s:g} s"
    level = "saturated" if part >= 1 else f"at {100 * part:.0f} % of saturation"
    return Finding(
        rule="bright_ground", strength="review", metric="sky_saturation_fraction", value=part,
        limit=limits.SKY_NEAR_FULL, unit="1",
        sentence=f"The sky is {level}{took}, as in a flat field or at dawn "
        "(no history yet).",
    )  # fmt: skip


def bad_pixels(case: Case) -> Finding | None:
    """Pixels without a value."""
    part = case.count("bad_pixel_fraction")
    if part < limits.BAD_PIXELS_REVIEW:
        return None
    return Finding(
        rule="bad_pixels", strength="review", metric="bad_pixel_fraction", value=part,
        limit=limits.BAD_PIXELS_REVIEW, unit="1", sentence=f"{100 * part:.1f} % of the pixels have no value.",
    )  # fmt: skip


def _user_limit(case: Case, metric: str, limit: float | None) -> Finding | None:
    """Return the finding that a metric of a frame is above the limit set by the user; ``None`` when it is not."""
    value = case.value(metric)
    if limit is None or value is None or value <= limit:
        return None
    unit = unit_of(metric)
    shown = "" if unit == "1" else f" {unit}"
    return Finding(
        rule=f"limit_{metric}", strength="limit", metric=metric, value=value, limit=limit, unit=unit,
        sentence=f"{metric.split('_')[0].upper() if metric.startswith('fwhm') else metric.split('_')[0].title()} "
        f"{value:.4g}{shown} is above the limit you set, {limit:.4g}{shown}.",
    )  # fmt: skip


def limit_fwhm_arcsec(case: Case) -> Finding | None:
    """The user's limit on the FWHM in arcseconds."""
    return _user_limit(case, "fwhm_arcsec", case.settings.max_fwhm_arcsec)


def limit_fwhm_px(case: Case) -> Finding | None:
    """The user's limit on the FWHM in pixels."""
    return _user_limit(case, "fwhm_px", case.settings.max_fwhm_px)


def limit_elongation(case: Case) -> Finding | None:
    """The user's limit on a/b."""
    return _user_limit(case, "elongation", case.settings.max_elongation)


def limit_background(case: Case) -> Finding | None:
    """The user's limit on the sky level."""
    return _user_limit(case, "background_adu", case.settings.max_background_adu)


def limit_stars(case: Case) -> Finding | None:
    """The user's least number of stars."""
    count, least = case.count("star_count"), case.settings.min_stars
    if count >= least:
        return None
    return Finding(
        rule="limit_stars", strength="review", metric="star_count", value=count, limit=float(least), unit="1",
        sentence=f"{counted(round(count), 'star')}: fewer than the {least} you asked for.",
    )  # fmt: skip


REMARKS: tuple[Rule, ...] = (
    no_stars,
    few_stars,
    lost_field,
    small_cloud,
    saturated,
    streaks,
    off_target,
    bright_ground,
    bad_pixels,
    limit_fwhm_arcsec,
    limit_fwhm_px,
    limit_elongation,
    limit_background,
    limit_stars,
)
"""Rules about everything else."""
