"""What of the pixels is kept in a look."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from astro_monitor.looks import compact, cutouts, picture
from astro_monitor.looks.pixels import CUTOUT_PX, MOST_PICTURE_PX
from astro_monitor.testing.looks import small_look

RNG_SEED = 4


def frame(pixels):
    return SimpleNamespace(pixels=pixels)


def binned(levels, bin_px, noise_adu=10.0):
    return SimpleNamespace(binned_adu=levels, binned_px=bin_px, sky=SimpleNamespace(noise_adu=noise_adu))


def test_nine_cutouts_show_corners_edges_and_the_middle_as_they_are():
    pixels = np.random.default_rng(RNG_SEED).integers(0, 65536, (400, 700)).astype(np.uint16)
    parts = cutouts(frame(pixels))
    assert [(part.top_px, part.left_px) for part in parts] == [
        (top, left) for top in (0, 144, 288) for left in (0, 294, 588)
    ]
    for part in parts:
        rows, columns = slice(part.top_px, part.top_px + CUTOUT_PX), slice(part.left_px, part.left_px + CUTOUT_PX)
        assert np.array_equal(part.level_adu(), pixels[rows, columns])
        assert not part.pixels.flags.writeable
        assert not np.shares_memory(part.pixels, pixels)


@pytest.mark.parametrize("shape", [(8, 8), (CUTOUT_PX, 900), (30, CUTOUT_PX + 1)])
def test_a_small_frame_has_fewer_cutouts_and_none_twice(shape):
    parts = cutouts(frame(np.ones(shape, np.uint16)))
    places = [(part.top_px, part.left_px) for part in parts]
    assert len(places) == len(set(places))
    assert all(part.pixels.shape == tuple(min(CUTOUT_PX, side) for side in shape) for part in parts)


def test_levels_that_are_no_whole_numbers_are_rounded_over_their_range():
    pixels = np.random.default_rng(RNG_SEED).normal(0.01, 0.001, (CUTOUT_PX, CUTOUT_PX)).astype(np.float32)
    (part,) = cutouts(frame(pixels))
    assert np.abs(part.level_adu() - pixels).max() <= part.step_adu
    assert part.step_adu < 0.001 / 1000


def test_the_picture_of_a_large_frame_is_binned_to_its_size():
    levels = np.random.default_rng(RNG_SEED).normal(500, 2, (1000, 1500)).astype(np.float32)
    whole = picture(frame(None), binned(levels, 4))
    assert whole.bin_px == 12
    assert whole.pixels.size <= MOST_PICTURE_PX
    expected = levels[:999, :1500].reshape(333, 3, 500, 3).mean(axis=(1, 3))
    assert np.abs(whole.level_adu() - expected).max() < whole.step_adu
    assert whole.step_adu == pytest.approx(0.25 * 10.0 / 12)


def test_the_picture_of_a_frame_that_was_too_small_to_be_binned_is_the_frame():
    pixels = np.random.default_rng(RNG_SEED).integers(0, 65536, (20, 30)).astype(np.uint16)
    whole = picture(frame(pixels), binned(np.zeros((0, 7), np.float32), 32))
    assert (whole.bin_px, whole.pixels.shape) == (1, (20, 30))
    assert np.abs(whole.level_adu() - pixels).max() <= whole.step_adu


@pytest.mark.parametrize("shape", [(1, 400_000), (400_000, 1), (2, 300_000)])
def test_the_picture_of_a_frame_of_any_shape_is_bounded(shape):
    whole = picture(frame(None), binned(np.ones(shape, np.float32), 4))
    assert 0 < whole.pixels.size <= MOST_PICTURE_PX


def test_levels_that_are_all_alike_have_a_picture():
    whole = picture(frame(None), binned(np.full((10, 10), 7.5, np.float32), 4, noise_adu=0.0))
    assert np.array_equal(whole.level_adu(), np.full((10, 10), 7.5, np.float32))


def test_the_table_of_a_look_holds_numbers_of_32_bits_near_the_measured_ones():
    table = small_look().sources
    kept = compact(table)
    assert np.abs(kept.x_px - table.x_px).max() <= 1 / 512
    assert np.allclose(kept.flux_adu, table.flux_adu, rtol=1e-4, equal_nan=True)
    assert all(
        np.array_equal(values.astype(np.float32), values, equal_nan=True)
        for values in (kept.x_px, kept.y_px, kept.flux_adu, kept.peak_adu, kept.snr, kept.fwhm_px, kept.angle_deg)
    )
