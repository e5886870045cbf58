"""Frames in memory through the real stages and the judge, one after the other, as a night goes."""

from __future__ import annotations

import time
from dataclasses import dataclass

from astro_monitor.grade import Grader
from astro_monitor.inference import open_model
from astro_monitor.judge import Judge
from astro_monitor.measure import Measurer
from astro_monitor.pipeline import Pipeline
from astro_monitor.records import Alert, Arrival, Examined, Frame, FrameMeta, Verdict
from astro_monitor.settings import Settings
from training.iqa.dataset import shipped_finder


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What became of one frame; ``judge_ms`` is processor time of the judge alone."""

    examined: Examined
    verdict: Verdict
    alerts: tuple[Alert, ...]
    judge_ms: float


class Night:
    """The program without its files: shipped models, default settings, an empty memory."""

    def __init__(self) -> None:
        settings = Settings()
        self._hand = _Hand()
        grader = Grader(open_model("quality", provider="cpu", threads=1), normal_fwhm_arcsec=3.0)
        self._pipeline = Pipeline(self._hand, shipped_finder(), Measurer(), grader)
        self._judge = Judge(settings.judge, settings.site)

    def take(self, frame: Frame) -> Judged:
        """Take one frame through all stages and judge it."""
        self._hand.frame_in_hand = frame
        outcome = self._pipeline.examine(frame.arrival, self._judge.all_baselines())
        if not isinstance(outcome, Examined):
            raise TypeError(f"a simulated frame must be gradable: {outcome.sentence}")
        begun = time.process_time()
        verdict, alerts = self._judge.judge(outcome)
        judge_ms = 1e3 * (time.process_time() - begun)
        return Judged(examined=outcome, verdict=verdict, alerts=alerts, judge_ms=judge_ms)


class _Hand:
    """A reader that gives the frame it is holding."""

    frame_in_hand: Frame

    def open(self, arrival: Arrival) -> _Hand:
        return self

    @property
    def meta(self) -> FrameMeta:
        return self.frame_in_hand.meta

    @property
    def sensor_shape(self) -> tuple[int, int]:
        return self.frame_in_hand.sensor_shape

    @property
    def sha256(self) -> str:
        return self.frame_in_hand.sha256

    @property
    def frame_id(self) -> str:
        return self.frame_in_hand.frame_id

    def frame(self) -> Frame:
        return self.frame_in_hand
