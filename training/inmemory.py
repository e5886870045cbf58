"""The stages of the program on frames in memory, without files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from astro_monitor.pipeline import Pipeline
from astro_monitor.records import Arrival, Baseline, Examined, Frame, FrameMeta, Look
from astro_monitor.settings import Settings


class FrameInHand:
    """A reader that hands out the frame it holds, whatever file it is asked for.

    Attributes:
        frame_held: the frame.
    """

    frame_held: Frame

    def open(self, arrival: Arrival) -> FrameInHand:
        """Return itself: the frame is open."""
        return self

    @property
    def meta(self) -> FrameMeta:
        """What its header says."""
        return self.frame_held.meta

    @property
    def sensor_shape(self) -> tuple[int, int]:
        """(height, width) of the sensor image."""
        return self.frame_held.sensor_shape

    @property
    def headers(self) -> tuple[Any, ...]:
        """No headers: there is no file."""
        return ()

    @property
    def sha256(self) -> str:
        """Its hash, as made up."""
        return self.frame_held.sha256

    @property
    def frame_id(self) -> str:
        """Its identity, as made up."""
        return self.frame_held.frame_id

    def frame(self) -> Frame:
        """Return the frame."""
        return self.frame_held


class InMemory:
    """A pipeline whose frames come from memory.

    Parameters:
        pipeline: opened with ``hand`` as its reader.
        hand: the reader.
    """

    def __init__(self, pipeline: Pipeline, hand: FrameInHand) -> None:
        self._pipeline = pipeline
        self._hand = hand

    @classmethod
    def shipped(cls, models: Path | None = None) -> InMemory:
        """Open the shipped stages with default settings, on one core.

        Parameters:
            models: another folder of models.
        """
        hand = FrameInHand()
        settings = Settings.model_validate({"models": {"folder": models, "provider": "cpu"}, "worker": {"threads": 1}})
        return cls(Pipeline.open(settings, reader=hand), hand)

    def look(self, frame: Frame) -> Look:
        """Look at a frame.

        Raises:
            TypeError: it cannot be graded.
        """
        self._hand.frame_held = frame
        look = self._pipeline.look(frame.arrival)
        if not isinstance(look, Look):
            raise TypeError(f"a frame in memory must be gradable: {look.sentence}")
        return look

    def compare(self, look: Look, baseline: Baseline) -> Examined:
        """Compare a look with a baseline.

        Raises:
            TypeError: it cannot be graded.
        """
        examined = self._pipeline.compare(look, baseline)
        if not isinstance(examined, Examined):
            raise TypeError(f"a frame in memory must be gradable: {examined.sentence}")
        return examined
