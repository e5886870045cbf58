"""Writing into the night log while the disk is full: wait and try again, because a verdict must not be lost."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from ..clock import Clock
from .rows import LogBlocked

log = logging.getLogger(__name__)

LOG_RETRY_S = 2.0
"""Seconds between two tries to write while the disk is full."""

_Written = TypeVar("_Written")


class PatientWriter:
    """Tries to write until it succeeds or the session ends.

    Parameters:
        clock: the source of time.
        stop: ends the waiting.
        on_wait: called each time before a wait.

    Attributes:
        trouble: why nothing can be written now, as one sentence; empty when it can. For any thread.
    """

    def __init__(self, clock: Clock, stop: threading.Event, on_wait: Callable[[], None]) -> None:
        self.trouble = ""
        self._clock = clock
        self._stop = stop
        self._on_wait = on_wait

    def write(self, write: Callable[[], _Written]) -> _Written:
        """Call a function that writes into the night log, until the disk takes it; return its result.

        Raises:
            LogBlocked: the session ended first.
        """
        while True:
            try:
                written = write()
                self.trouble = ""
                return written
            except LogBlocked as error:
                if not self.trouble:
                    log.error("the night log cannot be written (%s); trying again each %.0f s", error, LOG_RETRY_S)
                self.trouble = f"The night log cannot be written: {error}."
                self._on_wait()
                if self._clock.wait(self._stop, LOG_RETRY_S):
                    raise
