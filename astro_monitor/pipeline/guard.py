"""The one place that catches the errors of the stages, and the watch that knows which stage they came from."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

from ..errors import FrameError
from ..records import Arrival, Failed

log = logging.getLogger(__name__)

_Result = TypeVar("_Result")


@dataclass
class Stopwatch:
    """Which stage a frame is in, and how long each took in seconds of wall time.

    Attributes:
        stage: the stage that runs, or that ran last.
        frame_id: of the frame, once it is known.
        timings_s: so far; a stage in two parts counts both.
    """

    stage: str = "read"
    frame_id: str | None = None
    timings_s: dict[str, float] = field(default_factory=dict)
    _started_s: float = field(default_factory=time.perf_counter)
    _before_s: float = 0.0

    def __post_init__(self) -> None:
        self._before_s = self.timings_s.get("total", 0.0)

    def run(self, stage: str, step: Callable[[], _Result]) -> _Result:
        """Run one stage and add its time."""
        self.stage = stage
        before_s = time.perf_counter()
        try:
            return step()
        finally:
            now_s = time.perf_counter()
            self.timings_s.setdefault(stage, 0.0)
            self.timings_s[stage] += now_s - before_s
            self.timings_s["total"] = self._before_s + now_s - self._started_s


def guarded(arrival: Arrival, watch: Stopwatch, step: Callable[[], _Result]) -> _Result | Failed:
    """Run the pipeline stages of one file; whatever they raise becomes a failed outcome.

    Parameters:
        arrival: the file.
        watch: of this file.
        step: the stages.

    Returns:
        what ``step`` returned, or why it did not.
    """
    try:
        return step()
    except FrameError as error:
        return _failed(arrival, watch, error.kind, str(error), known=True, retryable=error.retryable)
    except MemoryError:
        sentence = "the frame needs more memory than the worker may use; raise worker.memory_mb or remove the file"
        return _failed(arrival, watch, "out_of_memory", sentence, known=True)
    except Exception as error:
        log.exception("%s: %s: unforeseen error in stage %s", watch.frame_id, arrival.path.name, watch.stage)
        sentence = f"unforeseen {type(error).__name__} in stage {watch.stage}: {error}; please report this file"
        return _failed(arrival, watch, "unforeseen", sentence, known=False)


def _failed(
    arrival: Arrival, watch: Stopwatch, kind: str, sentence: str, *, known: bool, retryable: bool = False
) -> Failed:
    """Return the failed outcome of a file, with the pipeline stage in which its error arose."""
    return Failed(
        arrival=arrival,
        frame_id=watch.frame_id,
        stage="read" if watch.stage == "open" else watch.stage,
        kind=kind,
        known=known,
        retryable=retryable,
        sentence=sentence,
        timings_s=watch.timings_s,
    )
