"""Frozen records that travel from stage to stage, left of *compose*.

Arrays inside a record are made read-only by whoever builds it (``frozen`` does not freeze an array). Records with
arrays compare by identity, never by value. ``None`` in a field means *unknown*, and is never a guess. A record
without arrays survives a trip through JSON unchanged: that is how the worker process answers the daemon.

Pixel coordinates: ``x`` runs along the second axis, ``y`` along the first, the centre of the first pixel is (0, 0).
*Frame pixels* are those of ``Frame.pixels``; *sensor pixels* are finer by ``Frame.sensor_px_per_px`` (2 for a
colour filter array read as super-pixels). All lengths in ``Measurements`` are in sensor pixels.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

CLASSES = ("good", "bad_tracking", "very_bad_tracking", "bad_seeing", "background_issue")
"""The five classes, in the order of the model's output."""

FAULTS = ("tracking", "seeing", "background")
"""The three independent fault scores, in the order of the model's output."""

CAUSES = (
    "none", "drift", "periodic", "jump", "wind", "rotation", "seeing", "defocus",
    "cloud", "gradient", "leak", "twilight", "dew",
)  # fmt: skip
"""Causes, in the order of the model's output."""

FLAGS = ("streak", "saturated", "few_stars", "off_target", "optics", "obstructed", "not_a_light")
"""Flags that may stand beside a class."""

KIND_STAR, KIND_EXTENDED, KIND_ARTEFACT = 0, 1, 2
"""Kinds of a detection, in the order of the model's output."""

