"""Measure a frame and relate it to a baseline at once."""

from __future__ import annotations

from ..measure import Measurer, relate
from ..records import Baseline, Detections, Frame, Measurements, Stars


def measured_against(frame: Frame, detections: Detections, baseline: Baseline) -> tuple[Stars, Measurements]:
    """Return the measured stars of a frame, and all its numbers.

    Parameters:
        frame: the frame.
        detections: of the same frame.
        baseline: what the frame is related to.
    """
    measured = Measurer().measure(frame, detections)
    return measured.stars, relate(measured.measurements, frame.sensor_shape, baseline)
