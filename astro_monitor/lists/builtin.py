"""The lists of astro-monitor: the rows ``WRITERS`` of every module in :mod:`.writers`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..hookspecs import hookimpl

if TYPE_CHECKING:
    from .writer import ListWriter


@hookimpl
def register_list_writers() -> Iterable[ListWriter]:
    """Return the rows, in the order of the names of their modules."""
    folder = importlib.import_module(f"{__package__}.writers")
    names = sorted(module.name for module in pkgutil.iter_modules(folder.__path__))
    modules = (importlib.import_module(f"{folder.__name__}.{name}") for name in names)
    return tuple(row for module in modules for row in module.WRITERS)
