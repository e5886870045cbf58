"""The interfaces between the rooms, one verb each. Every implementation passes the same contract tests."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .documents import Document
    from .records import Arrival, Baseline, Detections, Frame, FrameMeta, Grade, Measurements, Stars


class FrameSource(Protocol):
    """A folder as a stream of whole files, each once."""

    def arrivals(self, stop: threading.Event) -> Iterator[Arrival]:
        """Yield each file when it is whole, until ``stop`` is set."""
        ...


class OpenedFrame(Protocol):
    """A file whose header is understood and whose pixels wait."""

    meta: FrameMeta
    sensor_shape: tuple[int, int]

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

    def measure(self, frame: Frame, detections: Detections, baseline: Baseline) -> tuple[Stars, Measurements]:
        """Measure; every key of the metric table is present, a missing one has a reason."""
        ...


class FrameGrader(Protocol):
    """Learned quality."""

    def grade(
        self,
        frame: Frame,
        detections: Detections,
        stars: Stars,
        measurements: Measurements,
        baseline: Baseline,
    ) -> Grade:
        """Grade; says so when the frame is out of its domain."""
        ...


class DocumentStore(Protocol):
    """Durable before it returns."""

    def append(self, kind: str, body: dict[str, Any], cause: str = "") -> Document:
        """Give the document its sequence number and keep it."""
        ...

    def after(self, seq: int, limit: int) -> Sequence[Document]:
        """Give the documents after ``seq``, in order, at most ``limit``."""
        ...


Sink = Callable[["Document"], None]
"""Told of each logged document; may be slow or fail, never affects the verdict."""
