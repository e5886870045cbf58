"""The stages of the program on frames in memory, without files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from astro_monitor.detect import Detector
from astro_monitor.grade import SourceGrader
from astro_monitor.inference import open_model, source_part_of
from astro_monitor.measure import Measurer
from astro_monitor.pipeline import Pipeline
from astro_monitor.records import (
    CLASSES,
    FAULTS,
    Arrival,
    Baseline,
    Examined,
    Frame,
    FrameMeta,
    Grade,
    Look,
    Measurements,
    SourceFeatures,
)
from astro_monitor.settings import Settings

_NO_GRADE = Grade(
    frame_id="", label="unknown", probabilities=dict.fromkeys(CLASSES, 0.2), fault_scores=dict.fromkeys(FAULTS, 0.0),
    cause="none", cause_probability=0.0, in_domain=0.0, why_unknown="", model="",
)  # fmt: skip
"""What is said of a frame while there is no head of the quality model."""


class Ungraded:
    """In place of the head of the quality model, while there is none."""

    def fits(self, features: SourceFeatures) -> bool:
        """Return whether the features can be graded: always."""
        return True

    def grade(self, features: SourceFeatures, measurements: Measurements, baseline: Baseline) -> Grade:
        """Return a grade that says nothing."""
        return _NO_GRADE


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

    @classmethod
    def looking(cls, models: Path | None = None) -> InMemory:
        """Open the shipped stages that look at a frame, on one core; grades say nothing.

        Parameters:
            models: another folder of models.
        """
        hand = FrameInHand()
        finder, sources = (
            open_model(name, folder=models, provider="cpu", threads=1)
            for name in ("star-unet", source_part_of("quality"))
        )
        return cls(Pipeline(hand, Detector(finder), Measurer(), SourceGrader(sources), Ungraded()), hand)

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
