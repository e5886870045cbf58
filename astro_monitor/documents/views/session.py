"""Views of the bodies in ``documents/session.py``.

Generated; to write it again: python -m astro_monitor.documents.generate astro_monitor/documents/views
"""

# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..vocabulary import Better, SessionMode, StopReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfoView:
    """A model in use: ``name.version``, hash, and the execution provider."""

    name: str
    version: str
    sha256: str
    provider: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            name=body["name"],
            version=body["version"],
            sha256=body["sha256"],
            provider=body["provider"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStartedView:
    """A watch or a batch begins."""

    mode: SessionMode
    software: str
    software_version: str
    watch_root: str
    models: tuple[ModelInfoView, ...]
    rules_version: str
    settings_digest: str
    host: str
    process_id: int
    protocol: str = "1.0"

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            mode=body["mode"],
            software=body["software"],
            software_version=body["software_version"],
            watch_root=body["watch_root"],
            models=tuple(ModelInfoView.of(part) for part in body["models"]),
            rules_version=body["rules_version"],
            settings_digest=body["settings_digest"],
            host=body["host"],
            process_id=body["process_id"],
            protocol=body.get("protocol", "1.0"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricDescriptionView:
    """One measured number: what its key means."""

    key: str
    unit: str
    better: Better
    meaning: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            key=body["key"],
            unit=body["unit"],
            better=body["better"],
            meaning=body["meaning"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricsDescribedView:
    """The table of all measured numbers."""

    metrics: tuple[MetricDescriptionView, ...]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            metrics=tuple(MetricDescriptionView.of(part) for part in body["metrics"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ListWrittenView:
    """Stacking lists were replaced."""

    folder: str
    files: tuple[str, ...]
    kept: int
    review: int
    rejected: int
    generation: int
    skipped: int = 0
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            folder=body["folder"],
            files=tuple(body["files"]),
            kept=body["kept"],
            review=body["review"],
            rejected=body["rejected"],
            generation=body["generation"],
            skipped=body.get("skipped", 0),
            notes=tuple(body.get("notes", ())),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionHeartbeatView:
    """Still alive."""

    last_seq: int
    queue_depth: int
    oldest_waiting_s: float
    frames_judged: int
    frames_failed: int
    free_disk_bytes: int
    watcher: str
    trouble: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            last_seq=body["last_seq"],
            queue_depth=body["queue_depth"],
            oldest_waiting_s=body["oldest_waiting_s"],
            frames_judged=body["frames_judged"],
            frames_failed=body["frames_failed"],
            free_disk_bytes=body["free_disk_bytes"],
            watcher=body["watcher"],
            trouble=body.get("trouble", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStoppedView:
    """The session is over."""

    reason: StopReason
    sentence: str
    frames_judged: int
    frames_failed: int
    last_seq: int
    frames_skipped: int = 0

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            reason=body["reason"],
            sentence=body["sentence"],
            frames_judged=body["frames_judged"],
            frames_failed=body["frames_failed"],
            last_seq=body["last_seq"],
            frames_skipped=body.get("frames_skipped", 0),
        )
