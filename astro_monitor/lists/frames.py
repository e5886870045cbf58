"""One row of a list, and which rows belong into one stack."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import PurePath
from typing import Any, TypeVar

SHOWN_NUMBERS = (
    "fwhm_px",
    "fwhm_gauss_px",
    "fwhm_arcsec",
    "hfr_px",
    "eccentricity",
    "star_count",
    "background_adu",
    "extinction_mag",
)
"""Measurements that lists show."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedFrame:
    """One judged frame as lists need it.

    Attributes:
        file: path of the frame as text; bytes that are no UTF-8 are lone surrogates, as ``os.fsdecode`` gives them.
        decision: the latest one, an override by the user included.
        label: the class.
        reasons: sentences, worst first.
        seq: of the document it was built from; of two frames at one path the later one counts.
        present: its file was there when it was looked for last. Lists leave out those that were not.
        numbers: the measurements named in ``SHOWN_NUMBERS``.
        by_hand: a person has decided.
        kind: frame type by header: ``light``, or ``unknown`` when the header gives none.
        program: capture program, empty when unknown.
        camera, telescope: as the header spells them, empty when unknown.
        ra_deg, dec_deg: where the telescope pointed; ``None`` when unknown.
        angle_deg: direction of increasing right ascension on the sensor, by a plate solution; ``None`` when unknown.
        scale_arcsec_px: of the sensor pixels in the file.
        stars: places of the brightest stars, where the header does not give the pointing.
        root: the capture folder, empty when unknown.
        place: names of the folders from the capture folder down to the frame's own.
        bayer: order of the colour filter array, empty for mono.
    """

    file: str
    frame_id: str
    decision: str
    weight: float = 0.0
    label: str = "unknown"
    cause: str = "none"
    flags: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    target: str = ""
    filter: str = ""
    exposure_s: float | None = None
    width_px: int | None = None
    height_px: int | None = None
    binning: int = 1
    bayer: str = ""
    date_obs_utc: str = ""
    seq: int = 0
    present: bool = True
    by_hand: bool = False
    kind: str = "light"
    program: str = ""
    camera: str = ""
    telescope: str = ""
    gain: float | None = None
    offset: float | None = None
    ra_deg: float | None = None
    dec_deg: float | None = None
    angle_deg: float | None = None
    scale_arcsec_px: float | None = None
    sensor_temp_c: float | None = None
    stars: tuple[tuple[float, float], ...] = ()
    root: str = ""
    place: tuple[str, ...] = ()
    numbers: Mapping[str, float | None] = field(default_factory=dict)

    def gone(self) -> ListedFrame:
        """Return the same row, marked as no longer there."""
        return replace(self, present=False)

    def at(self, file: str) -> ListedFrame:
        """Return the same row at another path; the very same when it is there already."""
        return self if file == self.file else replace(self, file=file, place=folders_of(file, self.root))


@dataclass(frozen=True, slots=True, kw_only=True)
class NotLight:
    """One file that is no light frame, as lists need it: noted, never measured or decided on.

    Attributes:
        file: as in :class:`ListedFrame`.
        type: ``dark``, ``flat``, ``bias``, ``product`` or another.
        keyword: the header keyword that gave the type.
        why: one sentence.
        seq: of the document it was built from; of two files at one path the later one counts.
        meta: what the header says, as in the document.
    """

    file: str
    frame_id: str
    type: str
    keyword: str
    why: str
    seq: int = 0
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def date_obs_utc(self) -> str:
        """When it was taken; empty when the header does not give it."""
        return self.meta.get("date_obs_utc") or ""


def listed_frame(
    body: Mapping[str, Any], decision: str, why: str = "", seq: int = 0, *, by_hand: bool = False
) -> ListedFrame:
    """Make a row from the body of a ``frame.judged`` document.

    Parameters:
        body: the body, with the weight that holds now.
        decision: the latest decision.
        why: said in place of the body's reasons; empty when the verdict was never revised.
        seq: sequence number of the document.
        by_hand: a person has decided.

    Raises:
        KeyError: the body is not one of ``frame.judged``.
    """
    meta, numbers = body["meta"], body["measurements"]
    said = tuple(str(reason["sentence"]) for reason in body["reasons"])
    return ListedFrame(
        file=body["file"],
        frame_id=body["frame_id"],
        decision=decision,
        weight=float(body["weight"]) if decision == "keep" else 0.0,
        label=sys.intern(body["class"]),
        cause=sys.intern(body["cause"]),
        flags=tuple(map(sys.intern, body["flags"])),
        reasons=(why,) if why else said,
        target=sys.intern(meta.get("target") or ""),
        filter=sys.intern(meta.get("filter") or ""),
        exposure_s=meta.get("exposure_s"),
        width_px=meta.get("width_px"),
        height_px=meta.get("height_px"),
        binning=meta.get("binning") or 1,
        bayer=meta.get("bayer") or "",
        date_obs_utc=meta.get("date_obs_utc") or "",
        seq=seq,
        by_hand=by_hand,
        kind=sys.intern(meta.get("kind") or "unknown"),
        program=sys.intern(meta.get("program") or ""),
        camera=sys.intern(meta.get("camera") or ""),
        telescope=sys.intern(meta.get("telescope") or ""),
        gain=meta.get("gain"),
        offset=meta.get("offset"),
        ra_deg=meta.get("ra_deg"),
        dec_deg=meta.get("dec_deg"),
        angle_deg=meta.get("east_angle_deg"),
        scale_arcsec_px=meta.get("scale_arcsec_px"),
        sensor_temp_c=meta.get("sensor_temp_c"),
        stars=tuple((float(x_px), float(y_px)) for x_px, y_px in body.get("bright_stars_px", ())),
        root=sys.intern(body.get("root", "")),
        place=folders_of(body["file"], body.get("root", "")),
        numbers={key: numbers.get(key) for key in SHOWN_NUMBERS},
    )


Row = TypeVar("Row", "ListedFrame", "NotLight")


def time_order(frame: ListedFrame | NotLight) -> tuple[str, str, str]:
    """Sort key: when the frame was taken, then its path, then its identity."""
    return frame.date_obs_utc, frame.file, frame.frame_id


def each_once(frames: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """Keep each path and each content once: the latest at a path, the first path of a content.

    Returns:
        the frames in order of time, and the further copies of the same content.
    """
    by_path: dict[str, Row] = {}
    for frame in in_order_of_documents(frames):
        by_path[frame.file] = frame
    kept: dict[str, Row] = {}
    copies = []
    for frame in sorted(by_path.values(), key=time_order):
        if frame.frame_id in kept:
            copies.append(frame)
        else:
            kept[frame.frame_id] = frame
    return list(kept.values()), copies


def in_order_of_documents(frames: Iterable[Row]) -> list[Row]:
    """Sort by document; were two of one document, all that they are decides: the order they come in never does."""
    ordered = sorted(frames, key=lambda one: (one.seq, one.frame_id))
    if any((one.seq, one.frame_id) == (other.seq, other.frame_id) for one, other in pairwise(ordered)):
        ordered.sort(key=lambda one: (one.seq, one.frame_id, repr(one)))
    return ordered


def folders_of(file: str, root: str) -> tuple[str, ...]:
    """Return the names of the folders from the capture folder down to the one that holds a file.

    Parameters:
        file: path of the frame.
        root: the capture folder; for a file elsewhere only the name of its own folder counts.
    """
    path, top = PurePath(file), PurePath(root or ".")
    if root and path.is_relative_to(top):
        return (top.name, *path.relative_to(top).parts[:-1])
    return (path.parent.name,) if path.parent.name else ()
