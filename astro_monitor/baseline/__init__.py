"""What frames of a rig, target and filter are compared with: groups of frames, reference stars, fixed lines.

A baseline comes from the largest group of frames that agree with one another, whether they were kept or not.
Functions that compare a frame with a baseline are pure, and the same for the judge, the quality model and its training.
"""

from .airmass import airmass, airmass_loss_mag
from .camera import estimate
from .camera_pool import CameraPool
from .centres import SAME_TRAIL_SHARE_ON_PURPOSE
from .changes import Restart, has_other_unit
from .effective import PEDESTAL_KEYS, pedestal_values, source_in_words, with_camera, with_own_overscan
from .exposed import Exposed
from .guards import DEFAULT_NORMAL_FWHM_ARCSEC, LONGEST_OWN_TRAIL, is_beyond_any_rig
from .history import MIN_BASELINE_FRAMES, WINDOW_FRAMES, History
from .noted import NotedFrame, is_sane
from .places import Places
from .reference import MIN_MATCHED_STARS
from .relative import (
    TURNED_DEG,
    elongation_path_ratio,
    excess_trail_px,
    sky_change,
    sky_pattern,
    sky_unit_adu,
    sky_unit_of,
    usual_sky_pattern,
    usual_sky_unit_adu,
    usual_trail_px,
)
from .spreads import median, spreads

__all__ = [
    "DEFAULT_NORMAL_FWHM_ARCSEC",
    "LONGEST_OWN_TRAIL",
    "MIN_BASELINE_FRAMES",
    "MIN_MATCHED_STARS",
    "PEDESTAL_KEYS",
    "SAME_TRAIL_SHARE_ON_PURPOSE",
    "TURNED_DEG",
    "WINDOW_FRAMES",
    "CameraPool",
    "Exposed",
    "History",
    "NotedFrame",
    "Places",
    "Restart",
    "airmass",
    "airmass_loss_mag",
    "elongation_path_ratio",
    "estimate",
    "excess_trail_px",
    "has_other_unit",
    "is_beyond_any_rig",
    "is_sane",
    "median",
    "pedestal_values",
    "sky_change",
    "sky_pattern",
    "sky_unit_adu",
    "sky_unit_of",
    "source_in_words",
    "spreads",
    "usual_sky_pattern",
    "usual_sky_unit_adu",
    "usual_trail_px",
    "with_camera",
    "with_own_overscan",
]
