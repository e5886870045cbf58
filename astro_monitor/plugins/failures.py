"""The fence around one plugin: its errors are logged and counted, and after some of them it is no longer called."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from ..plain import counted

log = logging.getLogger(__name__)

MAX_FAILURES = 5
"""Errors after which a plugin is no longer called by this process. One odd frame costs at most one or two."""

READER_FAILED = "plugin_failed"
"""Kind of failure of a file whose reader, of a plugin, had an unforeseen error."""

_Answer = TypeVar("_Answer")
_Other = TypeVar("_Other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Disabled:
    """A plugin that is no longer called: the body of a ``plugin.disabled`` document.

    Attributes:
        name: of the plugin.
        version: of its distribution.
        failures: errors that were counted.
        last_error: the last of them, as one sentence.
    """

    name: str
    version: str
    failures: int
    last_error: str


def failure_prefix(name: str) -> str:
    """Return how the sentence about an error of a plugin begins."""
    return f"the plugin {name} failed: "


class Guard:
    """Calls one plugin; for any thread.

    Parameters:
        name: of the plugin.
        version: of its distribution; empty when it has none.

    Attributes:
        failures: errors so far.
        last_error: the last error as one sentence; empty while there was none.
    """

    def __init__(self, name: str, version: str = "") -> None:
        self.name = name
        self.version = version
        self.failures = 0
        self.last_error = ""
        self._lock = threading.Lock()
        self._reported = False

    @property
    def disabled(self) -> bool:
        """Whether the plugin is no longer called."""
        return self.failures >= MAX_FAILURES

    def call(
        self,
        what: str,
        function: Callable[[], _Answer],
        otherwise: Callable[[str], _Other],
        answers: tuple[type[Exception], ...] = (),
    ) -> _Answer | _Other:
        """Call a function of the plugin, unless the plugin is disabled.

        Parameters:
            what: is called, and on which frame, for the log: ``rule dim_frames on frame 0123456789abcdef``.
            function: of the plugin.
            otherwise: called with the reason as a sentence without a full stop when there is no answer.
            answers: errors by which the function answers, such as that a frame is damaged: they are raised. In the
                worker ``MemoryError`` is one: the frame may be too large. In the daemon it is an error of the plugin.
        """
        if self.disabled:
            return otherwise(f"the plugin {self.name} was disabled after {counted(self.failures, 'error')}")
        try:
            return function()
        except (Exception, SystemExit) as error:
            if isinstance(error, answers):
                raise
            log.exception("%s of the plugin %s failed", what, self.name)
            return otherwise(self.fail(f"{type(error).__name__}: {error}"))

    def fail(self, error: str) -> str:
        """Count one error.

        Parameters:
            error: what went wrong.

        Returns:
            a sentence without a full stop.
        """
        with self._lock:
            self.failures += 1
            self.last_error = f"{error.rstrip('.')}."
        if self.failures == MAX_FAILURES:
            log.error(
                "the plugin %s is disabled after %s; update it, or take it out of plugins.on",
                self.name, counted(self.failures, "error"),
            )  # fmt: skip
        return f"{failure_prefix(self.name)}{error}"

    def newly_disabled(self) -> Disabled | None:
        """Return the record of its end, once; else ``None``."""
        with self._lock:
            if not self.disabled or self._reported:
                return None
            self._reported = True
            return Disabled(name=self.name, version=self.version, failures=self.failures, last_error=self.last_error)
