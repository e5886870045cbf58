"""The same contract without a process: for tests and for debugging. One bad file can end the whole program here."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from ..records import Arrival, Baseline, Outcome, sane
from ..settings import Settings
from .child import load_pipeline, unforeseen
from .lane import PIPELINE
from .wire import Job


class InProcessLane:
    """Grades in the process of the caller."""

    def __init__(self, settings: Settings, *, pipeline: str = PIPELINE) -> None:
        self._settings = settings
        self._pipeline_name = pipeline
        self._pipeline: Any = None

    def start(self) -> list[dict[str, str]]:
        """Load the models, once.

        Raises:
            ModelError, ConfigError: they cannot be loaded.
        """
        if self._pipeline is None:
            self._pipeline = load_pipeline(self._pipeline_name).open(self._settings)
        return list(self._pipeline.models())

    def examine(self, arrival: Arrival, baselines: Iterable[Baseline]) -> Outcome:
        """Take one file through all stages; exactly one outcome."""
        self.start()
        job = Job(arrival=arrival, baselines=tuple(baselines))
        try:
            outcome: Outcome = self._pipeline.examine(job.arrival, job.baselines)
            return sane(outcome)
        except Exception as error:
            return unforeseen(job, f"unforeseen {type(error).__name__}: {error}; please report this file")

    def stop(self) -> None:
        """Let go of the models."""
        self._pipeline = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
