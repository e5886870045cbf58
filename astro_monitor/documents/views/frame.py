"""Views of the bodies in ``documents/frame.py``.

Generated; to write it again: python -m astro_monitor.documents.generate astro_monitor/documents/views
"""

# ruff: noqa: D102

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from ..vocabulary import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class ReasonView:
    """One rule's word on a frame."""

    rule: str
    decision: Decision
    metric: str
    value: float | None
    limit: float | None
    unit: str
    sentence: str

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            rule=body["rule"],
            decision=body["decision"],
            metric=body["metric"],
            value=body["value"],
            limit=body["limit"],
            unit=body["unit"],
            sentence=body["sentence"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StreakView:
    """One trail, sensor pixels."""

    x0_px: float
    y0_px: float
    x1_px: float
    y1_px: float
    angle_deg: float
    length_px: float
    width_px: float

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            x0_px=body["x0_px"],
            y0_px=body["y0_px"],
            x1_px=body["x1_px"],
            y1_px=body["y1_px"],
            angle_deg=body["angle_deg"],
            length_px=body["length_px"],
            width_px=body["width_px"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineView:
    """What the frame was compared with."""

    size: int
    fwhm_px: float | None
    background_adu: float | None
    star_count: float | None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            size=body["size"],
            fwhm_px=body["fwhm_px"],
            background_adu=body["background_adu"],
            star_count=body["star_count"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldGridView:
    """Numbers over the field, in cells row by row: each list has ``columns`` × ``rows`` entries."""

    columns: int
    rows: int
    star_count: tuple[int, ...]
    sky_adu: tuple[float, ...]
    fwhm_px: tuple[float | None, ...]
    elongation: tuple[float | None, ...]
    angle_deg: tuple[float | None, ...]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            columns=body["columns"],
            rows=body["rows"],
            star_count=tuple(body["star_count"]),
            sky_adu=tuple(body["sky_adu"]),
            fwhm_px=tuple(body["fwhm_px"]),
            elongation=tuple(body["elongation"]),
            angle_deg=tuple(body["angle_deg"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class MetaView:
    """Header facts."""

    kind: str
    frame_type: str | None = None
    program: str | None = None
    date_obs_utc: str | None = None
    exposure_s: float | None = None
    filter: str | None = None
    target: str | None = None
    camera: str | None = None
    telescope: str | None = None
    gain: float | None = None
    offset: float | None = None
    binning: int = 1
    sensor_temp_c: float | None = None
    scale_arcsec_px: float | None = None
    bayer: str | None = None
    altitude_deg: float | None = None
    airmass: float | None = None
    ra_deg: float | None = None
    dec_deg: float | None = None
    east_angle_deg: float | None = None
    pier_side: str | None = None
    focuser_position: float | None = None
    width_px: int | None = None
    height_px: int | None = None
    sources: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            kind=body["kind"],
            frame_type=body.get("frame_type", None),
            program=body.get("program", None),
            date_obs_utc=body.get("date_obs_utc", None),
            exposure_s=body.get("exposure_s", None),
            filter=body.get("filter", None),
            target=body.get("target", None),
            camera=body.get("camera", None),
            telescope=body.get("telescope", None),
            gain=body.get("gain", None),
            offset=body.get("offset", None),
            binning=body.get("binning", 1),
            sensor_temp_c=body.get("sensor_temp_c", None),
            scale_arcsec_px=body.get("scale_arcsec_px", None),
            bayer=body.get("bayer", None),
            altitude_deg=body.get("altitude_deg", None),
            airmass=body.get("airmass", None),
            ra_deg=body.get("ra_deg", None),
            dec_deg=body.get("dec_deg", None),
            east_angle_deg=body.get("east_angle_deg", None),
            pier_side=body.get("pier_side", None),
            focuser_position=body.get("focuser_position", None),
            width_px=body.get("width_px", None),
            height_px=body.get("height_px", None),
            sources=body.get("sources", {}),
            notes=tuple(body.get("notes", ())),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameJudgedView:
    """The verdict on one light frame."""

    file: str
    root: str
    relative_path: str
    size_bytes: int
    frame_id: str
    sha256: str
    class_: str
    class_probabilities: Mapping[str, float]
    fault_scores: Mapping[str, float]
    cause: str
    cause_probability: float
    in_domain: float
    flags: tuple[str, ...]
    decision: Decision
    reasons: tuple[ReasonView, ...]
    weight: float
    meta: MetaView
    measurements: Mapping[str, float | None]
    why_missing: Mapping[str, str]
    streaks: tuple[StreakView, ...]
    baseline: BaselineView
    models: tuple[str, ...]
    rules_version: str
    timings_s: Mapping[str, float]
    weight_if_kept: float | None = None
    weight_factor: float = 1.0
    bright_stars_px: tuple[tuple[float, ...], ...] = ()
    rig: str = ""
    field_grid: FieldGridView | None = None
    preview: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            file=body["file"],
            root=body["root"],
            relative_path=body["relative_path"],
            size_bytes=body["size_bytes"],
            frame_id=body["frame_id"],
            sha256=body["sha256"],
            class_=body["class"],
            class_probabilities=body["class_probabilities"],
            fault_scores=body["fault_scores"],
            cause=body["cause"],
            cause_probability=body["cause_probability"],
            in_domain=body["in_domain"],
            flags=tuple(body["flags"]),
            decision=body["decision"],
            reasons=tuple(ReasonView.of(part) for part in body["reasons"]),
            weight=body["weight"],
            meta=MetaView.of(body["meta"]),
            measurements=body["measurements"],
            why_missing=body["why_missing"],
            streaks=tuple(StreakView.of(part) for part in body["streaks"]),
            baseline=BaselineView.of(body["baseline"]),
            models=tuple(body["models"]),
            rules_version=body["rules_version"],
            timings_s=body["timings_s"],
            weight_if_kept=body.get("weight_if_kept", None),
            weight_factor=body.get("weight_factor", 1.0),
            bright_stars_px=tuple(tuple(part) for part in body.get("bright_stars_px", ())),
            rig=body.get("rig", ""),
            field_grid=None if body.get("field_grid") is None else FieldGridView.of(body["field_grid"]),
            preview=body.get("preview", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSkippedView:
    """A sound file that is no light frame: a dark, a flat, a stacked image."""

    file: str
    root: str
    relative_path: str
    size_bytes: int
    frame_id: str
    sha256: str
    type: str
    why: str
    keyword: str
    meta: MetaView
    timings_s: Mapping[str, float]
    rig: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            file=body["file"],
            root=body["root"],
            relative_path=body["relative_path"],
            size_bytes=body["size_bytes"],
            frame_id=body["frame_id"],
            sha256=body["sha256"],
            type=body["type"],
            why=body["why"],
            keyword=body["keyword"],
            meta=MetaView.of(body["meta"]),
            timings_s=body["timings_s"],
            rig=body.get("rig", ""),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameFailedView:
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
    timings_s: Mapping[str, float]

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            file=body["file"],
            root=body["root"],
            relative_path=body["relative_path"],
            size_bytes=body["size_bytes"],
            frame_id=body["frame_id"],
            stage=body["stage"],
            kind=body["kind"],
            known=body["known"],
            retryable=body["retryable"],
            sentence=body["sentence"],
            timings_s=body["timings_s"],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRevisedView:
    """A decision was changed later; the first one stays in the log."""

    frame_id: str
    file: str
    old_decision: Decision
    new_decision: Decision
    by: str
    why: str
    weight: float | None = None
    relative_path: str = ""
    replaced_by: str = ""
    class_: str = ""
    cause: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Self:
        return cls(
            frame_id=body["frame_id"],
            file=body["file"],
            old_decision=body["old_decision"],
            new_decision=body["new_decision"],
            by=body["by"],
            why=body["why"],
            weight=body.get("weight", None),
            relative_path=body.get("relative_path", ""),
            replaced_by=body.get("replaced_by", ""),
            class_=body.get("class", ""),
            cause=body.get("cause", ""),
        )
