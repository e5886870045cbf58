"""A rig of small looks, as the data set keeps them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from astro_monitor.grade.profile import PROFILE_NUMBERS
from astro_monitor.records import FAULTS
from astro_monitor.testing.looks import small_look

NUMBERS = {
    "fwhm_px": 3.0, "fwhm_minor_px": 3.0, "fwhm_arcsec": 6.0, "trail_length_px": 0.3, "star_count": 200.0,
    "star_count_measured": 150.0, "sky_above_pedestal_adu": 100.0, "background_adu": 600.0,
    "background_noise_adu": 4.0, "background_gradient_adu": 5.0, "elongation": 1.05, "trail_plus_px2": 0.05,
    "trail_cross_px2": 0.02,
}  # fmt: skip


def make_truth(label: str = "good", **changes: Any) -> dict[str, Any]:
    """Return the truth of a frame, as the simulator tells it."""
    truth = {
        "label": label, "faults": dict.fromkeys(FAULTS, 0.1), "cause": "none", "flags": [], "margin": 0.3,
        "excess_f": 0.1, "severe_excess_f": 0.1, "length_f": 0.1, "width_ratio": 1.0, "extinction_mag": 0.0,
        "gradient_s": 0.05, "leak_s": 0.0, "sky_s": 1.0, "light_lost": False,
    }  # fmt: skip
    return truth | changes


def make_rig(labels: list[str], changes: dict[int, dict[str, float]] | None = None) -> Any:
    """Return the looks of a rig whose frames differ a little; some measurements can be changed."""
    from training.iqa.lookset import LookSet

    frames = []
    for index, label in enumerate(labels):
        look = small_look(frame_id=f"{index:016x}")
        noise = 1 + 0.001 * index
        values = look.measurements.values | {key: value * noise for key, value in NUMBERS.items()}
        values |= (changes or {}).get(index, {})
        features = replace(look.source_features, profile=(None,) * len(PROFILE_NUMBERS), source_count=50)
        measured = replace(look.measurements, frame_id=look.frame_id, values=values)
        cause = "none" if label in ("good", "ambiguous") else {"bad_seeing": "seeing"}.get(label, "drift")
        frames.append((replace(look, measurements=measured, source_features=features), make_truth(label, cause=cause)))
    return LookSet({"seed": 4, "f0_px": 3.0, "scale_arcsec_px": 2.0}, tuple(frames))


@pytest.fixture
def truth_of() -> Callable[..., dict[str, Any]]:
    return make_truth


@pytest.fixture
def rig_of() -> Callable[..., Any]:
    return make_rig


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(5)
