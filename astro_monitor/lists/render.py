"""The bytes of each list. Pure functions: rows in, bytes out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from .frames import SHOWN_NUMBERS, ListedFrame, ListedNotLight
from .grouping import Stack
from .names import csv_text, is_listable

COLUMNS = (
    "file", "decision", "weight", "class", "cause", "flags", "reasons", "target", "filter", "exposure_s",
    "date_obs_utc", *SHOWN_NUMBERS, "frame_id",
)  # fmt: skip
NOT_LIGHT_META = (
    "target", "filter", "exposure_s", "gain", "binning", "sensor_temp_c", "width_px", "height_px", "bayer", "camera",
    "date_obs_utc",
)  # fmt: skip
"""Header values in the list of files that are not light frames: those that decide which lights a dark or flat fits."""

NOT_LIGHT_COLUMNS = ("file", "type", "keyword", "why", *NOT_LIGHT_META, "frame_id")
MAX_DSS_LINE_BYTES = 10_000
"""Longest line of a DeepSkyStacker file list that is written, in bytes; a bound on absurd paths."""


def csv_bytes(frames: Sequence[ListedFrame]) -> bytes:
    """Return a table after RFC 4180: UTF-8, CRLF, quotes where needed, no cell that a spreadsheet runs as a formula.

    Parameters:
        frames: in the order of the rows. Frames whose path cannot be a line of a text list are left out.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for frame in frames:
        if not is_listable(frame.file):
            continue
        words = [frame.file, frame.decision]
        middle = [frame.label, frame.cause, " ".join(frame.flags), " ".join(frame.reasons), frame.target, frame.filter]
        writer.writerow(
            [
                *map(csv_text, words), frame.weight, *map(csv_text, middle), _number_cell(frame.exposure_s),
                csv_text(frame.date_obs_utc), *(_number_cell(frame.numbers.get(key)) for key in SHOWN_NUMBERS),
                csv_text(frame.frame_id),
            ]
        )  # fmt: skip
    return text.getvalue().encode("utf-8")


def _number_cell(number: float | None) -> str:
    """Return a number as a CSV cell of a list; empty for ``None``."""
    return "" if number is None else f"{number:.10g}"


def stack_json(stack: Stack, notes: Sequence[str] = ()) -> bytes:
    """Return everything about one stack as JSON, including paths that text lists cannot hold.

    Parameters:
        stack: the frames.
        notes: sentences about the other lists of the same stack.
    """
    return _json(
        {
            "schema": "astro-monitor/list/1",
            "target": stack.target,
            "filter": stack.filter,
            "exposure_s": stack.exposure_s,
            "width_px": stack.width_px,
            "height_px": stack.height_px,
            "binning": stack.binning,
            "bayer": stack.bayer or None,
            "telescope": stack.telescope or None,
            "camera": stack.camera or None,
            "gain": stack.gain,
            "offset": stack.offset,
            "ra_deg": stack.ra_deg,
            "dec_deg": stack.dec_deg,
            "angle_deg": stack.angle_deg,
            "not_offered": stack.not_offered or None,
            "kept_hours": round(stack.kept_hours, 4),
            "equivalent_good_hours": round(stack.equivalent_good_hours, 4),
            "accepted": stack.decided("keep"),
            "review": stack.decided("review"),
            "rejected": stack.decided("reject"),
            "unlistable": [frame.file for frame in stack.frames if not is_listable(frame.file)],
            "duplicates": [{"file": copy.file, "frame_id": copy.frame_id} for copy in stack.duplicates],
            "notes": list(notes),
        }
    )


