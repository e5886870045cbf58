"""One row of a list, and which rows belong into one stack."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any, TypeVar

from .names import folder_part, short_digest

SHOWN_NUMBERS = (
    "fwhm_px",
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
    numbers: Mapping[str, float | None] = field(default_factory=dict)

    def gone(self) -> ListedFrame:
        """Return the same row, marked as no longer there."""
        return replace(self, present=False)

    def at(self, file: str) -> ListedFrame:
        """Return the same row at another path; the very same when it is there already."""
        return self if file == self.file else replace(self, file=file)


@dataclass(frozen=True, slots=True, kw_only=True)
class NotLight:
    """One file that is no light frame, as lists need it: noted, never measured or decided on.

    Attributes:
        file: as in :class:`ListedFrame`.
        type: ``dark``, ``flat``, ``bias``, ``product`` or another.
        keyword: the header keyword that told the type.
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
        """When it was taken; empty when the header does not tell."""
        return self.meta.get("date_obs_utc") or ""


def listed_frame(body: Mapping[str, Any], decision: str, why: str = "", seq: int = 0) -> ListedFrame:
    """Make a row from the body of a ``frame.judged`` document.

    Parameters:
        body: the body, with the weight that holds now.
        decision: the latest decision.
        why: said first when it is not the decision of the body.
        seq: sequence number of the document.

    Raises:
        KeyError: the body is not one of ``frame.judged``.
    """
    meta, numbers = body["meta"], body["measurements"]
    said = tuple(str(reason["sentence"]) for reason in body["reasons"])
    revised = decision != body["decision"]
    return ListedFrame(
        file=body["file"],
        frame_id=body["frame_id"],
        decision=decision,
        weight=float(body["weight"]) if decision == "keep" else 0.0,
        label=sys.intern(body["class"]),
        cause=sys.intern(body["cause"]),
        flags=tuple(map(sys.intern, body["flags"])),
        reasons=(why, *said) if revised else said,
        target=sys.intern(meta.get("target") or ""),
        filter=sys.intern(meta.get("filter") or ""),
        exposure_s=meta.get("exposure_s"),
        width_px=meta.get("width_px"),
        height_px=meta.get("height_px"),
        binning=meta.get("binning") or 1,
        bayer=meta.get("bayer") or "",
        date_obs_utc=meta.get("date_obs_utc") or "",
        seq=seq,
        numbers={key: numbers.get(key) for key in SHOWN_NUMBERS},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Frames that can be stacked together, in order of time, each once.

    Attributes:
        folder: name of the folder, unique among all stacks, safe on every system.
        target, filter: as most frames spell them.
        duplicates: further paths of frames that are already in.
    """

    folder: str
    target: str
    filter: str
    exposure_s: float | None
    width_px: int | None
    height_px: int | None
    binning: int
    bayer: str
    frames: tuple[ListedFrame, ...]
    duplicates: tuple[ListedFrame, ...]

    def decided(self, decision: str) -> tuple[ListedFrame, ...]:
        """Give the frames with one decision, in order."""
        return tuple(frame for frame in self.frames if frame.decision == decision)

    @property
    def kept_hours(self) -> float:
        """Exposure of the kept frames."""
        return sum(frame.exposure_s or 0.0 for frame in self.decided("keep")) / 3600

    @property
    def equivalent_good_hours(self) -> float:
        """Exposure that would be as deep had every frame been as good as the best: the sum of exposure times weight."""
        return sum((frame.exposure_s or 0.0) * frame.weight for frame in self.decided("keep")) / 3600


_Key = tuple[str, str, float, int, int, int, str]


def _key(frame: ListedFrame) -> _Key:
    return (
        " ".join(frame.target.casefold().split()),
        " ".join(frame.filter.casefold().split()),
        round(frame.exposure_s or 0.0, 3),
        frame.width_px or 0,
        frame.height_px or 0,
        frame.binning,
        frame.bayer.casefold(),
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
    for frame in _in_order_of_documents(frames):
        by_path[frame.file] = frame
    kept: dict[str, Row] = {}
    copies = []
    for frame in sorted(by_path.values(), key=time_order):
        if frame.frame_id in kept:
            copies.append(frame)
        else:
            kept[frame.frame_id] = frame
    return list(kept.values()), copies


def _in_order_of_documents(frames: Iterable[Row]) -> list[Row]:
    """Sort by document; were two of one document, all that they are decides: the order they come in never does."""
    ordered = sorted(frames, key=lambda one: (one.seq, one.frame_id))
    if any((one.seq, one.frame_id) == (other.seq, other.frame_id) for one, other in pairwise(ordered)):
        ordered.sort(key=lambda one: (one.seq, one.frame_id, repr(one)))
    return ordered


def stacks(frames: Iterable[ListedFrame]) -> tuple[Stack, ...]:
    """Group frames by target, filter, exposure, size, binning and colour filter array.

    Parameters:
        frames: light frames, in any order.
    """
    single, copies = each_once(frames)
    groups: dict[_Key, list[ListedFrame]] = {}
    for frame in single:
        groups.setdefault(_key(frame), []).append(frame)
    names = _unique_names(list(groups))
    return tuple(
        Stack(
            folder=names[key],
            target=min(frame.target for frame in group),
            filter=min(frame.filter for frame in group),
            exposure_s=group[0].exposure_s,
            width_px=group[0].width_px,
            height_px=group[0].height_px,
            binning=group[0].binning,
            bayer=key[-1].upper(),
            frames=tuple(group),
            duplicates=tuple(copy for copy in copies if _key(copy) == key),
        )
        for key, group in sorted(groups.items())
    )


def _unique_names(keys: list[_Key]) -> dict[_Key, str]:
    """Name the folder of each group; names that would be the same get a digest of what they stand for."""
    plain = {key: _folder_name(key) for key in keys}
    times: dict[str, int] = {}
    for name in plain.values():
        times[name] = times.get(name, 0) + 1
    return {key: name if times[name] == 1 else f"{name}_{short_digest(repr(key))}" for key, name in plain.items()}


def _folder_name(key: _Key) -> str:
    target, filter_, exposure_s, width, height, binning, bayer = key
    parts = [folder_part(target) or "no_target", folder_part(filter_) or "no_filter"]
    parts.append(f"{exposure_s:g}s" if exposure_s else "no_exposure")
    if width and height:
        parts.append(f"{width}x{height}")
    if binning != 1:
        parts.append(f"bin{binning}")
    if bayer:
        parts.append(folder_part(bayer))
    return "_".join(parts)
