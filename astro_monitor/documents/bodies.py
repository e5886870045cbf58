"""The documents that leave the program: the wire format, version 1.1.

A document is one JSON object: an envelope (:mod:`.base`) around a body whose type follows from ``kind``.
Rules: no NaN or infinity; units in keys; missing is ``null`` with a reason; moments are UTC text ending in ``Z``.
Writers are strict (unknown fields are refused here); readers are tolerant (:func:`parse` ignores unknown fields).
This module needs no numpy and no array record, so any process may read documents.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

Decision = Literal["keep", "review", "reject"]
FaultKind = Literal["tracking", "seeing", "background", "failures"]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class ModelInfo(_Body):
    """A model in use: ``name.version``, hash, and the execution provider."""

    name: str
    version: str
    sha256: str
    provider: str


class SessionStarted(_Body):
    """A watch or a batch begins.

    Attributes:
        protocol: major and minor version of the format of the documents of this session.
    """

    mode: Literal["watch", "grade"]
    software: str
    software_version: str
    watch_root: str
    models: list[ModelInfo]
    rules_version: str
    settings_digest: str
    host: str
    process_id: int
    protocol: str = "1.0"


class MetricDescription(_Body):
    """One measured number: what its key means."""

    key: str
    unit: str
    better: Literal["lower", "higher", "near", "none"]
    meaning: str


class MetricsDescribed(_Body):
    """The table of all measured numbers."""

    metrics: list[MetricDescription]


class ReasonBody(_Body):
    """One rule's word on a frame."""

    rule: str
    decision: Decision
    metric: str
    value: FiniteFloat | None
    limit: FiniteFloat | None
    unit: str
    sentence: str


class StreakBody(_Body):
    """One trail, sensor pixels."""

    x0_px: FiniteFloat
    y0_px: FiniteFloat
    x1_px: FiniteFloat
    y1_px: FiniteFloat
    angle_deg: FiniteFloat
    length_px: FiniteFloat
    width_px: FiniteFloat


class BaselineBody(_Body):
    """What the frame was compared with."""

    size: int
    fwhm_px: FiniteFloat | None
    background_adu: FiniteFloat | None
    star_count: FiniteFloat | None


class MetaBody(_Body):
    """Header facts. ``null`` is unknown. ``sources`` names the keyword behind each.

    Attributes:
        frame_type: as the header spells it.
        ra_deg, dec_deg: where the telescope pointed.
        east_angle_deg: direction of increasing right ascension on the sensor, from +x to +y, by a plate solution.
    """

    kind: str
    frame_type: str | None = None
    program: str | None = None
    date_obs_utc: str | None = None
    exposure_s: FiniteFloat | None = None
    filter: str | None = None
    target: str | None = None
    camera: str | None = None
    telescope: str | None = None
    gain: FiniteFloat | None = None
    offset: FiniteFloat | None = None
    binning: int = 1
    sensor_temp_c: FiniteFloat | None = None
    scale_arcsec_px: FiniteFloat | None = None
    bayer: str | None = None
    altitude_deg: FiniteFloat | None = None
    ra_deg: FiniteFloat | None = None
    dec_deg: FiniteFloat | None = None
    east_angle_deg: FiniteFloat | None = None
    pier_side: str | None = None
    focuser_position: FiniteFloat | None = None
    width_px: int | None = None
    height_px: int | None = None
    sources: dict[str, str] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)


