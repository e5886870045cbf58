"""The thread that carries what the watcher finds to where it is worked off. It is looked after: should it end before
its time, or find no room to start, it is started again.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from ..clock import Clock

log = logging.getLogger(__name__)

PAUSES_S = (1.0, 2.0, 5.0)
"""Seconds before the thread is started again: after the first, the second and each further end."""
WELL_AFTER_S = 60.0
"""After running this long a thread counts as healthy: the next pause is the first one again."""


class Mover:
    """Keeps one thread running.

    Parameters:
        clock: the source of time.
        carry: what the thread does; it goes on until ``stop`` is set.
        stop: its end is wanted.

    Attributes:
        trouble: why there is no such thread now, as one sentence; empty while there is one. For any thread.
    """

    def __init__(self, clock: Clock, carry: Callable[[threading.Event], None], stop: threading.Event) -> None:
        self.trouble = ""
        self._clock = clock
        self._carry = carry
        self._stop = stop
        self._thread: threading.Thread | None = None
        self._error = ""
        self._started_s = 0.0
        self._next_s = float("-inf")
        self._ends = 0

    def keep(self) -> None:
        """Start the thread when it does not run, and it is time to; called again and again, by one thread."""
        if self._stop.is_set() or (self._thread is not None and self._thread.is_alive()):
            return
        now_s = self._clock.monotonic()
        if self._thread is not None:
            # It has ended by itself, which it never should.
            self._put_off(now_s, self._error or "it has ended")
            self._thread = None
        if now_s < self._next_s:
            return
        thread = threading.Thread(target=self._run, name="arrivals", daemon=True)
        try:
            thread.start()
        except (RuntimeError, MemoryError) as error:
            self._put_off(now_s, str(error) or "no memory")
            return
        if self.trouble:
            log.warning("the folder is watched again")
        self._thread, self._started_s, self.trouble = thread, now_s, ""

    def join(self, timeout_s: float) -> None:
        """Wait for its end, but not longer than this."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def _put_off(self, now_s: float, why: str) -> None:
        """Log that the thread of the watcher has ended, and set the time of its next start."""
        if now_s - self._started_s > WELL_AFTER_S:
            self._ends = 0
        self._next_s = now_s + PAUSES_S[min(self._ends, len(PAUSES_S) - 1)]
        self._ends += 1
        if not self.trouble:
            log.error("the thread that watches the folder is not running (%s); it is started again", why)
        self.trouble = f"New frames are not seen, because the thread that watches the folder does not run ({why})."

    def _run(self) -> None:
        """Carry what the watcher finds until the daemon stops; note the error by which the thread ends."""
        try:
            self._carry(self._stop)
            self._error = ""
        except Exception as error:
            log.exception("the thread that watches the folder has ended by an error; please report this")
            self._error = f"{type(error).__name__}: {error}"
