"""One life of the worker process: start it, ask it, learn how it ended."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path
from typing import IO, BinaryIO, cast

from ..plain import shown
from ..settings import Settings
from . import blame, wire

log = logging.getLogger(__name__)

ENTRY = Path(__file__).with_name("__main__.py")
KILL_WAIT_S = 2.0
"""A killed process may hang inside the system, for instance on a dead network share; it is left behind then."""
PIPE_WAIT_S = 0.5
"""Longest wait in seconds for the output of a worker that has ended."""
MAX_LINES_PER_JOB = 200
"""Lines of the output of a worker that are logged for one file; a library may print without end."""
MAX_LINE_CHARS = 400
"""Characters of such a line that are logged."""


class Gone(Exception):
    """The process did not answer: it died, was ended for taking too long, or talks nonsense.

    Attributes:
        timed_out: whether it was ended for taking too long.
        blamed: whether that was the doing of what it was asked, and not of the computer at that moment.
        killed: whether the system ended it by force.
    """

    def __init__(self, sentence: str, *, timed_out: bool = False, blamed: bool = True, killed: bool = False) -> None:
        super().__init__(sentence)
        self.killed = killed
        self.timed_out = timed_out
        self.blamed = blamed


class WorkerProcess:
    """A running worker. Not for use by several threads, except :meth:`close` and :meth:`kill`.

    Parameters:
        settings: the whole tree.
        pipeline: name of the stages that it loads.

    Raises:
        OSError, RuntimeError: the system has no process, file descriptor or thread left.
    """

    def __init__(self, settings: Settings, pipeline: str) -> None:
        self._before = blame.Machine.now()
        self._used_before_s: float | None = None
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and our own file
            [sys.executable, "-P", str(ENTRY), "--pipeline", pipeline],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # A session of its own: Ctrl-C in the terminal goes to the monitor, which decides.
            start_new_session=True,
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[bytes | str] = queue.SimpleQueue()
        self._words: deque[str] = deque(maxlen=40)
        self._lines_left = MAX_LINES_PER_JOB
        self._threads = [
            threading.Thread(target=self._talk, name="worker-pipe", daemon=True),
            threading.Thread(target=self._listen, name="worker-stderr", daemon=True),
        ]
        try:
            for thread in self._threads:
                thread.start()
        except RuntimeError:
            self.kill()
            self._reap()
            raise
        self._requests.put(wire.pack(settings))

    @property
    def process_id(self) -> int:
        """The system's number of the process."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def hello(self, timeout_s: float) -> wire.Ready | wire.Refused:
        """Wait until the worker has loaded its models, or says why not.

        Raises:
            Gone: it ended, or took longer than ``timeout_s``.
        """
        record, _ = self._next(timeout_s)
        if not isinstance(record, wire.Ready | wire.Refused):
            raise self._nonsense()
        return record

    def ask(self, question: wire.Question, number: int, timeout_s: float) -> wire.Record:
        """Hand over one question and wait for its answer.

        Raises:
            Gone: the process ended, or was ended because it took longer than ``timeout_s``.
        """
        self._lines_left = MAX_LINES_PER_JOB
        self._before, self._used_before_s = blame.Machine.now(), blame.processor_time_s(self.process_id)
        self._requests.put(wire.pack(question, number))
        record, answered = self._next(timeout_s)
        if answered != number:
            raise self._nonsense()
        return record

    def close(self) -> None:
        """Ask it to end after the frame it has now; returns at once."""
        self._requests.put(None)

    def end(self, grace_s: float) -> None:
        """End it in order, or by force after ``grace_s`` seconds."""
        self.close()
        try:
            self._process.wait(grace_s)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reap()

    def kill(self) -> None:
        """End it now, with anything it has started."""
        with contextlib.suppress(OSError):
            if sys.platform == "win32":
                self._process.kill()
            elif self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)

    def _next(self, timeout_s: float) -> tuple[wire.Record, int]:
        """Return the next message of the worker process with its number; raise ``Gone`` when the process has ended."""
        answer = self._answer(timeout_s)
        if isinstance(answer, str):
            raise self._ended()
        try:
            return wire.unpack(answer)
        except wire.WireError:
            raise self._nonsense() from None

    def _answer(self, timeout_s: float) -> bytes | str:
        """Return the next answer of the worker process as bytes; kill it and raise ``Gone`` after the time limit."""
        try:
            return self._answers.get(timeout=timeout_s)
        except queue.Empty:
            worked = blame.was_working(self._used_s(), timeout_s, self._before, blame.Machine.now())
            self.kill()
            self._reap()
            why = "" if worked else ", and most of that it waited for a disk, a share or memory"
            sentence = f"was ended because it took longer than {timeout_s:g} s{why}"
            raise Gone(sentence, timed_out=True, blamed=worked) from None

    def _used_s(self) -> float | None:
        """Return the processor time it has used since it was asked."""
        now_s = blame.processor_time_s(self.process_id)
        return None if now_s is None or self._used_before_s is None else now_s - self._used_before_s

    def _nonsense(self) -> Gone:
        """Kill the worker process and return the error that its answer could not be decoded."""
        self.kill()
        self._reap()
        return Gone("was ended because it answered nonsense")

    def _ended(self) -> Gone:
        """Return the error that describes how the worker process ended, and whether its file is to blame."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(KILL_WAIT_S)
        code = self._process.returncode
        blamed = blame.is_the_files_doing(code, self._before, blame.Machine.now())
        self.kill()
        self._reap()
        words = self._last_words()
        killed = code == -getattr(signal, "SIGKILL", 9)
        return Gone(how_it_ended(code) + (f" ({words})" if words else ""), blamed=blamed, killed=killed)

    def _reap(self) -> None:
        """Wait for the killed worker process and its pipe threads, and close the pipes."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(KILL_WAIT_S)
        self._requests.put(None)
        started = [thread for thread in self._threads if thread.ident is not None]
        for thread in started:
            thread.join(PIPE_WAIT_S)
        if any(thread.is_alive() for thread in started) and sys.platform != "win32":
            # Something the worker has started still holds its pipes.
            with contextlib.suppress(OSError):
                os.killpg(self.process_id, signal.SIGKILL)
            for thread in started:
                thread.join(PIPE_WAIT_S)
        if len(started) < len(self._threads):
            for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
                # Each thread closes the pipes that it serves; those that never ran close none.
                with contextlib.suppress(OSError, AttributeError):
                    cast(BinaryIO, stream).close()
        if self.alive() or any(thread.is_alive() for thread in self._threads):
            log.warning("worker process %d does not end; it is left behind", self.process_id)

    def _last_words(self) -> str:
        """Return the last line that the worker process wrote to standard error, a fatal error first."""
        lines = [line for line in self._words if line.strip() and not line.startswith("Extension modules")]
        fatal = [line for line in lines if "Fatal Python error" in line]
        return (fatal or lines or [""])[-1].strip()[:200]

    def _talk(self) -> None:
        """Thread: write what is asked, read the answer, until either side is gone."""
        requests, answers = cast(BinaryIO, self._process.stdin), cast(BinaryIO, self._process.stdout)
        try:
            while (raw := self._requests.get()) is not None:
                wire.send(requests, raw)
                answer = wire.receive(answers)
                if answer is None:
                    break
                self._answers.put(answer)
        except (OSError, wire.WireError) as error:
            log.debug("pipe to the worker: %s", error)
        finally:
            for stream in (requests, answers):
                with contextlib.suppress(OSError):
                    stream.close()
            self._answers.put("closed")

    def _listen(self) -> None:
        """Thread: pass on what the worker writes to standard error, bounded, and remember the end of it."""
        stream = cast(IO[bytes], self._process.stderr)
        with stream:
            while raw := stream.readline(MAX_LINE_CHARS):
                line = printable(raw)
                self._words.append(line)
                self._lines_left -= 1
                if self._lines_left >= 0:
                    log.log(_level(line), "worker %d: %s", self.process_id, line)


def how_it_ended(return_code: int | None) -> str:
    """Return in words what the exit code of a worker means, to be read after "the worker process".

    Parameters:
        return_code: as ``subprocess`` gives it: negative for a signal, ``None`` while it runs.
    """
    if return_code is None:
        return "closed its pipe and does not end"
    if return_code >= 0:
        return f"ended by itself with exit code {return_code}"
    try:
        name = signal.Signals(-return_code).name
    except ValueError:
        name = f"signal {-return_code}"
    hint = {
        "SIGKILL": ", by a person, or because the computer ran out of memory",
        "SIGBUS": ", as when a file is cut short while it is read",
        "SIGXCPU": ", for using too much processor time",
    }.get(name, "")
    return f"was ended by {name}{hint}"


def printable(raw: bytes) -> str:
    """Return one line of a worker's output without its end, with control characters escaped: they drive terminals."""
    return shown(raw.decode("utf-8", "backslashreplace").rstrip("\r\n"))


def _level(line: str) -> int:
    """The level the worker gave the line; lines of libraries, which have none, count as information."""
    word = line.split(None, 2)[1:2]
    return logging.getLevelNamesMapping().get(word[0], logging.INFO) if word else logging.INFO
