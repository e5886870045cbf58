"""What frames of a rig, target and filter are compared with."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from .cameras import UNKNOWN_CAMERA, Camera
from .frames import FrameMeta
from .measurements import ReferenceStar
from .places import FixedLine
from .profiles import NO_PROFILE, StarProfile


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineKey:
    """Frames with the same key are comparable. Text fields are lower-case; unknown is an empty text or 0.

    A target without a name is named by its position on the sky, where that is known.
    """

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
    """What frames of one rig, target and filter are compared with.

    Attributes:
        key: what it is for.
        size: number of accepted frames in it; 0 means there is none yet and ``spreads`` is empty.
        spreads: one entry for each metric that had values.
        reference_stars: stars of the best frame so far (largest summed flux rate), for transparency.
        reference_light_adu_s: ``star_light_adu_s`` of the reference frame; ``None`` while there is none.
        sky_pattern: usual sky of the cells of the field grid against their median, in units of the frame's own sky,
            row by row; empty while unknown.
        fixed_lines: lines that this rig shows in frame after frame at the same place: no satellites.
        sky_stray: how far the pattern of an accepted frame is from the usual one, rms over the cells, in the same unit.
        profile: usual mean star of the rig; empty while unknown.
        prior: it comes from an earlier night, or from other targets of the rig, and is weaker evidence than one of
            five frames of this night.
        number: how often the frames behind it have been replaced by others; another number means that frames judged
            before may be judged otherwise now.
        camera: pedestal, gain and read noise by all frames so far, of any target and filter.
    """

    key: BaselineKey
    size: int = 0
    spreads: dict[str, Spread] = field(default_factory=dict)
    reference_stars: tuple[ReferenceStar, ...] = ()
    reference_light_adu_s: float | None = None
    sky_pattern: tuple[float, ...] = ()
    sky_stray: float = 0.0
    fixed_lines: tuple[FixedLine, ...] = ()
    profile: StarProfile = NO_PROFILE
    prior: bool = False
    number: int = 0
    camera: Camera = UNKNOWN_CAMERA

    @property
    def reference_stack(self) -> NDArray[np.float32]:
        """The usual mean star, (49, 49) float32; zero while unknown. Made from the profile: ask once."""
        return self.profile.stack()

    @property
    def reference_stack_bin_px(self) -> int:
        """Frame pixels along one side of a pixel of the reference stack."""
        return self.profile.bin_px


def first_baseline(key: BaselineKey, others: Iterable[Baseline]) -> Baseline:
    """Return the baseline of a target that has none yet: empty, but for the camera and lines of its sensor.

    Parameters:
        key: of the target.
        others: all baselines there are, the one used last at the end.
    """
    lines: tuple[FixedLine, ...] = ()
    camera = UNKNOWN_CAMERA
    for other in others:
        if same_sensor(key, other.key):
            lines = tuple(line for line in other.fixed_lines if not line.on_sky)
            camera = other.camera if key.gain == other.key.gain else camera
    return Baseline(key=key, fixed_lines=lines, camera=camera)


def fitting_baseline(key: BaselineKey, baselines: Iterable[Baseline]) -> Baseline:
    """Return the baseline that a frame is compared with: that of its key, else the first one of a new target.

    Parameters:
        key: of the frame, from :func:`baseline_key`.
        baselines: all baselines there are, the one used last at the end.
    """
    known = list(baselines)
    own = [baseline for baseline in known if baseline.key == key]
    return own[-1] if own else first_baseline(key, known)


def same_sensor(first: BaselineKey, second: BaselineKey) -> bool:
    """Return whether frames of both keys come from one sensor, read in the same way."""
    return (first.rig, first.binning, first.height, first.width) == (
        second.rig, second.binning, second.height, second.width
    )  # fmt: skip


POINTING_DEG = 2.0
"""Where no header names the target, fields in one square of this side are taken for one target."""


def _pointing(meta: FrameMeta) -> str:
    """Name a target by where the telescope points; empty when that is not known either."""
    if meta.ra_deg is None or meta.dec_deg is None:
        return ""
    row = round(meta.dec_deg / POINTING_DEG)
    columns = max(round(360.0 * math.cos(math.radians(row * POINTING_DEG)) / POINTING_DEG), 1)
    column = round(meta.ra_deg / 360.0 * columns) % columns
    return f"ra {360.0 * column / columns:.1f} dec {row * POINTING_DEG:+.1f}"


def baseline_key(meta: FrameMeta, sensor_shape: tuple[int, int]) -> BaselineKey:
    """Return the baseline key of a frame: which other frames it is comparable with.

    Parameters:
        meta: the frame's header facts.
        sensor_shape: (height, width) of the sensor image.
    """
    target = " ".join((meta.target or "").lower().split())
    rig = "/".join(part.strip().lower() for part in (meta.telescope, meta.camera) if part)
    return BaselineKey(
        rig=rig,
        target=target or _pointing(meta),
        filter=(meta.filter or "").strip().lower(),
        exposure_s=round(meta.exposure_s or 0.0, 3),
        gain=meta.gain or 0.0,
        binning=meta.binning,
        height=sensor_shape[0],
        width=sensor_shape[1],
    )
