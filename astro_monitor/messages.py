"""The documents that leave the program: the wire format, version 1.

A document is one JSON object: an envelope (:class:`Document`) around a body whose type follows from ``kind``.
Rules: no NaN or infinity; units in keys; missing is ``null`` with a reason; moments are UTC text ending in ``Z``.
Writers are strict (unknown fields are refused here); readers are tolerant (:func:`parse` ignores unknown fields).
This module needs no numpy and no array record, so any process may read documents.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter

from .errors import AstroMonitorError

SCHEMA: Literal["astro-monitor/1"] = "astro-monitor/1"
"""Name and major version of the wire format; additions keep it."""

TOPIC_ROOT = "am1/"
"""All topics start with this; the digit is the major version."""

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
    """A watch or a batch begins."""

    mode: Literal["watch", "grade"]
    software: str
    software_version: str
    watch_root: str
    models: list[ModelInfo]
    rules_version: str
    settings_digest: str
    host: str
    process_id: int


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
    """Header facts. ``null`` is unknown. ``sources`` names the keyword behind each."""

    kind: str
    program: str | None = None
    date_obs_utc: str | None = None
    exposure_s: FiniteFloat | None = None
    filter: str | None = None
    target: str | None = None
    camera: str | None = None
    telescope: str | None = None
    gain: FiniteFloat | None = None
    binning: int = 1
    sensor_temp_c: FiniteFloat | None = None
    scale_arcsec_px: FiniteFloat | None = None
    bayer: str | None = None
    altitude_deg: FiniteFloat | None = None
    pier_side: str | None = None
    focuser_position: FiniteFloat | None = None
    width_px: int | None = None
    height_px: int | None = None
    sources: dict[str, str] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)


class FrameJudged(_Body):
    """The verdict on one frame. Also a sound file that is no light frame: class ``unknown``, flag ``not_a_light``.

    ``measurements`` has every key of the metric table; a missing number is ``null`` and ``why_missing`` says why.
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
    meta: MetaBody
    measurements: dict[str, FiniteFloat | None]
    why_missing: dict[str, str]
    streaks: list[StreakBody]
    baseline: BaselineBody
    models: list[str]
    rules_version: str
    timings_s: dict[str, FiniteFloat]


class FrameFailed(_Body):
    """A file that could not be graded: stage, kind, and one sentence."""

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
        weight: what the frame counts in a stack from now on; absent in documents from before it was told, where a
            frame that is kept has the weight of its first verdict, or 1 where that was not to keep it.
    """

    frame_id: str
    file: str
    old_decision: Decision
    new_decision: Decision
    by: str
    why: str
    weight: float | None = None


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
    """Stacking lists were replaced."""

    folder: str
    files: list[str]
    kept: int
    review: int
    rejected: int
    generation: int


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
    """The session is over."""

    reason: Literal["completed", "stopped", "failed", "lost"]
    sentence: str
    frames_judged: int
    frames_failed: int
    last_seq: int


Body = (
    SessionStarted | MetricsDescribed | FrameJudged | FrameFailed | FrameRevised | AlertBody
    | ListWritten | SessionHeartbeat | SessionStopped
)  # fmt: skip

BODIES: dict[str, type[_Body]] = {
    "session.started": SessionStarted,
    "metrics.described": MetricsDescribed,
    "frame.judged": FrameJudged,
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


class Document(BaseModel):
    """The envelope.

    Attributes:
        schema_: name and major version of this format.
        kind: one of ``BODIES``.
        doc_id: unique; made by the night log.
        session_id: one run of the program.
        seq: rises by one with each logged document; the night log's own. 0 until the night log has given it one.
        time: when the document was made, UTC.
        cause: ``doc_id`` of the document that led to this one, or empty.
        body: as ``kind`` says.
    """

    # "constants": a number that is not finite must reach the writer, which refuses it, not turn into null.
    model_config = ConfigDict(
        extra="forbid", allow_inf_nan=False, frozen=True, populate_by_name=True, ser_json_inf_nan="constants"
    )

    schema_: Literal["astro-monitor/1"] = Field(default=SCHEMA, alias="schema")
    kind: str
    doc_id: str
    session_id: str
    seq: Annotated[int, Field(ge=0)]
    time: str
    cause: str = ""
    body: dict[str, Any]


_ANY = TypeAdapter(dict[str, Any])


class BadDocument(AstroMonitorError, ValueError):
    """Bytes that are no document of this version."""


def body_json(body: _Body) -> dict[str, Any]:
    """Turn a body into plain JSON values, checked.

    Raises:
        pydantic.ValidationError: a value does not fit the schema.
    """
    return body.model_dump(mode="json", by_alias=True)


def encode(document: Document) -> bytes:
    """Write a document as compact UTF-8 JSON; NaN and infinity are refused.

    Raises:
        ValueError: a number is not finite.
    """
    plain = document.model_dump(mode="json", by_alias=True)
    return json.dumps(plain, allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode(
        "utf-8", "backslashreplace"
    )


def decode(data: bytes) -> Document:
    """Read a document, tolerating fields this version does not know.

    Raises:
        BadDocument: not JSON, not an object, or of another major version.
    """
    try:
        plain = _ANY.validate_json(data)
    except ValueError as error:
        raise BadDocument(f"not a document: {str(error).splitlines()[0]}") from error
    if plain.get("schema") != SCHEMA:
        raise BadDocument(f"schema {plain.get('schema')!r} is not {SCHEMA}; update the reader")
    known = {field.alias or name for name, field in Document.model_fields.items()}
    try:
        return Document.model_validate({key: value for key, value in plain.items() if key in known})
    except ValueError as error:
        raise BadDocument(f"not a document: {str(error).splitlines()[0]}") from error


def topic(kind: str, body: dict[str, Any]) -> str:
    """Give the topic a document is broadcast under; it ends with a slash because subscriptions match by prefix.

    Alerts carry their kind: ``am1/alert/tracking/``. Everything else: ``am1/frame/judged/`` and so on.
    """
    if kind.startswith("alert."):
        return f"{TOPIC_ROOT}alert/{body['kind']}/"
    return f"{TOPIC_ROOT}{kind.replace('.', '/')}/"
