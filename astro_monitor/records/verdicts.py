"""What is said about a frame: grade, verdict, alert, and how its way ended."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..documents.vocabulary import AlertChange, AlertKind, Decision, Severity
from .frames import Arrival, FrameMeta
from .measurements import Measurements
from .noise import NOT_MEASURED, SkyNoise
from .profiles import NO_PROFILE, StarProfile

MAX_SENTENCE_CHARS = 500
"""An error may quote a whole value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """What the quality model says.

    Attributes:
        label: the most probable class, or ``unknown``.
        probabilities: calibrated, one for each of ``CLASSES``, sum 1.
        fault_scores: one for each of ``FAULTS``, 0 to 1, independent.
        cause: most probable cause given the class; ``none`` for a good frame.
        cause_probability: its probability.
        cause_probabilities: those of all causes, whatever the class; empty where the model tells none.
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
    cause_probabilities: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One rule's word on a frame: value, limit and unit together."""

    rule: str
    decision: Decision
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
        weight: stacking weight 0 to 1 relative to the frames so far, until the lists compute it; 0 unless kept.
        weight_if_kept: what it would weigh, should a person keep it; ``None`` when that is not known.
        baseline_size: number of frames the frame was compared with.
        weight_factor: by which rules of plugins lower the weight, above 0 and at most 1.
    """

    frame_id: str
    label: str
    cause: str
    flags: tuple[str, ...]
    decision: Decision
    weight: float
    reasons: tuple[Reason, ...]
    baseline_size: int
    rules_version: str
    weight_if_kept: float | None = None
    weight_factor: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """A change in the state of one warning; a repeat is trouble that has only come back within the cooldown.

    Attributes:
        evidence: the latest frames that show the trouble, oldest first.
        rig: telescope and camera, as in ``BaselineKey``.
        opened_at_s: when the frame was taken with which it was opened, seconds since the epoch; ``None``: not known.
        first_frame, last_frame: the first and the last frame that show the trouble.
    """

    alert_id: str
    kind: AlertKind
    change: AlertChange
    severity: Severity
    cause: str
    evidence: tuple[str, ...]
    sentence: str
    advice: str
    repeat: bool = False
    rig: str = ""
    opened_at_s: float | None = None
    first_frame: str = ""
    last_frame: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """Everything the worker found out about one frame. No arrays: it travels as JSON.

    Attributes:
        profile: mean star of the frame.
    """

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
    profile: StarProfile = NO_PROFILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A sound file that is no light frame by its header: noted, never graded.

    Attributes:
        sky_noise: level and noise of a bias or dark frame, for the pedestal and gain of its camera.
    """

    arrival: Arrival
    frame_id: str
    sha256: str
    meta: FrameMeta
    sensor_shape: tuple[int, int]
    sentence: str
    timings_s: dict[str, float]
    sky_noise: SkyNoise = NOT_MEASURED


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """A file that could not be graded.

    Attributes:
        frame_id: as in ``Frame``, or ``None`` when the bytes could not be read.
        stage: ``watch``, ``read``, ``detect``, ``measure``, ``grade``, ``worker`` or ``judge``.
        kind: from the error class.
        known: whether the error was ours, foreseen; ``False`` is a defect worth reporting.
        retryable: whether the same file may be graded later, unchanged: it stays due.
    """

    arrival: Arrival
    frame_id: str | None
    stage: str
    kind: str
    known: bool
    retryable: bool
    sentence: str
    timings_s: dict[str, float]

    @staticmethod
    def unforeseen(arrival: Arrival, frame_id: str | None, stage: str, error: Exception) -> Failed:
        """Return the outcome of a file on which this program itself failed, whatever the reason."""
        sentence = f"unforeseen {type(error).__name__} in stage {stage}: {error}"[:MAX_SENTENCE_CHARS]
        return Failed(
            arrival=arrival, frame_id=frame_id, stage=stage, kind="unforeseen", known=False, retryable=False,
            sentence=f"{sentence}; please report this file", timings_s={},
        )  # fmt: skip


Outcome = Examined | Skipped | Failed
"""Every arrival ends in exactly one of these."""
