"""The stages of the worker: look at a frame, compare it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Self

from ..detect import Detector
from ..formats import FormatTable
from ..grade import SourceGrader, require_pair
from ..inference import Model, open_model, source_part_of
from ..measure import Measurer, Site
from ..metrics import registered_metrics
from ..plugins import Plugins, load_plugins
from ..read import Dialects, Limits, Reader
from ..records import (
    Arrival,
    Baseline,
    Detections,
    Examined,
    Failed,
    Frame,
    Look,
    Outcome,
    Skipped,
    baseline_key,
    fitting_baseline,
)
from ..settings import Settings, SiteSettings
from ..stages import FrameGrader, FrameMeasurer, FrameReader, SourceDescriber, StarFinder
from .comparer import Comparer, grader_of_settings
from .looker import Looker, OnPicture


class Pipeline:
    """The stages in their order. Build one with :meth:`open`, or from other implementations of the stages."""

    def __init__(
        self,
        reader: FrameReader,
        star_finder: StarFinder,
        measurer: FrameMeasurer,
        describer: SourceDescriber,
        grader: FrameGrader,
        *,
        models: tuple[Model, ...] = (),
        default_scale_arcsec_px: float | None = None,
    ) -> None:
        self._looker = Looker(reader, star_finder, measurer, describer, default_scale_arcsec_px=default_scale_arcsec_px)
        self._comparer = Comparer(grader)
        self._models = models

    @classmethod
    def open(cls, settings: Settings, *, reader: FrameReader | None = None) -> Self:
        """Load and warm up the models and put the stages in order.

        Parameters:
            settings: the whole tree.
            reader: where frames come from; ``None``: files.

        Raises:
            ModelError: a model is missing, altered or does not fit.
            ConfigError: a plugin that is on cannot be used.
        """
        plugins = load_plugins(settings)
        chosen_reader = reader or _file_reader(settings, plugins)
        star_finder, source_part = _open_models(settings)
        grader, head = grader_of_settings(settings)
        require_pair(source_part, head)
        return cls(
            chosen_reader,
            Detector(star_finder),
            Measurer(site_of(settings.site), registered_metrics(plugins)),
            SourceGrader(source_part),
            grader,
            models=(star_finder, source_part, head),
            default_scale_arcsec_px=settings.site.scale_arcsec_px,
        )

    def models(self) -> list[dict[str, str]]:
        """Name, version, hash and execution provider of each model in use."""
        return [
            {"name": m.card.name, "version": m.card.version, "sha256": m.card.sha256, "provider": m.provider}
            for m in self._models
        ]

    def look(self, arrival: Arrival, *, on_picture: OnPicture | None = None) -> Look | Skipped | Failed:
        """Look at one file; see :meth:`~.looker.Looker.look`."""
        return self._looker.look(arrival, on_picture=on_picture)

    def compare(self, look: Look, baseline: Baseline) -> Examined | Failed:
        """Compare one frame with earlier ones; see :meth:`~.comparer.Comparer.compare`."""
        return self._comparer.compare(look, baseline)

    def examine(self, arrival: Arrival, baselines: Iterable[Baseline]) -> Outcome:
        """Take one file through both steps.

        Parameters:
            arrival: a whole file.
            baselines: all there are; the one that fits the frame's header is used.

        Returns:
            exactly one outcome; never raises for anything the file did.
        """
        look = self.look(arrival)
        if not isinstance(look, Look):
            return look
        return self.compare(look, fitting_baseline(baseline_key(look.meta, look.sensor_shape), baselines))


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundSources:
    """What the star finder sees in one frame, without a verdict.

    Attributes:
        look: all that the frame shows, every source measured.
        frame: its pixels.
    """

    look: Look
    frame: Frame


def find_sources(arrival: Arrival, settings: Settings, on_models: Callable[[], None] = lambda: None) -> FoundSources:
    """Read one file of any kind, find its sources and measure them all, without a judge.

    Parameters:
        arrival: a whole file.
        settings: which models to use, and limits.
        on_models: called when the models are loaded and the file is about to be read.

    Raises:
        FrameError: the file cannot be read or searched.
        ModelError: a model is missing, altered or does not fit.
    """
    plugins = load_plugins(settings)
    star_finder, source_part = _open_models(settings)
    looker = Looker(
        _file_reader(settings, plugins),
        Detector(star_finder),
        Measurer(site_of(settings.site), registered_metrics(plugins)),
        SourceGrader(source_part),
        default_scale_arcsec_px=settings.site.scale_arcsec_px,
    )
    on_models()
    frames: list[Frame] = []

    def keep(frame: Frame, detections: Detections) -> None:
        frames.append(frame)

    return FoundSources(look=looker.search(arrival, on_picture=keep), frame=frames[-1])


def _open_models(settings: Settings) -> tuple[Model, Model]:
    """Open the models that look: the star finder, and the source part of the quality model."""
    chosen = settings.models
    names = (chosen.star_finder, source_part_of(chosen.quality))
    star_finder, source_part = (
        open_model(name, folder=chosen.folder, provider=chosen.provider, threads=settings.worker.threads)
        for name in names
    )
    return star_finder, source_part


def _file_reader(settings: Settings, plugins: Plugins) -> Reader:
    """Return the file reader of the worker's pipeline, with the limits of the settings and formats of plugins."""
    limits = Limits(
        max_pixels=settings.worker.max_pixels,
        rare_codecs=settings.worker.rare_codecs,
        grade_calibrated=settings.judge.grade_calibrated,
    )
    return Reader(limits, Dialects.registered(plugins), FormatTable.of(plugins))


def site_of(settings: SiteSettings) -> Site | None:
    """Return the site of the settings, when they have both of its coordinates."""
    if settings.latitude_deg is None or settings.longitude_deg is None:
        return None
    return Site(settings.latitude_deg, settings.longitude_deg)
