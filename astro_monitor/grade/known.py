"""What is known of one frame and its rig, as the rows of the quality model's vector ask for it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..records import Spread
from .profile import PROFILE_NUMBERS

FIRM_BASELINE = 5
"""A baseline of fewer frames is a hint, not a measure."""

FULL_BASELINE = 7
"""More frames do not make a baseline better known; training sees rigs of eight frames."""

DEFAULT_NORMAL_FWHM_ARCSEC = 3.0
"""FWHM of a rig without a baseline: seeing and optics of an amateur site."""

Values = Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a frame's numbers are compared with.

    Attributes:
        spreads, size, sky_pattern, turned_sky_pattern, sky_pattern_level_adu, sky_stray, prior: of the baseline; size 0
            when there is none.
        normal_fwhm_arcsec: FWHM of a good frame at this site.
    """

    spreads: Mapping[str, Spread]
    size: int
    sky_pattern: Sequence[float] = ()
    turned_sky_pattern: Sequence[float] = ()
    sky_pattern_level_adu: float = 0.0
    sky_stray: float = 0.0
    prior: bool = False
    normal_fwhm_arcsec: float = DEFAULT_NORMAL_FWHM_ARCSEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """Finite numbers of one frame and of its baseline.

    Attributes:
        values: of the frame, by metric.
        profile: those of ``PROFILE_NUMBERS`` that are known.
        stamp_bin: binning of the cut-outs of the stars.
        medians: of the baseline, by metric.
        context: the baseline and the site.
    """

    values: Mapping[str, float]
    profile: Mapping[str, float]
    stamp_bin: int
    context: Context
    medians: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, values: Values, stamp_bin: int, profile: Sequence[float | None], context: Context) -> Known:
        """Return what of these is known.

        Parameters:
            values: ``Measurements.values``.
            stamp_bin: binning of the cut-outs.
            profile: from :func:`~astro_monitor.grade.profile.profile_numbers`.
            context: what to compare with.
        """
        named = zip(PROFILE_NUMBERS, profile, strict=True)
        return cls(
            values={key: value for key, value in values.items() if value is not None and math.isfinite(value)},
            profile={key: value for key, value in named if value is not None and math.isfinite(value)},
            stamp_bin=stamp_bin,
            medians={key: spread.median for key, spread in context.spreads.items() if math.isfinite(spread.median)},
            context=context,
        )

    def is_firm(self) -> bool:
        """Return whether the baseline holds enough frames of this night."""
        return self.context.size >= FIRM_BASELINE and not self.context.prior

    def now(self, key: str) -> float | None:
        """Return a metric of the frame; ``None`` when it is unknown."""
        return self.values.get(key)

    def usual(self, key: str) -> float | None:
        """Return the median of a metric over the baseline; ``None`` when it is unknown."""
        return self.medians.get(key)

    def width_px(self) -> float | None:
        """Return F of this frame: the width of its stars across their elongation, in sensor pixels."""
        return self.now("fwhm_minor_px")

    def usual_width_px(self) -> float | None:
        """Return F0: the usual width of the stars across their elongation, in sensor pixels."""
        return self.usual("fwhm_minor_px")

    def sky_adu(self) -> float | None:
        """Return the sky of this frame that its noise can see; above the level of no light where that is unknown."""
        return _first(self.now("effective_sky_adu"), self.now("sky_above_pedestal_adu"))

    def usual_sky_adu(self) -> float | None:
        """Return S: the usual sky that noise can see; above the level of no light where that is unknown."""
        return _first(self.usual("effective_sky_adu"), self.usual("sky_above_pedestal_adu"))


def _first(value: float | None, other: float | None) -> float | None:
    """Return the first of two levels that is known and positive."""
    if value is not None and value > 0:
        return value
    return other if other is not None and other > 0 else None
