"""The daemon: watches, hands frames to the worker, logs, publishes. It never parses a frame.

Threads: the source's own, one that moves arrivals into the backlog, one for each worker, which takes frames
from there, the publisher's (it owns all ZeroMQ sockets), one that tells the service manager that all parts move, those
of the health pages, and the caller's, which judges frames one by one, in the order in which workers took them.
"""

from __future__ import annotations

import hashlib
import logging
import queue
import re
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

from ..clock import Clock, SystemClock
from ..counts import Counts
from ..documents import Document
from ..errors import ConfigError
from ..formats import FormatTable
from ..framestore import FrameStore
from ..lists import ListWriters, refuse_capture_folder
from ..nightlog import LogDamaged, NightLog
from ..plain import because
from ..plugins import load_plugins
from ..publish import Publisher
from ..records import Failed
from ..session import Session
from ..settings import Settings
from ..sinks import ListSink, SinkFanout, ThreadedSink, registered_sinks
from ..watch import FolderSource
from ..worker import PIPELINE, WorkerPool
from .backlog import Backlog
from .framefiles import KeptLooks
from .grading import GradingLoop
from .health import HealthPages
from .liveness import Pulse
from .mover import Mover
from .observations import Observations
from .retries import Retries, WorkerPause
from .state import BUS, WATCH, WORK, DaemonState

log = logging.getLogger(__name__)

IDLE_TICK_S = 0.5
"""Longest wait for a frame in seconds before the loop looks at everything else again."""
STUCK_S = 12.0
"""A part that does not go round for so long stands still. Waiting for the worker counts as going round: that has limits
of its own; so does each folder that a scan looks into."""
MOVER_GRACE_S = 4.0
"""A share that hangs holds its thread for ever; the end does not wait for it."""
FINISH_GRACE_S = 3.0
"""At the end, frames in hand have so long to get their outcome; a file that hangs does not delay the end."""
MAX_REBUILDS = 3
"""A log that is damaged again and again is on a disk that a person must look at."""


def rig_folder(settings: Settings, root: Path) -> Path:
    """Return the folder that holds the night log and lists of one watched folder; names never clash.

    Parameters:
        settings: the whole tree.
        root: the watched folder.
    """
    resolved = root.resolve()
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", resolved.name).strip("-.") or "folder"
    digest = hashlib.sha256(str(resolved).encode("utf-8", "surrogateescape")).hexdigest()[:8]
    return settings.state_folder / f"{name}-{digest}"


def lists_folder(settings: Settings, root: Path) -> Path:
    """Return where the stacking lists of one watched folder go, unless another watch has them.

    Parameters:
        settings: the whole tree.
        root: the watched folder.
    """
    if settings.lists.folder:
        return settings.lists.folder
    resolved = root.resolve()
    if settings.lists.beside and resolved.name:
        return resolved.with_name(f"{resolved.name}-lists")
    return rig_folder(settings, root) / "lists"


def check_root(settings: Settings, root: Path) -> None:
    """Refuse a capture folder that cannot be watched, or a state folder that would write into it.

    Raises:
        ConfigError: with one sentence that says what to do.
    """
    if not root.exists():
        raise ConfigError(f"folder {root} does not exist; create it or check the path")
    if not root.is_dir():
        raise ConfigError(f"{root} is not a folder; give the folder into which frames are written")
    try:
        next(root.iterdir(), None)
    except OSError as error:
        raise ConfigError(f"folder {root} cannot be read: {because(error)}; check its permissions") from error
    places = [settings.state_folder, lists_folder(settings, root)]
    for place in places:
        if place.resolve().is_relative_to(root.resolve()):
            raise ConfigError(f"{place} lies inside the watched folder {root}; choose a place outside it")


class Ending(threading.Event):
    """The end of one watch: wished from outside, or needed by the watch itself.

    Parameters:
        wish: somebody else's event.
    """

    def __init__(self, wish: threading.Event) -> None:
        super().__init__()
        self._wish = wish

    def is_set(self) -> bool:
        """Whether either is set."""
        return super().is_set() or self._wish.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the own event; the other's is noticed at the end of the time only, so that it should be short."""
        return self.is_set() or super().wait(timeout) or self.is_set()


