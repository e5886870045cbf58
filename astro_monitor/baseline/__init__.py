"""What frames of a rig, target and filter are compared with: a window of accepted frames, reference stars, fixed lines.

The baseline learns from accepted frames only. Functions that compare a frame with it are pure, and the same for the
judge, the quality model and its training.
"""

from .accepted import AcceptedFrame, is_sane
from .airmass import airmass
from .camera import estimate
from .camera_pool import CameraPool
from .effective import PEDESTAL_KEYS, pedestal_values, source_in_words, with_camera
from .exposed import Exposed
from .history import LONGEST_OWN_TRAIL, MIN_BASELINE_FRAMES, WINDOW_FRAMES, History, Restart, has_other_unit
from .places import Places
from .reference import MIN_MATCHED_STARS, TURNED_DEG
from .relative import (
    excess_trail_px,
    sky_change,
    sky_pattern,
    sky_unit_adu,
    usual_sky_pattern,
    usual_sky_unit_adu,
    usual_trail_px,
)
from .spreads import median, spreads

__all__ = [
    "LONGEST_OWN_TRAIL",
    "MIN_BASELINE_FRAMES",
    "MIN_MATCHED_STARS",
    "PEDESTAL_KEYS",
    "TURNED_DEG",
    "WINDOW_FRAMES",
    "AcceptedFrame",
    "CameraPool",
    "Exposed",
    "History",
    "Places",
    "Restart",
    "airmass",
    "estimate",
    "excess_trail_px",
    "has_other_unit",
    "is_sane",
    "median",
    "pedestal_values",
    "sky_change",
    "sky_pattern",
    "sky_unit_adu",
    "source_in_words",
    "spreads",
    "usual_sky_pattern",
    "usual_sky_unit_adu",
    "usual_trail_px",
    "with_camera",
]
