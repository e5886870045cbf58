"""The same contract without a process: for tests and for debugging. One bad file can end the whole program here."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

from ..records import Arrival, Examined, Failed, Outcome, Skipped, sane
from ..settings import Settings
from .child import Bench, load_pipeline
from .interfaces import BaselineFor, Source
from .recent_looks import LookKeeper, RecentLooks
from .supervised import PIPELINE
from .wire import Compare, LookAt, Looked


class InProcessPool:
    """Looks and compares in the process and thread of the caller, one file after the other.

    Parameters:
        settings: the whole tree.
        source: of files.
        pipeline: name of the stages, or the stages themselves.
        looks: keeps the looks of frames that were compared.
    """

    def __init__(
        self,
        settings: Settings,
        source: Source,
        *,
        pipeline: Any = PIPELINE,
        looks: LookKeeper | None = None,
    ) -> None:
        self._settings = settings
        self._source = source
        self._pipeline = pipeline
        self._bench = Bench(pipeline)
        self._closed = False
        self.looks: LookKeeper = RecentLooks() if looks is None else looks

    @property
    def models(self) -> list[dict[str, str]]:
        """Name, version, sha256 and provider of each model in use."""
        return list(self._pipeline.models())

    @property
    def in_hand(self) -> int:
        """None: each is finished at once."""
        return 0

    def start(self) -> list[dict[str, str]]:
        """Load the models, once.

        Raises:
            ModelError, ConfigError: they cannot be loaded.
        """
        if isinstance(self._pipeline, str):
            self._pipeline = load_pipeline(self._pipeline).open(self._settings)
            self._bench = Bench(self._pipeline)
        return self.models

    def take(self, baseline_for: BaselineFor, timeout_s: float = math.inf) -> list[Outcome]:
        """Take the next file of the source to its outcome; none when there is none."""
        arrivals = [] if self._closed else self._source()
        return [self._finish(self._bench.look(LookAt(arrival=arrival)), baseline_for) for arrival in arrivals]

    def examine_again(
        self,
        arrival: Arrival,
        frame_id: str,
        baseline_for: BaselineFor,
        on_wait: Callable[[], None] = lambda: None,
    ) -> Outcome:
        """Compare a frame once more; look at it again only where its look is not kept."""
        for looked in self.looks.kept(frame_id):
            return self._finish(looked, baseline_for)
        return self._finish(self._bench.look(LookAt(arrival=arrival)), baseline_for)

    @contextmanager
    def comparing(self) -> Iterator[None]:
        """Nothing is to be kept free for it here."""
        yield

    def ring(self) -> None:
        """The source is asked each time anyway."""

    def close(self) -> None:
        """Take no more files from the source."""
        self._closed = True

    def stop(self) -> None:
        """Nothing is left to end."""
        self._closed = True

    def _finish(self, answer: Looked | Skipped | Failed, baseline_for: BaselineFor) -> Outcome:
        """Return the outcome of a file after its look stage; a look is compared with its baseline and kept."""
        if not isinstance(answer, Looked):
            return sane(answer)
        baseline = (baseline_for(answer.key),)
        outcome = self._bench.compare(
            Compare(arrival=answer.arrival, key=answer.key, version=0, baseline=baseline, look=answer.look)
        )
        if isinstance(outcome, Examined):
            self.looks.keep(answer)
        return sane(outcome)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
