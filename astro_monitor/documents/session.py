"""Documents about a session: its beginning and end, the metric table, stacking lists, heartbeats."""

from __future__ import annotations

from typing import Any

from pydantic import Field, FiniteFloat

from .base import Body
from .vocabulary import Better, SessionMode, StopReason


class ModelInfo(Body):
    """A model in use: ``name.version``, hash, and the execution provider."""

    name: str
    version: str
    sha256: str
    provider: str


class SessionStarted(Body):
    """A watch or a batch begins.

    Attributes:
        protocol: major and minor version of the format of the documents of this session.
    """

    mode: SessionMode
    software: str
    software_version: str
    watch_root: str
    models: list[ModelInfo]
    rules_version: str
    settings_digest: str
    host: str
    process_id: int
    protocol: str = "1.0"


class MetricDescription(Body):
    """One measured number: what its key means."""

    key: str
    unit: str
    better: Better
    meaning: str


class MetricsDescribed(Body):
    """The table of all measured numbers."""

    metrics: list[MetricDescription]


class ListWritten(Body):
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


class SessionHeartbeat(Body):
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


class SessionStopped(Body):
    """The session is over.

    Attributes:
        frames_judged: light frames with a verdict.
        frames_skipped: files that are no light frames.
    """

    reason: StopReason
    sentence: str
    frames_judged: int
    frames_failed: int
    last_seq: int
    frames_skipped: int = 0


def heartbeat(body: dict[str, Any]) -> SessionHeartbeat:
    """Read the body of a heartbeat, tolerating fields that a later minor version has added.

    Raises:
        pydantic.ValidationError: a field is missing or of another type.
    """
    return SessionHeartbeat.model_validate(
        {key: value for key, value in body.items() if key in SessionHeartbeat.model_fields}
    )
