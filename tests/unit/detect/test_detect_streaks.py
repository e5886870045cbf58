"""Trails from maps that are drawn by hand, and pixels to confirm them on."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.detect.sky import sky_map
from astro_monitor.detect.streaks import find_streaks
from astro_monitor.records import Streak

SHAPE = (600, 800)


def scene(
    lines: list[tuple[float, float, float, float]], *, height_sigma: float = 5.0, sigma_px: float = 1.2
) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels with lines from (x0, y0) to (x1, y1), and the map of a perfect network."""
    rng = np.random.default_rng(1)
    pixels = 1000 + rng.normal(0, 10, SHAPE)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]].astype(float)
    marked = np.zeros(SHAPE, bool)
    for x0, y0, x1, y1 in lines:
        length = np.hypot(x1 - x0, y1 - y0)
        along = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / length
        across = ((x - x0) * (y1 - y0) - (y - y0) * (x1 - x0)) / length
        on = (along >= 0) & (along <= length)
        pixels += np.where(on, 10 * height_sigma * np.exp(-(across**2) / (2 * sigma_px**2)), 0)
        marked |= on & (np.abs(across) < 2)
    cells = marked.reshape(150, 4, 200, 4).mean(axis=(1, 3)) > 0.15
    return pixels.clip(0, 65535).astype(np.uint16), np.where(cells, 3.0, -5.0).astype(np.float32)


def found(pixels: np.ndarray, log_odds: np.ndarray, bin_factor: int = 1) -> tuple[Streak, ...]:
    return find_streaks(log_odds, 0.5, pixels, sky_map(pixels), bin_factor)


@pytest.mark.parametrize("ends", [(20, 50, 780, 500), (700, 10, 90, 590), (100, 300, 700, 310), (400, 5, 380, 595)])
def test_one_trail(ends: tuple[float, float, float, float]) -> None:
    (streak,) = found(*scene([ends]))
    x0, y0, x1, y1 = ends
    expected_deg = np.degrees(np.arctan2(y1 - y0, x1 - x0))
    turned = abs(expected_deg - streak.angle_deg) % 180
    assert min(turned, 180 - turned) < 1
    assert -90 < streak.angle_deg <= 90
    assert streak.length_px == pytest.approx(np.hypot(x1 - x0, y1 - y0), rel=0.05)
    assert streak.width_px == pytest.approx(2.355 * 1.2, rel=0.4)


def test_crossing_trails_are_two() -> None:
    streaks = found(*scene([(20, 50, 780, 500), (700, 10, 90, 590)]))
    assert len(streaks) == 2
    assert streaks[0].length_px >= streaks[1].length_px


def test_a_faint_broken_trail_is_one() -> None:
    pixels, log_odds = scene([(20, 50, 780, 500)], height_sigma=1.5)
    rng = np.random.default_rng(2)
    log_odds[rng.random(log_odds.shape) < 0.35] = -5
    (streak,) = found(pixels, log_odds)
    assert streak.length_px > 700


def test_a_marked_line_without_light_is_no_trail() -> None:
    _, log_odds = scene([(20, 50, 780, 500)])
    empty, _ = scene([])
    assert found(empty, log_odds) == ()


def test_scattered_cells_are_no_trail() -> None:
    pixels, log_odds = scene([])
    rng = np.random.default_rng(3)
    log_odds[rng.random(log_odds.shape) < 0.01] = 3
    assert found(pixels, log_odds) == ()


def test_a_sensor_column_is_no_trail() -> None:
    pixels, log_odds = scene([])
    pixels[:, 401] += 60
    log_odds[:, 100] = 3
    assert found(pixels, log_odds) == ()


def test_many_short_parallel_lines_are_trailed_stars() -> None:
    lines = [(60.0 + 110 * i, 60.0 + 70 * j, 130.0 + 110 * i, 85.0 + 70 * j) for i in range(6) for j in range(2, 7)]
    assert found(*scene(lines)) == ()


def test_nothing_is_normal() -> None:
    assert found(*scene([])) == ()


def test_binned_frames_give_frame_pixels() -> None:
    pixels, _ = scene([(20, 50, 780, 500)])
    cells = np.full((75, 100), -5.0, np.float32)
    x = np.arange(3, 97)
    cells[np.rint((50 + (x * 8 + 4 - 20) * 450 / 760) / 8 - 0.5).astype(int), x] = 3
    (streak,) = found(pixels, cells, bin_factor=2)
    assert streak.length_px == pytest.approx(870, rel=0.05)
    assert streak.angle_deg == pytest.approx(30.6, abs=1)