class Monitor:
    """One watched folder.

    Parameters:
        root: the capture folder; never written to.
        settings: the whole tree.
        on_document: told of each logged document, after the bus.
        clock: the source of time.
        pipeline: name of the stages that the worker loads; the tests have lighter ones.

    Attributes:
        state: how it is, once it has begun to watch.

    Raises:
        ConfigError: the folder or a setting is wrong.
    """

    def __init__(
        self,
        root: Path,
        settings: Settings,
        *,
        on_document: Callable[[Document], None] = lambda document: None,
        clock: Clock | None = None,
        pipeline: str = PIPELINE,
    ) -> None:
        check_root(settings, root)
        self._root = root.absolute()
        self._settings = settings
        self._plugins = load_plugins(settings)
        self._formats = FormatTable.of(self._plugins)
        self._writers = ListWriters.of(self._plugins)
        self._writers.chosen(settings.lists.formats)
        self._on_document = on_document
        self._clock = clock or SystemClock()
        self._pipeline = pipeline
        self.folder = rig_folder(settings, root)
        self.lists_folder = lists_folder(settings, root)
        # Asked now, while the capture folder answers: a share that hangs later must not hold the lists.
        refuse_capture_folder(self.lists_folder, [self._root])
        self.night_log_path = self.folder / "nightlog.sqlite"
        self.addresses: tuple[str, ...] = ()
        self.health_port = 0
        self.state: DaemonState | None = None
        self._never_whole: queue.SimpleQueue[Failed] = queue.SimpleQueue()

    def make_folder(self) -> None:
        """Make the folder that holds the night log and the lists.

        Raises:
            ConfigError: it cannot be made.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"state folder {self.folder} cannot be made: {because(error)}; set state_folder"
            ) from error

    def run(self, stop: threading.Event, ready: threading.Event | None = None) -> Counts:
        """Watch until ``stop`` is set; then finish the frame in hand, write the lists and say good-bye.

        Parameters:
            stop: set by whoever wants the end.
            ready: set once the folder is being watched.

        Returns:
            how many frames were judged, failed, kept, put up for review and rejected.

        Raises:
            ModelError, NightLogError, PublishError: nothing was started.
        """
        self.make_folder()
        rebuilds = 0
        while True:
            over = Ending(stop)
            try:
                with NightLog.open(
                    self.night_log_path,
                    session_id=uuid.uuid4().hex,
                    clock=self._clock,
                    longitude_deg=self._settings.site.longitude_deg,
                ) as night_log:
                    return self._watch(night_log, over, ready)
            except LogDamaged as damage:
                rebuilds += 1
                if rebuilds > MAX_REBUILDS or stop.is_set():
                    raise
                log.error("%s; watching starts again, and it is rebuilt", damage)
            finally:
                over.set()

    def _watch(self, night_log: NightLog, over: threading.Event, ready: threading.Event | None) -> Counts:
        """Watch with one open log, until ``over`` is set."""
        pulse = Pulse(self._clock, self._limits_s())
        publisher = Publisher(self._settings.publish, night_log, self._clock)
        store = FrameStore(self.folder, self._settings.keep)
        publisher.offer(store)
        fanout = SinkFanout(direct=(publisher.announce, self._on_document))
        session = Session(
            self._settings,
            night_log,
            self._clock,
            announce=fanout.accept,
            stop=over,
            on_wait=lambda: pulse.beat(WORK),
            plugins=self._plugins,
            previews=store.keeps_previews,
        )
        lists = ListSink(
            night_log,
            self.lists_folder,
            self._settings.lists,
            roots=(self._root,),
            state=self.folder,
            report=lambda body: session.record("list.written", body),
            ending=over.is_set,
            writers=self._writers,
        )
        for sink in registered_sinks(self._plugins, self._settings, session.record):
            fanout.add(sink)
        source = FolderSource(
            self._root,
            self._settings.watch,
            self._clock,
            already_done=lambda path, seen, digest: night_log.already_done(
                path, seen.size_bytes, seen.mtime_ns, seen.ctime_ns, seen.file_id[1], digest
            ),
            on_turn=lambda: pulse.beat(WATCH),
            formats=self._formats,
        )
        backlog = Backlog(self._settings.backlog, started_ns=time.time_ns())
        retries, pause = Retries(self._clock), WorkerPause(self._clock)
        state = DaemonState(self.folder, self._clock, night_log, backlog, source, session, pulse, retries, pause)
        state.lists_trouble = lambda: lists.trouble
        self.state = state
        if self._settings.publish.accept_reviews:
            publisher.revise = lambda wish: session.revise(wish.frame_id, wish.decision, wish.by, wish.why)
        if self._settings.publish.accept_observations:
            observations = Observations(night_log, fanout.accept, self._clock, heard=session.hear)
            publisher.observe = observations.take
        publisher.figures = state.beat_of_the_bus
        pages = HealthPages(self._settings.health.address, state.health)
        workers = WorkerPool(
            self._settings,
            backlog.take,
            pipeline=self._pipeline,
            clock=self._clock,
            looks=KeptLooks(store),
            keep_preview=store.keep_preview if store.keeps_previews else None,
        )
        with fanout, workers as pool, publisher, pages, state.watched_over():
            state.pool = pool
            self.addresses = publisher.addresses
            self.health_port = pages.port
            session.start("watch", self._root, pool.models)
            fanout.add(ThreadedSink(lists, failures_allowed=None))
            state.mover = Mover(self._clock, lambda stop: self._move(source, backlog, pool, stop), over)
            state.mover.keep()
            if self._settings.watch.existing == "ignore":
                # Existing frames are not graded again; those among them that still have no outcome are.
                for path in night_log.unfinished():
                    source.reopened.ask(path)
            state.ready()
            log.info("%s is watched; documents go to %s", self._root, " and ".join(self.addresses) or "no bus")
            if ready is not None:
                ready.set()
            reason, sentence = "failed", "The daemon ended because of an error; see its log."
            try:
                grading = GradingLoop(source, backlog, pool, session, retries, pause, on_wait=lambda: pulse.beat(WORK))
                self._work(grading, over, state.turn)
                reason, sentence = "stopped", "The watch was stopped."
            except KeyboardInterrupt:
                reason, sentence = "stopped", "The watch was stopped at once."
                raise
            finally:
                over.set()
                if reason == "stopped":
                    state.stopping()
                state.mover.join(MOVER_GRACE_S)
                fanout.flush()
                self.lists_folder = lists.place
                session.stop(reason, sentence)
                log.info("the watch of %s has ended: %s", self._root, sentence)
                if unfinished := source.unfinished():
                    log.info("%s", unfinished)
        return session.counts

    def _limits_s(self) -> dict[str, float]:
        """Return how long each part may take for one turn before it counts as stuck."""
        publish = self._settings.publish
        limits_s = {WATCH: STUCK_S, WORK: STUCK_S}
        return limits_s | ({BUS: STUCK_S + 3.0 * publish.heartbeat_s} if publish.enabled else {})

    def _work(self, grading: GradingLoop, stop: threading.Event, on_turn: Callable[[], None]) -> None:
        """Grade the frames that wait until the daemon stops or the workers end; the loop of the working thread."""
        while not stop.is_set():
            on_turn()
            while not self._never_whole.empty():
                grading.session.take(self._never_whole.get())
            grading.ask_again()
            if grading.pause.holds():
                self._clock.wait(stop, IDLE_TICK_S)
            elif not grading.grade_next(IDLE_TICK_S):
                return
        grading.finish(FINISH_GRACE_S)

    def _move(self, source: FolderSource, backlog: Backlog, pool: WorkerPool, stop: threading.Event) -> None:
        """Carry what the source finds to where the workers take it."""
        for item in source.items(stop):
            if isinstance(item, Failed):
                self._never_whole.put(item)
            else:
                backlog.put(item)
                pool.ring()
