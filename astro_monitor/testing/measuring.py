"""Measurement of a frame relative to a baseline in one call."""

from __future__ import annotations

from ..measure import Measurer, relate
from ..records import Baseline, Detections, Frame, Measurements, Stars


def measured_against(frame: Frame, detections: Detections, baseline: Baseline) -> tuple[Stars, Measurements]:
    """Return the measured stars of a frame, and all its measurements.

    Parameters:
        frame: the frame.
        detections: detections of the same frame.
        baseline: the baseline.
    """
    measured = Measurer().measure(frame, detections)
    return measured.stars, relate(measured.measurements, frame.sensor_shape, baseline)
