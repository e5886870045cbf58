"""The formats of astro-monitor: the rows ``FORMATS`` of every module in :mod:`.known`, in the order of its names."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable

from ..hookspecs import hookimpl
from . import known
from .row import Format


@hookimpl
def register_readers() -> Iterable[Format]:
    """Return the formats that are read, and those that are known and not read."""
    names = sorted(module.name for module in pkgutil.iter_modules(known.__path__))
    modules = (importlib.import_module(f"{known.__name__}.{name}") for name in names)
    return tuple(row for module in modules for row in module.FORMATS)
