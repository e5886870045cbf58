"""What the rules look at, and what they answer.

A :class:`Case` is one frame with the baseline it is compared with; a :class:`Finding` is one rule's answer before all
answers are combined. Values that are missing or absurd read as ``None``, and a rule that needs them stays silent.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ..baseline import (
    MIN_BASELINE_FRAMES,
    excess_trail_px,
    is_sane,
    sky_change,
    usual_sky_unit_adu,
    usual_trail_px,
)
from ..metrics import BY_KEY
from ..records import Baseline, Examined, is_moving_target
from ..settings import JudgeSettings, SiteSettings
from .limits import MIN_SHAPE_STARS, SAMPLED_FWHM_PX, TRAIL_STRAYS

Strength = Literal["absolute", "decisive", "firm", "suspect", "bright", "review", "limit", "clear", "note"]
"""How much a finding counts.

``absolute``, ``decisive``, ``firm`` and ``suspect`` are evidence of a fault; the first holds for any rig, even before
it is known. ``bright`` is a sky so bright that the frame is a background issue, and weighs less, but has lost nothing.
``clear`` is evidence against a fault; ``review`` asks for a look, whatever the model says; ``limit`` is a limit the
user has set; a ``note`` never changes a decision.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One rule's answer.

    Attributes:
        rule: name of the rule.
        fault: one of ``FAULTS``, or empty when the finding is about none of them.
        metric: the number it is about; ``limit`` and ``unit`` belong to ``value``.
        label: class to give when this finding decides, or empty.
        cause: what the numbers alone say about the cause, or empty.
        flag: one of ``FLAGS`` to raise, or empty.
        severe: one such frame is enough for a warning.
        unsure: what it is measured against is not known well enough to reject a frame for it: review at most.
        weight_factor: the stacking weight is multiplied by the least of all findings; above 0 and at most 1.
    """

    rule: str
    strength: Strength
    metric: str
    value: float | None
    limit: float | None
    unit: str
    sentence: str
    fault: str = ""
    label: str = ""
    cause: str = ""
    flag: str = ""
    severe: bool = False
    unsure: bool = False
    weight_factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SkyChange:
    """What the sky of a frame has over the field beyond the usual pattern.

    Attributes:
        range_adu: peak to valley over the cells, one cell at either end left out: a bright star or nebula may have
            moved into it.
        sky_adu: the sky it is measured against: the usual, or the present one where that is brighter, because the moon
            lifts the sky and its slope together.
        sky_error: relative standard error of that sky.
        known: whether it is the sky that noise can see; else the level above an estimated pedestal.
    """

    range_adu: float
    sky_adu: float
    sky_error: float
    known: bool

    @property
    def share(self) -> float:
        """Peak to valley over the sky."""
        return self.range_adu / self.sky_adu


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One frame, and the baseline it is compared with.

    Attributes:
        floor_fwhm_px: the sharpest the rig has been on this target (median of five frames), if known.
        reference_airmass: airmass of the frame the reference stars are from, if known.
        same_side: ``False`` when the mount has flipped since the reference frame.
    """

    examined: Examined
    baseline: Baseline
    settings: JudgeSettings
    site: SiteSettings
    floor_fwhm_px: float | None = None
    reference_airmass: float | None = None
    same_side: bool = True

    def value(self, key: str) -> float | None:
        """Return a measured number, or ``None`` when it is missing or absurd."""
        measured = self.examined.measurements.values.get(key)
        return float(measured) if is_sane(measured) else None

    def count(self, key: str) -> float:
        """Return a count, 0 when it is missing."""
        return self.value(key) or 0.0

    @property
    def has_baseline(self) -> bool:
        """Whether relative limits apply."""
        return self.baseline.size >= MIN_BASELINE_FRAMES

    @property
    def has_few_stars(self) -> bool:
        """Whether the field never has many stars."""
        usual = self.baseline_median("star_count_measured")
        return usual is not None and usual < 2 * MIN_SHAPE_STARS

    @property
    def has_enough_stars(self) -> bool:
        """Whether shapes are measured on enough stars: ten, or most of the few in a field that never has more."""
        count, usual = self.count("star_count_measured"), self.baseline_median("star_count_measured") or 0.0
        return count >= MIN_SHAPE_STARS or (self.has_few_stars and count >= max(0.5 * usual, 1.0))

    def baseline_median(self, key: str) -> float | None:
        """Return the baseline's median of a number; ``None`` until there are enough frames."""
        spread = self.baseline.spreads.get(key) if self.has_baseline else None
        return spread.median if spread is not None else None

    def ratio(self, key: str) -> float | None:
        """Return a number over its baseline median; ``None`` unless both are known and the median is positive."""
        value, normal = self.value(key), self.baseline_median(key)
        return value / normal if value is not None and normal is not None and normal > 0 else None

    @property
    def not_sidereal(self) -> bool:
        """Whether the target is tracked at its own rate, so that the stars are trails on purpose."""
        return is_moving_target(self.examined.meta.target, self.settings.moving_targets)

    @property
    def sky_ratio(self) -> float | None:
        """Sky that noise can see over that of the baseline; ``None`` without a baseline.

        It is the ratio of the variances, for which neither gain nor pedestal has to be known. Without the noise, the
        levels above the pedestal are compared.
        """
        noise = self.ratio("background_noise_adu")
        return self.ratio("sky_above_pedestal_adu") if noise is None else noise**2

    @property
    def extinction_error_mag(self) -> float:
        """Standard error of the extinction, a median over the matched stars; 0 when the scatter is not known."""
        scatter, matched = self.value("extinction_scatter_mag") or 0.0, self.count("matched_star_count")
        return 1.2533 * scatter / math.sqrt(matched) if matched >= 1.0 else 0.0

    @property
    def trail_ratio(self) -> float | None:
        """L / F: trail length over the width across the trail."""
        length = self.value("trail_length_px")
        width = self.value("fwhm_minor_px") or self.value("fwhm_px")
        return length / width if length is not None and width else None

    @property
    def excess_trail_ratio(self) -> float | None:
        """L / F of the elongation beyond that of the baseline and its scatter; ``None`` without a baseline."""
        width, spreads = self.value("fwhm_minor_px"), self.baseline.spreads
        excess = excess_trail_px(self.examined.measurements.values, spreads) if self.has_baseline else None
        if excess is None or not is_sane(excess) or not width:
            return None
        scatter_px2 = math.hypot(spreads["trail_plus_px2"].mad, spreads["trail_cross_px2"].mad)
        return math.sqrt(max(excess**2 - TRAIL_STRAYS * scatter_px2, 0.0)) / width

    @property
    def usual_trail_ratio(self) -> float | None:
        """L / F of the elongation of the baseline; ``None`` without a baseline."""
        length, width = usual_trail_px(self.baseline.spreads), self.baseline_median("fwhm_minor_px")
        return length / width if length is not None and width else None

    @property
    def sky_change_share(self) -> SkyChange | None:
        """What the sky has over the field beyond the pattern of the baseline; ``None`` without a baseline."""
        measured, spreads = self.examined.measurements, self.baseline.spreads
        cells = [cell.sky_adu for cell in measured.field_grid]
        if not self.has_baseline or not all(is_sane(level) for level in cells):
            return None
        turned, level_adu = self.baseline.turned_sky_pattern, self.baseline.sky_pattern_level_adu
        change = sky_change(cells, measured.values, self.baseline.sky_pattern, spreads, turned, level_adu)
        unit = usual_sky_unit_adu(spreads)
        if change is None or unit is None:
            return None
        seen, error = self.baseline_median("effective_sky_adu"), self.value("effective_sky_error_fraction")
        known = seen is not None and seen > 0
        usual = seen if seen is not None and seen > 0 else unit
        ordered = sorted(change)
        return SkyChange(
            range_adu=(ordered[-2] - ordered[1]) * unit, sky_adu=usual * max(self.sky_ratio or 1.0, 1.0),
            sky_error=max(error or 0.0, 0.0) if known else 0.0, known=known,
        )  # fmt: skip

    @property
    def elongation_ratio(self) -> float | None:
        """L / F that the median elongation would need if it were a trail.

        From L = sqrt(12 (a² - b²)) and F = 2.355 b.
        """
        return _path_ratio(self.value("elongation"))

    @property
    def usual_elongation_ratio(self) -> float | None:
        """The same of the elongation of the baseline; ``None`` without a baseline."""
        return _path_ratio(self.baseline_median("elongation"))

    @property
    def elongation_growth(self) -> float | None:
        """L / F of the median elongation beyond that of the baseline, whatever its directions; ``None`` without one."""
        now, usual = self.elongation_ratio, self.usual_elongation_ratio
        return None if now is None or usual is None else math.sqrt(max(now**2 - usual**2, 0.0))

    @property
    def site_fwhm_px(self) -> float | None:
        """Width in pixels that is normal for the site, or what the sampling allows where that is wider; ``None``: the
        pixel scale is not known.
        """
        fwhm_px, fwhm_arcsec = self.value("fwhm_px"), self.value("fwhm_arcsec")
        if not fwhm_px or not fwhm_arcsec or fwhm_px < 0 or fwhm_arcsec < 0:
            return None
        return max(self.site.normal_fwhm_arcsec * fwhm_px / fwhm_arcsec, SAMPLED_FWHM_PX)


def _path_ratio(elongation: float | None) -> float | None:
    """Return the trail length in star widths that an elongation of the stars stands for; ``None`` when unknown."""
    return None if elongation is None else 1.471 * math.sqrt(max(elongation**2 - 1.0, 0.0))


def unit_of(metric: str) -> str:
    """Return the unit of a metric by the metric table; ``1`` where it is no row of it."""
    row = BY_KEY.get(metric)
    return row.unit if row else "1"
