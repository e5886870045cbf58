"""The sinks of astro-monitor that need documents alone: those of every module in :mod:`.outputs`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable

from ..hookspecs import hookimpl
from ..settings import Settings
from . import outputs
from .sink import Sink


@hookimpl
def register_sinks(settings: Settings) -> Iterable[Sink]:
    """Return the built-in sinks, in the order of the names of their modules."""
    names = sorted(module.name for module in pkgutil.iter_modules(outputs.__path__))
    modules = (importlib.import_module(f"{outputs.__name__}.{name}") for name in names)
    return tuple(sink for module in modules for sink in module.sinks(settings))
