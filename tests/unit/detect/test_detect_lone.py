"""One star far out of focus, alone in its frame: it is a star, wherever it stands."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from astro_monitor.detect.lone import with_lone_source
from astro_monitor.detect.peaks import Points
from astro_monitor.detect.sky import sky_map
from astro_monitor.records import KIND_ARTEFACT, KIND_STAR

SHAPE = (400, 520)
Y, X = (axis.astype(float) for axis in np.mgrid[: SHAPE[0], : SHAPE[1]])


def picture(light: NDArray[np.float64], seed: int = 3) -> NDArray[np.uint16]:
    noise = np.random.default_rng(seed).normal(0, 20, SHAPE)
    return (1000 + light + noise).clip(0, 65535).astype(np.uint16)


def ring(x: float, y: float, radius_px: float) -> NDArray[np.float64]:
    away = np.hypot(X - x, Y - y)
    return np.asarray(900.0 / (1 + np.exp(away - radius_px)) / (1 + np.exp(0.4 * radius_px - away)))


def points(*sources: tuple[float, float, int]) -> Points:
    x, y, kind = (np.array([source[i] for source in sources]) for i in range(3))
    ones = np.ones(len(sources), np.float32)
    return Points(
        x.astype(np.float32),
        y.astype(np.float32),
        ones,
        kind.astype(np.uint8),
        ones,
        np.eye(3, dtype=np.float32)[kind.astype(int)],
    )


def found(light: NDArray[np.float64], sources: Points, snr: float, bin_factor: int = 4) -> Points:
    pixels = picture(light)
    snrs = np.full(len(sources.x_px), snr, np.float32)
    return with_lone_source(sources, snrs, pixels, sky_map(pixels), bin_factor)


@pytest.mark.parametrize(("x", "y", "radius_px"), [(130.3, 200.8, 6.0), (260.0, 120.0, 9.0), (377.7, 301.2, 11.0)])
def test_a_ring_called_an_artefact_is_a_star(x: float, y: float, radius_px: float) -> None:
    sources = found(ring(x, y, radius_px), points((x / 4, y / 4, KIND_ARTEFACT)), 500.0)
    assert sources.kind.tolist() == [KIND_STAR]
    assert (4 * sources.x_px[0] + 1.5, 4 * sources.y_px[0] + 1.5) == pytest.approx((x, y), abs=1.0)


def test_a_missed_ring_is_a_star_among_faint_ones() -> None:
    sources = found(ring(260.0, 120.0, 9.0), points((20.0, 70.0, KIND_STAR)), 5.0)
    assert sources.kind.tolist() == [KIND_STAR, KIND_STAR]


def test_where_a_star_is_clear_nothing_changes() -> None:
    clear = points((20.0, 70.0, KIND_STAR))
    assert found(ring(260.0, 120.0, 9.0), clear, 50.0) is clear


@pytest.mark.parametrize("bin_factor", [1, 2])
def test_narrow_light_stays_what_the_network_says(bin_factor: int) -> None:
    artefact = points((65.0, 30.0, KIND_ARTEFACT))
    assert found(ring(260.0, 120.0, 9.0), artefact, 500.0, bin_factor) is artefact


@pytest.mark.parametrize(
    "light",
    [np.zeros(SHAPE), 3.0 * X, 8000.0 * (np.hypot(X - 260, Y - 200) < 80), ring(260, 200, 9) * 0.05,
     9000.0 * ((np.abs(X - 260) < 1) & (np.abs(Y - 200) < 1))],
    ids=["nothing", "gradient", "disc of a planet", "faint", "one bright point"],
)  # fmt: skip
def test_other_light_is_no_star(light: NDArray[np.float64]) -> None:
    nothing = points()
    assert found(light, nothing, 0.0) is nothing
