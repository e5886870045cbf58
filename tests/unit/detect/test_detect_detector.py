"""The whole stage with the shipped model."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from astro_monitor.detect import Detector
from astro_monitor.errors import DetectFailed, ModelError
from astro_monitor.inference import Model, open_model
from astro_monitor.records import KIND_ARTEFACT, KIND_STAR, Arrival, Frame, FrameMeta


@pytest.fixture(scope="module")
def model() -> Model:
    return open_model("star-unet", provider="cpu", threads=2)


@pytest.fixture(scope="module")
def detector(model: Model) -> Detector:
    return Detector(model)


def frame_of(pixels: np.ndarray) -> Frame:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    pixels.flags.writeable = False
    return Frame(
        frame_id="0" * 16,
        sha256="0" * 64,
        arrival=Arrival(
            path=Path("a.fits"), root=Path(), size_bytes=1, mtime_ns=0, first_seen_utc=now, settled_utc=now, how="named"
        ),
        meta=FrameMeta(),
        pixels=pixels,
        sensor_px_per_px=1,
        sensor_shape=pixels.shape,
        saturation_adu=65535.0,
    )


def star_field(
    shape: tuple[int, int], count: int, *, fwhm_px: float = 2.8, seed: int = 1, spacing_px: int = 24
) -> tuple[np.ndarray, np.ndarray]:
    """Well separated bright stars on a flat sky; their (x, y)."""
    rng = np.random.default_rng(seed)
    pixels = 1000 + rng.normal(0, 20, shape)
    slots = [(y, x) for y in range(20, shape[0] - 20, spacing_px) for x in range(20, shape[1] - 20, spacing_px)]
    places = []
    for slot in rng.permutation(len(slots))[:count]:
        y, x = slots[slot][0] + rng.uniform(-3, 3), slots[slot][1] + rng.uniform(-3, 3)
        reach = int(4 * fwhm_px)
        yi, xi = round(y), round(x)
        gy, gx = np.mgrid[yi - reach : yi + reach + 1, xi - reach : xi + reach + 1]
        inside = (gy >= 0) & (gy < shape[0]) & (gx >= 0) & (gx < shape[1])
        light = rng.uniform(600, 9000) * np.exp(-4 * np.log(2) * ((gx - x) ** 2 + (gy - y) ** 2) / fwhm_px**2)
        np.add.at(pixels, (gy[inside], gx[inside]), light[inside])
        places.append((x, y))
    return pixels.clip(0, 65535).astype(np.uint16), np.array(places)


def matched(places: np.ndarray, x: np.ndarray, y: np.ndarray, reach_px: float = 1.5) -> int:
    return sum(bool(len(x)) and np.hypot(x - px, y - py).min() < reach_px for px, py in places)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(300, 400), (257, 263)])
def test_bright_stars_are_found_once_and_in_place(detector: Detector, dtype: type, shape: tuple[int, int]) -> None:
    pixels, places = star_field(shape, 60)
    detections = detector.detect(frame_of(pixels.astype(dtype)))
    assert matched(places, detections.x_px, detections.y_px) >= 0.97 * len(places)
    assert np.count_nonzero(detections.kind == KIND_STAR) <= 1.1 * len(places) + 1
    assert (np.diff(detections.snr) <= 0).all()
    assert detections.bin_factor == 1
    assert detections.model.startswith("star-unet.")


def test_no_doubles_where_tiles_meet(detector: Detector) -> None:
    pixels, places = star_field((1100, 640), 700, spacing_px=28)
    detections = detector.detect(frame_of(pixels))
    stars = detections.kind != KIND_ARTEFACT
    x, y = detections.x_px[stars].astype(float), detections.y_px[stars].astype(float)
    apart = np.hypot(x[:, None] - x, y[:, None] - y) + 99 * np.eye(len(x))
    assert apart.min() > 2.5
    assert matched(places, x, y) >= 0.97 * len(places)


def test_wide_stars_are_binned_and_found_in_frame_pixels(detector: Detector) -> None:
    pixels, places = star_field((640, 640), 30, fwhm_px=9.0, spacing_px=90)
    detections = detector.detect(frame_of(pixels))
    assert detections.bin_factor in (2, 4)
    assert matched(places, detections.x_px, detections.y_px, 4.0) >= 0.9 * len(places)


@pytest.mark.parametrize("shape", [(8, 8), (25, 25), (31, 400)])
@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_small_and_empty_frames_give_nothing_and_no_warning(
    detector: Detector, shape: tuple[int, int], dtype: type
) -> None:
    for pixels in (np.full(shape, 1000, dtype), np.zeros(shape, dtype), np.full(shape, 65535, dtype)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            detections = detector.detect(frame_of(pixels))
        assert len(detections.x_px) == 0
        assert detections.streaks == ()


def test_noise_alone_has_almost_no_stars(detector: Detector) -> None:
    pixels = np.random.default_rng(7).normal(2000, 25, (800, 800)).astype(np.uint16)
    detections = detector.detect(frame_of(pixels))
    assert np.count_nonzero(detections.kind != KIND_ARTEFACT) <= 3


def test_the_same_frame_gives_the_same_answer(detector: Detector) -> None:
    pixels, _ = star_field((600, 500), 100)
    first, second = detector.detect(frame_of(pixels)), detector.detect(frame_of(pixels.copy()))
    for name in ("x_px", "y_px", "score", "kind", "snr", "peak_adu"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_arrays_are_read_only(detector: Detector) -> None:
    pixels, _ = star_field((200, 200), 10)
    detections = detector.detect(frame_of(pixels))
    assert not any(
        getattr(detections, name).flags.writeable for name in ("x_px", "y_px", "score", "kind", "snr", "peak_adu")
    )


def test_a_trail_is_reported(detector: Detector) -> None:
    pixels, _ = star_field((700, 900), 60)
    y, x = np.mgrid[:700, :900]
    light = 250 * np.exp(-((y - 0.55 * x - 60) ** 2) / (2 * (1.3 * np.hypot(1, 0.55)) ** 2))
    (streak,) = detector.detect(frame_of((pixels + light).astype(np.uint16))).streaks
    assert streak.angle_deg == pytest.approx(np.degrees(np.arctan(0.55)), abs=1.5)
    assert streak.length_px > 600


def test_a_model_of_other_preprocessing_is_refused(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "card", model.card.model_copy(update={"preprocessing_version": "other-1"}))
    with pytest.raises(ModelError, match="preprocessing"):
        Detector(model)


def test_a_model_that_gives_up_is_a_frame_error(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = Detector(model)

    def give_up(inputs: object) -> None:
        raise ModelError("out of memory")

    monkeypatch.setattr(model, "run", give_up)
    with pytest.raises(DetectFailed, match="out of memory"):
        broken.detect(frame_of(star_field((100, 100), 3)[0]))


def infested(pixels: np.ndarray, share: float, seed: int = 8) -> np.ndarray:
    """Add hot pixels with exponentially distributed heights."""
    rng = np.random.default_rng(seed)
    hot = pixels.astype(np.float64)
    chosen = rng.choice(pixels.size, int(share * pixels.size), replace=False)
    hot.ravel()[chosen] += 300 + rng.exponential(4000, len(chosen))
    return hot.clip(0, 65535).astype(np.uint16)


@pytest.mark.parametrize("fwhm_px", [1.6, 2.8, 9.0])
@pytest.mark.parametrize("share", [0.001, 0.01])
def test_stars_are_found_among_a_hundred_times_as_many_hot_pixels(
    detector: Detector, fwhm_px: float, share: float
) -> None:
    pixels, places = star_field((400, 500), 20, fwhm_px=fwhm_px, spacing_px=48)
    clean = detector.detect(frame_of(pixels.copy()))
    detections = detector.detect(frame_of(infested(pixels, share)))
    stars = detections.kind == KIND_STAR
    assert matched(places, detections.x_px[stars], detections.y_px[stars], reach_px=2.5) >= 16
    assert np.count_nonzero(stars) <= 22
    assert detections.bin_factor == clean.bin_factor
    artefacts = np.count_nonzero(detections.kind == KIND_ARTEFACT)
    assert artefacts == pytest.approx(share * pixels.size, rel=0.2, abs=30)
    assert (np.diff(detections.snr) <= 0).all()
