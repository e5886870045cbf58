"""Frozen records that travel from stage to stage, left of *compose*.

Arrays inside a record are made read-only by whoever builds it (``frozen`` does not freeze an array). Records with
arrays compare by identity, never by value. ``None`` in a field means *unknown*, and is never a guess. A record
without arrays survives a trip through JSON unchanged: that is how the worker process answers the daemon.

Pixel coordinates: ``x`` runs along the second axis, ``y`` along the first, the centre of the first pixel is (0, 0).
*Frame pixels* are those of ``Frame.pixels``; *sensor pixels* are finer by ``Frame.sensor_px_per_px`` (2 for a
colour filter array read as super-pixels). All lengths in ``Measurements`` are in sensor pixels.
"""

from __future__ import annotations

from ..documents.vocabulary import CAUSES, CLASSES, CLASSES_OF_FAULT, FAULTS, FLAGS, FrameKind
from .baselines import (
    Baseline,
    BaselineKey,
    Spread,
    as_prior,
    baseline_key,
    first_baseline,
    fitting_baseline,
    same_sensor,
)
from .cameras import UNKNOWN_CAMERA, UNKNOWN_ERROR, Camera, CameraSource
from .frames import SUPERPIXEL_SATURATION, Arrival, Frame, FrameMeta
from .looks import LOOK_VERSION, Look, Raster, SourceFeatures
from .measurements import FieldCell, Measured, Measurements, ReferenceStar
from .noise import NOT_MEASURED, NoiseCell, SkyNoise
from .places import FixedLine, split_streaks
from .profiles import NO_PROFILE, StarProfile
from .sane import sane
from .scene import Scene
from .sources import KIND_NAMES, SourceTable
from .stacks import (
    FIELD_PARTS,
    FIELD_STACK_PX,
    MOST_STACK_BIN_PX,
    NO_STACKS,
    STACK_PX,
    StarStacks,
    no_field_counts,
    no_field_stacks,
    no_stack,
)
from .stars import (
    KIND_ARTEFACT,
    KIND_EXTENDED,
    KIND_STAR,
    NO_HOT_PIXELS,
    Detections,
    HotPixels,
    SkyMap,
    Stars,
    Streak,
)
from .targets import is_moving_target
from .verdicts import Alert, Examined, Failed, Grade, Outcome, Reason, Skipped, Verdict

__all__ = [
    "CAUSES",
    "CLASSES",
    "CLASSES_OF_FAULT",
    "FAULTS",
    "FIELD_PARTS",
    "FIELD_STACK_PX",
    "FLAGS",
    "KIND_ARTEFACT",
    "KIND_EXTENDED",
    "KIND_NAMES",
    "KIND_STAR",
    "LOOK_VERSION",
    "MOST_STACK_BIN_PX",
    "NOT_MEASURED",
    "NO_HOT_PIXELS",
    "NO_PROFILE",
    "NO_STACKS",
    "STACK_PX",
    "SUPERPIXEL_SATURATION",
    "UNKNOWN_CAMERA",
    "UNKNOWN_ERROR",
    "Alert",
    "Arrival",
    "Baseline",
    "BaselineKey",
    "Camera",
    "CameraSource",
    "Detections",
    "Examined",
    "Failed",
    "FieldCell",
    "FixedLine",
    "Frame",
    "FrameKind",
    "FrameMeta",
    "Grade",
    "HotPixels",
    "Look",
    "Measured",
    "Measurements",
    "NoiseCell",
    "Outcome",
    "Raster",
    "Reason",
    "ReferenceStar",
    "Scene",
    "Skipped",
    "SkyMap",
    "SkyNoise",
    "SourceFeatures",
    "SourceTable",
    "Spread",
    "StarProfile",
    "StarStacks",
    "Stars",
    "Streak",
    "Verdict",
    "as_prior",
    "baseline_key",
    "first_baseline",
    "fitting_baseline",
    "is_moving_target",
    "no_field_counts",
    "no_field_stacks",
    "no_stack",
    "same_sensor",
    "sane",
    "split_streaks",
]
