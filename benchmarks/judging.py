"""Frames in memory through the real stages and the judge, one after the other, as a night goes."""

from __future__ import annotations

import time
from dataclasses import dataclass

from astro_monitor.judge import Judge
from astro_monitor.records import Alert, Examined, Frame, Verdict, baseline_key, fitting_baseline
from astro_monitor.settings import Settings
from training.inmemory import InMemory


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
        self._stages = InMemory.shipped()
        self._judge = Judge(settings.judge, settings.site)

    def take(self, frame: Frame) -> Judged:
        """Take one frame through all stages and judge it."""
        look = self._stages.look(frame)
        key = baseline_key(look.meta, look.sensor_shape)
        examined = self._stages.compare(look, fitting_baseline(key, self._judge.all_baselines()))
        begun = time.process_time()
        verdict, alerts = self._judge.judge(examined)
        judge_ms = 1e3 * (time.process_time() - begun)
        return Judged(examined=examined, verdict=verdict, alerts=alerts, judge_ms=judge_ms)
