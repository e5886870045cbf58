"""A real daemon in a thread, for tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

from ..documents import Document
from ..monitor import Monitor
from ..nightlog import OUTCOMES
from ..settings import Settings, load

PATIENCE_S = 120.0
"""Longest wait in seconds: generous, since a test that fails waits for it only once."""


def private_settings(state: Path, **sections: Any) -> Settings:
    """Return settings without conflicts with a running daemon: its own state folder, and ports chosen by the system."""
    publish = {"address": "tcp://127.0.0.1:0", "control_address": "tcp://127.0.0.1:0", **sections.pop("publish", {})}
    watch = {"quiet_s": 0.5, "rescan_s": 1.0, **sections.pop("watch", {})}
    return load(None, {"state_folder": state, "publish": publish, "watch": watch, **sections})


class RunningMonitor:
    """Runs a ``Monitor`` in a thread during a ``with`` block and keeps its documents.

    Parameters:
        root: the capture folder.
        settings: for instance the result of :func:`private_settings`.
        options: further arguments of ``Monitor``.

    Attributes:
        documents: all published documents.
        monitor: the daemon.
    """

    def __init__(self, root: Path, settings: Settings, **options: Any) -> None:
        self.documents: list[Document] = []
        self._received = threading.Condition()
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._errors: list[BaseException] = []
        self.monitor = Monitor(root, settings, on_document=self._receive, **options)
        self._thread = threading.Thread(target=self._run, name="running-monitor")

    def __enter__(self) -> RunningMonitor:
        self._thread.start()
        self._ready.wait(PATIENCE_S)
        self._raise()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(PATIENCE_S)
        if error is None:
            self._raise()

    def outcomes(self) -> list[Document]:
        """Return the documents about frames."""
        return [document for document in self.documents if document.kind in OUTCOMES]

    def wait_for(self, condition: Callable[[], bool], description: str) -> None:
        """Wait until a condition holds that follows from documents.

        Raises:
            TimeoutError: the condition did not hold in time.
        """
        with self._received:
            if not self._received.wait_for(lambda: condition() or bool(self._errors), PATIENCE_S):
                raise TimeoutError(f"waited in vain for {description}; {len(self.documents)} documents came")
        self._raise()

    def wait_until(self, condition: Callable[[], bool], description: str) -> None:
        """Wait until a condition holds that does not follow from documents.

        Raises:
            TimeoutError: the condition did not hold in time.
        """
        until_s = time.monotonic() + PATIENCE_S
        while not condition():
            self._raise()
            if time.monotonic() > until_s:
                raise TimeoutError(f"waited in vain for {description}")
            self._stop.wait(0.05)

    def wait_for_outcomes(self, count: int) -> list[Document]:
        """Wait until so many frames have an outcome, and return the outcomes."""
        self.wait_for(lambda: len(self.outcomes()) >= count, f"{count} outcomes")
        return self.outcomes()

    def _receive(self, document: Document) -> None:
        """Note a document of the running daemon and wake the tests that wait for it."""
        with self._received:
            self.documents.append(document)
            self._received.notify_all()

    def _run(self) -> None:
        """Run the daemon in its thread and note the error by which it ends."""
        try:
            self.monitor.run(self._stop, self._ready)
        except BaseException as error:
            with self._received:
                self._errors.append(error)
                self._received.notify_all()
        finally:
            self._ready.set()

    def _raise(self) -> None:
        """Raise the error by which the daemon of a test ended, if there is one."""
        if self._errors:
            raise self._errors[0]
