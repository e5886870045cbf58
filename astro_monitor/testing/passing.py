"""Temporary trouble, for tests of the daemon: a light pipeline, and a folder of marks that cause it.

The folder is that of the models (``models.folder``), since this pipeline has no models.

======================  ======================================================================
``no-worker``           while it exists, no worker can start
``slow-worker``         while it exists, a worker does not finish its start
``NAME.denied``         while it exists, the frame of this name cannot be opened
``NAME.kill.NUMBER``    the worker is killed from outside while it has the frame; one mark each time
``NAME.crash``          while it exists, the worker crashes on the frame
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
"""Name of this pipeline for a lane."""


class PassingTrouble(LightPipeline):
    """Examines frames without a mark like the light pipeline."""

    def __init__(self, marks: Path) -> None:
        self._marks = marks

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Open the pipeline, unless a mark prevents it."""
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
