"""The worker's side of the pipe: open the pipeline, then answer one job after the other until the pipe closes."""

from __future__ import annotations

import argparse
import faulthandler
import importlib
import logging
import os
import sys
from typing import Any, BinaryIO

from .. import logs
from ..errors import ConfigError, ModelError
from ..records import Failed, Outcome
from ..settings import Settings
from . import limits, wire

log = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> int:
    """Serve the monitor that started this process.

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
    """Read the settings, load the models, and answer jobs until the other side closes the pipe.

    Parameters:
        jobs: where settings and jobs come from.
        answers: where answers go.
        pipeline_name: ``module:class`` of something with ``open``, ``models`` and ``examine``.
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
    while (raw := wire.receive(jobs)) is not None:
        job, number = wire.unpack(raw)
        if not isinstance(job, wire.Job):
            raise wire.WireError("only jobs are expected after the settings")
        limits.start_alarm(settings.worker.timeout_s)
        answer = _answer(pipeline, job, number)
        limits.stop_alarm()
        wire.send(answers, answer)
    return 0


def load_pipeline(name: str) -> Any:
    """Import what ``module:class`` names."""
    module, _, attribute = name.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _answer(pipeline: Any, job: wire.Job, number: int) -> bytes:
    try:
        outcome: Outcome = pipeline.examine(job.arrival, job.baselines)
        return wire.pack(outcome, number)
    except Exception as error:
        # The pipeline never raises; if it does, or hands out a NaN, that is a defect, and still one answer.
        log.exception("%s: no answer from the pipeline", job.arrival.path.name)
        sentence = f"unforeseen {type(error).__name__} in the worker: {error}; please report this file"
        return wire.pack(unforeseen(job, sentence), number)


def unforeseen(job: wire.Job, sentence: str) -> Failed:
    """The outcome of a defect in the program itself."""
    return Failed(
        arrival=job.arrival, frame_id=None, stage="worker", kind="unforeseen", known=False, retryable=False,
        sentence=sentence, timings_s={},
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
