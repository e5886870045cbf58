"""How the daemon is: gathered from its parts for the heartbeat, the health pages and the service manager."""

from __future__ import annotations

import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ..clock import Clock
from ..documents import SessionHeartbeat
from ..nightlog import NightLog
from ..plain import counted, shown
from ..session import Session
from ..watch import FolderSource
from ..worker import WorkerPool
from .backlog import Backlog
from .health import Health
from .jumps import ClockJumps
from .liveness import Pulse
from .mover import Mover
from .retries import Retries, WorkerPause
from .service import ServiceManager

log = logging.getLogger(__name__)

SLOW_START_S = 30.0
"""Loading models takes seconds, tens of them for CUDA after a boot; a longer start is reported."""

WATCH, WORK, BUS = "watch", "work", "bus"

_STANDS_STILL = {
    WATCH: "The watched folder has not answered for {age_s:.0f} s; check its disk or share.",
    WORK: "No frame has been finished for {age_s:.0f} s; restart the daemon if this lasts.",
    BUS: "Nothing has been broadcast for {age_s:.0f} s; restart the daemon if this lasts.",
}


@dataclass
class DaemonState:
    """Looks at the parts of a running daemon; for any thread.

    Attributes:
        folder: of the night log.
        lists_trouble: why the stacking lists cannot be written now; empty when they can.
        pool: the workers, once the first has started.
        mover: the thread of the watcher, once it has started.
    """

    folder: Path
    clock: Clock
    night_log: NightLog
    backlog: Backlog
    source: FolderSource
    session: Session
    pulse: Pulse
    retries: Retries
    pause: WorkerPause
    lists_trouble: Callable[[], str] = str
    pool: WorkerPool | None = None
    mover: Mover | None = None
    manager: ServiceManager = field(default_factory=ServiceManager)

    def __post_init__(self) -> None:
        self._jumps = ClockJumps(self.clock)

    def turn(self) -> None:
        """Take note that the loop that works has gone round, and of what has happened to it meanwhile.

        Raises:
            LogDamaged: damage of the night log was met.
        """
        self.pulse.beat(WORK)
        if self.mover is not None:
            self.mover.keep()
        self.session.check()
        jump_s = self._jumps.look()
        if jump_s:
            log.warning("the clock was set by %+.0f s; times in documents jump with it, their numbers do not", jump_s)
            self.source.rescan()

    def beat_of_the_bus(self) -> SessionHeartbeat:
        """Return the numbers of the next heartbeat, which shows that the publisher moves."""
        self.pulse.beat(BUS)
        return self.heartbeat()

    def heartbeat(self) -> SessionHeartbeat:
        """Return the numbers as they are now."""
        in_hand = self.pool.waiting() if self.pool is not None else []
        settled = [arrival.settled_utc for arrival in (*self.backlog.oldest_settled(), *in_hand)]
        waited_s = max(0.0, (self.clock.utc() - min(settled)).total_seconds()) if settled else 0.0
        return SessionHeartbeat(
            last_seq=self.night_log.last_seq(),
            queue_depth=self.backlog.depth() + len(in_hand) + self.retries.unreported(),
            oldest_waiting_s=round(waited_s, 3),
            frames_judged=self.session.counts.judged,
            frames_failed=self.session.counts.failed,
            free_disk_bytes=self._free_disk_bytes(),
            watcher=self.source.state(),
            trouble=self._not_ready() or self._stuck() or self.lists_trouble(),
        )

    def _free_disk_bytes(self) -> int:
        """Return the space left for the night log; none where its folder has gone or does not answer."""
        try:
            return shutil.disk_usage(self.folder).free
        except OSError:
            return 0

    def health(self) -> Health:
        """Return what the health pages show."""
        return Health(
            heartbeat=self.heartbeat(),
            stuck=self._stuck() or self._no_worker(),
            not_ready=self._not_ready(),
            worker_process=next(iter(self.pool.process_ids), 0) if self.pool is not None else 0,
            frames_skipped=self.session.counts.skipped,
        )

    def _stuck(self) -> str:
        """Return which parts do not work; a watcher that may miss files is one of them."""
        no_thread = self.mover.trouble if self.mover is not None else ""
        return no_thread or _sentence(self.pulse.stuck()) or self.source.trouble()

    def _not_ready(self) -> str:
        """Return why frames cannot be taken, though every part moves; empty when they can."""
        said = self.source.state()
        missing = "" if self.source.root_is_there else f"{said[:1].upper()}{said[1:]}."
        there = os.path.isdir(self.folder)  # noqa: PTH112 - never raises, also without permission
        gone = "" if there else f"The state folder {shown(str(self.folder))} cannot be reached any more."
        return gone or self.session.trouble or missing or self._no_worker() or self.source.blind_spots()

    def _no_worker(self) -> str:
        """Return why there is no worker to grade frames; empty when there is one."""
        starting_s = self.pool.starting_s if self.pool is not None else 0.0
        if starting_s > SLOW_START_S:
            return self.pause.why or f"The worker process has been starting for {starting_s:.0f} s; frames wait for it."
        return self.pause.why

    def ready(self) -> None:
        """Notify the service manager that frames are taken now."""
        self.manager.ready(f"watching; {counted(self.night_log.last_seq(), 'document')} so far")

    def stopping(self) -> None:
        """Notify it that the end is wanted."""
        self.manager.stopping()

    @contextmanager
    def watched_over(self) -> Iterator[None]:
        """Let the service manager know that all parts move, until the block ends."""
        self.pulse.begin()
        ended = threading.Event()
        thread = threading.Thread(
            target=self.manager.watch_over, args=(self._why_to_restart, ended), name="watchdog", daemon=True
        )
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _why_to_restart(self) -> str:
        """Return what a restart may mend; a network share that does not answer is not among it."""
        stuck = self.pulse.stuck()
        return _sentence({part: age_s for part, age_s in stuck.items() if part != WATCH or not self.source.remote})


def _sentence(stuck: Mapping[str, float]) -> str:
    """Return one sentence for each part of the daemon that stands still, with how long it has."""
    return " ".join(_STANDS_STILL[part].format(age_s=age_s) for part, age_s in stuck.items())
