"""Judges frames one by one: from the workers to the session, or to another try later."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from ..errors import NightLogError, WorkerLost, WorkerUnavailable
from ..judge import SecondLook
from ..records import Failed, Outcome
from ..session import Session
from ..watch import FolderSource
from ..worker import Examiner
from .backlog import Backlog
from .retries import Retries, WorkerPause

log = logging.getLogger(__name__)


@dataclass
class GradingLoop:
    """The loop that grades frames in a running daemon, one by one; for the thread that works.

    Attributes:
        source: hands frames on again that met passing trouble.
        backlog: frames that wait for a worker.
        pool: the workers, which take frames from the backlog themselves.
        pause: holds while no worker can be started.
        on_wait: called while a second look waits for a worker.
    """

    source: FolderSource
    backlog: Backlog
    pool: Examiner
    session: Session
    retries: Retries
    pause: WorkerPause
    on_wait: Callable[[], None] = lambda: None
    _second_looks: deque[SecondLook] = field(default_factory=deque)

    def ask_again(self) -> None:
        """Ask the source for the files whose next try is due."""
        for path in self.retries.take_due():
            log.debug("%s is tried again", path)
            self.source.reopened.ask(path)

    def grade_next(self, timeout_s: float) -> bool:
        """Take the next frame to its outcome; when there is none, look again at the doubtful ones of the beginning.

        Parameters:
            timeout_s: how long to wait for an outcome.

        Returns:
            whether to go on; not when the workers were stopped.
        """
        try:
            outcomes = self.pool.take(self.session.baseline_for, timeout_s)
            if not outcomes:
                self._look_again_while_idle()
        except WorkerUnavailable as error:
            # No fault of the frame; it keeps its place.
            self._pause(error)
            return True
        for outcome in outcomes:
            self._note_worker(outcome)
            return self._finish(outcome)
        return True

    def finish(self, grace_s: float) -> None:
        """Take the frames in hand to their outcomes, as far as that is possible in so many seconds; take up no others.

        Parameters:
            grace_s: frames without an outcome by then are graded at the next start.
        """
        self.pool.close()
        until_s = time.monotonic() + grace_s
        while self.pool.in_hand and (left_s := until_s - time.monotonic()) > 0.0:
            try:
                for outcome in self.pool.take(self.session.baseline_for, left_s):
                    self._finish(outcome)
            except WorkerUnavailable as error:
                log.info("frames are graded at the next start: %s", error)
                return

    def _look_again_while_idle(self) -> None:
        """Make the second looks that are due. Frames that come now go first."""
        if self._is_idle():
            self._second_looks.extend(self.session.second_looks())
        with self.pool.comparing():
            while self._second_looks and self._is_idle():
                due = self._second_looks[0]
                again = self.pool.examine_again(due.arrival, due.frame_id, self.session.baseline_for, self.on_wait)
                if isinstance(again, Failed) and again.kind == "stopped":
                    return
                self._note_worker(again)
                self._second_looks.popleft()
                self._look_again(again)

    def _is_idle(self) -> bool:
        """Return whether no frame waits for the workers or is with them."""
        return self.backlog.depth() == 0 and self.pool.in_hand == 0

    def _look_again(self, again: Outcome) -> None:
        """Judge a frame by its second look; on an unforeseen error its first verdict stays."""
        try:
            self.session.look_again(again)
        except NightLogError:
            raise
        except Exception:
            log.exception("%s: %s stays as it was judged first", again.frame_id, again.arrival.path.name)

    def _note_worker(self, outcome: Outcome) -> None:
        """End the pause when an outcome shows that there is a worker that works."""
        if isinstance(outcome, Failed) and outcome.retryable and outcome.kind in (WorkerLost.kind, "stopped"):
            if self.pause.why:
                self.pause.prolong()
        elif self.pause.why:
            log.warning("a worker process runs again; frames are graded")
            self.pause.end()

    def _pause(self, error: WorkerUnavailable) -> None:
        """Pause grading because no worker can be started; the reason is logged once."""
        if not self.pause.why:
            log.error("%s", error)
        self.pause.begin(str(error))

    def _finish(self, outcome: Outcome) -> bool:
        """Pass an outcome to the session or put its file off to another try; return whether to go on."""
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
