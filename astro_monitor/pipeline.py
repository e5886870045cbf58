"""The order of the stages, in the worker: read → detect → measure → grade.

This module alone knows the order. Every arrival ends in exactly one outcome, and errors are caught at one place.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from .detect import Detector
from .errors import FrameError
from .grade import Grader
from .inference import Model, open_model
from .measure import Measurer, Site, measure_sources, on_sensor
from .plugins import load_plugins
from .read import SKIPPED_KINDS, Dialects, Limits, Reader, sky_positions
from .records import (
    Arrival,
    Baseline,
    BaselineKey,
    Examined,
    Failed,
    Frame,
    FrameMeta,
    Measurements,
    Outcome,
    Skipped,
    SourceTable,
    Streak,
    baseline_key,
    first_baseline,
)
from .settings import Settings, SiteSettings
from .stages import FrameGrader, FrameMeasurer, FrameReader, StarFinder

log = logging.getLogger(__name__)

_Result = TypeVar("_Result")

CUBE_KEYWORD = "NAXIS3"
"""A cube is a product by its shape alone; it is refused rather than skipped, because no header called it one."""


@dataclass
class _Stopwatch:
    """Which stage a frame is in, and how long each took in seconds of wall time."""

    stage: str = "read"
    frame_id: str | None = None
    timings_s: dict[str, float] = field(default_factory=dict)
    started: float = field(default_factory=time.perf_counter)

    def run(self, stage: str, step: Callable[[], _Result]) -> _Result:
        self.stage = stage
        before = time.perf_counter()
        try:
            return step()
        finally:
            now = time.perf_counter()
            self.timings_s[stage] = now - before
            self.timings_s["total"] = now - self.started


class Pipeline:
    """The stages in their order. Build one with :meth:`open`, or from other implementations of the stages."""

    def __init__(
        self,
        reader: FrameReader,
        star_finder: StarFinder,
        measurer: FrameMeasurer,
        grader: FrameGrader,
        *,
        models: tuple[Model, ...] = (),
        default_scale_arcsec_px: float | None = None,
    ) -> None:
        self._reader = reader
        self._star_finder = star_finder
        self._measurer = measurer
        self._grader = grader
        self._models = models
        self._default_scale_arcsec_px = default_scale_arcsec_px

    @classmethod
    def open(cls, settings: Settings) -> Pipeline:
        """Load and warm up the models and put the stages in order.

        Raises:
            ModelError: a model is missing, altered or does not fit.
            ConfigError: a plugin that is on cannot be used.
        """
        plugins = load_plugins(settings)
        chosen = settings.models
        models = tuple(
            open_model(name, folder=chosen.folder, provider=chosen.provider, threads=settings.worker.threads)
            for name in (chosen.star_finder, chosen.quality)
        )
        return cls(
            Reader(_limits(settings), Dialects.registered(plugins)),
            Detector(models[0]),
            Measurer(_site(settings.site)),
            Grader(models[1], normal_fwhm_arcsec=settings.site.normal_fwhm_arcsec),
            models=models,
            default_scale_arcsec_px=settings.site.scale_arcsec_px,
        )

    def models(self) -> list[dict[str, str]]:
        """Name, version, hash and execution provider of each model in use."""
        return [
            {"name": m.card.name, "version": m.card.version, "sha256": m.card.sha256, "provider": m.provider}
            for m in self._models
        ]

    def examine(self, arrival: Arrival, baselines: Iterable[Baseline]) -> Outcome:
        """Take one file through all stages.

        Parameters:
            arrival: a whole file.
            baselines: what is normal so far; the one that fits the frame's header is used.

        Returns:
            exactly one outcome; never raises for anything the file did.
        """
        watch = _Stopwatch()
        try:
            return self._examine(arrival, {baseline.key: baseline for baseline in baselines}, watch)
        except FrameError as error:
            return _failed(arrival, watch, error.kind, str(error), known=True, retryable=error.retryable)
        except MemoryError:
            sentence = "the frame needs more memory than the worker may use; raise worker.memory_mb or remove the file"
            return _failed(arrival, watch, "out_of_memory", sentence, known=True)
        except Exception as error:
            log.exception("%s: unforeseen error in stage %s", arrival.path.name, watch.stage)
            sentence = f"unforeseen {type(error).__name__} in stage {watch.stage}: {error}; please report this file"
            return _failed(arrival, watch, "unforeseen", sentence, known=False)

    def _examine(
        self, arrival: Arrival, baselines: dict[BaselineKey, Baseline], watch: _Stopwatch
    ) -> Examined | Skipped:
        opened = watch.run("open", lambda: self._reader.open(arrival))
        meta = opened.meta
        if meta.kind in SKIPPED_KINDS and meta.sources.get("kind") != CUBE_KEYWORD:
            return Skipped(
                arrival=arrival,
                frame_id=opened.frame_id,
                sha256=opened.sha256,
                meta=meta,
                sensor_shape=opened.sensor_shape,
                sentence=_skip_sentence(meta),
                timings_s=watch.timings_s,
            )
        frame = watch.run("read", opened.frame)
        watch.frame_id = frame.frame_id
        if frame.meta.scale_arcsec_px is None and self._default_scale_arcsec_px is not None:
            frame = replace(frame, meta=_with_scale(frame.meta, self._default_scale_arcsec_px))
        key = baseline_key(frame.meta, frame.sensor_shape)
        baseline = baselines.get(key) or first_baseline(key, baselines.values())
        detections = watch.run("detect", lambda: self._star_finder.detect(frame))
        stars, measured = watch.run("measure", lambda: self._measurer.measure(frame, detections, baseline))
        if measured.values.get("unit_ratio") is not None:
            # Numbers in another unit cannot be compared with those of earlier frames.
            baseline = Baseline(key=key)
        grade = watch.run("grade", lambda: self._grader.grade(frame, detections, stars, measured, baseline))
        return Examined(
            arrival=arrival,
            frame_id=frame.frame_id,
            sha256=frame.sha256,
            meta=frame.meta,
            sensor_shape=frame.sensor_shape,
            sensor_px_per_px=frame.sensor_px_per_px,
            measurements=measured,
            grade=grade,
            models=(detections.model, grade.model),
            timings_s=watch.timings_s,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSources:
    """What the star finder sees in one frame, without a verdict.

    Attributes:
        frame: the frame.
        sources: all detections with their shapes, and sky positions when the header has a plate solution.
        streaks: trails, in sensor pixels.
        measurements: numbers of the whole frame, those that ``watch`` shows.
        model: name and version of the star finder.
    """

    frame: Frame
    sources: SourceTable
    streaks: tuple[Streak, ...]
    measurements: Measurements
    model: str


def find_sources(arrival: Arrival, settings: Settings, on_models: Callable[[], None] = lambda: None) -> FoundSources:
    """Read one file of any kind, find its sources and measure them.

    Parameters:
        arrival: a whole file.
        settings: which model to use, and limits.
        on_models: called when the model is loaded and the file is about to be read.

    Raises:
        FrameError: the file cannot be read or searched.
        ModelError: the star finder is missing, altered or does not fit.
    """
    chosen = settings.models
    model = open_model(
        chosen.star_finder, folder=chosen.folder, provider=chosen.provider, threads=settings.worker.threads
    )
    detector = Detector(model)
    on_models()
    opened = Reader(_limits(settings), Dialects.registered(load_plugins(settings))).open(arrival)
    frame = opened.frame()
    if frame.meta.scale_arcsec_px is None and settings.site.scale_arcsec_px is not None:
        frame = replace(frame, meta=_with_scale(frame.meta, settings.site.scale_arcsec_px))
    detections = detector.detect(frame)
    table = measure_sources(frame, detections)
    history = Baseline(key=baseline_key(frame.meta, frame.sensor_shape))
    _, measurements = Measurer(_site(settings.site)).measure(frame, detections, history)
    # The header counts pixels from the corner of the file, overscan included.
    x_px, y_px = table.x_px + frame.origin_px[0], table.y_px + frame.origin_px[1]
    ra_deg, dec_deg = sky_positions(opened.headers, x_px, y_px, opened.frame_id)
    return FoundSources(
        frame=frame,
        sources=replace(table, x_px=x_px, y_px=y_px, ra_deg=ra_deg, dec_deg=dec_deg),
        streaks=tuple(on_sensor(streak, float(frame.sensor_px_per_px)) for streak in detections.streaks),
        measurements=measurements,
        model=detections.model,
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        max_pixels=settings.worker.max_pixels,
        rare_codecs=settings.worker.rare_codecs,
        grade_calibrated=settings.judge.grade_calibrated,
    )


def _site(settings: SiteSettings) -> Site | None:
    """The site of the settings, when they tell it whole."""
    if settings.latitude_deg is None or settings.longitude_deg is None:
        return None
    return Site(settings.latitude_deg, settings.longitude_deg)


def _failed(
    arrival: Arrival, watch: _Stopwatch, kind: str, sentence: str, *, known: bool, retryable: bool = False
) -> Failed:
    return Failed(
        arrival=arrival,
        frame_id=watch.frame_id,
        stage="read" if watch.stage == "open" else watch.stage,
        kind=kind,
        known=known,
        retryable=retryable,
        sentence=sentence,
        timings_s=watch.timings_s,
    )


KIND_NAMES = {
    "product": "a processed product", "guide": "a frame of the guide camera", "focus": "a focus frame",
    "snapshot": "a snapshot", "defect_map": "a defect map",
}  # fmt: skip


def _skip_sentence(meta: FrameMeta) -> str:
    source = meta.sources.get("kind", "The header")
    subject = f"The {source}" if source.endswith(" name") else source
    what = KIND_NAMES.get(meta.kind, f"a {meta.kind} frame")
    if meta.kind == "product" and meta.program and meta.sources.get("program") == source:
        what = f"a product of {meta.program}"
    hint = "; judge.grade_calibrated = true has such frames graded" if source == "CALSTAT" else ""
    return f"{subject} says this is {what}, so it is not graded{hint}."


def _with_scale(meta: FrameMeta, scale_arcsec_px: float) -> FrameMeta:
    sources = {**meta.sources, "scale_arcsec_px": "setting site.scale_arcsec_px"}
    return replace(meta, scale_arcsec_px=scale_arcsec_px, sources=sources)
