"""Stars, skies and a model that says what it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from astro_monitor import metrics
from astro_monitor.grade.grader import (
    OUTPUTS,
    PREPROCESSING_VERSION,
    SOURCE_INPUTS,
    SOURCE_OUTPUTS,
    SOURCE_PREPROCESSING_VERSION,
)
from astro_monitor.grade.inputs import INPUTS
from astro_monitor.records import CAUSES, CLASSES, Measurements, SkyMap, Stars

SHAPE = (600, 800)


def gaussian_stamps(
    count: int, *, fwhm_px: float = 3.0, elongation: float = 1.0, theta_deg: float = 0.0, peak_adu: float = 1000.0
) -> NDArray[np.float32]:
    """(count, 25, 25) noiseless Gaussian stars."""
    sigma = fwhm_px / 2.3548
    y, x = np.mgrid[-12:13, -12:13].astype(float)
    angle = np.radians(theta_deg)
    along = x * np.cos(angle) + y * np.sin(angle)
    across = -x * np.sin(angle) + y * np.cos(angle)
    one = peak_adu * np.exp(-0.5 * ((along / (sigma * elongation)) ** 2 + (across / sigma) ** 2))
    return np.repeat(one[None].astype(np.float32), count, axis=0)


def make_stars(count: int, *, seed: int = 1, **shape: Any) -> Stars:
    rng = np.random.default_rng(seed)
    elongation, fwhm = shape.get("elongation", 1.0), shape.get("fwhm_px", 3.0)
    sigma = fwhm / 2.3548
    full = np.full(count, 1.0, np.float32)
    return Stars(
        frame_id="ab" * 8,
        x_px=rng.uniform(30, SHAPE[1] - 30, count).astype(np.float32),
        y_px=rng.uniform(30, SHAPE[0] - 30, count).astype(np.float32),
        flux_adu=np.sort(rng.uniform(1e3, 1e5, count).astype(np.float32))[::-1],
        fwhm_px=full * fwhm,
        a_px=full * sigma * elongation,
        b_px=full * sigma,
        theta_deg=full * shape.get("theta_deg", 0.0),
        hfr_px=full * fwhm / 2,
        snr=full * 50,
        dip=full * 0,
        saturated=np.zeros(count, bool),
        kind=np.zeros(count, np.uint8),
        stamps=gaussian_stamps(count, **shape),
        stamp_bin=1,
    )


def make_sky(level_adu: float = 500.0, noise_adu: float = 5.0) -> SkyMap:
    return SkyMap(level_adu=np.full((10, 13), level_adu, np.float32), noise_adu=noise_adu, cell_px=64)


def make_measurements(**values: float) -> Measurements:
    known: dict[str, float | None] = dict.fromkeys(metrics.KEYS)
    known |= {"fwhm_px": 3.0, "fwhm_minor_px": 3.0, "star_count": 50.0, "background_noise_adu": 5.0,
              "sky_above_pedestal_adu": 400.0, **values}  # fmt: skip
    grid = tuple(SimpleNamespace(sky_adu=500.0, column=index % 8, row=index // 8) for index in range(48))
    return Measurements(
        frame_id="ab" * 8,
        values=known,
        why_missing={key: "not told" for key, value in known.items() if value is None},
        field_grid=grid,  # only the sky is read
        bright_stars=(),
        streaks=(),
    )


@dataclass
class FakeModel:
    """Says what it is told, and keeps what it was asked."""

    probabilities: tuple[float, ...] = (0.9, 0.025, 0.025, 0.025, 0.025)
    cause: str = "none"
    error: float = 1.0
    familiar: float = 1.0
    asked: list[dict[str, NDArray[Any]]] = field(default_factory=list)
    failure: Exception | None = None
    identity: str = "quality.0+abc"

    @property
    def card(self) -> Any:
        thresholds = dict.fromkeys(CLASSES, 0.5) | {"in_domain": 0.25, "few_stars": 0.85}
        return SimpleNamespace(
            thresholds=thresholds,
            class_names={"cause": CAUSES},
            parameters={"source_part_sha256": "abc"},
            calibration={"error_median": 1.0, "error_edge": 2.0},
        )

    def require(self, *, preprocessing_version: str, inputs: Any, outputs: Any) -> None:
        assert (preprocessing_version, tuple(inputs), tuple(outputs)) in (
            (SOURCE_PREPROCESSING_VERSION, SOURCE_INPUTS, SOURCE_OUTPUTS),
            (PREPROCESSING_VERSION, INPUTS, OUTPUTS),
        )

    def run(self, inputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        self.asked.append(inputs)
        if self.failure is not None:
            raise self.failure
        causes = np.full((1, len(CAUSES)), 0.01, np.float32)
        causes[0, CAUSES.index(self.cause)] = 0.8
        return {
            "class": np.array([self.probabilities], np.float32),
            "fault": np.array([[0.1, 0.2, 0.3]], np.float32),
            "cause": causes,
            "familiar": np.array([[self.familiar]], np.float32),
            "source_features": np.zeros((1, 256), np.float32),
            "quantisation_error": np.array([[self.error]], np.float32),
            "clusters": np.zeros((1, 20), np.float32),
        }


@pytest.fixture
def stars() -> Callable[..., Stars]:
    return make_stars


@pytest.fixture
def sky() -> SkyMap:
    return make_sky()


@pytest.fixture
def measurements() -> Callable[..., Measurements]:
    return make_measurements


@pytest.fixture
def fake_model() -> type[FakeModel]:
    return FakeModel
