"""The star finder on frames of real telescopes, where they are at hand."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from astro_monitor.detect import Detector
from astro_monitor.inference import open_model
from astro_monitor.read import Reader
from astro_monitor.records import KIND_ARTEFACT, KIND_STAR, Arrival, Detections, Frame

pytestmark = pytest.mark.real

TRAILS = {"061": -71.5, "087": 65.3, "114": -40.6, "194": 85.9, "228": 34.3}
"""Frames of one night with a trail, and its direction in degrees."""


@pytest.fixture(scope="module")
def detector() -> Detector:
    return Detector(open_model("star-unet", provider="cpu", threads=2))


def read(path: Path) -> Frame:
    now = datetime(2026, 1, 2, tzinfo=UTC)
    status = path.stat()
    arrival = Arrival(
        path=path,
        root=path.parent,
        size_bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
        first_seen_utc=now,
        settled_utc=now,
        how="named",
    )
    return Reader().read(arrival)


def stars(found: Detections) -> int:
    return int(np.count_nonzero(found.kind == KIND_STAR))


@pytest.mark.parametrize(("number", "angle_deg"), TRAILS.items())
def test_each_trail_of_the_night_is_found_once(
    detector: Detector, real_frames: Path, number: str, angle_deg: float
) -> None:
    (streak,) = detector.detect(read(real_frames / "night_tres1" / f"tres1-{number}.fit")).streaks
    assert streak.angle_deg == pytest.approx(angle_deg, abs=1.5)
    assert streak.length_px > 300


@pytest.mark.parametrize("number", ["021", "032", "060", "105", "144", "195"])
def test_frames_without_a_trail_show_none(detector: Detector, real_frames: Path, number: str) -> None:
    detections = detector.detect(read(real_frames / "night_tres1" / f"tres1-{number}.fit"))
    assert detections.streaks == ()
    assert detections.bin_factor == 1
    assert 1000 < stars(detections) < 2500


@pytest.mark.parametrize("name", ["bias_0", "dark_0", "flat_0"])
def test_calibration_frames_have_hot_pixels_but_no_stars(detector: Detector, real_frames: Path, name: str) -> None:
    detections = detector.detect(read(real_frames / "huntsman" / f"{name}.fits"))
    assert stars(detections) <= 2
    assert detections.streaks == ()


def test_a_warm_dark_is_mostly_artefacts(detector: Detector, real_frames: Path) -> None:
    detections = detector.detect(read(real_frames / "night_tres1" / "tres1-001d.fit"))
    assert stars(detections) < 0.05 * np.count_nonzero(detections.kind == KIND_ARTEFACT)


@pytest.mark.parametrize(("time", "least_bin"), [("214512", 4), ("213051", 1), ("211922", 4)])
def test_a_star_out_of_focus_is_one_star_in_place(
    detector: Detector, real_frames: Path, time: str, least_bin: int
) -> None:
    (path,) = (real_frames / "focus_run_c8").glob(f"*_20190513_{time}_*")
    frame = read(path)
    detections = detector.detect(frame)
    assert detections.bin_factor >= least_bin
    brightest = int(np.argmax(np.where(detections.kind == KIND_ARTEFACT, 0, detections.snr)))
    pixels = frame.pixels.astype(float) - np.median(frame.pixels)
    bright = pixels > 0.3 * np.percentile(pixels, 99.99)
    y, x = np.nonzero(bright)
    assert np.hypot(detections.x_px[brightest] - np.median(x), detections.y_px[brightest] - np.median(y)) < 12
