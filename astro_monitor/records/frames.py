"""A file that is whole, what its header says, and its pixels."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ..documents.vocabulary import FrameKind

SUPERPIXEL_SATURATION = 0.8
"""Saturation of a super-pixel as a share of that of a pixel: the mean of four colours is below saturation while two of
them clip, greens first as a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A file that is whole, as the watcher saw it.

    Attributes:
        path: where it is now.
        root: the watched folder, or the folder named on the command line.
        size_bytes: its size when it was found whole.
        mtime_ns: its modification time then.
        first_seen_utc: when the watcher first met it.
        settled_utc: when it was found whole.
        how: what told of it: ``event``, ``scan``, ``poll`` or ``named`` (on the command line).
        ctime_ns: when anything of the file changed last, its content or its attributes; no program can set it back.
        file_no: its number in the file system; another file under the same name has another.
        digest: of some of its bytes (see ``watch.digest``); empty when none was taken.
    """

    path: Path
    root: Path
    size_bytes: int
    mtime_ns: int
    first_seen_utc: datetime
    settled_utc: datetime
    how: Literal["event", "scan", "poll", "named"]
    ctime_ns: int = 0
    file_no: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMeta:
    """What the header says, in one vocabulary. ``None`` is unknown.

    Attributes:
        kind: frame type by header; ``product`` for stacks, masters and live stacks; ``unknown`` when nothing tells.
        frame_type: frame type as the header spells it, such as ``Master Dark``.
        program: capture program, such as ``N.I.N.A.``, or ``None``.
        pixel_um: size of one *binned* pixel of the file in micrometres.
        scale_arcsec_px: arcseconds per *sensor pixel of the file* (binning included, super-pixels not).
        bayer: colour filter array order as stored, such as ``RGGB``; ``XTRANS`` for Fujifilm's; ``None`` for mono.
        east_angle_deg: direction of increasing right ascension on the sensor, from +x to +y, by the plate solution.
        pedestal_adu: level that corresponds to no light, when the header tells it.
        sources: for each field that was filled, the keyword that gave it, and in brackets what was assumed.
        notes: sentences about values that were refused (text, NaN, absurd).
    """

    kind: FrameKind = "unknown"
    frame_type: str | None = None
    program: str | None = None
    date_obs_utc: datetime | None = None
    exposure_s: float | None = None
    filter: str | None = None
    target: str | None = None
    camera: str | None = None
    telescope: str | None = None
    gain: float | None = None
    offset: float | None = None
    e_per_adu: float | None = None
    sensor_temp_c: float | None = None
    binning: int = 1
    pixel_um: float | None = None
    focal_mm: float | None = None
    scale_arcsec_px: float | None = None
    bayer: str | None = None
    row_order: str | None = None
    ra_deg: float | None = None
    dec_deg: float | None = None
    altitude_deg: float | None = None
    airmass: float | None = None
    pier_side: str | None = None
    site_lat_deg: float | None = None
    site_lon_deg: float | None = None
    focuser_position: float | None = None
    focuser_temp_c: float | None = None
    east_angle_deg: float | None = None
    pedestal_adu: float | None = None
    saturation_adu: float | None = None
    sources: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """One frame in memory.

    Attributes:
        frame_id: first 16 hex digits of the SHA-256 of the file's bytes.
        sha256: all 64 of them.
        pixels: (H, W), ``uint16`` or ``float32``, C-contiguous, native byte order, read-only. Non-finite input
            pixels have been replaced by the median; ``bad_pixel_fraction`` says how many. Overscan is left out.
        sensor_px_per_px: 1, or 2 when a colour filter array was read as 2 × 2 super-pixels (their mean), 3 for X-Trans.
        sensor_shape: (height, width) of the picture in the file, in sensor pixels.
        saturation_adu: level above which a pixel is taken as saturated.
        border: (H, W), true where there is no picture (black corners, rows without values): filled with sky, and not to
            be counted. ``None`` where the picture fills its rectangle, as nearly always.
        origin_px: column and row of the stored image where the picture begins; (0, 0) unless overscan was left out.
        mosaic: (H, W) of the sensor, read-only: what a Bayer array recorded, of which ``pixels`` are the means;
            ``None`` without such an array.
        hdu: index of the image in the file.
    """

    frame_id: str
    sha256: str
    arrival: Arrival
    meta: FrameMeta
    pixels: NDArray[np.uint16] | NDArray[np.float32]
    sensor_px_per_px: int
    sensor_shape: tuple[int, int]
    saturation_adu: float
    bad_pixel_fraction: float = 0.0
    hdu: int = 0
    border: NDArray[np.bool_] | None = None
    origin_px: tuple[int, int] = (0, 0)
    mosaic: NDArray[np.uint16] | NDArray[np.float32] | None = None
