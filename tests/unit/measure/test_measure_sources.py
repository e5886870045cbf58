"""All detections become rows: measured where that is possible, with a reason where it is not."""

from __future__ import annotations

import numpy as np
import pytest

from astro_monitor.measure import measure_sources
from astro_monitor.measure.sources import AT_THE_BORDER, BLENDED, TOO_FAINT
from astro_monitor.measure.stamps import select
from astro_monitor.measure.stars import measure_chosen
from astro_monitor.records import KIND_ARTEFACT, KIND_STAR

FWHM_PX, PEAK_ADU, NOISE_ADU = 3.0, 4000.0, 5.0


def scene(make_frame, make_detections, profile, places, peaks, px=1, shape=(300, 400)):
    rng = np.random.default_rng(3)
    pixels = rng.normal(1000.0, NOISE_ADU, shape)
    star = profile(fwhm=FWHM_PX).stamps(1)[0]
    for (x, y), peak in zip(places, peaks, strict=True):
        for row in range(25):
            for column in range(25):
                if 0 <= y - 12 + row < shape[0] and 0 <= x - 12 + column < shape[1]:
                    pixels[y - 12 + row, x - 12 + column] += peak * star[row, column]
    frame = make_frame(np.clip(pixels, 0, 65535).astype(np.uint16), px=px)
    return frame, make_detections(frame, places, peaks)


@pytest.fixture
def make_detections():
    from astro_monitor.records import Detections, SkyMap

    def make(frame, places, peaks):
        order = np.argsort(-np.asarray(peaks, float), kind="stable")
        x, y = np.asarray(places, np.float32)[order].T
        height, width = frame.pixels.shape
        level = np.full((height // 50, width // 50), 1000.0, np.float32)
        return Detections(
            frame_id=frame.frame_id, x_px=x, y_px=y, score=np.ones(len(x), np.float32),
            kind=np.full(len(x), KIND_STAR, np.uint8), peak_adu=np.asarray(peaks, np.float32)[order],
            snr=np.asarray(peaks, np.float32)[order], bin_factor=1, streaks=(),
            sky=SkyMap(level_adu=level, noise_adu=NOISE_ADU, cell_px=50), model="test",
        )  # fmt: skip

    return make


def grid(count: int) -> list[tuple[int, int]]:
    return [(30 + 18 * (i % 20), 30 + 17 * (i // 20)) for i in range(count)]


def test_more_sources_are_measured_than_a_verdict_needs(make_frame, make_detections, profile) -> None:
    places = grid(300)
    frame, detections = scene(make_frame, make_detections, profile, places, [PEAK_ADU] * 300)
    table = measure_sources(frame, detections)
    assert len(table) == 300
    assert set(table.note) == {""}
    assert measure_chosen(frame, detections, select(frame, detections))[0].x_px.size == 256
    np.testing.assert_allclose(table.fwhm_px, FWHM_PX, rtol=0.06)
    assert sorted(zip(np.rint(table.x_px), np.rint(table.y_px), strict=True)) == sorted(map(tuple, np.asarray(places)))


@pytest.mark.parametrize("px", [1, 2])
def test_positions_and_widths_are_in_sensor_pixels(make_frame, make_detections, profile, px) -> None:
    frame, detections = scene(make_frame, make_detections, profile, grid(40), [PEAK_ADU] * 40, px=px)
    table = measure_sources(frame, detections)
    assert table.x_px.min() == pytest.approx(30 * px + (px - 1) / 2, abs=0.6 * px)
    np.testing.assert_allclose(table.fwhm_px, FWHM_PX * px, rtol=0.06)


def test_what_cannot_be_measured_says_why_and_comes_last(make_frame, make_detections, profile) -> None:
    places = [*grid(20), (3, 150), (200, 250)]
    frame, detections = scene(make_frame, make_detections, profile, places, [PEAK_ADU] * 20 + [PEAK_ADU * 2, 0.5])
    table = measure_sources(frame, detections)
    assert set(table.note[:20]) == {""}
    assert sorted(table.note[20:]) == sorted([AT_THE_BORDER, TOO_FAINT])
    assert np.isnan(table.fwhm_px[20:]).all()
    assert np.isnan(table.snr[20:]).all()
    assert np.isfinite(table.peak_adu).all()


def test_light_of_a_brighter_neighbour_is_said(make_frame, make_detections, profile) -> None:
    places = [*grid(20), (200, 200), (205, 200)]
    frame, detections = scene(make_frame, make_detections, profile, places, [PEAK_ADU] * 20 + [PEAK_ADU * 3, PEAK_ADU])
    table = measure_sources(frame, detections)
    fainter = int(np.argmin(np.hypot(table.x_px - 205, table.y_px - 200)))
    brighter = int(np.argmin(np.hypot(table.x_px - 200, table.y_px - 200)))
    assert table.note[fainter] in (BLENDED, TOO_FAINT)
    assert table.note[brighter] == ""


def test_no_detections_are_an_empty_table(make_frame, make_detections, profile) -> None:
    frame, detections = scene(make_frame, make_detections, profile, [(30, 30)], [PEAK_ADU])
    empty = {name: getattr(detections, name)[:0] for name in ("x_px", "y_px", "score", "kind", "peak_adu", "snr")}
    from dataclasses import replace

    table = measure_sources(frame, replace(detections, **empty))
    assert len(table) == 0
    assert not table.has_sky_positions
    assert table.count(KIND_ARTEFACT) == 0
