"""Follow the daemon and keep the status file fresh."""

from __future__ import annotations

import threading
import time
from pathlib import Path

from astro_monitor.errors import PublishError
from astro_monitor.publish import Subscription

from .status import OpenWarnings, judged, write

RENEW_S = 1.0


class Follower:
    """Listens in a thread of its own, because a status must be renewed when nothing happens, too.

    Parameters:
        address, control_address: of the daemon.
        warnings: what makes the sky unsafe.
        path: the status file.
        silent_is_safe: what a silent monitor means.
    """

    def __init__(
        self, address: str, control_address: str, warnings: OpenWarnings, path: Path, *, silent_is_safe: bool
    ) -> None:
        self._stop = threading.Event()
        self._subscription = Subscription(address, control_address, stop=self._stop, patience_s=None)
        self._warnings = warnings
        self._path = path
        self._silent_is_safe = silent_is_safe
        self._heard = threading.Event()
        self._error: PublishError | None = None
        self._listener = threading.Thread(target=self._listen, name="listener", daemon=True)

    def run(self, stop: threading.Event) -> None:
        """Renew the status each second until ``stop`` is set; the last one says that nobody watches any more.

        Raises:
            PublishError: the daemon refuses the connection.
            OSError: the status cannot be written.
        """
        self._listener.start()
        try:
            while not stop.wait(RENEW_S) and self._error is None:
                silent = self._subscription.stale or not self._heard.is_set()
                content = judged(self._warnings, silent=silent, silent_is_safe=self._silent_is_safe)
                write(self._path, content, time.time())
        finally:
            self._stop.set()
            self._path.unlink(missing_ok=True)
        if self._error is not None:
            raise self._error

    def _listen(self) -> None:
        try:
            for document in self._subscription:
                # In order, so that a warning which was closed while the connection was lost is closed here, too.
                self._warnings.hear(document)
                self._heard.set()
        except PublishError as error:
            self._error = error
