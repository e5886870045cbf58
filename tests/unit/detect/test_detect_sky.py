"""The sky mesh against skies that are known."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.detect.sky import sky_map


def noise(shape: tuple[int, int], sigma: float, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, sigma, shape)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_level_and_noise_of_a_flat_sky(dtype: type) -> None:
    sky = sky_map((500 + noise((700, 900), 12)).astype(dtype))
    assert np.abs(sky.level_adu - 500).max() < 4
    assert sky.noise_adu == pytest.approx(12, rel=0.03)


def test_stars_do_not_lift_the_sky() -> None:
    rng = np.random.default_rng(2)
    pixels = 500 + noise((600, 600), 10)
    y, x = np.mgrid[-7:8, -7:8]
    star = np.exp(-(x**2 + y**2) / 6.0)
    for _ in range(800):
        top, left = rng.integers(0, 585, 2)
        pixels[top : top + 15, left : left + 15] += 10 ** rng.uniform(2, 4.5) * star
    sky = sky_map(pixels.clip(0, 65535).astype(np.uint16))
    assert np.median(sky.level_adu) == pytest.approx(500, abs=3)
    assert sky.noise_adu == pytest.approx(10, rel=0.25)


def test_a_gradient_is_followed() -> None:
    x = np.linspace(0, 400, 1024)
    sky = sky_map((1000 + x + noise((768, 1024), 5)).astype(np.float32))
    centres = (np.arange(sky.level_adu.shape[1]) + 0.5) * sky.cell_px - 0.5
    inner = slice(1, -1)
    assert np.abs(np.median(sky.level_adu, axis=0) - 1000 - centres * 400 / 1023)[inner].max() < 2


@pytest.mark.parametrize("shape", [(8, 8), (25, 25), (9, 400), (65, 64), (130, 127)])
def test_small_and_narrow_frames(shape: tuple[int, int]) -> None:
    sky = sky_map((300 + noise(shape, 4)).astype(np.uint16))
    assert np.isfinite(sky.level_adu).all()
    assert sky.noise_adu > 0
    grid = sky.level_adu.shape
    assert grid[0] * sky.cell_px <= shape[0]
    assert grid[1] * sky.cell_px <= shape[1]


@pytest.mark.parametrize("value", [0, 1000, 65535])
def test_a_constant_frame_has_the_noise_of_rounding(value: int) -> None:
    assert sky_map(np.full((200, 200), value, np.uint16)).noise_adu == pytest.approx(12**-0.5)
    assert sky_map(np.full((200, 200), value, np.float32)).noise_adu > 0


def test_a_twelve_bit_camera_in_steps_of_sixteen_has_at_least_the_noise_of_its_steps() -> None:
    pixels = (np.rint((1000 + noise((400, 400), 3)) / 16) * 16).astype(np.uint16)
    assert sky_map(pixels).noise_adu == pytest.approx(16 / 12**0.5, rel=0.3)


def test_the_mesh_is_read_only() -> None:
    assert not sky_map(np.zeros((64, 64), np.uint16)).level_adu.flags.writeable
