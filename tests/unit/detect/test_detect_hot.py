"""Hot pixels are cleaned before the search; stars never are."""

from __future__ import annotations

import math

import numpy as np
import pytest

from astro_monitor.detect.hot import hot_pixels
from astro_monitor.detect.sky import sky_map

SHAPE = (400, 500)
SKY, NOISE = 1000.0, 10.0


def sky_of(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(SKY, NOISE, SHAPE)


def places(count: int, seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """Places at least eight pixels from each other and from the border."""
    slots = np.random.default_rng(seed).permutation((SHAPE[0] // 8 - 2) * (SHAPE[1] // 8 - 2))[:count]
    row, column = np.divmod(slots, SHAPE[1] // 8 - 2)
    return 8 * row + 10, 8 * column + 10


def add_star(image: np.ndarray, x: float, y: float, flux: float, fwhm: float) -> None:
    """A Gaussian, integrated over pixels."""
    row, column = round(y), round(x)
    edges = np.arange(-4, 5) - 0.5
    scale = fwhm / 2.3548 * math.sqrt(2)
    along = [np.diff([math.erf((edge - at) / scale) for edge in edges]) / 2 for at in (y - row, x - column)]
    image[row - 4 : row + 4, column - 4 : column + 4] += flux * np.outer(*along)


def as_frame(image: np.ndarray, dtype: type = np.uint16) -> np.ndarray:
    pixels = np.clip(np.rint(image), 0, 65535).astype(dtype)
    pixels.flags.writeable = False
    return pixels


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize(
    "neighbours",
    [(), ((0, 1),), ((1, 1),), ((0, 1), (0, 2)), ((1, 0), (0, 1))],
    ids=["one", "pair", "diagonal", "line", "L"],
)
def test_single_hot_pixels_pairs_and_lines_are_replaced(dtype: type, neighbours: tuple[tuple[int, int], ...]) -> None:
    image = sky_of()
    y, x = places(300)
    for dy, dx in ((0, 0), *neighbours):
        image[y + dy, x + dx] += np.random.default_rng(3).uniform(400, 30_000, len(y))
    pixels = as_frame(image, dtype)
    before = pixels.copy()
    hot = hot_pixels(pixels, sky_map(pixels))
    clean = hot.cleaned(pixels)
    assert np.array_equal(pixels, before)
    assert clean.dtype == pixels.dtype
    assert not clean.flags.writeable
    for dy, dx in ((0, 0), *neighbours):
        assert np.abs(clean[y + dy, x + dx] - SKY).max() < 6 * NOISE
    assert np.count_nonzero(hot.peak) == pytest.approx(300 * (1 + len(neighbours)), abs=2)


@pytest.mark.parametrize("fwhm", [1.1, 1.3, 2.0, 4.0])
def test_stars_are_left_alone_however_narrow(fwhm: float) -> None:
    """Among so many hot pixels that the frame is cleaned, no pixel of a star is touched."""
    rng = np.random.default_rng(4)
    image = sky_of()
    y, x = places(700)
    image[y[:300], x[:300]] += rng.uniform(400, 30_000, 300)
    stars = list(zip(x[300:] + rng.uniform(-0.5, 0.5, 400), y[300:] + rng.uniform(-0.5, 0.5, 400), strict=True))
    for star_x, star_y in stars:
        add_star(image, star_x, star_y, rng.uniform(1000, 40_000), fwhm)
    pixels = as_frame(image)
    hot = hot_pixels(pixels, sky_map(pixels))
    assert np.count_nonzero(hot.peak) == pytest.approx(300, abs=3)
    where = np.zeros(SHAPE, bool)
    where[hot.y, hot.x] = True
    touched = sum(where[round(star_y) - 1 : round(star_y) + 2, round(star_x) - 1 : round(star_x) + 2].any()
                  for star_x, star_y in stars)  # fmt: skip
    assert touched <= 2


def test_charge_that_leaked_into_the_sides_is_taken_away_and_a_star_below_stays() -> None:
    image = sky_of()
    y, x = places(300)
    for step_y, step_x, share in ((0, 0, 1.0), (0, 1, 0.06), (1, 0, 0.06), (0, -1, 0.06), (-1, 0, 0.06)):
        image[y + step_y, x + step_x] += share * 20_000
    add_star(image, x[0] + 0.3, y[0] + 0.2, 40_000, 6.0)
    under = sky_of()
    add_star(under, x[0] + 0.3, y[0] + 0.2, 40_000, 6.0)
    pixels = as_frame(image)
    clean = hot_pixels(pixels, sky_map(pixels)).cleaned(pixels)
    around = [clean[y[1:] + dy, x[1:] + dx] for dy in (-1, 0, 1) for dx in (-1, 0, 1)]
    assert np.abs(np.mean(around, axis=1) - SKY).max() < 2 * NOISE
    core = (slice(y[0] - 1, y[0] + 2), slice(x[0] - 1, x[0] + 2))
    assert clean[core] == pytest.approx(under[core], abs=0.2 * (under[core].max() - SKY))


def test_a_frame_with_few_hot_pixels_is_left_as_it_is() -> None:
    image = sky_of()
    y, x = places(20)
    image[y, x] += 5000
    pixels = as_frame(image)
    hot = hot_pixels(pixels, sky_map(pixels))
    assert hot.cleaned(pixels) is pixels


@pytest.mark.parametrize("shape", [(8, 8), (9, 300), (64, 65)])
def test_small_frames_and_hot_borders_do_no_harm(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(900, 1100, shape).astype(np.uint16)
    pixels[[0, -1]] = 65535
    pixels[:, [0, -1]] = 65535
    pixels[4, 4] = 60_000
    clean = hot_pixels(pixels, sky_map(pixels)).cleaned(pixels)
    assert clean.shape == shape
