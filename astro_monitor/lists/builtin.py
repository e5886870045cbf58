"""The lists of astro-monitor: the rows ``WRITERS`` of every module in :mod:`.writers`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from functools import cache

from ..hookspecs import hookimpl
from ..plugins import Registered
from .writer import ListWriter, ListWriters


@hookimpl
def register_list_writers() -> Iterable[ListWriter]:
    """Return the rows, in the order of the names of their modules."""
    folder = importlib.import_module(f"{__package__}.writers")
    names = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    modules = (importlib.import_module(f"{folder.__name__}.{name}") for name in names)
    return tuple(row for module in modules for row in module.WRITERS)


@cache
def built_in_writers() -> ListWriters:
    """Return the kinds of list of astro-monitor alone."""
    return ListWriters(Registered(row, None) for row in register_list_writers())
