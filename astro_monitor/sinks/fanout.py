"""All ways out of one session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import Self

from ..documents import Document
from .apart import Apart

CLOSE_PATIENCE_S = 10.0
"""Longest wait in seconds for one sink at the end of a session: lists of ten thousand frames take two."""


class Fanout:
    """Hands each document to everyone who wants it; for any thread.

    Parameters:
        direct: called at once, in the caller's thread; they return at once and never raise.
        apart: sinks with threads of their own.
    """

    def __init__(self, direct: Sequence[Callable[[Document], None]] = (), apart: Sequence[Apart] = ()) -> None:
        self._direct = tuple(direct)
        self._apart = list(apart)

    def add(self, sink: Apart) -> None:
        """Add a sink, which takes the documents from now on."""
        self._apart.append(sink)

    def accept(self, document: Document) -> None:
        """Hand one document to all."""
        for tell in self._direct:
            tell(document)
        for sink in self._apart:
            sink.accept(document)

    def flush(self) -> None:
        """Have all sinks bring out what they have, at the same time; those that hang are not waited for long."""
        _at_once([partial(sink.flush, CLOSE_PATIENCE_S) for sink in self._apart])

    def close(self) -> None:
        """End all sinks, at the same time."""
        _at_once([partial(sink.close, CLOSE_PATIENCE_S) for sink in self._apart])

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
