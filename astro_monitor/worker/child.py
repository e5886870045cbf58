"""The worker's side of the pipe: open the pipeline, then answer one question after the other until the pipe closes."""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import logging
import os
import sys
from dataclasses import replace
from typing import Any, BinaryIO

from .. import logs, looks
from ..errors import ConfigError, LookError, ModelError
from ..preview import preview_jpeg
from ..records import Arrival, Baseline, Detections, Examined, Failed, Frame, Look, Outcome, Skipped, baseline_key
from ..settings import Settings
from . import limits, wire
from .baselines import BaselineCache
from .wire import Compare, LookAt, Looked, Show, Shown

log = logging.getLogger(__name__)

LOOK_UNUSABLE = "look_unusable"
"""Kind of the failure when a kept look cannot be compared: damaged, or written by another version."""


def main(arguments: list[str] | None = None) -> int:
    """Run the worker process: serve the monitor that started it.

    Parameters:
        arguments: the command line without the program.

    Returns:
        exit code: 0 after an orderly end, or that of the error that prevented the start.
    """
    parser = argparse.ArgumentParser(description="Worker process of astro-monitor; the monitor starts it.")
    parser.add_argument("--pipeline", required=True, metavar="MODULE:CLASS")
    chosen = parser.parse_args(arguments)
    faulthandler.enable()
    limits.ignore_interrupts()
    limits.die_first()
    jobs, answers = _take_over_pipes()
    return serve(jobs, answers, chosen.pipeline)


def serve(jobs: BinaryIO, answers: BinaryIO, pipeline_name: str) -> int:
    """Read the settings, load the models, and answer the monitor's questions until it closes the pipe.

    Parameters:
        jobs: where settings and questions come from.
        answers: where answers go.
        pipeline_name: ``module:class`` of something with ``open``, ``models``, ``look`` and ``compare``.
    """
    raw = wire.receive(jobs)
    settings = wire.unpack(raw)[0] if raw is not None else None
    if not isinstance(settings, Settings):
        return 1
    logs.to_stderr(settings.log_level, utc=settings.times == "utc")
    try:
        pipeline = load_pipeline(pipeline_name).open(settings)
        ready = wire.Ready(models=tuple(pipeline.models()))
    except ConfigError as error:
        wire.send(answers, wire.pack(wire.Refused(error="ConfigError", sentence=str(error))))
        return error.exit_code
    except ModelError as error:
        wire.send(answers, wire.pack(wire.Refused(error="ModelError", sentence=str(error))))
        return error.exit_code
    reserves = any(model.get("provider") != "cpu" for model in ready.models)
    limits.limit_resources(settings.worker.memory_mb, reserves=reserves)
    wire.send(answers, wire.pack(ready))
    bench = Bench(pipeline)
    while (raw := wire.receive(jobs)) is not None:
        question, number = wire.unpack(raw)
        if not isinstance(question, wire.LookAt | wire.Compare | wire.Show):
            raise wire.WireError("only questions are expected after the settings")
        limits.start_alarm(settings.worker.timeout_s)
        packed = _packed(bench, question, number)
        limits.stop_alarm()
        wire.send(answers, packed)
    return 0


