"""Pixels against astropy, which is the slow and obvious way to read them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from astro_monitor.errors import Unreadable
from astro_monitor.read import Reader
from astro_monitor.read.pixels import Scaling, to_native
from astro_monitor.read.saturation import saturation_level
from astro_monitor.read.superpixels import mean_of_cells

SHAPE = (97, 131)


def noise(dtype: str, low: float = 0, high: float = 60_000) -> np.ndarray:
    values = np.random.default_rng(1).uniform(low, high, SHAPE)
    return values.astype(dtype)


def with_scaling(path: Path, stored: np.ndarray, **cards: float) -> None:
    # do_not_scale keeps astropy from interpreting BZERO and BSCALE while writing
    unit = fits.PrimaryHDU(stored, do_not_scale_image_data=True)
    unit.writeto(path)
    for keyword, value in cards.items():
        unit.header[keyword] = value
    text = unit.header.tostring()
    path.write_bytes(
        text.encode()
        + stored.astype(stored.dtype.newbyteorder(">")).tobytes().ljust(-(-stored.nbytes // 2880) * 2880, b"\0")
    )


@pytest.mark.parametrize(
    ("values", "expected_type"),
    [
        (noise("u2"), np.uint16),
        (noise("i2", 0, 32_000), np.uint16),
        (noise("i2", -200, 32_000), np.float32),
        (noise("u1", 0, 255), np.uint16),
        (noise("i4"), np.float32),
        (noise("u4"), np.float32),
        (noise("i8"), np.float32),
        (noise("f4"), np.float32),
        (noise("f8"), np.float32),
    ],
)
def test_every_type_reads_as_astropy_reads_it(tmp_path, arrive, values, expected_type) -> None:
    path = tmp_path / "frame.fits"
    fits.PrimaryHDU(values).writeto(path)
    frame = Reader().read(arrive(path))
    assert frame.pixels.dtype == expected_type
    assert frame.pixels.dtype.isnative
    assert frame.pixels.flags.c_contiguous
    assert not frame.pixels.flags.writeable
    assert frame.sensor_shape == frame.pixels.shape == SHAPE
    assert frame.bad_pixel_fraction == 0.0
    with fits.open(path) as units:
        np.testing.assert_array_equal(frame.pixels, units[0].data.astype(expected_type))


@pytest.mark.parametrize(
    ("stored", "cards"),
    [
        (noise("i2", -30_000, 30_000), {"BZERO": 1000.5, "BSCALE": 0.25}),
        (noise("i2", -30_000, 30_000), {"BZERO": 32768, "BSCALE": 2}),
        (noise("i4", -30_000, 30_000), {"BZERO": 0, "BSCALE": 0.5}),
        (noise("u1", 0, 255), {"BZERO": -10, "BSCALE": 3}),
        (noise("f4"), {"BZERO": 5, "BSCALE": 2}),
    ],
)
def test_scaled_numbers(tmp_path, arrive, stored, cards) -> None:
    path = tmp_path / "frame.fits"
    with_scaling(path, stored, **cards)
    frame = Reader().read(arrive(path))
    assert frame.pixels.dtype == np.float32
    with fits.open(path) as units:
        np.testing.assert_allclose(frame.pixels, units[0].data, rtol=1e-6)


def test_large_frames_are_hashed_before_they_are_changed(tmp_path, arrive) -> None:
    import hashlib

    path = tmp_path / "frame.fits"
    values = np.random.default_rng(2).integers(0, 65_536, (1500, 2000), dtype=np.uint16)
    fits.PrimaryHDU(values).writeto(path)
    for _ in range(3):
        frame = Reader().read(arrive(path))
        assert frame.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        assert frame.frame_id == frame.sha256[:16]
        np.testing.assert_array_equal(frame.pixels, values)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_pixels_without_a_value_become_the_median(tmp_path, arrive, dtype: str) -> None:
    values = noise(dtype, 990, 1010)
    values[20:30, 1:] = np.nan
    values[40, 10:15] = np.inf
    values[41, 10:15] = -np.inf
    path = tmp_path / "frame.fits"
    fits.PrimaryHDU(values).writeto(path)
    frame = Reader().read(arrive(path))
    count = 10 * (SHAPE[1] - 1) + 10
    assert frame.bad_pixel_fraction == pytest.approx(count / values.size)
    assert frame.border is None
    assert np.isfinite(frame.pixels).all()
    good = values[np.isfinite(values)]
    assert frame.pixels[20, 5] == pytest.approx(np.median(good), abs=0.5)


@pytest.mark.parametrize("zero", [0, 32768])
def test_blank_integers_become_the_median(tmp_path, arrive, zero: int) -> None:
    stored = noise("i2", 100, 110)
    stored[3] = -32768
    path = tmp_path / "frame.fits"
    with_scaling(path, stored, BZERO=zero, BSCALE=1, BLANK=-32768)
    frame = Reader().read(arrive(path))
    assert frame.pixels.dtype == np.uint16
    assert frame.bad_pixel_fraction == pytest.approx(1 / SHAPE[0])
    assert 100 <= frame.pixels[3].min() - zero <= frame.pixels[3].max() - zero <= 110


def test_no_valid_pixel_is_unreadable(tmp_path, arrive) -> None:
    path = tmp_path / "frame.fits"
    fits.PrimaryHDU(np.full(SHAPE, np.nan, "f4")).writeto(path)
    with pytest.raises(Unreadable) as caught:
        Reader().read(arrive(path))
    assert caught.value.kind == "no_valid_pixels"


def test_a_double_beyond_float32_is_no_value() -> None:
    raw = np.array([1.0, 2.0, 1e300, 3.0], ">f8").view(np.uint8)
    values, bad = to_native(raw, Scaling(-64), lambda end: None)
    assert bad == 0.25
    np.testing.assert_array_equal(values, [1.0, 2.0, 2.0, 3.0])


def test_large_floats_are_values_and_absurd_ones_are_damage() -> None:
    """More than twice what 32 bits hold is no count of any camera, and its square fits no float32."""
    raw = np.full(64, 9e9, ">f4")
    values, bad = to_native(raw.view(np.uint8).copy(), Scaling(-32), lambda end: None)
    assert (bad, values[0]) == (0.0, np.float32(9e9))
    raw[:16] = 3e38
    raw[16:32] = -1e20
    values, bad = to_native(raw.view(np.uint8).copy(), Scaling(-32), lambda end: None)
    assert bad == 0.5
    assert (values == np.float32(9e9)).all()


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(64, 66), (65, 67), (130, 65), (66, 100)])
def test_superpixels_are_the_mean_of_cells(dtype: type, shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(3).integers(0, 65_536, shape).astype(dtype)
    height, width = shape[0] // 2, shape[1] // 2
    cells = pixels[: 2 * height, : 2 * width].astype(np.float64).reshape(height, 2, width, 2)
    expected = cells.mean(axis=(1, 3))
    if dtype == np.uint16:
        expected = np.floor(expected + 0.5)
    result = mean_of_cells(pixels)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, expected)


def test_the_brightest_cells_do_not_overflow() -> None:
    assert mean_of_cells(np.full((64, 64), 65_535, np.uint16)).min() == 65_535


@pytest.mark.parametrize("wall", [4095, 16_383, 30_000, 65_520, 65_535])
def test_a_wall_of_equal_pixels_is_saturation(wall: int) -> None:
    pixels = np.random.default_rng(4).normal(300, 10, (400, 400))
    pixels[100:120, 100:120] = 1e6
    result = saturation_level(pixels.clip(0, wall).astype(np.uint16), None)
    assert result == pytest.approx(0.98 * wall)


@pytest.mark.parametrize("top", [600, 5000, 40_000])
def test_without_a_wall_the_range_of_the_file_counts(top: int) -> None:
    y, x = np.mgrid[:400, :400]
    star = top * np.exp(-((x - 200) ** 2 + (y - 200.3) ** 2) / 18)
    pixels = (np.random.default_rng(5).normal(300, 10, (400, 400)) + star).astype(np.uint16)
    assert saturation_level(pixels, None) == pytest.approx(0.98 * 65_535)


def test_a_constant_frame_is_not_saturated_unless_it_is_full() -> None:
    assert saturation_level(np.full((100, 100), 1000, np.uint16), None) > 1000
    assert saturation_level(np.full((100, 100), 65_535, np.uint16), None) < 65_535


def test_soft_wells_below_the_top_are_saturated() -> None:
    pixels = np.random.default_rng(6).normal(300, 10, (400, 400))
    pixels[100:110, 100] = 59_000 + np.arange(10) * 50
    level = saturation_level(pixels.astype(np.uint16), None)
    assert 50_000 < level < 59_000


@pytest.mark.parametrize(("highest", "least"), [(0.9, 0.9), (60_000.0, 60_000.0), (3e6, 2.9e6)])
def test_float_frames_have_a_level_too(highest: float, least: float) -> None:
    pixels = np.random.default_rng(7).uniform(0, highest, (100, 100)).astype(np.float32)
    level = saturation_level(pixels, None)
    assert np.isfinite(level)
    assert level >= least * 0.9


def test_the_header_knows_best() -> None:
    assert saturation_level(np.full((64, 64), 65_535, np.uint16), 50_000.0) == 50_000.0
