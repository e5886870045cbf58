"""Views of the bodies in ``documents/alert.py``.

Generated; to write it again: python -m astro_monitor.documents.generate astro_monitor/documents/views
"""

# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..vocabulary import AlertKind, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertView:
    """One change of one warning."""

    alert_id: str
    kind: AlertKind
    severity: Severity
    cause: str
    evidence: tuple[str, ...]
    sentence: str
    advice: str
    repeat: bool = False
    rig: str = ""
    opened_at: str | None = None
    first_frame: str = ""
    last_frame: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            alert_id=body["alert_id"],
            kind=body["kind"],
            severity=body["severity"],
            cause=body["cause"],
            evidence=tuple(body["evidence"]),
            sentence=body["sentence"],
            advice=body["advice"],
            repeat=body.get("repeat", False),
            rig=body.get("rig", ""),
            opened_at=body.get("opened_at", None),
            first_frame=body.get("first_frame", ""),
            last_frame=body.get("last_frame", ""),
        )
