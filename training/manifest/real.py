"""Import a folder of real frames that has a table of labels. The frames stay where they are, untouched."""

from __future__ import annotations

import csv
import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from astro_monitor.errors import FrameError
from astro_monitor.read import Reader
from astro_monitor.records import FrameMeta
from training import arrivals
from training.manifest.entries import Entry, ManifestError, as_split, sha256_of
from training.manifest.splits import split_of_group, together

log = logging.getLogger(__name__)

NEEDED = ("file", "label", "source", "licence")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Labelled:
    row: dict[str, str]
    sha256: str
    rig: str
    night: str
    target: str


def import_folder(folder: Path, labels: str = "labels.csv", split: str | None = None) -> list[Entry]:
    """Make entries for all files of a table of labels.

    The rig is the camera with its sensor and telescope, the night is the rig's, the target is by name or by place, all
    from the header. Frames without a word about themselves are grouped by their folder.

    Parameters:
        folder: with the table and the frames.
        labels: name of the table: ``file``, ``label``, ``source``, ``licence``; ``confidence``, ``sha256`` and
            ``labelled_by`` where known.
        split: one for all, in place of one by group: ``test`` for frames that shall never be trained on.

    Raises:
        ManifestError: the table lacks a column or a licence, or a file is missing or not the one that was labelled.
    """
    frames = [_labelled(folder, row, number) for number, row in enumerate(_rows(folder / labels), 2)]
    groups = together([[key for key in (f.rig, f.night, f.target) if key] for f in frames])
    return [
        Entry(
            file=frame.row["file"],
            kind="real",
            split=as_split(split or split_of_group(group)),
            sha256=frame.sha256,
            source=frame.row["source"],
            licence=frame.row["licence"],
            rigs=(frame.rig,),
            nights=(frame.night,) if frame.night else (),
            targets=(frame.target,) if frame.target else (),
            label=frame.row["label"],
            confidence=float(frame.row["confidence"]) if frame.row.get("confidence") else None,
            labelled_by=frame.row.get("labelled_by") or None,
        )
        for frame, group in zip(frames, groups, strict=True)
    ]


def _rows(table: Path) -> list[dict[str, str]]:
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise ManifestError(f"{table} cannot be read: {error.strerror}") from error
    missing = [key for key in NEEDED if not rows or key not in rows[0]]
    if missing:
        raise ManifestError(f"{table} has no column {', '.join(missing)}")
    return rows


def _labelled(folder: Path, row: dict[str, str], line: int) -> _Labelled:
    path = folder / row["file"]
    if not row["licence"]:
        raise ManifestError(f"line {line}: {row['file']} has no licence; without one it cannot be used")
    try:
        digest = sha256_of(path)
    except OSError as error:
        raise ManifestError(f"line {line}: {row['file']}: {error.strerror}") from error
    if row.get("sha256") and row["sha256"] != digest:
        raise ManifestError(f"line {line}: {row['file']} is not the file that was labelled; its content has changed")
    meta, size = _header(path, folder)
    place = f"folder {Path(row['file']).parent.as_posix()}"
    rig = _rig(meta, size) or place
    night = f"{rig}, {_night(meta.date_obs_utc, meta.site_lon_deg)}" if meta.date_obs_utc else ""
    return _Labelled(row=row, sha256=digest, rig=rig, night=night, target=_target(meta))


def _header(path: Path, folder: Path) -> tuple[FrameMeta, str]:
    """What the header says, and the size of the sensor in words; nothing when it is no frame."""
    try:
        frame = Reader().read(arrivals.named(path, folder))
    except FrameError as error:
        log.info("%s: %s", path.name, error)
        return FrameMeta(), ""
    return frame.meta, f"{frame.sensor_shape[1]} x {frame.sensor_shape[0]}"


def _rig(meta: FrameMeta, size: str) -> str:
    return ", ".join(part for part in (meta.camera, size, meta.telescope) if part) if meta.camera else ""


def _night(when_utc: datetime, longitude_deg: float | None) -> str:
    """The date on which the night began, from noon to noon of the mean sun at the site; at Greenwich when unknown."""
    return (when_utc + timedelta(hours=(longitude_deg or 0.0) / 15 - 12)).date().isoformat()


def _target(meta: FrameMeta) -> str:
    """The name without spaces and case; else the place to a degree."""
    if meta.target:
        return "target " + "".join(meta.target.split()).casefold()
    if meta.ra_deg is not None and meta.dec_deg is not None:
        return f"place {meta.ra_deg:.0f} {meta.dec_deg:+.0f}"
    return ""
