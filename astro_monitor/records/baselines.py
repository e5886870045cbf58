"""What frames of a rig, target and filter are compared with."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from .cameras import UNKNOWN_CAMERA, Camera
from .frames import FrameMeta
from .measurements import ReferenceStar
from .places import FixedLine
from .profiles import NO_PROFILE, StarProfile
from .targets import is_moving_target


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
        size: number of frames behind it; 0 means there is none yet and ``spreads`` is empty.
        spreads: one entry for each metric that had values. Those of the sky are of the dark sky.
        reference_stars: stars of the best usual frame so far (largest summed flux rate), for transparency.
        reference_light_adu_s: ``star_light_adu_s`` of the reference frame; ``None`` while there is none.
        sky_pattern: usual sky of the cells of the field grid above their median, ADU, row by row; of frames that lie on
            the sensor like the reference stars; empty while none was seen.
        turned_sky_pattern: the same of frames that are turned by 180 degrees to them, as after a meridian flip.
        sky_pattern_level_adu: sky level that the pattern belongs to; 0 while unknown.
        sky_stray: how far the pattern of a usual frame is from the usual one, rms over the cells, in parts of the sky.
        fixed_lines: lines that this rig shows in frame after frame at the same place: no satellites.
        profile: usual mean star of the rig; empty while unknown.
        prior: it comes from an earlier night, or from another target of the rig, and is weaker evidence than one of
            five frames of this night and target.
        number: how often the frames behind it have been replaced by others; another number means that frames judged
            before may be judged otherwise now.
        normal_fwhm_px: normal FWHM of the site, or what the pixels allow; 0 where the pixel scale is not known.
        camera: pedestal, gain and read noise by all frames so far, of any target and filter.
    """

    key: BaselineKey
    size: int = 0
    spreads: dict[str, Spread] = field(default_factory=dict)
    reference_stars: tuple[ReferenceStar, ...] = ()
    reference_light_adu_s: float | None = None
    sky_pattern: tuple[float, ...] = ()
    turned_sky_pattern: tuple[float, ...] = ()
    sky_pattern_level_adu: float = 0.0
    sky_stray: float = 0.0
    fixed_lines: tuple[FixedLine, ...] = ()
    profile: StarProfile = NO_PROFILE
    prior: bool = False
    number: int = 0
    normal_fwhm_px: float = 0.0
    camera: Camera = UNKNOWN_CAMERA

    @property
    def reference_stack(self) -> NDArray[np.float32]:
        """The usual mean star, (49, 49) float32; zero while unknown. Made from the profile: ask once."""
        return self.profile.stack()

    @property
    def reference_stack_bin_px(self) -> int:
        """Frame pixels along one side of a pixel of the reference stack."""
        return self.profile.bin_px


WIDTHS = ("fwhm_px", "fwhm_gauss_px", "fwhm_arcsec", "fwhm_minor_px", "hfr_px", "hfr_arcsec")
"""Metrics of the width of stars that rise together with the seeing."""
SHAPES = (
    *WIDTHS, "fwhm_mad_px", "eccentricity", "elongation", "elongation_angle_deg", "angle_coherence", "trail_length_px",
    "trail_plus_px2", "trail_cross_px2", "rotation_coherence", "radial_elongation", "central_dip_fraction",
    "field_fwhm_spread_fraction",
)  # fmt: skip
"""Metrics of a rig that hold for any target: shapes of stars in sensor pixels."""


def as_prior(baseline: Baseline) -> Baseline:
    """Return what an earlier night says about another: a superb one does not make an ordinary one a bad one.

    Parameters:
        baseline: of the earlier night. Widths below the normal one of the site are raised to it.
    """
    width = baseline.spreads.get("fwhm_px")
    factor = baseline.normal_fwhm_px / width.median if width is not None and width.median > 0.0 else 1.0
    if factor <= 1.0:
        return replace(baseline, prior=True)
    raised = {
        key: Spread(median=factor * spread.median, mad=factor * spread.mad) if key in WIDTHS else spread
        for key, spread in baseline.spreads.items()
    }
    return replace(baseline, spreads=raised, prior=True)


def first_baseline(key: BaselineKey, others: Iterable[Baseline]) -> Baseline:
    """Return the baseline of a target that has none yet: what other targets showed of the same rig and filter.

    Shapes of stars and lines of the sensor belong to the rig; the sky and the stars themselves to the target.

    Parameters:
        key: of the target.
        others: all baselines there are, the one used last at the end.
    """
    lines: tuple[FixedLine, ...] = ()
    rig: Baseline | None = None
    camera = UNKNOWN_CAMERA
    for other in others:
        if same_sensor(key, other.key):
            lines = tuple(line for line in other.fixed_lines if not line.on_sky)
            camera = other.camera if key.gain == other.key.gain else camera
            another = other.key.filter == key.filter and other.key.target != key.target
            if another and other.size >= LEAST_PRIOR_FRAMES and not is_moving_target(other.key.target):
                rig = other
    if rig is None:
        return Baseline(key=key, fixed_lines=lines, camera=camera)
    known = as_prior(rig)
    metrics = WIDTHS if is_moving_target(key.target) else SHAPES
    shapes = {metric: known.spreads[metric] for metric in metrics if metric in known.spreads}
    return Baseline(
        key=key,
        size=known.size,
        spreads=shapes,
        fixed_lines=lines,
        profile=NO_PROFILE if is_moving_target(key.target) else known.profile,
        prior=True,
        normal_fwhm_px=known.normal_fwhm_px,
        camera=camera,
    )


LEAST_PRIOR_FRAMES = 5
"""Frames of another target from which it is a prior for the rig."""


def fitting_baseline(key: BaselineKey, baselines: Iterable[Baseline]) -> Baseline:
    """Return the baseline that a frame is compared with: that of its key, else what other targets say of the rig.

    Until five frames of the target agree, its own baseline tells no more than its reference stars.

    Parameters:
        key: of the frame, from :func:`baseline_key`.
        baselines: all baselines there are, the one used last at the end.
    """
    known = list(baselines)
    own = next((baseline for baseline in reversed(known) if baseline.key == key), None)
    if own is not None and own.size >= LEAST_PRIOR_FRAMES:
        return own
    first = first_baseline(key, known)
    if own is None:
        return first
    return (
        own
        if first.size == 0
        else replace(first, reference_stars=own.reference_stars, fixed_lines=own.fixed_lines, number=own.number)
    )


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