class FrameJudged(_Body):
    """The verdict on one light frame.

    ``measurements`` has every key of the metric table; a missing number is ``null`` and ``why_missing`` says why.

    Attributes:
        weight: what the frame counts in a stack, 0 to 1; 0 unless kept.
        bright_stars_px: places (x, y) of the brightest stars, brightest first, at most 24; lists use them to separate
            the panels of a mosaic. Empty where the header gives the pointing.
        weight_if_kept: the weight if a person keeps the frame; ``null`` in documents from before protocol 1.1.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True, populate_by_name=True)

    file: str
    root: str
    relative_path: str
    size_bytes: int
    frame_id: str
    sha256: str
    class_: str = Field(alias="class")
    class_probabilities: dict[str, FiniteFloat]
    fault_scores: dict[str, FiniteFloat]
    cause: str
    cause_probability: FiniteFloat
    in_domain: FiniteFloat
    flags: list[str]
    decision: Decision
    reasons: list[ReasonBody]
    weight: FiniteFloat
    weight_if_kept: FiniteFloat | None = None
    meta: MetaBody
    measurements: dict[str, FiniteFloat | None]
    why_missing: dict[str, str]
    streaks: list[StreakBody]
    bright_stars_px: list[list[FiniteFloat]] = Field(default_factory=list)
    baseline: BaselineBody
    models: list[str]
    rules_version: str
    timings_s: dict[str, FiniteFloat]


class FrameSkipped(_Body):
    """A sound file that is no light frame: a dark, a flat, a stacked image. It is noted, never measured or decided on.

    Attributes:
        type: what it is, in lower case: ``dark``, ``flat``, ``bias``, ``product``, and others in later versions.
        why: one sentence.
        keyword: the header keyword that gave the type; empty when the type has another source.
    """

    file: str
    root: str
    relative_path: str
    size_bytes: int
    frame_id: str
    sha256: str
    type: str
    why: str
    keyword: str
    meta: MetaBody
    timings_s: dict[str, FiniteFloat]


class FrameFailed(_Body):
    """A file that could not be graded: stage, kind, and one sentence.

    Attributes:
        retryable: the trouble may pass: the file stays due, and the document that replaces this one has its ``doc_id``
            as its cause. Otherwise the outcome is final for this content.
    """

    file: str
    root: str
    relative_path: str
    size_bytes: int
    frame_id: str | None
    stage: str
    kind: str
    known: bool
    retryable: bool
    sentence: str
    timings_s: dict[str, FiniteFloat]


class FrameRevised(_Body):
    """A decision was changed later; the first one stays in the log.

    Attributes:
        weight: what the frame counts in a stack from now on: that of the formula, also where a person keeps a frame
            which the rules did not. Absent in documents from before it was recorded; there a kept frame has the weight
            of its first verdict, or 1 where that decision was not *keep*.
        relative_path: as in its ``frame.judged`` document; empty in documents of 1.0.
        class_, cause: as they stand now: a second look may see another class; empty in documents of 1.0.
        replaced_by: frame that its file holds now: another content of the same exposure, such as the whole picture of
            one that was judged too early. Its verdict holds instead; empty in all other revisions.
    """

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True, populate_by_name=True)

    frame_id: str
    file: str
    old_decision: Decision
    new_decision: Decision
    by: str
    why: str
    weight: float | None = None
    relative_path: str = ""
    replaced_by: str = ""
    class_: str = Field("", alias="class")
    cause: str = ""


class AlertBody(_Body):
    """One change of one warning.

    Attributes:
        repeat: trouble that ended a short time ago has come back, no worse and for no other cause: show it, but do not
            wake anyone for it.
    """

    alert_id: str
    kind: FaultKind
    severity: Literal["warning", "severe"]
    cause: str
    evidence: list[str]
    sentence: str
    advice: str
    repeat: bool = False


class ListWritten(_Body):
    """Stacking lists were replaced.

    Attributes:
        skipped: files that are no light frames; they are in none of the three numbers before.
        notes: sentences for the user: foreign files among the lists, which stay; frames that are not offered.
    """

    folder: str
    files: list[str]
    kept: int
    review: int
    rejected: int
    generation: int
    skipped: int = 0
    notes: list[str] = Field(default_factory=list)


class SessionHeartbeat(_Body):
    """Still alive. Carries the last sequence number, so that a lost tail is seen. Not logged: its ``seq`` is that.

    Attributes:
        trouble: what keeps the daemon from its work, as one sentence; empty when nothing does.
    """

    last_seq: int
    queue_depth: int
    oldest_waiting_s: FiniteFloat
    frames_judged: int
    frames_failed: int
    free_disk_bytes: int
    watcher: str
    trouble: str = ""


class SessionStopped(_Body):
    """The session is over.

    Attributes:
        frames_judged: light frames with a verdict.
        frames_skipped: files that are no light frames.
    """

    reason: Literal["completed", "stopped", "failed", "lost"]
    sentence: str
    frames_judged: int
    frames_failed: int
    last_seq: int
    frames_skipped: int = 0


Body = (
    SessionStarted | MetricsDescribed | FrameJudged | FrameSkipped | FrameFailed | FrameRevised | AlertBody
    | ListWritten | SessionHeartbeat | SessionStopped
)  # fmt: skip

BODIES: dict[str, type[_Body]] = {
    "session.started": SessionStarted,
    "metrics.described": MetricsDescribed,
    "frame.judged": FrameJudged,
    "frame.skipped": FrameSkipped,
    "frame.failed": FrameFailed,
    "frame.revised": FrameRevised,
    "alert.opened": AlertBody,
    "alert.updated": AlertBody,
    "alert.closed": AlertBody,
    "list.written": ListWritten,
    "session.heartbeat": SessionHeartbeat,
    "session.stopped": SessionStopped,
}
"""Body type of each kind."""


def body_json(body: _Body) -> dict[str, Any]:
    """Turn a body into plain JSON values, checked.

    Raises:
        pydantic.ValidationError: a value does not fit the schema.
    """
    return body.model_dump(mode="json", by_alias=True)


def heartbeat(body: dict[str, Any]) -> SessionHeartbeat:
    """Read the body of a heartbeat, tolerating fields that a later minor version has added.

    Raises:
        pydantic.ValidationError: a field is missing or of another type.
    """
    return SessionHeartbeat.model_validate(
        {key: value for key, value in body.items() if key in SessionHeartbeat.model_fields}
    )
