"""One worker process after another, behind one call: a file goes in, exactly one outcome comes out."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from ..clock import Clock, SystemClock
from ..errors import ConfigError, ModelError, WorkerLost, WorkerUnavailable
from ..plain import counted
from ..records import Arrival, Baseline, Examined, Failed, Outcome, Skipped, sane
from ..settings import Settings
from .blame import Machine
from .process import Gone, WorkerProcess
from .wire import Job, Ready, Refused, WireError, pack

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
MAX_REMEMBERED = 1000
"""Files of which it is remembered that a worker ended on them; the oldest are forgotten first."""
BACK_OFF_S = 0.2
"""Wait before the second try; doubled before each further one."""
STOP_GRACE_S = 3.0


class Lane(Protocol):
    """Something that examines files, one at a time."""

    def start(self) -> list[dict[str, str]]:
        """Load the models and describe them."""
        ...

    def examine(self, arrival: Arrival, baselines: Iterable[Baseline]) -> Outcome:
        """Take one file through all stages; exactly one outcome, whatever the file is.

        Raises:
            WorkerUnavailable: no worker can be started now; it has no outcome.
        """
        ...

    def stop(self) -> None:
        """End it."""
        ...


class WorkerLane:
    """Grades in a child process, which is restarted when it dies, and renewed after so many frames.

    :meth:`examine` is for one thread; :meth:`stop` may be called from any.

    Parameters:
        settings: the whole tree.
        pipeline: name of the stages that the worker loads.
        clock: the source of time.
        on_wait: called each second while the worker is waited for.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        pipeline: str = PIPELINE,
        clock: Clock | None = None,
        on_wait: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._on_wait = on_wait
        self._pipeline = pipeline
        self._clock = clock or SystemClock()
        self._busy = threading.Lock()
        self._stopping = threading.Event()
        self._process: WorkerProcess | None = None
        self._greeted = False
        self._frames = 0
        self._jobs = 0
        self._models: list[dict[str, str]] = []
        self._losses: dict[tuple[Path, int, int], int] = {}
        self._lost_with: set[Path] = set()
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

    def examine(self, arrival: Arrival, baselines: Iterable[Baseline]) -> Outcome:
        """Take one file through all stages in the worker.

        Parameters:
            arrival: a whole file.
            baselines: what is normal so far.

        Returns:
            exactly one outcome; ``Failed`` of kind ``worker_lost`` when the worker died on it time and again
            (retryable, unless that was the file's doing), and of kind ``stopped`` when :meth:`stop` came first, in
            which case the file was not judged at all.

        Raises:
            WorkerUnavailable: no worker could be started, or it is lost with one file after another; the file has no
                outcome.
        """
        job = Job(arrival=arrival, baselines=tuple(baselines))
        before = time.perf_counter()
        losses: list[Gone] = []
        with self._busy:
            while not self._stopping.is_set():
                process = self._available_process()
                if process is None:
                    break
                worn = self._frames > 0
                try:
                    record = self._ask(process, job)
                    if worn and _may_be_the_workers(record):
                        # Memory that leaked away and devices that broke are the worker's; a new one is asked.
                        log.info("%s: tried again in a new worker: %s", arrival.path.name, _sentence(record))
                        continue
                    self._lost_with.clear()
                    self._losses.pop(_version(arrival), None)
                    return _excused(sane(record))
                except Gone as loss:
                    self._process = None
                    losses.append(loss)
                    log.warning("%s: the worker process %s", arrival.path.name, loss)
                except WireError as error:
                    job, held_back = _without_unsound(job)
                    if held_back:
                        log.error(
                            "%s left out, because of a number that is not finite",
                            counted(held_back, "history is", "histories are"),
                        )
                        continue
                    return _failed(
                        arrival, "unforeseen", f"{error}; please report this", before, known=False, retryable=False
                    )
                # Memory that another program has taken is not given back within seconds: only the first kill counts.
                again = losses[-1].killed and any(loss.killed for loss in losses[:-1])
                if self._blamed(arrival, losses[-1], counts=not worn and not again) >= FATAL_LOSSES:
                    sentence = _lost_sentence(losses, final=True)
                    return _failed(arrival, WorkerLost.kind, sentence, before, retryable=False)
                timeouts = sum(loss.timed_out for loss in losses)
                if len(losses) >= self._settings.worker.tries or timeouts >= MAX_TIMEOUTS:
                    self._doubt_the_worker(arrival, losses)
                    return _failed(arrival, WorkerLost.kind, _lost_sentence(losses, final=False), before)
                self._clock.wait(self._stopping, BACK_OFF_S * 2 ** (len(losses) - 1))
        sentence = "the monitor was stopped before this file was graded; it is graded at the next start"
        return _failed(arrival, "stopped", sentence, before)

    def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """End the worker: in order when it answers within ``grace_s`` seconds, else by force."""
        self._stopping.set()
        process = self._process
        if process is not None:
            process.end(grace_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _ready_process(self) -> WorkerProcess:
        process = self._process
        if process is not None and not process.alive():
            # It died between two frames: nobody's fault, so nothing is counted against the next one.
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
        self._greeted = False
        self._frames = 0
        self._process = process = WorkerProcess(self._settings, self._pipeline, self._on_wait)
        if self._stopping.is_set():
            process.close()
        return process

    def _greet(self, hello: Ready) -> None:
        self._models = [dict(model) for model in hello.models]
        self._greeted = True
        self._none_told = False

    def _available_process(self) -> WorkerProcess | None:
        """Return a worker that has loaded its models; ``None`` when the lane was stopped first.

        Raises:
            WorkerUnavailable: it could not be started, in several tries.
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
        raise WorkerUnavailable(f"no worker process can be started ({why}); check the computer's memory and the models")

    def _blamed(self, arrival: Arrival, loss: Gone, *, counts: bool) -> int:
        """Count the loss of a worker if the file caused it, and return the number of such losses."""
        version = _version(arrival)
        if loss.blamed and counts:
            self._losses[version] = self._losses.pop(version, 0) + 1
            while len(self._losses) > MAX_REMEMBERED:
                del self._losses[next(iter(self._losses))]
        return self._losses.get(version, 0)

    def _doubt_the_worker(self, arrival: Arrival, losses: list[Gone]) -> None:
        """Remember a file with which workers were lost for no fault of its own; two such files are no coincidence.

        Raises:
            WorkerUnavailable: it happened with another file before, and with none in between it went well.
        """
        known = arrival.path in self._lost_with
        self._lost_with.add(arrival.path)
        if len(self._lost_with) > 1 and not known:
            raise WorkerUnavailable(
                f"the worker process is lost with one frame after another, the last time it {losses[-1]}; "
                "check the computer's memory and the disk of the frames"
            )

    def _ask(self, process: WorkerProcess, job: Job) -> Outcome:
        self._jobs += 1
        record = process.ask(job, self._jobs, self._settings.worker.timeout_s)
        if not isinstance(record, Examined | Skipped | Failed) or record.arrival != job.arrival:
            process.end(0)
            raise Gone("was ended because it answered for another file")
        self._frames += 1
        if self._frames >= self._settings.worker.recycle_frames or _is_poisoned(record):
            process.end(STOP_GRACE_S)
            self._process = None
            if not self._stopping.is_set():
                # The next one loads its models while the monitor waits for the next frame.
                with suppress(OSError, RuntimeError):
                    self._spawn()
        return record


def _without_unsound(job: Job) -> tuple[Job, int]:
    """Leave out baselines that cannot be sent; the job, and how many they were."""
    sound = tuple(one for one in job.baselines if _can_be_sent(replace(job, baselines=(one,))))
    return replace(job, baselines=sound), len(job.baselines) - len(sound)


def _can_be_sent(job: Job) -> bool:
    try:
        pack(job)
    except WireError:
        return False
    return True


def _version(arrival: Arrival) -> tuple[Path, int, int]:
    return arrival.path, arrival.size_bytes, arrival.mtime_ns


def _sentence(outcome: Outcome) -> str:
    return "" if isinstance(outcome, Examined) else outcome.sentence


def _may_be_the_workers(outcome: Outcome) -> bool:
    """Whether a failure may come from what the worker did before, and not from the file."""
    return isinstance(outcome, Failed) and not outcome.retryable and _is_poisoned(outcome)


def _is_poisoned(outcome: Outcome) -> bool:
    """Whether later answers of the same process may be wrong: memory ran out, or something unforeseen broke."""
    return isinstance(outcome, Failed) and (not outcome.known or outcome.kind == "out_of_memory")


def _excused(outcome: Outcome) -> Outcome:
    """Let a frame be tried again that failed because the computer has too little memory now."""
    if isinstance(outcome, Failed) and outcome.kind == "out_of_memory" and Machine.now().short_of_memory:
        return replace(outcome, retryable=True)
    return outcome


def _lost_sentence(losses: list[Gone], *, final: bool) -> str:
    times = "once" if len(losses) == 1 else f"{len(losses)} times"
    end = "the other frames are graded as usual, please report this file" if final else "it will be tried again later"
    return f"the worker process was lost {times} with this file, the last time it {losses[-1]}; {end}"


def _failed(
    arrival: Arrival, kind: str, sentence: str, before: float, *, known: bool = True, retryable: bool = True
) -> Failed:
    return Failed(
        arrival=arrival,
        frame_id=None,
        stage="worker",
        kind=kind,
        known=known,
        retryable=retryable,
        sentence=sentence,
        timings_s={"total": time.perf_counter() - before},
    )
