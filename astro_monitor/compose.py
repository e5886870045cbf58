"""Records become documents: the only place that knows both.

Left of here frozen records (some with arrays), right of here bodies of documents, checked when they are made.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from . import documents, metrics
from .clock import utc_text
from .nightlog import Sighting
from .records import (
    CLASSES,
    FAULTS,
    Alert,
    Arrival,
    Baseline,
    Examined,
    Failed,
    FieldCell,
    FrameMeta,
    Skipped,
    Verdict,
    baseline_key,
)

BRIGHT_STARS = 24
"""Stars in a document: enough to know a field again, in half a kilobyte."""

GRID_DIGITS = 4
"""Significant digits of the numbers of the field grid: they are medians of few stars, and there are 240 of them."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
"""Beginning of Unix time."""

NOT_LOOKED_FOR = "it was not measured when the frame was looked at"
"""Why a number of a plugin is missing that was turned on afterwards."""


def display_path(path: Path) -> str:
    r"""Write a path as valid Unicode; bytes that are no UTF-8 appear as ``\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def relative_path(arrival: Arrival) -> str:
    """Write an arrival's path relative to its root; the name alone when it does not lie there."""
    try:
        return display_path(arrival.path.relative_to(arrival.root))
    except ValueError:
        return display_path(Path(arrival.path.name))


def metrics_described(table: Iterable[metrics.Metric] = metrics.METRICS) -> documents.MetricsDescribed:
    """Body of ``metrics.described``.

    Parameters:
        table: the whole metric table, with the rows of plugins.
    """
    rows = [
        documents.MetricDescription(key=row.key, unit=row.unit, better=row.better, meaning=row.meaning) for row in table
    ]
    return documents.MetricsDescribed(metrics=rows)


def judged(
    examined: Examined,
    verdict: Verdict,
    baseline: Baseline,
    preview: str = "",
    keys: Sequence[str] = metrics.KEYS,
) -> documents.FrameJudged:
    """Body of ``frame.judged`` for a frame that was graded.

    Parameters:
        examined: what the worker found.
        verdict: what the judge made of it.
        baseline: what the judge compared it with.
        preview: name of its small picture; empty when there is none.
        keys: of the metrics, with those of plugins.
    """
    grade = examined.grade
    return _judged_body(
        examined.arrival,
        examined.meta,
        verdict,
        frame_id=examined.frame_id,
        sha256=examined.sha256,
        sensor_shape=examined.sensor_shape,
        class_probabilities={name: _rounded(grade.probabilities[name], 4) for name in CLASSES},
        fault_scores={name: _rounded(grade.fault_scores[name], 4) for name in FAULTS},
        cause_probability=_rounded(grade.cause_probability, 4),
        in_domain=_rounded(grade.in_domain, 4),
        measurements={key: _significant(examined.measurements.values.get(key)) for key in keys},
        why_missing=dict.fromkeys(set(keys) - examined.measurements.values.keys(), NOT_LOOKED_FOR)
        | examined.measurements.why_missing,
        streaks=[
            documents.StreakBody(**{key: round(value, 2) for key, value in asdict(streak).items()})
            for streak in examined.measurements.streaks
        ],
        bright_stars_px=_bright_stars(examined),
        rig=baseline_key(examined.meta, examined.sensor_shape).rig,
        field_grid=_field_grid(examined.measurements.field_grid),
        preview=preview,
        baseline=documents.BaselineBody(
            size=baseline.size,
            fwhm_px=_median(baseline, "fwhm_px"),
            background_adu=_median(baseline, "background_adu"),
            star_count=_median(baseline, "star_count"),
        ),
        models=list(examined.models),
        timings_s=examined.timings_s,
    )


def _bright_stars(examined: Examined) -> list[list[float]]:
    """Return the places of the brightest stars, if the header does not give the pointing; else an empty list."""
    if examined.meta.ra_deg is not None and examined.meta.dec_deg is not None:
        return []
    stars = examined.measurements.bright_stars[:BRIGHT_STARS]
    return [[round(star.x_px, 1), round(star.y_px, 1)] for star in stars]


def skipped(outcome: Skipped) -> documents.FrameSkipped:
    """Body of ``frame.skipped`` for a file that is no light frame: noted, nothing measured."""
    return documents.FrameSkipped(
        **_file_fields(outcome.arrival),
        frame_id=outcome.frame_id,
        sha256=outcome.sha256,
        type=outcome.meta.kind,
        why=outcome.sentence.encode("utf-8", "backslashreplace").decode("utf-8"),
        keyword="" if (source := outcome.meta.sources.get("kind", "")).endswith(" name") else source,
        rig=baseline_key(outcome.meta, outcome.sensor_shape).rig,
        meta=_meta_body(outcome.meta, outcome.sensor_shape),
        timings_s={key: round(value, 4) for key, value in outcome.timings_s.items()},
    )


def failed(outcome: Failed) -> documents.FrameFailed:
    """Body of ``frame.failed``."""
    return documents.FrameFailed(
        **_file_fields(outcome.arrival),
        frame_id=outcome.frame_id,
        stage=outcome.stage,
        kind=outcome.kind,
        known=outcome.known,
        retryable=outcome.retryable,
        sentence=outcome.sentence.encode("utf-8", "backslashreplace").decode("utf-8"),
        timings_s={key: round(value, 4) for key, value in outcome.timings_s.items()},
    )


