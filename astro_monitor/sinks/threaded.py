"""A sink in a thread of its own: a slow or failing one never holds the night."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from ..documents import Document
from ..plugins import MAX_FAILURES
from .sink import Sink

log = logging.getLogger(__name__)

FLUSH_EVERY_S = 2.0
"""Seconds between two flushes: lists follow a decision as soon as a person looks, and a burst of frames costs one."""
MOST_WAITING = 10_000
"""Documents that wait for one sink; a night has fewer. What comes on top is dropped for this sink and counted."""
FAILURES_ALLOWED = MAX_FAILURES
"""Failures in a row after which a sink is turned off."""

_Failed = Callable[[str, int, str], None]


@dataclass(frozen=True, slots=True)
class _Flush:
    """A wish to bring everything out; ``done`` is set afterwards."""

    done: threading.Event = field(default_factory=threading.Event)


class ThreadedSink:
    """Runs one sink in its own thread, from the first document on.

    Parameters:
        sink: what to run.
        on_disabled: called with name, number of failures and the last error when the sink is turned off.
        failures_allowed: failures in a row after which it is turned off; ``None``: never.
        flush_every_s: seconds between two flushes.

    Attributes:
        dropped: documents that found the queue full.
    """

    def __init__(
        self,
        sink: Sink,
        *,
        on_disabled: _Failed = lambda name, failures, error: None,
        failures_allowed: int | None = FAILURES_ALLOWED,
        flush_every_s: float = FLUSH_EVERY_S,
    ) -> None:
        self.dropped = 0
        self._sink = sink
        self._on_disabled = on_disabled
        self._failures_allowed = failures_allowed
        self._flush_every_s = flush_every_s
        self._waiting: queue.Queue[Document | _Flush | None] = queue.Queue(MOST_WAITING)
        self._failures = 0
        self._last_error = ""
        self._disabled = False
        # A sink that hangs must not hold the end of the program.
        self._thread = threading.Thread(target=self._run, name=f"sink-{sink.name}", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """Name of the sink."""
        return self._sink.name

    @property
    def disabled(self) -> bool:
        """Whether the sink was turned off because it failed again and again."""
        return self._disabled

    def accept(self, document: Document) -> None:
        """Hand over a document; returns at once, from any thread."""
        if self._disabled:
            return
        try:
            self._waiting.put_nowait(document)
        except queue.Full:
            self.dropped += 1
            if self.dropped == 1:
                log.warning("%s is slower than the documents come; some are not passed on to it", self.name)

    def flush(self, timeout_s: float) -> bool:
        """Have everything brought out that was handed over so far.

        Parameters:
            timeout_s: longest wait.

        Returns:
            whether it was done in time.
        """
        wish = _Flush()
        try:
            self._waiting.put(wish, timeout=timeout_s)
        except queue.Full:
            return False
        return wish.done.wait(timeout_s)

    def close(self, timeout_s: float) -> None:
        """Bring everything out, close the sink and end its thread; a sink that hangs is left behind."""
        try:
            self._waiting.put(None, timeout=timeout_s)
        except queue.Full:
            log.error("%s does not come to an end; it is left behind", self.name)
            return
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.error("%s did not end within %g s; it is left behind", self.name, timeout_s)

    def _run(self) -> None:
        """Pass waiting documents to the sink and flush it regularly until the end; the loop of the sink's thread."""
        next_flush_s = time.monotonic()
        while True:
            try:
                item = self._waiting.get(timeout=max(next_flush_s - time.monotonic(), 0.0) or self._flush_every_s)
            except queue.Empty:
                item = _Flush()
            if isinstance(item, Document):
                self._guarded(partial(self._sink.accept, item))
            # A burst is taken in whole before it is brought out.
            due = time.monotonic() >= next_flush_s and self._waiting.empty()
            if due or not isinstance(item, Document):
                self._guarded(self._sink.flush)
                next_flush_s = time.monotonic() + self._flush_every_s
            if isinstance(item, _Flush):
                item.done.set()
            if item is None:
                self._guarded(self._sink.close)
                return

    def _guarded(self, step: Callable[[], None]) -> None:
        """Call the sink; its errors are logged once each and counted."""
        if self._disabled:
            return
        try:
            step()
        except (Exception, SystemExit) as error:
            self._failures += 1
            sentence = f"{type(error).__name__}: {error}"
            if sentence != self._last_error:
                log.exception("%s failed; the night goes on", self.name)
            self._last_error = sentence
            if self._failures_allowed is not None and self._failures >= self._failures_allowed:
                self._disabled = True
                log.error("%s is turned off after %d failures in a row", self.name, self._failures)
                try:
                    self._on_disabled(self.name, self._failures, sentence)
                except Exception:
                    log.exception("it cannot be written down that %s is turned off", self.name)
        else:
            self._failures, self._last_error = 0, ""
