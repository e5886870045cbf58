"""Which darks, flats and biases in the capture folder fit a stack.

A frame fits when it is of the same camera, gain, offset, binning and size; a dark also of the same exposure and, where
both headers give it, of the same temperature; a flat of the same filter and telescope. A master, made by a stacking
program, is preferred to single frames.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePath
from statistics import median

from ..formats.known.fits import FITS_ENDINGS
from .frames import ListedNotLight
from .grouping import Stack

SAME_TEMPERATURE_C = 2.0
"""Temperature difference up to which a dark fits. Dark current doubles about every 6 °C: within 2 °C it changes by
a\nquarter at most."""
SAME_EXPOSURE = 0.02
"""Relative difference up to which two exposures are equal: programs round the exposure, or write the measured
one."""
NIGHT_BREAK = timedelta(hours=12)
"""Flats with a longer pause between them belong to two sessions: dust moves, and cameras are turned."""
LEAST_RAW = 2
"""Frames in the smallest usable set of calibration frames: Siril needs two for a stack."""

_KINDS = r"(?P<kind>dark[ _-]?flat|flat[ _-]?dark|dark|flat|bias|offset)s?"
_MASTER_NAME = re.compile(
    rf"(.*[^a-z])?(master[ _-]*{_KINDS}|super[ _-]*{_KINDS.replace('<kind>', '<kind2>')}"
    rf"|{_KINDS.replace('<kind>', '<kind3>')}[ _-]*(stack(ed)?|master))([^a-z].*)?"
)


@dataclass(frozen=True, slots=True)
class Part:
    """Calibration frames of one kind that fit a stack.

    Attributes:
        paths: of the master, or of the single frames in order of time.
        is_master: whether the path is that of a master.
    """

    paths: tuple[str, ...] = ()
    is_master: bool = False

    def __bool__(self) -> bool:
        """Whether any frame fits."""
        return bool(self.paths)

    def in_words(self, singular: str, plural: str) -> str:
        """Return a description such as ``a master dark`` or ``20 darks``."""
        return f"a master {singular}" if self.is_master else f"{len(self.paths)} {plural}"


@dataclass(frozen=True, slots=True)
class Calibration:
    """The calibration frames for a stack; missing parts are empty."""

    dark: Part = Part()
    flat: Part = Part()
    flat_dark: Part = Part()
    bias: Part = Part()

    def __bool__(self) -> bool:
        """Whether the lights can be calibrated: flat darks alone do not change them."""
        return bool(self.dark or self.flat or self.bias)

    @property
    def comment(self) -> str:
        """A sentence for the head of a script. It holds numbers only, no text from a user or a header."""
        parts_used = [
            part.in_words(singular, plural)
            for part, singular, plural in (
                (self.dark, "dark", "darks"), (self.flat, "flat", "flats"),
                (self.flat_dark, "flat dark", "flat darks"), (self.bias, "bias", "biases"),
            )
            if part
        ]  # fmt: skip
        missing = [name for part, name in ((self.dark, "darks"), (self.flat, "flats")) if not part]
        lacking = f" No {' and no '.join(missing)} that fit were found." if missing else ""
        return f"Calibrated with {', '.join(parts_used)} of the same camera and gain.{lacking}"


def calibration_for(stack: Stack, files: Sequence[ListedNotLight], ending: Callable[[str], str | None]) -> Calibration:
    """Select the calibration frames that fit a stack.

    Parameters:
        stack: the lights.
        files: all files that are not light frames.
        ending: returns the ending of a link to a file, ``None`` where the stacking program cannot read it.
    """
    fitting = [file for file in files if ending(file.file) is not None and _is_of_rig(stack, file)]
    temperatures = [frame.sensor_temp_c for frame in stack.frames if frame.sensor_temp_c is not None]
    lights_c = median(temperatures) if temperatures else None
    flat = _selected_part([file for file in fitting if _fits_as_flat(stack, file)], "flat", stack)
    flat_exposures = {file.meta.exposure_s for file in fitting if file.file in flat.paths}
    darks = [file for file in fitting if _calibration_kind(file) == "dark" and _is_as_warm(file, lights_c)]
    dark = [file for file in darks if _is_as_long(file, stack.exposure_s)]
    flat_darks = [file for file in darks if any(_is_as_long(file, exposure_s) for exposure_s in flat_exposures)]
    bias = _selected_part([file for file in fitting if _calibration_kind(file) == "bias"], "bias", stack)
    of_lights = _selected_part(dark, "dark", stack)
    of_flats = Part() if flat.is_master or not flat else _selected_part(flat_darks, "dark", stack)
    # A dark contains the bias, and so does a flat dark; a master flat is calibrated already.
    needs_bias = not of_lights or (flat and not flat.is_master and not of_flats)
    return Calibration(dark=of_lights, flat=flat, flat_dark=of_flats, bias=bias if needs_bias else Part())


def _calibration_kind(file: ListedNotLight) -> str:
    """Return ``dark``, ``flat`` or ``bias``, also for a master; empty for anything else."""
    if file.type in ("dark", "flat", "bias"):
        return file.type
    return _master_kind(file)


def _master_kind(file: ListedNotLight) -> str:
    """Return the kind of a calibration master (``dark``, ``flat``, ``bias``) from header or file name; else empty."""
    if file.type != "product":
        return ""
    spelled = re.sub(r"[^a-z]", "", (file.meta.frame_type or "").lower())
    for word, kind in (("darkflat", "dark"), ("flatdark", "dark"), ("dark", "dark"), ("flat", "flat"), ("bias", "bias"),
                       ("offset", "bias"), ("zero", "bias")):  # fmt: skip
        if word in spelled:
            return kind
    if spelled and "light" in spelled:
        return ""
    named_master = _MASTER_NAME.fullmatch(PurePath(file.file).name.lower().split(".")[0])
    if named_master is None:
        return ""
    name = next(part for part in (named_master["kind"], named_master["kind2"], named_master["kind3"]) if part)
    return "dark" if "dark" in name else "bias" if name == "offset" else name


def _is_of_rig(stack: Stack, file: ListedNotLight) -> bool:
    """Whether a frame was taken with the camera and readout mode of a stack. Masters may have lost the gain."""
    meta = file.meta
    if (meta.width_px, meta.height_px) != (stack.width_px, stack.height_px):
        return False
    if (meta.binning or 1) != stack.binning:
        return False
    if not _agree(meta.camera, stack.camera) or not _agree(meta.offset, stack.offset):
        return False
    gain = meta.gain
    if gain is None or stack.gain is None:
        return gain == stack.gain or bool(_master_kind(file))
    return bool(gain == stack.gain)


def _agree(first: float | str | None, other: float | str | None) -> bool:
    """Return whether two header values of calibration file and lights are equal, or one of them is unknown."""
    if first in (None, "") or other in (None, ""):
        return True
    if isinstance(first, str) and isinstance(other, str):
        return " ".join(first.casefold().split()) == " ".join(other.casefold().split())
    return first == other


def _fits_as_flat(stack: Stack, file: ListedNotLight) -> bool:
    """Return whether a file is a flat with the filter and the telescope of a stack."""
    filter_ = " ".join((file.meta.filter or "").casefold().split())
    same_filter = filter_ == " ".join(stack.filter.casefold().split())
    return _calibration_kind(file) == "flat" and same_filter and _agree(file.meta.telescope, stack.telescope)


def _is_as_long(file: ListedNotLight, exposure_s: float | None) -> bool:
    """Return whether a dark has the exposure time of the lights, within a tolerance."""
    told_s = file.meta.exposure_s
    if not told_s or not exposure_s:
        return False
    return bool(abs(told_s - exposure_s) <= SAME_EXPOSURE * exposure_s)


def _is_as_warm(file: ListedNotLight, lights_c: float | None) -> bool:
    """Return whether a dark has the sensor temperature of the lights, within a tolerance, or one is unknown."""
    told_c = file.meta.sensor_temp_c
    return told_c is None or lights_c is None or abs(told_c - lights_c) <= SAME_TEMPERATURE_C


def _selected_part(files: Sequence[ListedNotLight], kind: str, stack: Stack) -> Part:
    """Select the latest master, else the single frames; for flats those of the session nearest to the lights."""
    ordered = sorted(files, key=lambda file: (file.date_obs_utc, file.seq, file.file))
    masters = [file for file in ordered if file.type == "product" and file.file.lower().endswith(FITS_ENDINGS)]
    if masters:
        return Part((masters[-1].file,), is_master=True)
    ordered = [file for file in ordered if file.type != "product"]
    if kind == "flat":
        ordered = _nearest_session(ordered, stack)
    return Part(tuple(file.file for file in ordered)) if len(ordered) >= LEAST_RAW else Part()


def _nearest_session(files: Sequence[ListedNotLight], stack: Stack) -> list[ListedNotLight]:
    """Return the files of one session: the one nearest to the first light; all files where times are unknown."""
    times = [_parsed_time(file.date_obs_utc) for file in files]
    lights = [moment for frame in stack.frames if (moment := _parsed_time(frame.date_obs_utc)) is not None]
    if not lights or any(moment is None for moment in times):
        return list(files)
    sessions: list[list[tuple[datetime, ListedNotLight]]] = []
    for moment, file in zip(times, files, strict=True):
        assert moment is not None  # noqa: S101
        if not sessions or moment - sessions[-1][-1][0] > NIGHT_BREAK:
            sessions.append([])
        sessions[-1].append((moment, file))
    usable = [session for session in sessions if len(session) >= LEAST_RAW]
    if not usable:
        return []
    nearest = min(usable, key=lambda session: min(abs(moment - min(lights)) for moment, _ in session))
    return [file for _, file in nearest]


def _parsed_time(text: str) -> datetime | None:
    """Return the start of an exposure as a time; ``None`` if the header value is not a time."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