def alert(change: Alert) -> tuple[str, documents.AlertBody]:
    """Kind and body of ``alert.opened``, ``alert.updated`` or ``alert.closed``."""
    body = documents.AlertBody(
        alert_id=change.alert_id,
        kind=change.kind,
        severity=change.severity,
        cause=change.cause,
        evidence=list(change.evidence),
        sentence=change.sentence,
        advice=change.advice,
        repeat=change.repeat,
        rig=change.rig,
        opened_at=_utc_text_of(change.opened_at_s),
        first_frame=change.first_frame,
        last_frame=change.last_frame,
    )
    return f"alert.{change.change}", body


def _judged_body(
    arrival: Arrival, meta: FrameMeta, verdict: Verdict, *, sensor_shape: tuple[int, int], timings_s: dict[str, float],
    **rest: Any,
) -> documents.FrameJudged:  # fmt: skip
    """Return the body of a ``frame.judged`` document from verdict, header values and arrival of the file."""
    return documents.FrameJudged.model_validate(
        {
            **_file_fields(arrival),
            "class": verdict.label,
            "cause": verdict.cause,
            "flags": list(verdict.flags),
            "decision": verdict.decision,
            "reasons": [
                documents.ReasonBody(**{**asdict(reason), "value": _significant(reason.value)})
                for reason in verdict.reasons
            ],
            "weight": _rounded(verdict.weight, 4),
            "weight_if_kept": None if verdict.weight_if_kept is None else _rounded(verdict.weight_if_kept, 4),
            "weight_factor": _rounded(verdict.weight_factor, 4),
            "meta": _meta_body(meta, sensor_shape),
            "rules_version": verdict.rules_version,
            "timings_s": {key: round(value, 4) for key, value in timings_s.items()},
            **rest,
        }
    )


def _utc_text_of(seconds: float | None) -> str | None:
    """Return the UTC text of a time in seconds since the epoch; ``None`` stays ``None``."""
    return None if seconds is None else utc_text(_EPOCH + timedelta(seconds=seconds))


def _field_grid(cells: tuple[FieldCell, ...]) -> documents.FieldGridBody | None:
    """Return the field grid column by column of its table; ``None`` where the frame has none."""
    if not cells:
        return None
    return documents.FieldGridBody(
        columns=1 + max(cell.column for cell in cells),
        rows=1 + max(cell.row for cell in cells),
        star_count=[cell.star_count for cell in cells],
        sky_adu=[float(f"{cell.sky_adu:.{GRID_DIGITS}g}") for cell in cells],
        fwhm_px=[_significant(cell.fwhm_px, GRID_DIGITS) for cell in cells],
        elongation=[_significant(cell.elongation, GRID_DIGITS) for cell in cells],
        angle_deg=[None if cell.angle_deg is None else round(cell.angle_deg, 1) for cell in cells],
    )


def _file_fields(arrival: Arrival) -> dict[str, Any]:
    """Return the fields of a document that identify a file: path, capture folder, relative path and size."""
    return {
        "file": display_path(arrival.path),
        "root": display_path(arrival.root),
        "relative_path": relative_path(arrival),
        "size_bytes": arrival.size_bytes,
    }


def _meta_body(meta: FrameMeta, sensor_shape: tuple[int, int]) -> documents.MetaBody:
    """Return the header values of a frame as the body of a document."""
    same = {name: getattr(meta, name) for name in documents.MetaBody.model_fields if hasattr(meta, name)}
    return documents.MetaBody(
        **same
        | {
            "date_obs_utc": utc_text(meta.date_obs_utc) if meta.date_obs_utc else None,
            "height_px": sensor_shape[0],
            "width_px": sensor_shape[1],
            "notes": list(meta.notes),
        }
    )


def _median(baseline: Baseline, key: str) -> float | None:
    """Return the baseline median of a measurement, rounded to significant digits; ``None`` without one."""
    spread = baseline.spreads.get(key)
    return None if spread is None else _significant(spread.median)


def _significant(value: float | None, digits: int = 6) -> float | None:
    """Keep six significant digits: more is noise, and makes the documents longer."""
    return None if value is None else float(f"{value:.{digits}g}")


def _rounded(value: float, digits: int) -> float:
    """Return a probability or score rounded to a number of digits; raise ValueError if it is not finite."""
    if not math.isfinite(value):
        raise ValueError("a probability or score is not a finite number")
    return round(value, digits)


def under_another_name(first: documents.Document, arrival: Arrival) -> documents.Document:
    """Document of an outcome, for another file of the same content."""
    body = {
        **first.body,
        "file": display_path(arrival.path),
        "root": display_path(arrival.root),
        "relative_path": relative_path(arrival),
    }
    return first.model_copy(update={"body": body})


def sighting(arrival: Arrival) -> Sighting:
    """Return what the night log records of an arrival: its path, and what identifies the unchanged file."""
    return Sighting(
        os.fsencode(arrival.path), arrival.size_bytes, arrival.mtime_ns, arrival.ctime_ns, arrival.file_no,
        arrival.digest,
    )  # fmt: skip
