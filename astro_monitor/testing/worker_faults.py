"""A pipeline that misbehaves on command, for the tests of the worker and of the monitor. It opens no file.

The stem of a file's name says what happens, for instance ``crash.fits`` or ``hang.2.fits``. Hand
``FAULTY_PIPELINE`` to a lane as its ``pipeline``; nothing but that argument can put it in place.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Self

from ..errors import ConfigError, ModelError
from ..records import Arrival, Baseline, Examined, Failed, FrameMeta, Look, Skipped
from ..settings import Settings
from .inventing import graded, invented_look

FAULTY_PIPELINE = "astro_monitor.testing.worker_faults:FaultyPipeline"
"""The name of this pipeline, as a lane takes it."""

END_AT_ONCE = getattr(signal, "SIGKILL", signal.SIGTERM)
"""Ends a process that cannot defend itself: on Windows ``os.kill`` calls TerminateProcess for SIGTERM."""


class FaultyPipeline:
    """Does what the file is called.

    ==================  =============================================================================
    ``crash``           ends by SIGSEGV
    ``crash_once``      removes the file and ends by SIGSEGV; answers when the file is not there
    ``exit``            leaves with exit code 7
    ``killed``          removes one of the files ``killed.fits.*`` and ends by SIGKILL, as long as there are any
    ``weary``           answers that something unforeseen broke, unless it is the first file of its process
    ``hang``            never answers, and waits
    ``spin``            never answers, and computes
    ``bomb``            allocates memory without end; answers ``out_of_memory`` when refused
    ``print``           prints to standard output, where the answers go, and answers
    ``words``           writes control characters to standard error and ends by SIGABRT
    ``raise``           raises an error no pipeline may raise
    ``nan``             answers with a number that is not finite
    ``other``           answers for another file
    ``nonsense``        answers with bytes that are no message
    ``child``           starts a process that outlives it, and ends
    ``write``           tries to write a file next to the frame, and answers with the result
    ``interrupt``       sends itself SIGINT and SIGTERM, and answers
    ``seen``            answers with a look; the part of the name after it says what happens when it is compared
    anything else       answers ``Skipped``, with the number of the process as a timing
    ==================  =============================================================================
    """

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open it; the name of the star finder can ask for an error."""
        match settings.models.star_finder:
            case "missing":
                raise ModelError("star finder 'missing' is not there; try 'astro-monitor models install'")
            case "misnamed":
                raise ConfigError("setting models.star_finder: no such name")
            case "crashing":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "killed" if settings.models.folder and (marks := sorted(settings.models.folder.glob("killed.*"))):
                marks[0].unlink()
                os.kill(os.getpid(), END_AT_ONCE)
        return cls("cuda" if settings.models.star_finder == "reserving" else "cpu")

    def __init__(self, provider: str) -> None:
        self._provider = provider
        self._examined = 0

    def models(self) -> list[dict[str, str]]:
        """One invented model."""
        return [{"name": "faulty", "version": "1", "sha256": "00", "provider": self._provider}]

    def look(self, arrival: Arrival, *, on_picture: object = None) -> Look | Skipped | Failed:
        """Do what the file is called."""
        word, _, rest = arrival.path.name.partition(".")
        if word == "seen":
            return invented_look(arrival, rest.encode())
        return self._behave(word, arrival)

    def compare(self, look: Look, baseline: Baseline) -> Examined | Failed:
        """Do what the second part of the file's name says; else answer with the size of the baseline as a timing."""
        _, word, *_ = look.arrival.path.name.split(".")
        answer = self._behave(word, look.arrival)
        if isinstance(answer, Failed):
            return answer
        timings_s = {**answer.timings_s, "baseline": float(baseline.size)}
        return replace(graded(look, good=0.96), arrival=answer.arrival, timings_s=timings_s)

    def _behave(self, word: str, arrival: Arrival) -> Skipped | Failed:
        """Misbehave as the word in a file's name asks: crash, hang, use up memory; else skip the file."""
        sentence = ""
        match word:
            case "crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "crash_once" if arrival.path.exists():
                arrival.path.unlink()
                os.kill(os.getpid(), signal.SIGSEGV)
            case "exit":
                os._exit(7)
            case "killed" if markers := sorted(arrival.path.parent.glob(arrival.path.name + ".*")):
                markers[0].unlink()
                os.kill(os.getpid(), END_AT_ONCE)
            case "weary" if self._examined:
                raise RuntimeError("a device that broke before")
            case "spin":
                while True:
                    pass
            case "hang":
                while True:
                    time.sleep(3600)
            case "bomb":
                return _bomb(arrival)
            case "print":
                sys.stdout.write("hello from a library\n")
                os.write(1, b"\x00\x00\x00\x04junk")
            case "words":
                os.write(2, b"\x1b[2J the last words\n")
                os.kill(os.getpid(), signal.SIGABRT)
            case "raise":
                raise RuntimeError("a pipeline must not raise")
            case "nan":
                return _skipped(arrival, "", {"total": float("nan")})
            case "other":
                return _skipped(_elsewhere(arrival), "", {})
            case "nonsense":
                for number in range(3, 64):
                    _write_blindly(number, b"\x00\x00\x00\x02{]")
                os._exit(0)
            case "child":
                subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
                os._exit(1)
            case "write":
                sentence = _try_to_write(arrival.path.with_name("written.txt"))
            case "interrupt":
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGTERM)
        self._examined += 1
        return _skipped(arrival, sentence, {"process": float(os.getpid())})


def _bomb(arrival: Arrival) -> Failed:
    """Use memory until none is left, and return the failed outcome of that."""
    held: list[bytearray] = []
    try:
        for _ in range(4096):
            held.append(bytearray(64 << 20))
    except MemoryError:
        held.clear()
    return Failed(
        arrival=arrival, frame_id=None, stage="read", kind="out_of_memory", known=True, retryable=False,
        sentence="the frame needs more memory than the worker may use", timings_s={"process": float(os.getpid())},
    )  # fmt: skip


def _try_to_write(path: Path) -> str:
    """Return whether the worker process may write a file: ``written``, or ``refused`` with the error."""
    try:
        path.write_bytes(b"bytes")
    except OSError as error:
        return f"refused: {type(error).__name__}"
    return "written"


def _write_blindly(descriptor: int, raw: bytes) -> None:
    """Write bytes to a file descriptor of the worker process, open or not."""
    try:
        os.write(descriptor, raw)
    except OSError:
        return


def _elsewhere(arrival: Arrival) -> Arrival:
    """Return the arrival of another file, for an answer of the worker that does not fit its question."""
    return Arrival(
        path=arrival.path.with_name("elsewhere.fits"), root=arrival.root, size_bytes=0, mtime_ns=0,
        first_seen_utc=arrival.first_seen_utc, settled_utc=arrival.settled_utc, how="named",
    )  # fmt: skip


def _skipped(arrival: Arrival, sentence: str, timings_s: dict[str, float]) -> Skipped:
    """Return the skipped outcome by which the faulty pipeline answers."""
    return Skipped(
        arrival=arrival, frame_id="0" * 16, sha256="0" * 64, meta=FrameMeta(), sensor_shape=(1, 1),
        sentence=sentence, timings_s=timings_s,
    )  # fmt: skip
