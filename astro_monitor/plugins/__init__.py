"""Plugins: found by their entry points, turned on by the setting ``plugins.on``, kept apart from one another.

The one job of this room is to call the hooks of :mod:`astro_monitor.hookspecs`. Nothing is loaded at import. Rows of
astro-monitor itself come from the same hooks, see :data:`.loading.BUILT_IN`.
"""

from .failures import MAX_FAILURES, READER_FAILED, Disabled, Guard
from .installed import NOT_INSTALLED, OFF, ON, PluginState, installed_plugins
from .loading import Plugins, Registered, load_plugins

__all__ = [
    "MAX_FAILURES",
    "NOT_INSTALLED",
    "OFF",
    "ON",
    "READER_FAILED",
    "Disabled",
    "Guard",
    "PluginState",
    "Plugins",
    "Registered",
    "installed_plugins",
    "load_plugins",
]
