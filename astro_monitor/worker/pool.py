"""Several workers behind one call: files are looked at ahead and in parallel, and end one by one, in their order.

A worker takes the next file from the source itself, at the moment when it is free: what is urgent then goes first, and
nothing waits in front of a busy worker. A look that is due, because every file before it has its outcome, is compared
before any worker that is free begins another look; the worker that has just finished is usually the one.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import Self

from ..clock import Clock, SystemClock
from ..errors import ModelError, WorkerUnavailable
from ..records import Arrival, Examined, Failed, Outcome
from ..settings import Settings
from .baselines import BaselineVersions
from .child import LOOK_UNUSABLE, unforeseen
from .failures import stopped
from .interfaces import BaselineFor, OpenLane, Source
from .ledger import LossLedger
from .recent_looks import KeepPreview, LookKeeper, RecentLooks
from .schedule import FileInHand, Place, Schedule
from .size import CUDA_PROCESSES, process_count, settings_of
from .supervised import PIPELINE, STOP_GRACE_S, NoProcess, WorkerLane
from .wire import Looked

log = logging.getLogger(__name__)

REST_S = 60.0
"""Where one process can be started and another cannot, for want of memory, the other is tried again after so long."""
STEP_S = 0.5
"""Who waits for an outcome shows after so long that it is alive."""
IDLE_STEP_S = 5.0
"""A worker that has nothing to do asks the source again after so many seconds, should no notice have come."""
JOIN_S = 5.0
"""A thread whose worker hangs in the system is left behind after so many seconds."""


class WorkerPool:
    """Looks at files in several processes, and compares them in the order in which they were taken from the source.

    :meth:`take` and :meth:`examine_again` are for one thread; the others for any.

    Parameters:
        settings: the whole tree.
        source: of files.
        pipeline: name of the stages that the workers load.
        clock: the source of time.
        looks: keeps the looks of frames that were compared; by default those of the last frames, in memory.
        keep_preview: keeps the previews of frames; ``None``: none are made.
        open_lane: makes the lane of one worker.

    Attributes:
        looks: the keeper of looks.
    """

    def __init__(
        self,
        settings: Settings,
        source: Source,
        *,
        pipeline: str = PIPELINE,
        clock: Clock | None = None,
        looks: LookKeeper | None = None,
        keep_preview: KeepPreview | None = None,
        open_lane: OpenLane = WorkerLane,
    ) -> None:
        processes = process_count(settings)
        self._is_default = settings.worker.processes == 0
        self.looks: LookKeeper = RecentLooks() if looks is None else looks
        self._keep_preview = keep_preview
        ledger, versions = LossLedger(), BaselineVersions()
        lanes = (
            open_lane(
                settings_of(settings, number, processes),
                pipeline=pipeline, clock=clock or SystemClock(), ledger=ledger, versions=versions,
                shows=keep_preview is not None,
            )
            for number in range(processes)
        )  # fmt: skip
        self._plan = Schedule(source, lanes)
        self._changed = threading.Condition()
        self._is_told = False

    @property
    def models(self) -> list[dict[str, str]]:
        """Name, version, sha256 and provider of each model in use."""
        return self._plan.places[0].lane.models

    @property
    def processes(self) -> int:
        """Most processes at a time."""
        return len(self._plan.places)

    @property
    def process_ids(self) -> list[int]:
        """The system's numbers of the processes that run."""
        ids = (place.lane.process_id for place in self._plan.places)
        return [process_id for process_id in ids if process_id is not None]

    @property
    def starting_s(self) -> float:
        """How long a worker has been starting while there is no other, in seconds; 0 when there is one."""
        lanes = [place.lane for place in self._plan.places]
        return 0.0 if any(lane.ready for lane in lanes) else max(lane.starting_s for lane in lanes)

    @property
    def in_hand(self) -> int:
        """How many files were taken from the source and have not been given back."""
        with self._changed:
            return len(self._plan.line)

    def waiting(self) -> list[Arrival]:
        """Return the files in hand that no worker has now."""
        with self._changed:
            return [file.arrival for file in self._plan.line if not file.busy and file.outcome is None]

    def start(self) -> list[dict[str, str]]:
        """Start the first worker and wait until its models are warm; the others start when there is work for them.

        Returns:
            Name, version, sha256 and provider of each model.

        Raises:
            ModelError, ConfigError: the worker cannot start.
        """
        models = self._plan.places[0].lane.start()
        if self._is_default and any(model["provider"] != "cpu" for model in models):
            del self._plan.places[CUDA_PROCESSES:]
        for number, place in enumerate(self._plan.places):
            place.thread = threading.Thread(
                target=self._serve, args=(place,), name=f"worker-lane-{number}", daemon=True
            )
            try:
                place.thread.start()
            except RuntimeError as error:
                if number == 0:
                    self._plan.places[0].lane.stop()
                    raise ModelError(
                        f"no thread can be started: {error}; close other programs, then start again"
                    ) from error
                log.warning("there are %d workers: no thread can be started for more (%s)", number, error)
                del self._plan.places[number:]
                break
        return models

    def ring(self) -> None:
        """Notify that the source has something."""
        with self._changed:
            self._changed.notify_all()

    def take(self, baseline_for: BaselineFor, timeout_s: float = math.inf) -> list[Outcome]:
        """Return the outcome of the next file in order; compare it first, as every file before it was judged.

        Parameters:
            baseline_for: of the frame's key, at this moment.
            timeout_s: how long to wait.

        Returns:
            exactly one outcome for each file; none when there is none in time.

        Raises:
            WorkerUnavailable: no worker can take the next file. It keeps its place, and is tried again at the next
                call.
        """
        until_s = time.monotonic() + timeout_s
        with self._changed:
            self._try_again()
            while not self._plan.line or self._plan.line[0].outcome is None:
                if self._plan.line:
                    self._advance(self._plan.line[0], baseline_for)
                left_s = until_s - time.monotonic()
                if left_s <= 0.0 or self._plan.ended:
                    return []
                self._changed.wait(min(left_s, STEP_S))
            file = self._plan.line.popleft()
            self._changed.notify_all()
        return self._kept(file)

    def examine_again(
        self,
        arrival: Arrival,
        frame_id: str,
        baseline_for: BaselineFor,
        on_wait: Callable[[], None] = lambda: None,
    ) -> Outcome:
        """Compare a frame once more, out of turn; look at it again only where its look is not kept.

        Parameters:
            arrival: its file.
            frame_id: of the frame.
            baseline_for: of the frame's key, at this moment.
            on_wait: called every half second while a worker is waited for.

        Returns:
            its outcome; ``Failed`` of kind ``stopped`` when the pool was stopped first.

        Raises:
            WorkerUnavailable: no worker can take it.
        """
        for looked in self.looks.kept(frame_id):
            outcome = self._out_of_turn(FileInHand(arrival, replace(looked, arrival=arrival)), baseline_for, on_wait)
            if not (isinstance(outcome, Failed) and outcome.kind == LOOK_UNUSABLE):
                return outcome
        return self._out_of_turn(FileInHand(arrival), baseline_for, on_wait)

    @contextmanager
    def comparing(self) -> Iterator[None]:
        """Keep one worker free of looks until the block ends: frames are compared one after the other in it."""
        with self._changed:
            self._plan.comparing += 1
        try:
            yield
        finally:
            with self._changed:
                self._plan.comparing -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Take no more files from the source; those in hand go on."""
        with self._changed:
            self._plan.closed = True
            self._changed.notify_all()

    def stop(self, grace_s: float = STOP_GRACE_S) -> None:
        """End all workers: in order when they answer within ``grace_s`` seconds, else by force."""
        until_s = time.monotonic() + grace_s
        with self._changed:
            self._plan.closed = self._plan.ended = True
            self._changed.notify_all()
        for place in self._plan.places:
            place.lane.close()
        for place in self._plan.places:
            place.lane.stop(max(until_s - time.monotonic(), 0.0))
        left_behind_s = time.monotonic() + JOIN_S
        for place in self._plan.places:
            if place.thread.is_alive():
                place.thread.join(max(left_behind_s - time.monotonic(), 0.0))
                # A process that was being started at that moment.
                place.lane.stop(0.0)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _out_of_turn(self, file: FileInHand, baseline_for: BaselineFor, on_wait: Callable[[], None]) -> Outcome:
        """Return the outcome of a file that the workers examine before the files that wait in line."""
        with self._changed:
            self._plan.aside.append(file)
            self._try_again()
            try:
                while file.outcome is None:
                    self._advance(file, baseline_for)
                    if self._plan.ended:
                        return stopped(file.arrival)
                    self._changed.wait(STEP_S)
                    on_wait()
            finally:
                self._plan.aside.remove(file)
        (outcome,) = self._kept(file)
        return outcome

    def _advance(self, file: FileInHand, baseline_for: BaselineFor) -> None:
        """Have a file compared that is due, once there is its look.

        Raises:
            WorkerUnavailable: no worker can take it.
        """
        if file.fault is not None:
            self._is_told = True
            raise file.fault
        if file.waits_for_its_turn and file.looked is not None:
            file.baseline = baseline_for(file.looked.key)
            self._changed.notify_all()

    def _kept(self, file: FileInHand) -> list[Outcome]:
        """Return the outcome of a file, and keep its look."""
        if file.outcome is None:
            return []
        if isinstance(file.outcome, Examined) and file.looked is not None:
            self.looks.keep(file.looked)
        return [file.outcome]

    def _try_again(self) -> None:
        """After a fault was raised, let every lane try again, also those without a process."""
        if self._is_told:
            self._is_told = False
            for file in (*self._plan.aside, *self._plan.line):
                if file.fault is not None:
                    # While there was no worker, a person may have rejected a frame of the baseline.
                    file.fault = file.baseline = None
            for place in self._plan.places:
                place.rests_until_s = -math.inf
        self._changed.notify_all()

    def _serve(self, place: Place) -> None:
        """Thread: take one thing after another through a lane."""
        while True:
            with self._changed:
                while not (tasks := self._plan.next(place)):
                    if self._plan.ended:
                        return
                    self._changed.wait(IDLE_STEP_S)
                ((step, file),) = tasks
                place.idle = False
                file.busy = file.busy or step != "show"
            if step == "show":
                self._show(place, file)
            else:
                self._carry_out(place, file)

    def _show(self, place: Place, file: FileInHand) -> None:
        """Have the preview of a frame made and keep it; its file may be compared meanwhile."""
        if file.looked is not None and self._keep_preview is not None:
            jpeg = place.lane.show(file.looked.frame_id)
            if jpeg:
                self._keep_preview(file.looked.frame_id, jpeg)
        with self._changed:
            place.idle = True
            self._changed.notify_all()

    def _carry_out(self, place: Place, file: FileInHand) -> None:
        """Let one worker look at a file or compare its look, and note the answer; runs in a thread of the pool."""
        fault: WorkerUnavailable | None = None
        answer: Looked | Outcome | None = None
        try:
            if file.looked is None or file.baseline is None:
                answer = place.lane.look(file.arrival)
            else:
                answer = place.lane.compare(file.looked, file.baseline)
        except WorkerUnavailable as error:
            fault = error
        except Exception as error:
            answer = unforeseen(file.arrival, error)
        with self._changed:
            file.busy, place.idle = False, True
            if fault is not None:
                self._give_up(place, file, fault)
            elif isinstance(answer, Looked):
                file.looked = answer
                place.to_show = [file] if self._keep_preview is not None else []
            else:
                file.outcome = answer
            self._changed.notify_all()

    def _give_up(self, place: Place, file: FileInHand, fault: WorkerUnavailable) -> None:
        """Leave a file to another worker where there is one, else say why there is none."""
        others = any(other.lane.ready for other in self._plan.places if other is not place)
        if isinstance(fault, NoProcess) and others:
            log.warning("%s; there are fewer workers for the next %.0f s", fault, REST_S)
            place.rests_until_s = time.monotonic() + REST_S
        else:
            file.fault = fault
