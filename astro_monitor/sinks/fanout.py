"""The fan-out of one session: each document goes to the bus and to every sink."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from ..documents import Document
from .threaded import ThreadedSink

CLOSE_PATIENCE_S = 10.0
"""Longest wait in seconds for one sink at the end of a session: lists of ten thousand frames take two."""


class SinkFanout:
    """Fan-out of documents: hands each one to all sinks and direct receivers; for any thread.

    Parameters:
        direct: called at once, in the caller's thread; they return at once and never raise.
        threaded: sinks with threads of their own.
    """

    def __init__(
        self, direct: Sequence[Callable[[Document], None]] = (), threaded: Sequence[ThreadedSink] = ()
    ) -> None:
        self._direct = tuple(direct)
        self._threaded = list(threaded)

    def add(self, sink: ThreadedSink) -> None:
        """Add a sink, which takes the documents from now on."""
        self._threaded.append(sink)

    def accept(self, document: Document) -> None:
        """Hand one document to all."""
        for tell in self._direct:
            tell(document)
        for sink in self._threaded:
            sink.accept(document)

    def flush(self) -> None:
        """Have all sinks bring out what they have, at the same time; those that hang are not waited for long."""
        _at_once([partial(sink.flush, CLOSE_PATIENCE_S) for sink in self._threaded])

    def close(self) -> None:
        """End all sinks, at the same time."""
        _at_once([partial(sink.close, CLOSE_PATIENCE_S) for sink in self._threaded])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _at_once(steps: Sequence[Callable[[], object]]) -> None:
    """Take steps that each wait for a sink, in threads of their own, so that sinks that hang cost one wait."""
    threads: list[threading.Thread] = []
    for step in steps[1:]:
        thread = threading.Thread(target=step, name="sink-end", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # no thread can be started
            step()
        else:
            threads.append(thread)
    for step in steps[:1]:
        step()
    for thread in threads:
        thread.join()
