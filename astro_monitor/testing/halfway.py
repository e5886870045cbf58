"""Frames that are judged before they are complete, for tests of the daemon: a light pipeline that detects gaps.

A frame with a run of zero bytes is blurred, any other is good; the time of exposure is DATE-OBS. With a limit of the
FWHM (``judge.max_fwhm_px``), two blurred frames in a row open a warning when ``judge.alert_n`` is 1.
"""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime

from ..errors import Incomplete
from ..fitsheader import scan_hdus
from ..records import CLASSES, FAULTS, Arrival, Baseline, Examined, Failed, Look, Skipped
from .inventing import graded, invented_look
from .light import LightPipeline

HALFWAY = "astro_monitor.testing.halfway:Halfway"
"""Name of this pipeline for a lane."""

_MISSING = bytes(1000)
"""Run of zero bytes of an unwritten part."""
BLURRED_FWHM_PX = 15.0
"""Width of the stars in a blurred frame."""


class Halfway(LightPipeline):
    """Judges any file."""

    def look(self, arrival: Arrival, *, on_picture: object = None) -> Look | Skipped | Failed:
        """Look for missing parts and for the time of exposure."""
        try:
            content = arrival.path.read_bytes()
        except FileNotFoundError:
            return super().look(arrival)
        look = invented_look(arrival, content)
        look = replace(look, meta=replace(look.meta, date_obs_utc=_exposed(content)))
        if _MISSING not in content:
            return look
        values = look.measurements.values | {"fwhm_px": BLURRED_FWHM_PX}
        return replace(look, measurements=replace(look.measurements, values=values))

    def compare(self, look: Look, baseline: Baseline) -> Examined | Failed:
        """Grade a frame with missing parts as blurred."""
        examined = graded(look, good=0.96)
        return _blurred(examined) if look.measurements.values["fwhm_px"] == BLURRED_FWHM_PX else examined


def _exposed(content: bytes) -> datetime | None:
    """Return the start of exposure in the header of a half-written FITS file; ``None`` when it is not there yet."""
    file = io.BytesIO(content)

    def read_at(offset: int, count: int) -> bytes:
        file.seek(offset)
        return file.read(count)

    try:
        value = next(scan_hdus(read_at)).header.value("DATE-OBS")
    except Incomplete:
        return None
    return datetime.fromisoformat(value).replace(tzinfo=UTC) if isinstance(value, str) else None


def _blurred(examined: Examined) -> Examined:
    """Return the examined frame of a test with the grade of bad seeing."""
    probabilities = {**dict.fromkeys(CLASSES, 0.01), "bad_seeing": 0.96}
    grade = replace(
        examined.grade, label="bad_seeing", probabilities=probabilities,
        fault_scores={**dict.fromkeys(FAULTS, 0.0), "seeing": 0.98},
    )  # fmt: skip
    return replace(examined, grade=grade)
