"""One supervised worker behind two calls, whatever process it is: a file becomes a look, and a look an outcome."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self, cast

from ..clock import Clock, SystemClock
from ..errors import ConfigError, ModelError, WorkerLost, WorkerUnavailable
from ..records import Arrival, Baseline, Examined, Failed, Outcome, Skipped, sane
from ..settings import Settings
from .baselines import BaselineCache, BaselineVersions
from .failures import excused, is_poisoned, lost_sentence, may_be_the_workers, no_outcome, sentence_of, stopped
from .ledger import LossLedger
from .process import Gone, WorkerProcess
from .wire import Compare, LookAt, Looked, Ready, Refused, Show, Shown, WireError

log = logging.getLogger(__name__)

PIPELINE = "astro_monitor.pipeline:Pipeline"
START_LIMIT_S = 120.0
"""Loading CUDA for the first time after a boot takes tens of seconds."""
START_TRIES = 3
"""Failed starts of a worker after which the queue pauses."""
FATAL_LOSSES = 2
"""A file that has ended so many new workers by itself, each as the worker's first file, gets a final failure."""
MAX_TIMEOUTS = 2
"""Each further try in a row would hold up the night for the full limit."""
BACK_OFF_S = 0.2
"""Wait before the second try; doubled before each further one."""
STOP_GRACE_S = 3.0
"""Seconds that a worker has to end in order before it is killed."""


class NoProcess(WorkerUnavailable):
    """No process can be started; another lane may have one."""


