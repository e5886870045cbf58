"""Every arrival ends in exactly one outcome, whatever a stage does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from astro_monitor import metrics
from astro_monitor.errors import DetectFailed, GradeFailed, Incomplete, Unreadable
from astro_monitor.looks import decode, encode
from astro_monitor.pipeline import Pipeline
from astro_monitor.records import (
    CLASSES,
    FAULTS,
    Arrival,
    Baseline,
    Detections,
    Examined,
    Failed,
    Frame,
    FrameMeta,
    Grade,
    Look,
    Measured,
    Measurements,
    Skipped,
    SkyMap,
    SourceFeatures,
    Stars,
    baseline_key,
)

NOW = datetime(2026, 3, 20, tzinfo=UTC)
ARRIVAL = Arrival(
    path=Path("/night/a.fits"),
    root=Path("/night"),
    size_bytes=9,
    mtime_ns=1,
    first_seen_utc=NOW,
    settled_utc=NOW,
    how="scan",
)
META = FrameMeta(kind="light", target="M 31", filter="L", exposure_s=60.0)
NO_STARS = Stars(
    frame_id="ab" * 8,
    **dict.fromkeys(
        ("x_px", "y_px", "flux_adu", "fwhm_px", "a_px", "b_px", "theta_deg", "hfr_px", "dip", "snr"),
        np.zeros(0, np.float32),
    ),
    saturated=np.zeros(0, np.bool_),
    kind=np.zeros(0, np.uint8),
    stamps=np.zeros((0, 25, 25), np.float32),
    stamp_bin=1,
)


class Stages:
    """All stages; each returns what it was set to, and notes what it received."""

    def __init__(self, meta: FrameMeta = META, **errors: Exception) -> None:
        self.meta = meta
        self.errors = errors
        self.baselines: list[Baseline] = []
        self.scales: list[float | None] = []

    def _maybe_fail(self, stage: str) -> None:
        if stage in self.errors:
            raise self.errors[stage]

    sha256, frame_id, sensor_shape, headers = "ab" * 32, "ab" * 8, (64, 80), ()

    def open(self, arrival: Arrival) -> Stages:
        self._maybe_fail("open")
        self.arrival = arrival
        return self

    def frame(self) -> Frame:
        self._maybe_fail("read")
        return Frame(
            frame_id="ab" * 8,
            sha256="ab" * 32,
            arrival=self.arrival,
            meta=self.meta,
            pixels=np.zeros((64, 80), np.uint16),
            sensor_px_per_px=1,
            sensor_shape=(64, 80),
            saturation_adu=65535.0,
        )

    def detect(self, frame: Frame) -> Detections:
        self._maybe_fail("detect")
        none = np.zeros(0, np.float32)
        return Detections(
            frame_id=frame.frame_id,
            x_px=none,
            y_px=none,
            score=none,
            kind=none.astype(np.uint8),
            peak_adu=none,
            snr=none,
            bin_factor=1,
            streaks=(),
            sky=SkyMap(level_adu=np.zeros((1, 1), np.float32), noise_adu=1.0, cell_px=64),
            model="finder.1+aa",
        )

    def measure(self, frame, detections):
        self._maybe_fail("measure")
        self.scales.append(frame.meta.scale_arcsec_px)
        values = dict.fromkeys(metrics.KEYS)
        missing = dict.fromkeys(metrics.KEYS, "nothing was measured")
        measurements = Measurements(
            frame_id=frame.frame_id, values=values, why_missing=missing, field_grid=(), bright_stars=(), streaks=()
        )
        return Measured(stars=NO_STARS, which=np.zeros(0, np.intp), measurements=measurements)

    def features(self, frame, detections, stars) -> SourceFeatures:
        self._maybe_fail("features")
        none = np.zeros(0, np.float32)
        return SourceFeatures(
            features=none, clusters=none, quantisation_error=0.0, source_count=0, stamp_bin=1, profile=(),
            mean_image=np.zeros((25, 25), np.float32), model="s.1+cc",
        )  # fmt: skip

    def fits(self, features) -> bool:
        return True

    def grade(self, features, measurements, baseline) -> Grade:
        self._maybe_fail("grade")
        self.baselines.append(baseline)
        return Grade(
            frame_id=measurements.frame_id,
            label="good",
            probabilities=dict.fromkeys(CLASSES, 0.2),
            cause="none",
            fault_scores=dict.fromkeys(FAULTS, 0.0),
            cause_probability=1.0,
            in_domain=1.0,
            why_unknown="",
            model="q.1+bb",
        )


def pipeline(stages: Stages, **options) -> Pipeline:
    return Pipeline(stages, stages, stages, stages, stages, **options)


def test_a_good_frame_is_examined_with_times_for_each_stage() -> None:
    outcome = pipeline(Stages()).examine(ARRIVAL, ())
    assert isinstance(outcome, Examined)
    assert set(outcome.timings_s) == {"open", "read", "detect", "measure", "keep", "grade", "total"}
    assert outcome.models == ("finder.1+aa", "s.1+cc", "q.1+bb")


def test_the_baseline_that_fits_the_header_is_used() -> None:
    stages = Stages()
    fitting = Baseline(key=baseline_key(META, (64, 80)), size=7)
    other = Baseline(key=replace(fitting.key, filter="ha"), size=9)
    pipeline(stages).examine(ARRIVAL, (other, fitting))
    assert stages.baselines == [fitting]
    pipeline(stages).examine(ARRIVAL, (other,))
    assert stages.baselines[1].size == 0


@pytest.mark.parametrize("kind", ["dark", "flat", "bias", "product"])
def test_calibration_frames_and_products_are_skipped_with_a_note(kind) -> None:
    meta = replace(META, kind=kind, sources={"kind": "IMAGETYP"})
    outcome = pipeline(Stages(meta, detect=AssertionError("must not be called"))).examine(ARRIVAL, ())
    assert isinstance(outcome, Skipped)
    assert outcome.sentence.startswith("IMAGETYP says")


def test_level_and_noise_of_a_bias_frame_are_kept_and_one_that_cannot_be_read_is_still_skipped() -> None:
    class Biases(Stages):
        def frame(self) -> Frame:
            pixels = np.random.default_rng(1).normal(500.0, 6.0, (256, 320)).astype(np.uint16)
            return replace(super().frame(), pixels=pixels)

    meta = replace(META, kind="bias", sources={"kind": "IMAGETYP"})
    seen = pipeline(Biases(meta)).examine(ARRIVAL, ())
    assert isinstance(seen, Skipped)
    assert seen.sky_noise.cells[5].level_adu == pytest.approx(500.0, abs=1.0)
    unread = pipeline(Stages(meta, read=Unreadable("It is cut off.", kind="truncated"))).examine(ARRIVAL, ())
    assert isinstance(unread, Skipped)
    assert unread.sky_noise.cells == ()


@pytest.mark.parametrize(
    ("stage", "error", "kind", "known", "retryable"),
    [
        ("open", Unreadable("It is cut off.", kind="truncated"), "truncated", True, False),
        ("read", Incomplete("It changed while it was read."), "incomplete", True, True),
        ("detect", DetectFailed("The star finder gave up."), "detect_failed", True, False),
        ("measure", MemoryError(), "out_of_memory", True, False),
        ("grade", ZeroDivisionError("division by zero"), "unforeseen", False, False),
    ],
)
def test_an_error_becomes_one_failed_outcome_that_names_its_stage(stage, error, kind, known, retryable, caplog) -> None:
    outcome = pipeline(Stages(**{stage: error})).examine(ARRIVAL, ())
    assert isinstance(outcome, Failed)
    assert outcome.stage == ("read" if stage == "open" else stage)
    assert (outcome.kind, outcome.known, outcome.retryable) == (kind, known, retryable)
    assert outcome.sentence


def test_the_scale_of_the_settings_stands_in_for_a_silent_header() -> None:
    stages = Stages()
    outcome = pipeline(stages, default_scale_arcsec_px=1.5).examine(ARRIVAL, ())
    assert stages.scales == [1.5]
    assert outcome.meta.sources["scale_arcsec_px"] == "setting site.scale_arcsec_px"


def test_a_look_is_compared_with_one_baseline_after_the_other_without_looking_again() -> None:
    stages = Stages()
    whole = pipeline(stages)
    look = whole.look(ARRIVAL)
    assert isinstance(look, Look)
    stages.errors = {stage: AssertionError("must not be called") for stage in ("open", "read", "detect", "measure")}
    key = baseline_key(META, (64, 80))
    first, second = (whole.compare(look, Baseline(key=key, size=size)) for size in (3, 4))
    assert [baseline.size for baseline in stages.baselines] == [3, 4]
    assert isinstance(first, Examined)
    assert replace(first, timings_s={}) == replace(second, timings_s={})


def test_both_steps_in_a_row_are_what_the_pipeline_does_at_once() -> None:
    whole = pipeline(Stages())
    look = whole.look(ARRIVAL)
    assert isinstance(look, Look)
    apart = whole.compare(decode(encode(look)), Baseline(key=baseline_key(META, (64, 80))))
    at_once = whole.examine(ARRIVAL, ())
    assert isinstance(apart, Examined)
    assert isinstance(at_once, Examined)
    assert replace(apart, timings_s={}) == replace(at_once, timings_s={})


def test_the_time_of_both_steps_adds_up() -> None:
    whole = pipeline(Stages())
    look = whole.look(ARRIVAL)
    assert isinstance(look, Look)
    examined = whole.compare(look, Baseline(key=baseline_key(META, (64, 80))))
    assert examined.timings_s["total"] > look.timings_s["total"]
    assert examined.timings_s["grade"] > look.timings_s["grade"]


def test_a_comparison_that_fails_is_the_failure_of_its_frame() -> None:
    whole = pipeline(Stages(grade=GradeFailed("no")))
    look = whole.look(ARRIVAL)
    assert isinstance(look, Look)
    failed = whole.compare(look, Baseline(key=baseline_key(META, (64, 80))))
    assert isinstance(failed, Failed)
    assert (failed.frame_id, failed.stage, failed.kind) == ("ab" * 8, "grade", "grade_failed")
    assert failed.arrival == ARRIVAL


def test_a_caller_that_wants_the_picture_gets_the_frame_while_it_is_in_memory() -> None:
    seen = []
    look = pipeline(Stages()).look(ARRIVAL, on_picture=lambda frame, detections: seen.append((frame, detections)))
    assert isinstance(look, Look)
    ((frame, detections),) = seen
    assert frame.pixels.shape == (64, 80)
    assert detections.model == "finder.1+aa"