def not_lights_csv(files: Sequence[ListedNotLight]) -> bytes:
    """Return the files that are not light frames as a table, in the form of :func:`csv_bytes`.

    Parameters:
        files: in the order of the rows. Those whose path cannot be a line of a text list are left out.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(NOT_LIGHT_COLUMNS)
    for file in files:
        if is_listable(file.file):
            values = _not_light_row(file)
            writer.writerow(
                csv_text(value or "") if isinstance(value := values[name], str | None) else _number_cell(value)
                for name in NOT_LIGHT_COLUMNS
            )
    return text.getvalue().encode("utf-8")


def not_lights_json(files: Sequence[ListedNotLight]) -> bytes:
    """Return the files that are not light frames as JSON.

    Parameters:
        files: in order.
    """
    return _json({"schema": "astro-monitor/list/1", "not_lights": [_not_light_row(file) for file in files]})


def _not_light_row(file: ListedNotLight) -> dict[str, Any]:
    """Return the row of a dark, flat, bias or other non-light file in the JSON list."""
    facts = {name: getattr(file.meta, name) for name in NOT_LIGHT_META}
    return {"file": file.file, "frame_id": file.frame_id, "type": file.type, "keyword": file.keyword, "why": file.why,
            **facts}  # fmt: skip


def index_json(index: dict[str, Any]) -> bytes:
    """Return the table of contents as JSON.

    Parameters:
        index: plain JSON values.
    """
    return _json(index)


def _json(value: dict[str, Any]) -> bytes:
    """Return what ``json.dumps`` writes with an indent of one. Tuples are frames, converted to rows one at a time.

    Everything outside ASCII is escaped, so that paths which are not text survive, too.
    """
    text = io.StringIO()
    text.write("{")
    for index, (key, item) in enumerate(value.items()):
        text.write(f"{',' if index else ''}\n {json.dumps(key)}: ")
        if isinstance(item, tuple) and item:
            text.write("[")
            for number, frame in enumerate(item):
                text.write(f"{',' if number else ''}\n  {_indented(_frame_row(frame), 2)}")
            text.write("\n ]")
        else:
            text.write(_indented(list(item) if isinstance(item, tuple) else item, 1))
    text.write("\n}\n")
    return text.getvalue().encode("ascii")


def _indented(value: Any, level: int) -> str:
    """Return a value as JSON text whose following lines are indented by a level."""
    return json.dumps(value, allow_nan=False, indent=1).replace("\n", "\n" + " " * level)


def _frame_row(frame: ListedFrame) -> dict[str, Any]:
    """Return the row of one frame in ``frames.json``."""
    return {
        "file": frame.file,
        "frame_id": frame.frame_id,
        "decision": frame.decision,
        "weight": frame.weight,
        "class": frame.label,
        "cause": frame.cause,
        "flags": list(frame.flags),
        "reasons": list(frame.reasons),
        "date_obs_utc": frame.date_obs_utc or None,
        "measurements": dict(sorted(frame.numbers.items())),
    }


def text_bytes(stack: Stack) -> bytes:
    """Return the paths of the kept frames, one per line, in order of time: for ASTAP, AstroPixelProcessor and scripts.

    Parameters:
        stack: the frames.
    """
    return "".join(f"{frame.file}\n" for frame in stack.decided("keep") if is_listable(frame.file)).encode("utf-8")


def dss_bytes(stack: Stack) -> bytes:
    """Return a DeepSkyStacker file list of the accepted frames; the one with the largest weight is the reference.

    Format: ``DeepSkyStackerKernel/FrameList.cpp`` of DeepSkyStacker: two header lines, then three fields, tab
        separated.

    Parameters:
        stack: the frames.
    """
    accepted = [frame for frame in stack.decided("keep") if is_listable(frame.file)]
    accepted = [frame for frame in accepted if len(_dss_line(frame, "reflight")) < MAX_DSS_LINE_BYTES]
    best = max(accepted, key=lambda frame: (frame.weight, frame.file), default=None)
    lines = [b"DSS file list\n", b"CHECKED\tTYPE\tFILE\n"]
    lines += [_dss_line(frame, "reflight" if frame is best else "light") for frame in accepted]
    return b"".join(lines)


def _dss_line(frame: ListedFrame, kind: str) -> bytes:
    """Return the line of one frame in a file list of DeepSkyStacker."""
    # A backslash is a separator on Windows and a letter elsewhere; drive letters tell the two apart.
    windows = frame.file[1:3] == ":\\" or frame.file.startswith("\\\\")
    path = frame.file.replace("\\", "/") if windows else frame.file
    return f"1\t{kind}\t{path}\n".encode()
