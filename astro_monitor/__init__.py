"""Frame quality monitoring for telescopes: the public names.

What is in ``__all__`` is the promise to other programs: these names keep their meaning within a major version, and the
page ``docs/reference/api.md`` shows each at work. Everything else may change. Importing this package loads nothing but
this module; each name is loaded when it is used for the first time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from .api import FramePipeline, grade_frames, open_pipeline, subscribe, watch_folder
    from .documents import Document, decode, encode, view
    from .errors import AstroMonitorError
    from .settings import Settings
    from .settings import load as load_settings

__all__ = [
    "AstroMonitorError",
    "Document",
    "FramePipeline",
    "Settings",
    "__version__",
    "decode",
    "encode",
    "grade_frames",
    "load_settings",
    "open_pipeline",
    "subscribe",
    "view",
    "watch_folder",
]

_HOMES = {
    "AstroMonitorError": ("errors", "AstroMonitorError"),
    "Document": ("documents", "Document"),
    "FramePipeline": ("api", "FramePipeline"),
    "Settings": ("settings", "Settings"),
    "decode": ("documents", "decode"),
    "encode": ("documents", "encode"),
    "grade_frames": ("api", "grade_frames"),
    "load_settings": ("settings", "load"),
    "open_pipeline": ("api", "open_pipeline"),
    "subscribe": ("api", "subscribe"),
    "view": ("documents", "view"),
    "watch_folder": ("api", "watch_folder"),
}
"""Module and name behind each public name, as in the imports for type checkers."""


def __getattr__(name: str) -> Any:
    """Load a public name when it is used for the first time.

    Raises:
        AttributeError: no such name.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, original = _HOMES[name]
    value = getattr(import_module(f".{module}", __name__), original)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return all names of the module, those that are not loaded yet included."""
    return sorted({*globals(), *__all__})