def load_pipeline(name: str) -> Any:
    """Import the pipeline class that ``module:class`` names, in the worker process."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _packed(bench: Bench, question: wire.Question, number: int) -> bytes:
    """Return the answer of the worker to a question, packed for the pipe; a defect becomes a failed outcome."""
    if isinstance(question, Show):
        return wire.pack(bench.show(question), number)
    try:
        return wire.pack(bench.answer(question), number)
    except Exception as error:
        # A NaN in an answer is a defect, too.
        return wire.pack(unforeseen(question.arrival, error), number)


class Bench:
    """Answers questions with one pipeline, and keeps the baselines that have arrived.

    Parameters:
        pipeline: something with ``look`` and ``compare``.
    """

    def __init__(self, pipeline: Any) -> None:
        self._pipeline = pipeline
        self._baselines: BaselineCache[Baseline] = BaselineCache()
        self._to_show: list[tuple[Frame, Detections]] = []

    def answer(self, question: LookAt | Compare) -> Looked | Outcome:
        """Look at a file, or compare a look; exactly one answer, whatever happens.

        Parameters:
            question: from the monitor.
        """
        return self.look(question) if isinstance(question, LookAt) else self.compare(question)

    def look(self, question: LookAt) -> Looked | Skipped | Failed:
        """Look at a file; a pipeline that raises has a defect, and still there is one answer."""
        try:
            return self._look(question)
        except Exception as error:
            return unforeseen(question.arrival, error)

    def compare(self, question: Compare) -> Examined | Failed:
        """Compare a look; likewise."""
        try:
            return self._compare(question)
        except LookError as error:
            return _failed(question.arrival, str(error), kind=LOOK_UNUSABLE, known=True)
        except Exception as error:
            return unforeseen(question.arrival, error)

    def show(self, question: Show) -> Shown:
        """Make the preview of the frame that was looked at last; whatever goes wrong costs this preview alone.

        Parameters:
            question: names the frame, as a check.
        """
        held, self._to_show = self._to_show, []
        for frame, detections in held:
            if frame.frame_id == question.frame_id:
                try:
                    return Shown(frame_id=question.frame_id, jpeg=preview_jpeg(frame, detections))
                except Exception:
                    log.warning("%s: no preview could be made; please report this file", frame.frame_id, exc_info=True)
        return Shown(frame_id=question.frame_id, jpeg=b"")

    def _hold(self, frame: Frame, detections: Detections) -> None:
        """Hold the pixels of a frame until its preview is made; only those of one frame."""
        self._to_show = [(frame, detections)]

    def _look(self, question: LookAt) -> Looked | Skipped | Failed:
        """Run the look stage of the pipeline on a file, in the worker process; the picture is held for its preview."""
        # The pixels of the frame before must be free for this one.
        self._to_show = []
        seen: Look | Skipped | Failed = (
            self._pipeline.look(question.arrival, on_picture=self._hold)
            if question.to_show
            else self._pipeline.look(question.arrival)
        )
        if not isinstance(seen, Look):
            self._to_show = []
            return seen
        return Looked(
            arrival=question.arrival,
            frame_id=seen.frame_id,
            key=baseline_key(seen.meta, seen.sensor_shape),
            look=looks.encode(seen),
        )

    def _compare(self, question: Compare) -> Examined | Failed:
        """Run the compare stage of the pipeline on a look, with the baseline that the worker received or holds."""
        for baseline in question.baseline:
            self._baselines.put(question.key, question.version, baseline)
        look = looks.decode(question.look, pictures=False)
        outcome: Examined | Failed = self._pipeline.compare(
            replace(look, arrival=question.arrival), self._baselines.take(question.key, question.version)
        )
        return outcome


def unforeseen(arrival: Arrival, error: Exception) -> Failed:
    """Log a defect in the program itself, and return it as the failed outcome of the file that met it."""
    log.error("%s: no answer from the pipeline", arrival.path.name, exc_info=error)
    sentence = f"unforeseen {type(error).__name__} in the worker: {error}; please report this file"
    return _failed(arrival, sentence, kind="unforeseen", known=False)


def _failed(arrival: Arrival, sentence: str, *, kind: str, known: bool) -> Failed:
    """Return the failed outcome of a file whose question the worker process could not answer."""
    return Failed(
        arrival=arrival, frame_id=None, stage="worker", kind=kind, known=known, retryable=False, sentence=sentence,
        timings_s={},
    )  # fmt: skip


def _take_over_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep the two pipes to ourselves: what a library prints must not end up between two messages."""
    jobs = os.fdopen(os.dup(0), "rb")
    answers = os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return jobs, answers
