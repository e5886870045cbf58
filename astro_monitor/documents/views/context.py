"""Views of the bodies in ``documents/context.py``.

Generated; to write it again: python -m astro_monitor.documents.generate astro_monitor/documents/views
"""

# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from ..vocabulary import Subject


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedValueView:
    """One value that another program reports."""

    key: str
    value: bool | float | str | None
    unit: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            key=body["key"],
            value=body["value"],
            unit=body.get("unit", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ContextObservedView:
    """What a guider, mount, focuser, weather station or sequencer reports, as another program has sent it."""

    subject: Subject
    source: str
    observed_at: str
    values: tuple[ObservedValueView, ...]
    by: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            subject=body["subject"],
            source=body["source"],
            observed_at=body["observed_at"],
            values=tuple(ObservedValueView.of(part) for part in body["values"]),
            by=body.get("by", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginDisabledView:
    """A plugin failed too often and is no longer called by this daemon."""

    name: str
    version: str
    failures: int
    last_error: str
    sentence: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            name=body["name"],
            version=body["version"],
            failures=body["failures"],
            last_error=body["last_error"],
            sentence=body["sentence"],
        )
