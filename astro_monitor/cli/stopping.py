"""How a person or a service manager ends a command."""

from __future__ import annotations

import os
import signal
import threading

from . import ENDED_AT_ONCE


def stop_on_signals() -> threading.Event:
    """Return an event that Ctrl-C or SIGTERM sets; a second one ends the program, a third one whatever it is doing."""
    stop, hurry = threading.Event(), threading.Event()

    def ask(number: int, _: object) -> None:
        if hurry.is_set() and number == signal.SIGINT:
            os._exit(ENDED_AT_ONCE)
        if stop.is_set() and number == signal.SIGINT:
            hurry.set()
            raise KeyboardInterrupt
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask)
    return stop
