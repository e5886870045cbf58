"""A daemon in a thread, for tests that want the real thing."""

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


def private_settings(state: Path, **sections: Any) -> Settings:
    """Settings that share nothing with a daemon that runs: own state folder, ports of the system's choice."""
    publish = {"address": "tcp://127.0.0.1:0", "control_address": "tcp://127.0.0.1:0", **sections.pop("publish", {})}
    watch = {"quiet_s": 0.5, "rescan_s": 1.0, **sections.pop("watch", {})}
    return load(None, {"state_folder": state, "publish": publish, "watch": watch, **sections})


class RunningMonitor:
    """Runs a ``Monitor`` in a thread for the time of a ``with`` block and keeps its documents.

    Parameters:
        root: the capture folder.
        settings: for instance from :func:`private_settings`.
        options: further arguments of ``Monitor``.

    Attributes:
        documents: all documents so far.
        monitor: the daemon itself.
    """

    def __init__(self, root: Path, settings: Settings, **options: Any) -> None:
        self.documents: list[Document] = []
        self._heard = threading.Condition()
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._errors: list[BaseException] = []
        self.monitor = Monitor(root, settings, on_document=self._hear, **options)
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
        """The documents about frames."""
        return [document for document in self.documents if document.kind in OUTCOMES]

    def wait_for(self, wanted: Callable[[], bool], what: str) -> None:
        """Wait until something is so.

        Raises:
            TimeoutError: it was not so in time.
        """
        with self._heard:
            if not self._heard.wait_for(lambda: wanted() or bool(self._errors), PATIENCE_S):
                raise TimeoutError(f"waited in vain for {what}; {len(self.documents)} documents came")
        self._raise()

    def wait_until(self, wanted: Callable[[], bool], what: str) -> None:
        """Wait until a condition holds that no document reports.

        Raises:
            TimeoutError: it was not so in time.
        """
        until_s = time.monotonic() + PATIENCE_S
        while not wanted():
            self._raise()
            if time.monotonic() > until_s:
                raise TimeoutError(f"waited in vain for {what}")
            self._stop.wait(0.05)

    def wait_for_outcomes(self, count: int) -> list[Document]:
        """Wait until so many frames have their outcome, and give them."""
        self.wait_for(lambda: len(self.outcomes()) >= count, f"{count} outcomes")
        return self.outcomes()

    def _hear(self, document: Document) -> None:
        with self._heard:
            self.documents.append(document)
            self._heard.notify_all()

    def _run(self) -> None:
        try:
            self.monitor.run(self._stop, self._ready)
        except BaseException as error:
            with self._heard:
                self._errors.append(error)
                self._heard.notify_all()
        finally:
            self._ready.set()

    def _raise(self) -> None:
        if self._errors:
            raise self._errors[0]
