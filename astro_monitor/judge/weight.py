"""How much a kept frame counts in a stack, as far as the frames before it tell: the lists weigh all frames together."""

from __future__ import annotations

from ..baseline import MIN_MATCHED_STARS
from .evidence import Case

LEAST_WEIGHT = 0.01
"""A kept frame never weighs nothing: a stacker would take that for a rejection."""


def stacking_weight(case: Case) -> float:
    """Return the provisional weight of a kept frame, 0.01 to 1, for the screen; :mod:`astro_monitor.lists.weighing` has
    the one that counts.

    The effective exposure of the Dark Energy Survey (Neilsen et al. 2016, FERMILAB-TM-2610-AE-CD), relative to a good
    frame of the same rig, target and filter, with the variance of the sky in place of its level, which calibrated
    frames have no longer::

        t_eff = (FWHM_ref / FWHM)² × transparency² × (noise_ref / noise)²

    clipped to [0.01, 1]. The reference is the better edge of the baseline (median minus one scaled MAD) for FWHM and
    noise, and the best frame for transparency. A factor whose numbers are not known counts 1; without a baseline FWHM
    is compared with the FWHM assumed for such a rig.

    Parameters:
        case: the frame and its baseline.
    """
    factor = _over(_better_edge(case, "fwhm_px"), case.value("fwhm_px")) ** 2
    if not case.has_baseline:
        factor = _over(case.site_fwhm_px, case.value("fwhm_px")) ** 2
    transparency = case.value("transparency")
    if transparency is not None and case.count("matched_star_count") >= MIN_MATCHED_STARS:
        factor *= min(max(transparency, 0.0), 1.2) ** 2
    factor *= _over(_better_edge(case, "background_noise_adu"), case.value("background_noise_adu")) ** 2
    return round(min(max(factor, LEAST_WEIGHT), 1.0), 4)


def _better_edge(case: Case, key: str) -> float | None:
    """Return the low edge of the baseline of a metric, median minus scatter, for the stacking weight."""
    normal, spread = case.baseline_median(key), case.baseline.spreads.get(key)
    return None if normal is None or spread is None else max(normal - spread.mad, 0.5 * normal)


def _over(reference: float | None, value: float | None) -> float:
    """Return reference over value as a factor of the stacking weight, at most 1.5; 1 when either is unknown."""
    if reference is None or value is None or reference <= 0 or value <= 0:
        return 1.0
    return min(reference / value, 1.5)
