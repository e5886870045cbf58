"""One small interface for every way out of the program."""

from __future__ import annotations

from typing import Protocol

from ..documents import Document


class Sink(Protocol):
    """Takes documents that are safe in the night log, and brings them somewhere: lists, a status file, a phone.

    A sink runs in a thread of its own (:class:`sinks.ThreadedSink`), so it may be slow. It may raise: the night goes
    on, and a sink that fails again and again is turned off.

    Attributes:
        name: for messages; unique among the sinks of a session.
    """

    @property
    def name(self) -> str:
        """Name for messages."""
        ...

    def accept(self, document: Document) -> None:
        """Take one document. Kinds that the sink does not know are to be ignored."""
        ...

    def flush(self) -> None:
        """Bring out what was accepted. Called every few seconds, and before the session ends."""
        ...

    def close(self) -> None:
        """Let go of files and connections; nothing is called afterwards."""
        ...