class WorkerLane:
    """One supervised worker: a child process, restarted when it dies, and renewed after so many frames.

    :meth:`look` and :meth:`compare` are for one thread; :meth:`stop` may be called from any.

    Parameters:
        settings: the whole tree.
        pipeline: name of the stages that the worker loads.
        clock: the source of time.
        ledger: of lost workers; lanes that share the work share it.
        versions: of baselines; likewise.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        pipeline: str = PIPELINE,
        clock: Clock | None = None,
        ledger: LossLedger | None = None,
        versions: BaselineVersions | None = None,
        shows: bool = False,
    ) -> None:
        self._settings = settings
        self._pipeline = pipeline
        self._shows = shows
        self._clock = clock or SystemClock()
        self._ledger = ledger or LossLedger()
        self._versions = versions or BaselineVersions()
        self._busy = threading.Lock()
        self._stopping = threading.Event()
        self._process: WorkerProcess | None = None
        self._greeted = False
        self._looks = 0
        self._answers = 0
        self._jobs = 0
        self._baselines: BaselineCache[int] = BaselineCache()
        self._models: list[dict[str, str]] = []
        self._none_told = False
        self._starting_since_s: float | None = None

    @property
    def models(self) -> list[dict[str, str]]:
        """Name, version, sha256 and provider of each model the worker said it uses."""
        return list(self._models)

    @property
    def process_id(self) -> int | None:
        """The system's number of the worker process, or ``None`` when there is none."""
        process = self._process
        return process.process_id if process is not None and process.alive() else None

    @property
    def ready(self) -> bool:
        """Whether there is a process with loaded models. For any thread."""
        process = self._process
        return self._greeted and process is not None and process.alive()

    @property
    def starting_s(self) -> float:
        """How long a worker that is waited for has been starting, in seconds; 0 when none is. For any thread."""
        since_s = self._starting_since_s
        return 0.0 if since_s is None else self._clock.monotonic() - since_s

    def start(self) -> list[dict[str, str]]:
        """Start the worker and wait until its models are warm.

        Returns:
            Name, version, sha256 and provider of each model.

        Raises:
            ModelError, ConfigError: what the worker said, word by word; or that it died while it started.
        """
        with self._busy:
            for number in range(1, START_TRIES + 1):
                try:
                    self._ready_process()
                    break
                except Gone as error:
                    self._process = None
                    # What was ended from outside, or for want of memory, may start a moment later.
                    if not error.killed or number == START_TRIES:
                        raise ModelError(
                            f"the worker process {error} while it loaded the models; try 'astro-monitor models verify'"
                        ) from None
                    log.warning("the worker process %s while it loaded the models; it is started again", error)
                except (OSError, RuntimeError) as error:
                    if isinstance(error, ModelError):
                        raise
                    if number == START_TRIES:
                        raise ModelError(
                            f"the worker process cannot be started: {error}; close other programs, then start again"
                        ) from error
                self._clock.wait(self._stopping, BACK_OFF_S * 2 ** (number - 1))
        return self.models

    def look(self, arrival: Arrival) -> Looked | Skipped | Failed:
        """Look at one file in the worker.

        Parameters:
            arrival: a whole file.

        Returns:
            its look, to be compared; or the one outcome of a file without a look. ``Failed`` of kind ``worker_lost``
            when the worker died on it time and again (retryable, unless that was the file's doing), and of kind
            ``stopped`` when :meth:`stop` came first, in which case the file was not looked at.

        Raises:
            WorkerUnavailable: no worker could be started, or it is lost with one file after another; the file has no
                outcome.
        """
        with self._busy:
            if self._looks >= self._settings.worker.recycle_frames:
                self._renew()
            answer = self._answer(
                arrival, lambda: LookAt(arrival=arrival, to_show=self._shows), (Looked, Skipped, Failed)
            )
        return cast(Looked | Skipped | Failed, answer)

    def compare(self, looked: Looked, baseline: Baseline) -> Examined | Failed:
        """Compare a look in the worker; any worker can, whichever has looked.

        Parameters:
            looked: from :meth:`look`.
            baseline: of the look's key. It travels only when this worker does not have it yet.

        Returns:
            the one outcome of the file, or a failure as in :meth:`look`.

        Raises:
            WorkerUnavailable: as in :meth:`look`.
        """
        with self._busy:
            try:
                answer = self._answer(looked.arrival, lambda: self._comparison(looked, baseline), (Examined, Failed))
            except WireError:
                log.error("a history is left out, because of a number that is not finite")
                empty = Baseline(key=baseline.key)
                answer = self._answer(looked.arrival, lambda: self._comparison(looked, empty), (Examined, Failed))
        return cast(Examined | Failed, answer)

    def show(self, frame_id: str) -> bytes:
        """Return the preview of the frame that the worker has looked at last.

        Parameters:
            frame_id: of that frame.

        Returns:
            a JPEG file; empty where there is none. It is not asked for twice.
        """
        with self._busy:
            process = self._process
            if process is None or not self.ready or self._stopping.is_set():
                return b""
            self._jobs += 1
            try:
                answer = process.ask(Show(frame_id=frame_id), self._jobs, self._settings.worker.timeout_s)
            except Gone as loss:
                self._process = None
                log.warning("%s: there is no preview: the worker process %s", frame_id, loss)
                return b""
        return answer.jpeg if isinstance(answer, Shown) and answer.frame_id == frame_id else b""

    def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """End the worker: in order when it answers within ``grace_s`` seconds, else by force."""
        self.close()
        process = self._process
        if process is not None:
            process.end(grace_s)

    def close(self) -> None:
        """Let the worker end after what it has now; returns at once."""
        self._stopping.set()
        process = self._process
        if process is not None:
            process.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _ready_process(self) -> WorkerProcess:
        """Return a worker process that has loaded its models; start one when none is alive."""
        process = self._process
        if process is not None and not process.alive():
            # It died between two frames: no fault of a file, so nothing is counted against the next one.
            process.end(0)
            process = None
        if process is None:
            process = self._spawn()
        if not self._greeted:
            self._starting_since_s = self._clock.monotonic()
            try:
                hello = process.hello(START_LIMIT_S)
            finally:
                self._starting_since_s = None
            if isinstance(hello, Refused):
                process.end(STOP_GRACE_S)
                self._process = None
                raise (ConfigError if hello.error == "ConfigError" else ModelError)(hello.sentence)
            self._greet(hello)
        return process

    def _spawn(self) -> WorkerProcess:
        """Start a worker process with empty counts and no baselines sent to it yet."""
        self._greeted = False
        self._looks = self._answers = 0
        self._baselines = BaselineCache()
        self._process = process = WorkerProcess(self._settings, self._pipeline)
        if self._stopping.is_set():
            process.close()
        return process

    def _renew(self) -> None:
        """End the worker, and let the next one load its models."""
        process, self._process = self._process, None
        if process is not None:
            process.end(STOP_GRACE_S)
        self._looks = self._answers = 0
        if not self._stopping.is_set():
            with suppress(OSError, RuntimeError):
                self._spawn()

    def _greet(self, hello: Ready) -> None:
        """Note that the worker process is ready, and the models that it reports."""
        self._models = [dict(model) for model in hello.models]
        self._greeted = True
        self._none_told = False

    def _available_process(self) -> WorkerProcess | None:
        """Return a worker that has loaded its models; ``None`` when the lane was stopped first.

        Raises:
            NoProcess: it could not be started, in several tries.
        """
        why = ""
        for number in range(START_TRIES):
            if self._stopping.is_set():
                return None
            try:
                return self._ready_process()
            except (Gone, ModelError, ConfigError, OSError, RuntimeError) as error:
                self._process = None
                why = f"the worker process {error}" if isinstance(error, Gone) else str(error)
                # Said once; a monitor that waits for a worker asks again and again.
                log.log(logging.DEBUG if self._none_told else logging.WARNING, "no worker process started: %s", why)
                if isinstance(error, Gone) and error.timed_out:
                    break
            self._clock.wait(self._stopping, BACK_OFF_S * 2**number)
        if self._stopping.is_set():
            return None
        self._none_told = True
        raise NoProcess(f"no worker process can be started ({why}); check the computer's memory and the models")

    def _answer(
        self, arrival: Arrival, question: Callable[[], LookAt | Compare], kinds: tuple[type[Looked | Outcome], ...]
    ) -> Looked | Outcome:
        """Ask one worker after another, until one answers or there were enough."""
        before_s = time.perf_counter()
        losses: list[Gone] = []
        while not self._stopping.is_set():
            process = self._available_process()
            if process is None:
                break
            worn = self._answers > 0
            try:
                answer = self._ask(process, arrival, question(), kinds)
            except Gone as loss:
                self._process = None
                losses.append(loss)
                log.warning("%s: the worker process %s", arrival.path.name, loss)
            else:
                if worn and may_be_the_workers(answer):
                    # Memory that leaked away and devices that broke are the worker's; a new one is asked.
                    log.info("%s: tried again in a new worker: %s", arrival.path.name, sentence_of(answer))
                    continue
                self._ledger.answered()
                if isinstance(answer, Looked):
                    return answer
                self._ledger.settled(arrival)
                return excused(sane(answer))
            # Memory that another program has taken is not given back within seconds: only the first kill counts.
            again = losses[-1].killed and any(loss.killed for loss in losses[:-1])
            if self._ledger.count(arrival, blamed=losses[-1].blamed and not worn and not again) >= FATAL_LOSSES:
                return no_outcome(
                    arrival, WorkerLost.kind, lost_sentence(losses, final=True), before_s, retryable=False
                )
            timeouts = sum(loss.timed_out for loss in losses)
            if len(losses) >= self._settings.worker.tries or timeouts >= MAX_TIMEOUTS:
                self._doubt_the_worker(arrival, losses)
                return no_outcome(arrival, WorkerLost.kind, lost_sentence(losses, final=False), before_s)
            self._clock.wait(self._stopping, BACK_OFF_S * 2 ** (len(losses) - 1))
        return stopped(arrival, before_s)

    def _comparison(self, looked: Looked, baseline: Baseline) -> Compare:
        """Return the question to compare a look; it carries the baseline if the worker does not hold it."""
        version = self._versions.version_of(baseline)
        there = self._baselines.has(baseline.key, version)
        return Compare(
            arrival=looked.arrival, key=baseline.key, version=version, baseline=() if there else (baseline,),
            look=looked.look,
        )  # fmt: skip

    def _ask(
        self,
        process: WorkerProcess,
        arrival: Arrival,
        question: LookAt | Compare,
        kinds: tuple[type[Looked | Outcome], ...],
    ) -> Looked | Outcome:
        """Ask the worker process one question and return its answer; raise ``Gone`` when that is of another file."""
        self._jobs += 1
        answer = process.ask(question, self._jobs, self._settings.worker.timeout_s)
        if not isinstance(answer, kinds) or answer.arrival != arrival:
            process.end(0)
            raise Gone("was ended because it answered for another file")
        self._answers += 1
        if isinstance(question, LookAt):
            self._looks += 1
        elif question.baseline:
            self._baselines.put(question.key, question.version, question.version)
        if is_poisoned(answer):
            self._renew()
        return answer

    def _doubt_the_worker(self, arrival: Arrival, losses: list[Gone]) -> None:
        """Remember a file with which workers were lost for no fault of its own.

        Raises:
            WorkerUnavailable: it happened with another file before, and with none in between it went well.
        """
        if self._ledger.is_a_series(arrival):
            raise WorkerUnavailable(
                f"the worker process is lost with one frame after another, the last time it {losses[-1]}; "
                "check the computer's memory and the disk of the frames"
            )
