"""What this plugin registers. The functions are called by astro-monitor when ``plugins.on`` names ``pgm-camera``."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from astro_monitor.documents import AlertView, Document
from astro_monitor.formats import DialectRow, Format, NumberRow, TextRow
from astro_monitor.hookspecs import hookimpl
from astro_monitor.judge import RuleRow
from astro_monitor.lists import ListWriter
from astro_monitor.metrics import Metric
from astro_monitor.settings import Settings
from astro_monitor.sinks import Sink

from .blacks import BLACKS, CLIPPED_BLACKS
from .pgm import PGM
from .status import StatusFile
from .weights import WEIGHTS

log = logging.getLogger(__name__)


@hookimpl
def register_readers() -> Iterable[Format]:
    """Return the format PGM."""
    return [PGM]


@hookimpl
def register_dialects() -> Iterable[DialectRow]:
    """Return the keywords that such cameras write."""
    return [NumberRow("sensor_temp_c", ("SENSTEMP",), -150.0, 80.0), TextRow("camera", ("CAMNAME",))]


@hookimpl
def register_metrics() -> Iterable[Metric]:
    """Return the part of black pixels."""
    return [BLACKS]


@hookimpl
def register_rules() -> Iterable[RuleRow]:
    """Return the rule about black pixels."""
    return [CLIPPED_BLACKS]


@hookimpl
def register_list_writers() -> Iterable[ListWriter]:
    """Return the list of weights."""
    return [WEIGHTS]


@hookimpl
def register_sinks(settings: Settings) -> Iterable[Sink]:
    """Return the status file, in the state folder."""
    return [StatusFile(settings.state_folder / "pgm-camera-status.json")]


@hookimpl
def document(document: Document) -> None:
    """Log each alert that opens."""
    if document.kind == "alert.opened":
        log.warning("alert: %s", AlertView.of(document.body).sentence)
