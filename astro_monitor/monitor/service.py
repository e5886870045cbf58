"""What systemd wants to know of a service: that it is ready, that it is alive, that it stops.

The protocol is one datagram of ``NAME=value`` lines to the socket in ``NOTIFY_SOCKET``, see sd_notify(3). Without
that socket nothing is sent.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

LONGEST_PAUSE_S = 5.0
"""Longest pause in seconds between two notices that the program is alive."""


class ServiceManager:
    """The service manager that has started this program, if one has.

    Parameters:
        environment: where it has left its wishes.

    Attributes:
        watchdog_s: it wants to hear from the program at least this often; 0: it does not.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "") if sys.platform != "win32" else ""
        if self._address.startswith("@"):
            # An abstract socket, which begins with a zero byte.
            self._address = "\0" + self._address[1:]
        wanted = environment.get("WATCHDOG_USEC", "")
        for_us = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_s = int(wanted) / 1e6 if self._address and wanted.isdecimal() and for_us else 0.0

    def ready(self, status: str) -> None:
        """Notify that the start is done."""
        self._tell(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        """Notify that the program ends in order."""
        self._tell("STOPPING=1")

    def watch_over(self, is_well: Callable[[], str], stop: threading.Event) -> None:
        """Feed the watchdog while all is well, until ``stop`` is set; when it is not fed, the program is restarted.

        Parameters:
            is_well: gives an empty text when all is well, else what is wrong.
            stop: ends it.
        """
        pause_s = min(self.watchdog_s / 3.0, LONGEST_PAUSE_S) if self.watchdog_s else LONGEST_PAUSE_S
        told = ""
        while not stop.wait(pause_s):
            trouble = is_well()
            if not trouble:
                self._tell("WATCHDOG=1")
            if trouble != told:
                log.log(logging.ERROR if trouble else logging.WARNING, trouble or "all parts move again")
                self._tell(f"STATUS={trouble or 'all parts move again'}")
                told = trouble

    def _tell(self, text: str) -> None:
        """Send a status message to systemd over its notification socket; do nothing without one."""
        if not self._address or sys.platform == "win32":
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
                way.sendto(text.encode("utf-8", "replace"), self._address)
        except OSError as error:
            log.warning("the service manager did not take %r: %s", text, error)