FrameKind = Literal["light", "dark", "flat", "bias", "product", "unknown"]


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
    """

    path: Path
    root: Path
    size_bytes: int
    mtime_ns: int
    first_seen_utc: datetime
    settled_utc: datetime
    how: Literal["event", "scan", "poll", "named"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameMeta:
    """What the header says, in one vocabulary. ``None`` is unknown.

    Attributes:
        kind: frame type by header; ``product`` for stacks, masters and live stacks; ``unknown`` when nothing tells.
        program: capture program, such as ``N.I.N.A.``, or ``None``.
        pixel_um: size of one *binned* pixel of the file in micrometres.
        scale_arcsec_px: arcseconds per *sensor pixel of the file* (binning included, super-pixels not).
        bayer: colour filter array order as stored, such as ``RGGB``; ``None`` for mono.
        pedestal_adu: level that corresponds to no light, when the header tells it.
        sources: for each field that was filled, the keyword that gave it.
        notes: sentences about values that were refused (text, NaN, absurd).
    """

    kind: FrameKind = "unknown"
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
            pixels have been replaced by the median; ``bad_pixel_fraction`` says how many.
        sensor_px_per_px: 1, or 2 when a colour filter array was read as 2 × 2 super-pixels (their mean).
        sensor_shape: (height, width) of the sensor image in the file.
        saturation_adu: level above which a pixel is taken as saturated.
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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SkyMap:
    """Sky level on a mesh, and one noise for the frame.

    Attributes:
        level_adu: (GH, GW) float32, sky level at the centre of each mesh cell, stars and trails excluded.
        noise_adu: standard deviation of the sky in one frame pixel.
        cell_px: side of a mesh cell in frame pixels.
    """

    level_adu: NDArray[np.float32]
    noise_adu: float
    cell_px: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Streak:
    """One satellite or aircraft trail. Positions in frame pixels.

    Attributes:
        x0_px, y0_px, x1_px, y1_px: its ends.
        angle_deg: from +x towards +y, -90 < angle ≤ 90.
        length_px: distance between the ends.
        width_px: full width at half maximum across the trail.
    """

    x0_px: float
    y0_px: float
    x1_px: float
    y1_px: float
    angle_deg: float
    length_px: float
    width_px: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Detections:
    """What the star finder saw, brightest first; empty is normal.

    Attributes:
        x_px, y_px: (N,) float32, sub-pixel centres in frame pixels.
        score: (N,) float32, 0 to 1.
        kind: (N,) uint8, one of ``KIND_STAR``, ``KIND_EXTENDED``, ``KIND_ARTEFACT``.
        peak_adu: (N,) float32, height above the local sky.
        snr: (N,) float32, approximate signal to noise of the detection.
        bin_factor: the frame was binned by this before the network saw it (1, 2, 4, 8).
        streaks: trails.
        sky: the mesh that was subtracted.
        model: ``name.version`` of the model and the first 12 digits of its hash.
    """

    frame_id: str
    x_px: NDArray[np.float32]
    y_px: NDArray[np.float32]
    score: NDArray[np.float32]
    kind: NDArray[np.uint8]
    peak_adu: NDArray[np.float32]
    snr: NDArray[np.float32]
    bin_factor: int
    streaks: tuple[Streak, ...]
    sky: SkyMap
    model: str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Stars:
    """Measured detections (a bounded, deterministic selection of all), brightest first. (N,) arrays.

    Attributes:
        x_px, y_px: refined centres, frame pixels.
        flux_adu: flux above the sky in an aperture.
        fwhm_px: full width at half maximum, **frame pixels**, from Gaussian-weighted moments.
        a_px, b_px: rms extent along the major and minor axis of the weighted moments, deconvolved from the weight.
        theta_deg: position of the major axis from +x towards +y, -90 < theta ≤ 90.
        hfr_px: half-flux radius, frame pixels.
        dip: hollowness of the profile: 0 Gaussian or peaked, towards 1 ring.
        snr: flux over its noise.
        saturated: touches saturation.
        kind: as in ``Detections``.
        stamps: (N, 25, 25) float32, sky-subtracted cut-outs on a grid binned by ``stamp_bin``, unit-peak scaled
            as ``grade`` needs them are made there; these are in ADU.
        stamp_bin: side in frame pixels of one stamp pixel.
    """

    frame_id: str
    x_px: NDArray[np.float32]
    y_px: NDArray[np.float32]
    flux_adu: NDArray[np.float32]
    fwhm_px: NDArray[np.float32]
    a_px: NDArray[np.float32]
    b_px: NDArray[np.float32]
    theta_deg: NDArray[np.float32]
    hfr_px: NDArray[np.float32]
    dip: NDArray[np.float32]
    snr: NDArray[np.float32]
    saturated: NDArray[np.bool_]
    kind: NDArray[np.uint8]
    stamps: NDArray[np.float32]
    stamp_bin: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceStar:
    """A bright star of the frame, for matching with other frames of the target. Sensor pixels, ADU per second."""

    x_px: float
    y_px: float
    flux_adu_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldCell:
    """One cell of the field grid (8 columns × 6 rows). ``None``: too few stars in the cell."""

    column: int
    row: int
    star_count: int
    sky_adu: float
    fwhm_px: float | None
    elongation: float | None
    angle_deg: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurements:
    """Numbers of one frame. ``values`` has every key of ``metrics.METRICS``; a missing one is ``None`` and has an
    entry in ``why_missing``.

    Attributes:
        field_grid: 48 cells, row by row.
        bright_stars: at most 150, brightest first.
        streaks: trails, in sensor pixels.
    """

    frame_id: str
    values: dict[str, float | None]
    why_missing: dict[str, str]
    field_grid: tuple[FieldCell, ...]
    bright_stars: tuple[ReferenceStar, ...]
    streaks: tuple[Streak, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineKey:
    """Frames with the same key are comparable. Text fields are lower-case; unknown is an empty text or 0."""

    rig: str
    target: str
    filter: str
    exposure_s: float
    gain: float
    binning: int
    height: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Median and scaled median absolute deviation (× 1.4826) of one metric."""

    median: float
    mad: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """What is normal for this rig, target and filter.

    Attributes:
        key: what it is for.
        size: number of accepted frames in it; 0 means there is none yet and ``spreads`` is empty.
        spreads: one entry for each metric that had values.
        reference_stars: stars of the best frame so far (largest summed flux rate), for transparency.
    """

    key: BaselineKey
    size: int = 0
    spreads: dict[str, Spread] = field(default_factory=dict)
    reference_stars: tuple[ReferenceStar, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What the quality model says.

    Attributes:
        label: the most probable class, or ``unknown``.
        probabilities: calibrated, one for each of ``CLASSES``, sum 1.
        fault_scores: one for each of ``FAULTS``, 0 to 1, independent.
        cause: most probable cause given the class; ``none`` for a good frame.
        cause_probability: its probability.
        in_domain: 0 (nothing like it was seen in training) to 1.
        why_unknown: one sentence when ``label`` is ``unknown``, else empty.
        model: ``name.version`` and the first 12 digits of the hash.
    """

    frame_id: str
    label: str
    probabilities: dict[str, float]
    fault_scores: dict[str, float]
    cause: str
    cause_probability: float
    in_domain: float
    why_unknown: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One rule's word on a frame: value, limit and unit together."""

    rule: str
    decision: Literal["keep", "review", "reject"]
    metric: str
    value: float | None
    limit: float | None
    unit: str
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Keep, review or reject, with all reasons, worst first.

    Attributes:
        label: the class after judging (rules may overrule an ``unknown``).
        flags: subset of ``FLAGS``.
        weight: stacking weight 0 to 1; 0 unless kept.
        baseline_size: number of frames the frame was compared with.
    """

    frame_id: str
    label: str
    cause: str
    flags: tuple[str, ...]
    decision: Literal["keep", "review", "reject"]
    weight: float
    reasons: tuple[Reason, ...]
    baseline_size: int
    rules_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A change in the state of one warning."""

    alert_id: str
    kind: Literal["tracking", "seeing", "background", "failures"]
    change: Literal["opened", "updated", "closed"]
    severity: Literal["warning", "severe"]
    cause: str
    evidence: tuple[str, ...]
    sentence: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """Everything the worker found out about one frame. No arrays: it travels as JSON."""

    arrival: Arrival
    frame_id: str
    sha256: str
    meta: FrameMeta
    sensor_shape: tuple[int, int]
    sensor_px_per_px: int
    measurements: Measurements
    grade: Grade
    models: tuple[str, ...]
    timings_s: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A sound file that is no light frame by its header: noted, never graded."""

    arrival: Arrival
    frame_id: str
    sha256: str
    meta: FrameMeta
    sensor_shape: tuple[int, int]
    sentence: str
    timings_s: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A file that could not be graded.

    Attributes:
        frame_id: as in ``Frame``, or ``None`` when the bytes could not be read.
        stage: ``read``, ``detect``, ``measure``, ``grade`` or ``worker``.
        kind: from the error class.
        known: whether the error was ours, foreseen; ``False`` is a defect worth reporting.
    """

    arrival: Arrival
    frame_id: str | None
    stage: str
    kind: str
    known: bool
    retryable: bool
    sentence: str
    timings_s: dict[str, float]


Outcome = Examined | Skipped | Failed
"""Every arrival ends in exactly one of these."""


def baseline_key(meta: FrameMeta, sensor_shape: tuple[int, int]) -> BaselineKey:
    """Say which other frames a frame is comparable with.

    Parameters:
        meta: the frame's header facts.
        sensor_shape: (height, width) of the sensor image.
    """
    rig = "/".join(part.strip().lower() for part in (meta.telescope, meta.camera) if part)
    return BaselineKey(
        rig=rig,
        target=" ".join((meta.target or "").lower().split()),
        filter=(meta.filter or "").strip().lower(),
        exposure_s=round(meta.exposure_s or 0.0, 3),
        gain=meta.gain or 0.0,
        binning=meta.binning,
        height=sensor_shape[0],
        width=sensor_shape[1],
    )
