"""What a look says against a baseline: relative numbers, and learned quality. No pixels; a few milliseconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from ..baseline import Exposed, estimate, source_in_words, with_own_overscan
from ..grade import Grader
from ..inference import Model, open_model
from ..measure import relate
from ..records import Baseline, Camera, Examined, Failed, FrameMeta, Look, StarProfile
from ..settings import Settings
from ..stages import FrameGrader
from .guard import Stopwatch, guarded


class Comparer:
    """Compares looks with baselines; keeps nothing from one to the next.

    Parameters:
        grader: head of the quality model.
    """

    def __init__(self, grader: FrameGrader) -> None:
        self._grader = grader

    @classmethod
    def open(cls, settings: Settings) -> Self:
        """Load the head of the quality model alone: enough to judge again what was looked at before.

        Raises:
            ModelError: it is missing, altered or does not fit.
        """
        return cls(grader_of_settings(settings)[0])

    def fits(self, look: Look) -> bool:
        """Return whether a look was made with the source part that this head of the quality model belongs to.

        Parameters:
            look: perhaps kept by a program with other models.
        """
        return self._grader.fits(look.source_features)

    def compare(self, look: Look, baseline: Baseline) -> Examined | Failed:
        """Compare one frame with earlier ones.

        Parameters:
            look: at the frame.
            baseline: of the frame's key, from :func:`~astro_monitor.records.fitting_baseline`.

        Returns:
            all that is known of the frame; or why not. Never raises for anything the file did.
        """
        watch = Stopwatch(stage="measure", frame_id=look.frame_id, timings_s=dict(look.timings_s))
        return guarded(look.arrival, watch, lambda: self._compare(look, baseline, watch))

    def _compare(self, look: Look, baseline: Baseline, watch: Stopwatch) -> Examined:
        """Return the examined frame: its look with relative measurements and grade against a baseline."""
        profile = StarProfile.of(look.source_features, look.sensor_px_per_px)
        baseline = replace(baseline, camera=with_own_overscan(baseline.camera, look.meta))
        measured = watch.run("measure", lambda: relate(look.measurements, look.sensor_shape, baseline, profile))
        if measured.values.get("unit_ratio") is not None:
            # Numbers in another unit cannot be compared with those of earlier frames.
            baseline = Baseline(key=baseline.key)
        grade = watch.run("grade", lambda: self._grader.grade(look.source_features, measured, baseline))
        return Examined(
            arrival=look.arrival,
            frame_id=look.frame_id,
            sha256=look.sha256,
            meta=_with_source(look, baseline.camera),
            sensor_shape=look.sensor_shape,
            sensor_px_per_px=look.sensor_px_per_px,
            measurements=measured,
            grade=grade,
            models=(*look.models, grade.model),
            timings_s=watch.timings_s,
            profile=profile,
        )


def _with_source(look: Look, camera: Camera) -> FrameMeta:
    """Return the metadata of a frame with what its pedestal and S rest on, which no keyword of its header names."""
    if not camera.known:
        camera = estimate([Exposed.of(look.frame_id, look.meta, look.measurements.sky_noise)])
    if not camera.known:
        return look.meta
    return replace(look.meta, sources={**look.meta.sources, "effective_sky_adu": source_in_words(camera)})


def grader_of_settings(settings: Settings) -> tuple[Grader, Model]:
    """Open the head of the quality model that the settings name, as the grader of the pipeline.

    Raises:
        ModelError: it is missing, altered or does not fit.
    """
    chosen = settings.models
    model = open_model(chosen.quality, folder=chosen.folder, provider=chosen.provider, threads=settings.worker.threads)
    return Grader(model, normal_fwhm_arcsec=settings.site.normal_fwhm_arcsec), model
