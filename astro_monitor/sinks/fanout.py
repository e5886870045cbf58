"""All ways out of one session."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
        """Have all sinks bring out what they have; one that hangs is not waited for long."""
        for sink in self._apart:
            sink.flush(CLOSE_PATIENCE_S)

    def close(self) -> None:
        """End all sinks."""
        for sink in self._apart:
            sink.close(CLOSE_PATIENCE_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
