"""Processes frames one by one: from the backlog through the worker to the session, or to another try later."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass, field

from ..errors import NightLogError, WorkerLost, WorkerUnavailable
from ..records import Arrival, Failed, Outcome
from ..session import Session
from ..watch import FolderSource
from ..worker import Lane
from .backlog import Backlog
from .retries import Retries, WorkerPause

log = logging.getLogger(__name__)


@dataclass
class Desk:
    """The way of a frame through a running daemon; for the thread that works.

    Attributes:
        source: hands frames on again that met passing trouble.
        pause: holds while no worker can be started.
    """

    source: FolderSource
    backlog: Backlog
    lane: Lane
    session: Session
    retries: Retries
    pause: WorkerPause
    _second_looks: deque[Arrival] = field(default_factory=deque)

    def ask_again(self) -> None:
        """Ask the source for the files whose next try is due."""
        for path in self.retries.take_due():
            log.debug("%s is tried again", path)
            self.source.reopened.ask(path)

    def grade_next(self, timeout_s: float) -> bool:
        """Take the next frame to its outcome; when there is none, look again at the doubtful ones of the beginning.

        Parameters:
            timeout_s: how long to wait for one.

        Returns:
            whether to go on; not when the worker was stopped.
        """
        for arrival in self.backlog.take(timeout_s):
            try:
                outcome = self._examined(arrival)
            except WorkerUnavailable as error:
                # No fault of the frame; it keeps its place.
                self.backlog.put(arrival)
                self._pause(error)
                return True
            return self._finish(outcome)
        self._second_looks.extend(self.session.second_looks() if self.backlog.depth() == 0 else ())
        # Frames that come now go first.
        while self._second_looks and self.backlog.depth() == 0:
            try:
                again = self._examined(self._second_looks[0])
            except WorkerUnavailable as error:
                self._pause(error)
                break
            self._second_looks.popleft()
            self._look_again(again)
        return True

    def _look_again(self, again: Outcome) -> None:
        try:
            self.session.look_again(again)
        except NightLogError:
            raise
        except Exception:
            log.exception("%s stays as it was judged first", again.arrival.path.name)

    def _examined(self, arrival: Arrival) -> Outcome:
        outcome = self.lane.examine(arrival, self.session.baselines())
        if isinstance(outcome, Failed) and outcome.retryable and outcome.kind in (WorkerLost.kind, "stopped"):
            if self.pause.why:
                self.pause.prolong()
        elif self.pause.why:
            log.warning("a worker process runs again; frames are graded")
            self.pause.end()
        return outcome

    def _pause(self, error: WorkerUnavailable) -> None:
        if not self.pause.why:
            log.error("%s", error)
        self.pause.begin(str(error))

    def _finish(self, outcome: Outcome) -> bool:
        path = outcome.arrival.path
        if isinstance(outcome, Failed) and outcome.kind == "stopped":
            return False
        if not (isinstance(outcome, Failed) and outcome.retryable):
            self.retries.settle(path)
            self.session.take(outcome)
            return True
        quietly = self.retries.put_off(outcome)
        self.source.reopened.keep_open(path)
        if quietly:
            # Each further try would say the same.
            level = logging.INFO if self.retries.failures(path) == 1 else logging.DEBUG
            log.log(level, "%s could not be read; it will be tried again soon: %s", path, outcome.sentence)
        else:
            self.session.take(outcome)
        return True
