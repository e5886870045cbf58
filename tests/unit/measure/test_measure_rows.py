"""A metric is one row with its extractor; what fails costs its own number."""

from __future__ import annotations

import pytest

from astro_monitor.errors import ConfigError
from astro_monitor.measure import Measurer
from astro_monitor.metrics import KEYS, METRICS, Metric, NoValueError, registered_metrics
from astro_monitor.plugins import MAX_FAILURES
from astro_monitor.testing.plugins import made_plugin, with_plugin


def measured(frame, detections, *rows, plugins=None):
    plugins = plugins or with_plugin(made_plugin(register_metrics=lambda: rows), "sample")
    return Measurer(None, registered_metrics(plugins)).measure(frame, detections).measurements


def row(extract, key="corner_adu") -> Metric:
    return Metric(key, "ADU", "none", "First pixel of the frame", extract)


@pytest.fixture
def a_frame(make_frame, make_detections, field, profile):
    frame = make_frame(field.image(profile(3.0)))
    frame.pixels.flags.writeable = False
    return frame, make_detections(field.x, field.y, field.peak, shape=field.shape)


def test_hook_register_metrics_adds_a_number_with_its_extractor(a_frame) -> None:
    frame, detections = a_frame
    found = measured(frame, detections, row(lambda scene: float(scene.frame.pixels[0, 0])))
    assert found.values["corner_adu"] == float(frame.pixels[0, 0])
    own = Measurer().measure(frame, detections).measurements
    assert {key: found.values[key] for key in KEYS} == own.values
    assert found.why_missing == own.why_missing


def no_value(scene):
    raise NoValueError("the frame has no corner")


@pytest.mark.parametrize(
    ("extract", "reason"),
    [
        (no_value, "the frame has no corner"),
        (lambda scene: 1 / 0, "the plugin sample failed: ZeroDivisionError: division by zero"),
        (lambda scene: "text", "the plugin sample failed: ValueError"),
        (lambda scene: None, "the plugin sample failed: TypeError"),
        (lambda scene: float("nan"), "it is out of range on this frame"),
        (lambda scene: scene.values.update(fwhm_px=1.0), "the plugin sample failed: AttributeError"),
        (lambda scene: scene.frame.pixels.fill(0), "the plugin sample failed: ValueError"),
    ],
)
def test_a_failing_extractor_costs_its_own_number_with_a_reason(a_frame, extract, reason) -> None:
    frame, detections = a_frame
    found = measured(frame, detections, row(extract), row(lambda scene: 7.0, "seven_adu"))
    assert found.values["corner_adu"] is None
    assert found.why_missing["corner_adu"].startswith(reason)
    assert found.values["seven_adu"] == 7.0


def test_after_some_errors_the_extractors_of_a_plugin_are_no_longer_called(a_frame) -> None:
    called = []
    frame, detections = a_frame
    plugins = with_plugin(
        made_plugin(register_metrics=lambda: [row(lambda scene: called.append(1) or 1 / 0)]), "sample"
    )
    for _ in range(MAX_FAILURES + 2):
        found = measured(frame, detections, plugins=plugins)
    assert len(called) == MAX_FAILURES
    assert found.why_missing["corner_adu"] == f"the plugin sample was disabled after {MAX_FAILURES} errors"


@pytest.mark.parametrize(
    "bad",
    [
        Metric("fwhm_px", "px", "lower", "Another width", lambda scene: 1.0),
        Metric("Corner ADU", "ADU", "none", "First pixel", lambda scene: 1.0),
        Metric("corner_adu", "ADU", "none", "First pixel"),
        Metric("corner_adu", "", "none", "First pixel", lambda scene: 1.0),
        Metric("corner_adu", "ADU", "best", "First pixel", lambda scene: 1.0),
    ],
)
def test_a_row_that_cannot_work_is_refused(bad) -> None:
    with pytest.raises(ConfigError, match="the plugin sample"):
        registered_metrics(with_plugin(made_plugin(register_metrics=lambda: [bad]), "sample"))


def test_the_table_of_the_program_is_registered_by_the_same_hook() -> None:
    rows = registered_metrics(with_plugin(made_plugin()))
    assert tuple(registered.row for registered in rows) == METRICS
