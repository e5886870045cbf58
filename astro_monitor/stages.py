"""The interfaces between the rooms, one verb each. Every implementation passes the same contract tests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .records import (
        Arrival,
        Baseline,
        Detections,
        Frame,
        FrameMeta,
        Grade,
        Measured,
        Measurements,
        SourceFeatures,
        Stars,
    )


class OpenedFrame(Protocol):
    """A file whose header is understood and whose pixels wait."""

    @property
    def meta(self) -> FrameMeta:
        """What the header says."""
        ...

    @property
    def sensor_shape(self) -> tuple[int, int]:
        """Rows and columns of the light-sensitive area, in sensor pixels."""
        ...

    @property
    def headers(self) -> Sequence[Any]:
        """Headers that concern the image, its own first."""
        ...

    @property
    def sha256(self) -> str:
        """SHA-256 of the file's bytes."""
        ...

    @property
    def frame_id(self) -> str:
        """Its first 16 digits."""
        ...

    def frame(self) -> Frame:
        """Decode the pixels. Raises a ``FrameError``."""
        ...


class FrameReader(Protocol):
    """A file becomes a frame."""

    def open(self, arrival: Arrival) -> OpenedFrame:
        """Take the bytes and understand the header. Raises a ``FrameError``, never returns nothing."""
        ...


class StarFinder(Protocol):
    """A frame becomes detections; the frame is not changed."""

    def detect(self, frame: Frame) -> Detections:
        """Find stars and trails in the whole frame; none is normal."""
        ...


class FrameMeasurer(Protocol):
    """Numbers with units."""

    def measure(self, frame: Frame, detections: Detections) -> Measured:
        """Measure the frame by itself; every key of the metric table is present, a missing one has a reason."""
        ...


class SourceDescriber(Protocol):
    """Sources become features."""

    def features(self, frame: Frame, detections: Detections, stars: Stars) -> SourceFeatures:
        """Describe the sources as the head of the quality model needs them."""
        ...


class FrameGrader(Protocol):
    """Learned quality."""

    def fits(self, features: SourceFeatures) -> bool:
        """Return whether the features come from the model that this one belongs to."""
        ...

    def grade(self, features: SourceFeatures, measurements: Measurements, baseline: Baseline) -> Grade:
        """Grade; says so when the frame is out of its domain."""
        ...
