"""Overscan is cropped and measured as the pedestal; borders without data are filled, masked and not measured."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

from astro_monitor.read import Reader
from astro_monitor.read.borders import find_border

HEIGHT, WIDTH, EXTRA = 200, 240, 24
SKY, BIAS = 1500.0, 400.0


def sky(height: int = HEIGHT, width: int = WIDTH, level: float = SKY, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(level, 20.0, (height, width))


def read(tmp_path, arrive, values: np.ndarray, dtype: str = "u2", **cards: object):
    path = tmp_path / "frame.fits"
    header = fits.Header()
    for keyword, value in cards.items():
        header[keyword] = value
    fits.PrimaryHDU(np.rint(values).astype(dtype) if dtype != "f4" else values.astype("f4"), header).writeto(
        path, overwrite=True
    )
    return Reader().read(arrive(path))


def with_overscan(left: int = 0, right: int = EXTRA) -> np.ndarray:
    return np.hstack([sky(width=left, level=BIAS, seed=2), sky(), sky(width=right, level=BIAS, seed=3)])


@pytest.mark.parametrize(
    "cards",
    [
        {"BIASSEC": "[241:264,1:200]", "TRIMSEC": "[1:240,1:200]"},
        {"BIASSEC": "[241:264,1:200]", "DATASEC": "[1:240,1:200]"},
        {"BIASSEC": "[241:264,1:200]"},
        {"BIASSEC": "[264:241,200:1]", "TRIMSEC": "[240:1,1:200]"},
        {"BIASSEC": "[481:528,1:400]", "TRIMSEC": "[1:480,1:400]", "CCDSUM": "2 2"},
        {"BIASSEC": "[481:528,1:400]", "TRIMSEC": "[1:480,1:400]", "XBINNING": 2},
        {"BIASSEC": "[241:265,0:201]", "TRIMSEC": "[0:240,0:201]"},
        {"BIASSEC": " [ 241:264 , 1:200 ] ", "TRIMSEC": "[1:240,1:200]", "DATASEC": "[1:264,1:200]"},
    ],
)
def test_overscan_is_left_out_and_gives_the_pedestal(tmp_path, arrive, cards) -> None:
    values = with_overscan()
    frame = read(tmp_path, arrive, values, **cards)
    np.testing.assert_array_equal(frame.pixels, np.rint(values[:, :WIDTH]))
    assert (frame.sensor_shape, frame.origin_px, frame.border) == ((HEIGHT, WIDTH), (0, 0), None)
    assert frame.meta.pedestal_adu == pytest.approx(BIAS, abs=1.5)
    assert frame.meta.sources["pedestal_adu"] == "BIASSEC"
    assert frame.meta.notes == ()


def test_the_picture_may_begin_behind_its_overscan(tmp_path, arrive) -> None:
    values = with_overscan(left=20, right=0)
    frame = read(tmp_path, arrive, values, BIASSEC="[1:18,1:200]", TRIMSEC="[21:260,5:200]")
    np.testing.assert_array_equal(frame.pixels, np.rint(values[4:, 20:]))
    assert frame.origin_px == (20, 4)


def test_overscan_rows(tmp_path, arrive) -> None:
    values = np.vstack([sky(), sky(height=20, level=BIAS, seed=2)])
    frame = read(tmp_path, arrive, values, BIASSEC="[1:240,201:220]")
    assert frame.pixels.shape == (HEIGHT, WIDTH)
    assert frame.meta.pedestal_adu == pytest.approx(BIAS, abs=1.5)


@pytest.mark.parametrize("names", ["BIASSEC{}", "BSEC{}1"])
def test_several_amplifiers_come_to_one_level(tmp_path, arrive, names: str) -> None:
    half = WIDTH // 2
    values = np.hstack([
        sky(width=half), sky(width=12, level=BIAS, seed=2),
        sky(width=12, level=BIAS + 300, seed=3), sky(width=half, level=SKY + 300, seed=4),
    ])  # fmt: skip
    data = names.replace("BIASSEC", "DATASEC").replace("BSEC", "DSEC")
    frame = read(tmp_path, arrive, values, **{
        names.format(1): "[121:132,1:200]", names.format(2): "[133:144,1:200]",
        data.format(1): "[1:120,1:200]", data.format(2): "[145:264,1:200]",
    })  # fmt: skip
    assert frame.pixels.shape == (HEIGHT, WIDTH)
    assert abs(np.median(frame.pixels[:, :half]) - np.median(frame.pixels[:, half:])) < 5.0
    assert np.median(frame.pixels) - frame.meta.pedestal_adu == pytest.approx(SKY - BIAS, abs=4.0)


@pytest.mark.parametrize(
    "cards",
    [
        {"TRIMSEC": "[1:999,1:999]"}, {"TRIMSEC": "[1:20,1:20]"}, {"TRIMSEC": "UNKNOWN"}, {"BIASSEC": "N/A"},
        {"BIASSEC": "[0:0,0:0]"}, {"TRIMSEC": "[1:264,1:200]"}, {"BIASSEC": "[1:264,1:200]"},
        {"BIASSEC": "[241:264,1:200]", "TRIM": "Jun  9 10:33 Trim data section is [1:240,1:200]"},
    ],
)  # fmt: skip
def test_sections_that_make_no_sense_are_passed_over(tmp_path, arrive, cards) -> None:
    values = with_overscan()
    frame = read(tmp_path, arrive, values, **cards)
    np.testing.assert_array_equal(frame.pixels, np.rint(values))
    assert frame.meta.pedestal_adu is None


def test_a_pedestal_in_the_header_counts_before_the_overscan(tmp_path, arrive) -> None:
    frame = read(tmp_path, arrive, with_overscan(), BIASSEC="[241:264,1:200]", CALSTAT="BD")
    assert (frame.meta.pedestal_adu, frame.meta.sources["pedestal_adu"]) == (0.0, "CALSTAT")


@pytest.mark.parametrize("kind", ["nan", "black", "blank", "white"])
def test_a_border_is_filled_with_sky_and_marked(tmp_path, arrive, kind: str) -> None:
    values, dtype, cards = sky(), "f4", {}
    outside = np.zeros(values.shape, bool)
    outside[:30], outside[:, -40:] = True, True
    if kind == "blank":
        dtype, cards = "i2", {"BLANK": -32768}
    values[outside] = {"nan": np.nan, "black": 0.0, "blank": -32768, "white": 65535.0}[kind]
    frame = read(tmp_path, arrive, values, dtype, **cards)
    # Whole numbers next to the border may have the value that fills it, by chance.
    assert (outside & ~frame.border).sum() == 0
    assert (frame.border & ~outside).sum() < 20
    assert frame.bad_pixel_fraction == 0.0
    assert np.median(frame.pixels[outside]) == pytest.approx(SKY, abs=3.0)
    assert np.std(frame.pixels[outside]) == pytest.approx(20.0, rel=0.1)
    again = Reader().read(frame.arrival)
    np.testing.assert_array_equal(frame.pixels, again.pixels)


def test_black_corners_of_a_turned_frame(tmp_path, arrive) -> None:
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    outside = (np.abs((x - 120) * 0.94 + (y - 100) * 0.34) > 110) | (np.abs((y - 100) * 0.94 - (x - 120) * 0.34) > 90)
    frame = read(tmp_path, arrive, np.where(outside, 0, sky()))
    assert (frame.border & ~outside).sum() == 0
    assert (outside & ~frame.border).sum() < 0.01 * outside.sum()


def test_a_border_of_colour_cells(tmp_path, arrive) -> None:
    values = sky()
    values[:31] = 0
    frame = read(tmp_path, arrive, values, BAYERPAT="RGGB")
    assert frame.border.shape == frame.pixels.shape
    assert frame.border[:16].all()
    assert not frame.border[16:].any()


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v, lambda v: v * 0, lambda v: v * 0 + 65535, lambda v: np.clip(v - 1500, 0, None),
        lambda v: np.rint(v / 60.0), lambda v: np.rint(v / 200.0), lambda v: _dead_rows(v), lambda v: _hole(v),
        lambda v: np.clip(v, 0, 1500),
    ],
)  # fmt: skip
def test_ordinary_frames_have_no_border(change) -> None:
    assert find_border(change(sky()).astype(np.uint16)) is None


def _dead_rows(values: np.ndarray) -> np.ndarray:
    values = values.copy()
    values[:2], values[:, -1] = 0, 0
    return values


def _hole(values: np.ndarray) -> np.ndarray:
    values = values.copy()
    values[50:100, 60:120] = 0
    return values


@pytest.mark.parametrize(("dtype", "scale", "factor"), [("u2", 1.0, 1.0), ("f4", 1.0, 1.0), ("f4", 65535.0, 65535.0)])
def test_gain_and_saturation_are_of_the_unit_of_the_pixels(tmp_path, arrive, dtype, scale, factor) -> None:
    """A frame that a program has stored as real numbers from 0 to 1 keeps the gain of the camera in its header."""
    frame = read(tmp_path, arrive, sky() / scale, dtype, EGAIN=0.8, SATURATE=60000.0, PEDESTAL=-100.0)
    assert frame.meta.e_per_adu == pytest.approx(0.8 * factor)
    assert frame.meta.pedestal_adu == pytest.approx(100.0 / factor)
    assert frame.saturation_adu == pytest.approx(60000.0 / factor)
    assert ("16 bits" in frame.meta.sources["e_per_adu"]) == (factor != 1.0)
