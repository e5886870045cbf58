"""A preview is small, shows the frame the right way up, and has a grey sky and white stars on any sensor."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from astro_monitor.preview import preview_jpeg
from astro_monitor.preview.frame import MOST_COLOUR_PIXELS, MOST_PIXELS
from astro_monitor.records import KIND_STAR, Arrival, Detections, Frame, FrameMeta, SkyMap

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ARRIVAL = Arrival(
    path=Path("/c/a.fits"), root=Path("/c"), size_bytes=1, mtime_ns=1, first_seen_utc=NOW, settled_utc=NOW, how="named"
)
LETTERS = {"R": 0, "G": 1, "B": 2}


def frame_of(
    pixels: NDArray[np.uint16], *, bayer: str | None = None, row_order: str | None = "TOP-DOWN",
    origin_px: tuple[int, int] = (0, 0),
) -> Frame:  # fmt: skip
    mosaic = None
    if bayer is not None:
        side = 3 if bayer == "XTRANS" else 2
        mosaic = pixels if side == 2 else None
        height, width = (length // side for length in pixels.shape)
        cells = pixels[: height * side, : width * side].reshape(height, side, width, side)
        pixels = cells.mean(axis=(1, 3)).astype(np.uint16)
    return Frame(
        frame_id="0" * 16, sha256="0" * 64, arrival=ARRIVAL, meta=FrameMeta(bayer=bayer, row_order=row_order),
        pixels=pixels, sensor_px_per_px=1, sensor_shape=pixels.shape, saturation_adu=65535.0, mosaic=mosaic,
        origin_px=origin_px,
    )  # fmt: skip


def found(x_px: list[float], y_px: list[float]) -> Detections:
    count = len(x_px)
    return Detections(
        frame_id="0" * 16, x_px=np.array(x_px, np.float32), y_px=np.array(y_px, np.float32),
        score=np.ones(count, np.float32), kind=np.full(count, KIND_STAR, np.uint8),
        peak_adu=np.ones(count, np.float32), snr=np.ones(count, np.float32), bin_factor=1, streaks=(),
        sky=SkyMap(level_adu=np.zeros((1, 1), np.float32), noise_adu=1.0, cell_px=64), model="m",
    )  # fmt: skip


def scene(shape: tuple[int, int], at: list[tuple[int, int]]) -> NDArray[np.float64]:
    """Light of stars of 6 px full width, 1 at their centres."""
    rows, columns = np.arange(shape[0])[:, None], np.arange(shape[1])
    light = np.zeros(shape)
    for row, column in at:
        light += np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * 2.5**2))
    return light


def picture(jpeg: bytes) -> NDArray[np.float64]:
    return np.asarray(Image.open(io.BytesIO(jpeg)), np.float64)


def stars_of(shape: tuple[int, int]) -> list[tuple[int, int]]:
    rng = np.random.default_rng(4)
    return [(int(rng.integers(20, shape[0] - 20)), int(rng.integers(20, shape[1] - 20))) for _ in range(25)]


def exposed(
    bayer: str, shape: tuple[int, int], at: list[tuple[int, int]], *,
    sky: tuple[float, float, float] = (700, 1100, 800), response: tuple[float, float, float] = (0.5, 1.0, 0.7),
    glow: tuple[float, float, float] = (0, 0, 0),
) -> NDArray[np.uint16]:  # fmt: skip
    """A mosaic of white stars as a sensor with other sensitivities for each colour records it."""
    light = scene(shape, at)
    mosaic = np.empty(shape)
    for place, letter in enumerate(bayer):
        own = np.s_[place // 2 :: 2, place % 2 :: 2]
        colour = LETTERS[letter]
        mosaic[own] = sky[colour] + response[colour] * 20_000 * light[own] + glow[colour]
    return np.clip(np.random.default_rng(5).normal(mosaic, 12), 0, 65535).astype(np.uint16)


@pytest.mark.parametrize("shape", [(1, 1), (8, 8), (40, 3000), (1300, 1600)])
def test_any_shape_has_a_preview_of_bounded_size(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).normal(1000, 10, shape).astype(np.uint16)
    shown = picture(preview_jpeg(frame_of(pixels), found([], [])))
    assert 0 < shown.size <= MOST_PIXELS
    assert shown.size > 0.9 * min(pixels.size, MOST_PIXELS)
    if pixels.size <= MOST_PIXELS:
        assert shown.shape == shape


def test_a_strip_that_no_jpeg_file_can_hold_is_made_shorter() -> None:
    pixels = np.random.default_rng(1).normal(1000, 10, (1, 100_000)).astype(np.uint16)
    assert picture(preview_jpeg(frame_of(pixels), found([], []))).shape == (1, 8192)


@pytest.mark.parametrize("shape", [(4, 4), (7, 9), (64, 66), (1801, 2002)])
def test_any_shape_has_a_preview_in_colour(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).normal(1000, 10, shape).astype(np.uint16)
    shown = picture(preview_jpeg(frame_of(pixels, bayer="RGGB"), found([], [])))
    assert shown.shape[2] == 3
    assert shown.shape[0] * shown.shape[1] <= MOST_COLOUR_PIXELS


def test_the_sums_of_the_star_finder_are_used_where_they_are_large_enough() -> None:
    pixels = np.random.default_rng(1).normal(1000, 10, (100, 120)).astype(np.uint16)
    sums = np.random.default_rng(1).normal(1000, 10, (500, 600)).astype(np.float32)
    for binned_adu, shape in ((sums, (500, 600)), (sums[:10, :10], (100, 120))):
        detections = replace(found([], []), binned_adu=binned_adu, binned_px=4)
        assert picture(preview_jpeg(frame_of(pixels), detections)).shape == shape


@pytest.mark.parametrize(("row_order", "row"), [("TOP-DOWN", 30), ("BOTTOM-UP", 69), (None, 69)])
def test_the_frame_is_shown_the_right_way_up(row_order: str | None, row: int) -> None:
    pixels = np.random.default_rng(1).normal(1000, 10, (100, 160)) + 20_000 * scene((100, 160), [(30, 40)])
    shown = picture(preview_jpeg(frame_of(pixels.astype(np.uint16), row_order=row_order), found([], [])))
    assert np.unravel_index(np.argmax(shown), shown.shape) == pytest.approx((row, 40), abs=1)


@pytest.mark.parametrize("bayer", ["RGGB", "BGGR", "GRBG", "GBRG"])
def test_the_sky_is_grey_and_the_stars_are_white_on_any_sensor(bayer: str) -> None:
    shape, at = (400, 600), stars_of((400, 600))
    frame = frame_of(exposed(bayer, shape, at), bayer=bayer)
    shown = picture(preview_jpeg(frame, found([c / 2 for _, c in at], [r / 2 for r, _ in at])))
    sky = np.median(shown, axis=(0, 1))
    assert np.ptp(sky) <= 6
    assert 30 < sky.mean() < 70
    stars = np.array([shown[row // 2, column // 2] for row, column in at])
    assert (stars.max(axis=1) > 180).all()
    assert np.ptp(np.median(stars, axis=0)) <= 20


@pytest.mark.parametrize(("glow", "strongest"), [((900.0, 60.0, 90.0), 0), ((40.0, 90.0, 900.0), 2)])
def test_a_red_nebula_is_red_and_a_blue_one_blue(glow: tuple[float, float, float], strongest: int) -> None:
    shape, at = (400, 600), stars_of((400, 600))
    mosaic = exposed("RGGB", shape, at)
    with_glow = exposed("RGGB", shape, at, glow=glow)
    mosaic[100:200, 200:400] = with_glow[100:200, 200:400]
    shown = picture(preview_jpeg(frame_of(mosaic, bayer="RGGB"), found([c / 2 for _, c in at], [r / 2 for r, _ in at])))
    nebula = np.median(shown[60:90, 120:180], axis=(0, 1))
    assert np.argmax(nebula) == strongest
    assert nebula[strongest] > 1.3 * np.median(np.delete(nebula, strongest))


def test_a_header_that_names_the_array_upside_down_is_noticed() -> None:
    shape, at = (400, 600), stars_of((400, 600))
    frame = frame_of(exposed("RGGB", shape, at), bayer="GBRG")
    shown = picture(preview_jpeg(frame, found([c / 2 for _, c in at], [r / 2 for r, _ in at])))
    assert np.ptp(np.median(shown, axis=(0, 1))) <= 6
    stars = np.median([shown[row // 2, column // 2] for row, column in at], axis=0)
    assert np.ptp(stars) <= 25


def test_the_array_is_known_behind_overscan_of_odd_width() -> None:
    shape, at = (400, 600), stars_of((400, 600))
    mosaic = exposed("RGGB", shape, at, glow=(900.0, 60.0, 90.0))
    mosaic[:200] = exposed("RGGB", shape, at)[:200]
    frame = frame_of(np.ascontiguousarray(mosaic[:, 1:]), bayer="RGGB", origin_px=(1, 0))
    shown = picture(preview_jpeg(frame, found([], [])))
    assert np.argmax(np.median(shown[120:], axis=(0, 1))) == 0


def test_sensors_of_other_colours_are_shown_in_grey() -> None:
    pixels = np.random.default_rng(1).normal(1000, 10, (90, 120)).astype(np.uint16)
    assert Image.open(io.BytesIO(preview_jpeg(frame_of(pixels, bayer="XTRANS"), found([], [])))).mode == "L"


def test_the_same_frame_has_the_same_preview() -> None:
    pixels = exposed("RGGB", (200, 300), [(50, 60)])
    first, second = (preview_jpeg(frame_of(pixels, bayer="RGGB"), found([30.0], [25.0])) for _ in range(2))
    assert first == second
