"""What others want of the workers, whatever is behind it: a pool for the rooms above, a lane for a pool."""

from __future__ import annotations

import math
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

from ..clock import Clock
from ..records import Arrival, Baseline, BaselineKey, Examined, Failed, Outcome, Skipped
from ..settings import Settings
from .baselines import BaselineVersions
from .ledger import LossLedger
from .wire import Looked

BaselineFor = Callable[[BaselineKey], Baseline]
"""Returns the present baseline of a key."""
Source = Callable[[], list[Arrival]]
"""Returns the next file, or none where there is none now. Called by any thread, one at a time."""


class Examiner(Protocol):
    """Takes files from a source to their outcomes, in their order."""

    @property
    def models(self) -> list[dict[str, str]]:
        """Name, version, sha256 and provider of each model in use."""
        ...

    @property
    def in_hand(self) -> int:
        """How many files were taken from the source and have not been given back."""
        ...

    def take(self, baseline_for: BaselineFor, timeout_s: float = math.inf) -> list[Outcome]:
        """Return the outcome of the next file in order, or none when there is none in time.

        Raises:
            WorkerUnavailable: no worker can take the next file. It keeps its place, and is tried again at the next
                call.
        """
        ...

    def examine_again(
        self, arrival: Arrival, frame_id: str, baseline_for: BaselineFor, on_wait: Callable[[], None] = ...
    ) -> Outcome:
        """Compare a frame once more, out of turn.

        Raises:
            WorkerUnavailable: no worker can take it.
        """
        ...

    def comparing(self) -> AbstractContextManager[None]:
        """Be ready for one comparison after another until the block ends."""
        ...

    def ring(self) -> None:
        """Notify that the source has something."""
        ...

    def close(self) -> None:
        """Take no more files from the source; those in hand go on."""
        ...


class Lane(Protocol):
    """One worker, as a pool needs it."""

    @property
    def models(self) -> list[dict[str, str]]:
        """Name, version, sha256 and provider of each model in use."""
        ...

    @property
    def process_id(self) -> int | None:
        """The system's number of the worker process, or ``None`` when there is none."""
        ...

    @property
    def ready(self) -> bool:
        """Whether there is a process with loaded models."""
        ...

    @property
    def starting_s(self) -> float:
        """How long a worker that is waited for has been starting, in seconds; 0 when none is."""
        ...

    def start(self) -> list[dict[str, str]]:
        """Load the models and describe them."""
        ...

    def look(self, arrival: Arrival) -> Looked | Skipped | Failed:
        """Look at one file; raise ``WorkerUnavailable`` when no worker can."""
        ...

    def compare(self, looked: Looked, baseline: Baseline) -> Examined | Failed:
        """Compare a look; likewise."""
        ...

    def show(self, frame_id: str) -> bytes:
        """Return the preview of the frame that was looked at last, a JPEG file; empty where there is none."""
        ...

    def close(self) -> None:
        """End it after what it has now; return at once."""
        ...

    def stop(self, grace_s: float = 3.0) -> None:
        """End it."""
        ...


class OpenLane(Protocol):
    """Makes a lane."""

    def __call__(
        self,
        settings: Settings,
        *,
        pipeline: str,
        clock: Clock,
        ledger: LossLedger,
        versions: BaselineVersions,
        shows: bool,
    ) -> Lane:
        """Make one, not yet started; ``shows``: whether previews will be asked for."""
        ...
