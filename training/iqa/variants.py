"""One frame beside many baselines: what a rig knows of itself changes over the night, and headers tell more or less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astro_monitor.baseline import sky_pattern, spreads, usual_sky_pattern, usual_sky_unit_adu
from astro_monitor.grade.statistics import DEFAULT_NORMAL_FWHM_ARCSEC, Context, statistics
from training.iqa.dataset import RigFrames

Values = dict[str, float | None]

NEEDS_REFERENCE = (
    "transparency", "extinction_mag", "extinction_scatter_mag", "matched_star_count", "offset_px", "offset_x_px",
    "offset_y_px", "field_turn_deg",
)  # fmt: skip
NEEDS_SCALE = ("fwhm_arcsec", "hfr_arcsec")
NEEDS_PEDESTAL = (
    "pedestal_adu",
    "sky_above_pedestal_adu",
    "sky_adu_s",
    "background_gradient_fraction",
    "background_patchiness_fraction",
)


def context_of(
    frames: Sequence[Mapping[str, Any]],
    forget: Sequence[str] = (),
    normal_fwhm_arcsec: float = DEFAULT_NORMAL_FWHM_ARCSEC,
) -> Context:
    """What is normal, were these the accepted frames.

    Parameters:
        frames: some of ``RigFrames.facts``.
        forget: keys that the header, or a missing reference, did not allow.
        normal_fwhm_arcsec: of the site.
    """
    rows = [without(frame["values"], forget) for frame in frames]
    usual, stray = usual_sky_pattern([sky_pattern(frame["cells_adu"]) for frame in frames])
    usual_values = spreads([{key: value for key, value in row.items() if value is not None} for row in rows])
    return Context(
        spreads=usual_values,
        size=len(rows),
        sky_pattern=usual,
        sky_stray=stray / (usual_sky_unit_adu(usual_values) or 1.0),
        normal_fwhm_arcsec=normal_fwhm_arcsec,
    )


def without(values: Values, keys: Sequence[str]) -> Values:
    """Forget some numbers."""
    return {**values, **dict.fromkeys(keys)}


def vector(frame: Mapping[str, Any], context: Context, forget: Sequence[str] = ()) -> NDArray[np.float32]:
    """Statistics of a stored frame.

    Parameters:
        frame: one of ``RigFrames.facts``.
        context: its baseline and site.
        forget: keys that the header, or a missing reference, did not allow.
    """
    values = without(frame["values"], forget) if forget else frame["values"]
    return statistics(values, np.asarray(frame["cells_adu"]), frame["stamp_bin"], frame["profile"], context)


def random_vectors(rig: RigFrames, index: int, count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Statistics of one frame beside ``count`` random baselines, with headers that tell more or less."""
    return np.stack([_random_vector(rig, index, rng) for _ in range(count)])


def _random_vector(rig: RigFrames, index: int, rng: np.random.Generator) -> NDArray[np.float32]:
    others = [number for number in range(len(rig.facts)) if number != index]
    good = [number for number in others if rig.facts[number]["truth"]["label"] == "good"]
    chance = rng.random()
    if chance < 0.12:
        size = 0
    elif chance < 0.25:
        size = int(rng.integers(1, 5))
    else:
        size = int(rng.integers(5, max(len(good), 5) + 1))
    chosen = list(rng.permutation(good)[:size]) if size else []
    if size >= 5 and rng.random() < 0.15:
        # A judge errs now and then: one or two frames that should not be in the baseline.
        bad = [number for number in others if number not in good]
        chosen[: int(rng.integers(1, 3))] = []
        chosen += list(rng.permutation(bad)[: int(rng.integers(1, 3))])
    forget: list[str] = []
    if not chosen:
        forget += NEEDS_REFERENCE
    if rng.random() < 0.3:
        forget += NEEDS_SCALE
    if rng.random() < 0.12:
        forget += NEEDS_PEDESTAL
    context = context_of([rig.facts[int(number)] for number in chosen], forget, _site(rig.rig, rng))
    return vector(rig.facts[index], context, forget)


def _site(rig: Mapping[str, Any], rng: np.random.Generator) -> float:
    """What the user has set as the normal FWHM: half of them never touch it."""
    if rng.random() < 0.5:
        return DEFAULT_NORMAL_FWHM_ARCSEC
    return float(rig["f0_px"] * rig["scale_arcsec_px"] * np.exp(rng.normal(0, 0.12)))
