"""Rows of the lists: light frames and other files, each path and each content once."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import PurePath
from typing import TypeVar

from ..documents import FrameJudgedView, MetaView

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
        file: path of the frame as text; bytes that are not UTF-8 are lone surrogates, as of ``os.fsdecode``.
        decision: the latest one, an override by the user included.
        label: the class.
        reasons: sentences, worst first.
        seq: sequence number of the document it was built from; of two frames at one path the later one counts.
        present: whether its file existed when it was last checked. Lists leave out missing files.
        numbers: the measurements named in ``SHOWN_NUMBERS``.
        weight: of the verdict, until :func:`~.weighing.weighed` computes that in its list; 0 unless kept.
        star_light_adu_s, noise_adu: flux of a standard star of the field, and noise of the sky in one pixel; ``None``
            when they were not measured.
        weight_factor: by which rules of plugins lower the weight.
        by_hand: whether a person made the decision.
        kind: frame type by header: ``light``, or ``unknown`` when the header has none.
        program: capture program, empty when unknown.
        camera, telescope: as the header spells them, empty when unknown.
        ra_deg, dec_deg: pointing of the telescope; ``None`` when unknown.
        angle_deg: direction of increasing right ascension on the sensor, by a plate solution; ``None`` when unknown.
        scale_arcsec_px: of the sensor pixels in the file.
        stars: positions of the brightest stars in pixels, where the header has no pointing.
        root: the capture folder, empty when unknown.
        folders: names of the folders from the capture folder down to the frame's own.
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
    folders: tuple[str, ...] = ()
    numbers: Mapping[str, float | None] = field(default_factory=dict)
    star_light_adu_s: float | None = None
    noise_adu: float | None = None
    weight_factor: float = 1.0

    def gone(self) -> ListedFrame:
        """Return the same row, marked as missing."""
        return replace(self, present=False)

    def at(self, file: str) -> ListedFrame:
        """Return the same row at another path; this row itself when the path is unchanged."""
        return self if file == self.file else replace(self, file=file, folders=folders_of(file, self.root))


UNKNOWN_META = MetaView(kind="unknown")
"""Of a file whose header gives nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedNotLight:
    """One file that is not a light frame, as lists need it: listed, never measured or graded.

    Attributes:
        file: as in :class:`ListedFrame`.
        type: ``dark``, ``flat``, ``bias``, ``product`` or another.
        keyword: the header keyword from which the type is known.
        why: one sentence.
        seq: of the document it was built from; of two files at one path the later one counts.
        meta: header values.
    """

    file: str
    frame_id: str
    type: str
    keyword: str
    why: str
    seq: int = 0
    meta: MetaView = UNKNOWN_META

    @property
    def date_obs_utc(self) -> str:
        """Start of the exposure in UTC; empty when the header has none."""
        return self.meta.date_obs_utc or ""


def listed_frame(
    judged: FrameJudgedView, decision: str, why: str = "", seq: int = 0, *, by_hand: bool = False
) -> ListedFrame:
    """Return a row from the body of a ``frame.judged`` document.

    Parameters:
        judged: the body, with the current weight.
        decision: the latest decision.
        why: replaces the body's reasons; empty when the verdict was never revised.
        seq: sequence number of the document.
        by_hand: whether a person made the decision.
    """
    meta, numbers = judged.meta, judged.measurements
    sentences = tuple(reason.sentence for reason in judged.reasons)
    return ListedFrame(
        file=judged.file,
        frame_id=judged.frame_id,
        decision=decision,
        weight=judged.weight if decision == "keep" else 0.0,
        label=sys.intern(judged.class_),
        cause=sys.intern(judged.cause),
        flags=tuple(map(sys.intern, judged.flags)),
        reasons=(why,) if why else sentences,
        target=sys.intern(meta.target or ""),
        filter=sys.intern(meta.filter or ""),
        exposure_s=meta.exposure_s,
        width_px=meta.width_px,
        height_px=meta.height_px,
        binning=meta.binning or 1,
        bayer=meta.bayer or "",
        date_obs_utc=meta.date_obs_utc or "",
        seq=seq,
        by_hand=by_hand,
        kind=sys.intern(meta.kind),
        program=sys.intern(meta.program or ""),
        camera=sys.intern(meta.camera or ""),
        telescope=sys.intern(meta.telescope or ""),
        gain=meta.gain,
        offset=meta.offset,
        ra_deg=meta.ra_deg,
        dec_deg=meta.dec_deg,
        angle_deg=meta.east_angle_deg,
        scale_arcsec_px=meta.scale_arcsec_px,
        sensor_temp_c=meta.sensor_temp_c,
        stars=tuple((float(x_px), float(y_px)) for x_px, y_px in judged.bright_stars_px),
        root=sys.intern(judged.root),
        folders=folders_of(judged.file, judged.root),
        numbers={key: numbers.get(key) for key in SHOWN_NUMBERS},
        star_light_adu_s=numbers.get("star_light_adu_s"),
        noise_adu=numbers.get("background_noise_adu"),
        weight_factor=judged.weight_factor,
    )


Row = TypeVar("Row", "ListedFrame", "ListedNotLight")


def time_order(frame: ListedFrame | ListedNotLight) -> tuple[str, str, str]:
    """Return the sort key: start of the exposure, then path, then identity."""
    return frame.date_obs_utc, frame.file, frame.frame_id


def each_once(frames: Iterable[Row]) -> tuple[list[Row], list[Row]]:
    """Keep each path and each content once: the latest at a path, the first path of a content.

    Returns:
        the frames in order of time, and the further copies of the same content.
    """
    by_path: dict[str, Row] = {}
    for frame in in_order_of_documents(frames):
        by_path[frame.file] = frame
    first_of_content: dict[str, Row] = {}
    copies = []
    for frame in sorted(by_path.values(), key=time_order):
        if frame.frame_id in first_of_content:
            copies.append(frame)
        else:
            first_of_content[frame.frame_id] = frame
    return list(first_of_content.values()), copies


def in_order_of_documents(frames: Iterable[Row]) -> list[Row]:
    """Sort by document; rows of one document by all their values, so that the order of arrival never matters."""
    ordered = sorted(frames, key=lambda row: (row.seq, row.frame_id))
    if any((row.seq, row.frame_id) == (next_row.seq, next_row.frame_id) for row, next_row in pairwise(ordered)):
        ordered.sort(key=lambda row: (row.seq, row.frame_id, repr(row)))
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
