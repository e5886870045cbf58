"""Failures of the worker itself, and which ones say something about the file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from ..records import Arrival, Failed, Outcome, Skipped
from .blame import Machine
from .process import Gone
from .wire import Looked


def stopped(arrival: Arrival, before_s: float | None = None) -> Failed:
    """Return the outcome of a file when the monitor ends before the worker has finished it.

    Parameters:
        arrival: the file.
        before_s: when it was taken up, of ``time.perf_counter``; now by default.
    """
    sentence = "the monitor was stopped before this file was graded; it is graded at the next start"
    return no_outcome(arrival, "stopped", sentence, time.perf_counter() if before_s is None else before_s)


def sentence_of(answer: Looked | Outcome) -> str:
    """Return the sentence of a worker's answer that is a failure; empty for other answers."""
    return answer.sentence if isinstance(answer, Skipped | Failed) else ""


def may_be_the_workers(answer: Looked | Outcome) -> bool:
    """Return whether a failure may come from what the worker process did before, and not from the file."""
    return isinstance(answer, Failed) and not answer.retryable and is_poisoned(answer)


def is_poisoned(answer: Looked | Outcome) -> bool:
    """Return whether later answers of a worker process may be wrong: out of memory, or an unforeseen error."""
    return isinstance(answer, Failed) and (not answer.known or answer.kind == "out_of_memory")


def excused(outcome: Outcome) -> Outcome:
    """Return an outcome that is tried again if it is a failure because the computer has too little memory now."""
    if isinstance(outcome, Failed) and outcome.kind == "out_of_memory" and Machine.now().short_of_memory:
        return replace(outcome, retryable=True)
    return outcome


def lost_sentence(losses: Sequence[Gone], *, final: bool) -> str:
    """Return the sentence that says how worker processes were lost with one file.

    Parameters:
        losses: one or more, the last one at the end.
        final: whether the file is not tried again.
    """
    times = "once" if len(losses) == 1 else f"{len(losses)} times"
    end = "the other frames are graded as usual, please report this file" if final else "it will be tried again later"
    return f"the worker process was lost {times} with this file, the last time it {losses[-1]}; {end}"


def no_outcome(arrival: Arrival, kind: str, sentence: str, before_s: float, *, retryable: bool = True) -> Failed:
    """Return the failed outcome of a file that no worker has finished.

    Parameters:
        arrival: the file.
        kind: such as ``worker_lost``.
        sentence: what happened.
        before_s: when it was taken up, of ``time.perf_counter``.
        retryable: whether it is tried again.
    """
    return Failed(
        arrival=arrival,
        frame_id=None,
        stage="worker",
        kind=kind,
        known=True,
        retryable=retryable,
        sentence=sentence,
        timings_s={"total": time.perf_counter() - before_s},
    )
