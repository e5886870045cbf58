"""Trouble that passes, for the tests of the daemon: a light pipeline, and a folder of marks that say what is wrong.

The folder is that of the models (``models.folder``), which this pipeline has none of.

======================  ======================================================================
``no-worker``           as long as it is there, no worker can start
``slow-worker``         as long as it is there, a worker does not finish its start
``NAME.denied``         as long as it is there, the frame of this name cannot be opened
``NAME.kill.NUMBER``    the worker is killed from outside while it has the frame; one mark each time
``NAME.crash``          as long as it is there, the worker crashes on the frame
======================  ======================================================================
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Self

from ..errors import Incomplete, ModelError
from ..records import Arrival, Failed, Look, Skipped
from ..settings import Settings
from .light import LightPipeline
from .worker_faults import END_AT_ONCE

PASSING_TROUBLE = "astro_monitor.testing.passing:PassingTrouble"
"""The name of this pipeline, as a lane takes it."""


class PassingTrouble(LightPipeline):
    """Grades what it can."""

    def __init__(self, marks: Path) -> None:
        self._marks = marks

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Start, unless a mark forbids it."""
        marks = settings.models.folder
        if marks is None:
            raise ModelError("models.folder is the folder of the marks; set it")
        while (marks / "slow-worker").exists():
            time.sleep(0.1)
        if (marks / "no-worker").exists():
            raise ModelError("the models cannot be loaded just now")
        return cls(marks)

    def look(self, arrival: Arrival, *, on_picture: object = None) -> Look | Skipped | Failed:
        """Meet the trouble that the marks name, or look at the frame."""
        name = arrival.path.name
        kills = sorted(self._marks.glob(f"{name}.kill.*"))
        if kills:
            kills[0].unlink()
            os.kill(os.getpid(), END_AT_ONCE)
        if (self._marks / f"{name}.crash").exists():
            os.kill(os.getpid(), signal.SIGSEGV)
        if (self._marks / f"{name}.denied").exists():
            error = Incomplete("The file cannot be opened now (Permission denied).", kind="no_access")
            return Failed(arrival=arrival, frame_id=None, stage="read", kind=error.kind, known=True,
                          retryable=error.retryable, sentence=str(error), timings_s={})  # fmt: skip
        return super().look(arrival)
