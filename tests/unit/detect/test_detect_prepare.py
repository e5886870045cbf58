"""The stretch against the formula it stands for."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.detect.prepare import Stretch, signal_to_noise
from astro_monitor.detect.sky import sky_map
from astro_monitor.records import SkyMap


def flat(level: float, noise: float, shape: tuple[int, int] = (3, 4)) -> SkyMap:
    return SkyMap(level_adu=np.full(shape, level, np.float32), noise_adu=noise, cell_px=32)


def test_signal_to_noise_is_what_the_stretch_was_made_of() -> None:
    x = np.concatenate([np.linspace(-5, 5, 1001), np.logspace(0, 5, 100)])
    seen = np.log(1 + x / 10).astype(np.float32)
    np.testing.assert_allclose(signal_to_noise(seen), x, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("bin_factor", [1, 2, 4])
def test_window_is_the_logarithm_of_signal_to_noise_beyond_ten(dtype: type, bin_factor: int) -> None:
    rng = np.random.default_rng(3)
    pixels = rng.integers(400, 700, (96, 128)).astype(dtype)
    out = np.empty((96 // bin_factor, 128 // bin_factor), np.float32)
    Stretch(flat(500, 20), pixels.shape, bin_factor).window(pixels, 0, 0, out)
    binned = pixels.reshape(96 // bin_factor, bin_factor, 128 // bin_factor, bin_factor).mean(axis=(1, 3))
    expected = np.log1p(np.maximum((binned - 500) * bin_factor / 20, -5) / 10)
    np.testing.assert_allclose(out, expected, atol=1e-5)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("bin_factor", [1, 2])
def test_the_mean_levels_of_cells_come_from_all_windows_together(dtype: type, bin_factor: int) -> None:
    pixels = np.random.default_rng(6).integers(400, 700, (101, 131)).astype(dtype)
    view = Stretch(flat(500, 20, (5, 6)), pixels.shape, bin_factor)
    rows, columns = (size // 4 for size in view.shape)
    binned_adu = np.full((rows, columns), np.nan, np.float32)
    for top in range(-12, view.shape[0], 32):
        for left in range(-12, view.shape[1], 48):
            view.window(pixels, top, left, np.empty((64, 64), np.float32), binned_adu)
    side = 4 * bin_factor
    expected = pixels[: rows * side, : columns * side].reshape(rows, side, columns, side).mean(axis=(1, 3))
    np.testing.assert_allclose(binned_adu, expected, rtol=1e-5)


def test_outside_the_frame_is_sky() -> None:
    pixels = np.full((64, 64), 900, np.uint16)
    out = np.empty((80, 96), np.float32)
    Stretch(flat(500, 20, (2, 2)), pixels.shape).window(pixels, -8, -16, out)
    inside = np.zeros(out.shape, bool)
    inside[8:72, 16:80] = True
    assert (out[~inside] == 0).all()
    assert (out[inside] > 1).all()


def test_two_windows_of_one_place_agree() -> None:
    rng = np.random.default_rng(4)
    pixels = (1000 + 3 * np.arange(256)[:, None] + rng.normal(0, 9, (256, 256))).astype(np.float32)
    view = Stretch(sky_map(pixels), pixels.shape)
    whole, part = np.empty((256, 256), np.float32), np.empty((64, 96), np.float32)
    view.window(pixels, 0, 0, whole)
    view.window(pixels, 48, 32, part)
    np.testing.assert_allclose(part, whole[48:112, 32:128], atol=1e-5)


def test_a_steep_gradient_leaves_nothing_behind() -> None:
    pixels = np.broadcast_to(np.linspace(500, 3000, 512)[:, None], (512, 512)).astype(np.float32).copy()
    pixels += np.random.default_rng(5).normal(0, 10, pixels.shape).astype(np.float32)
    out = np.empty((512, 512), np.float32)
    Stretch(sky_map(pixels), pixels.shape).window(pixels, 0, 0, out)
    inner = out[96:-96]
    assert np.abs(np.median(inner.reshape(-1, 16, 512), axis=(1, 2))).max() < 0.03
