"""Plugins made of functions, for tests of hooks without an installation."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from ..hookspecs import hookimpl
from ..plugins import Plugins, load_plugins
from ..settings import Settings


def made_plugin(**hooks: Callable[..., Any]) -> types.ModuleType:
    """Return a plugin.

    Parameters:
        hooks: function of each hook, by the name of the hook.
    """
    module = types.ModuleType("made_plugin")
    for name, function in hooks.items():
        setattr(module, name, hookimpl(specname=name)(function))
    return module


def with_plugin(plugin: object, name: str = "tested", settings: Settings | None = None) -> Plugins:
    """Return the loaded plugins with one plugin that is not installed.

    Parameters:
        plugin: a module or object with hooks, such as from :func:`made_plugin`.
        name: name of the plugin.
        settings: the whole tree; ``None``: the defaults.

    Raises:
        ConfigError: the plugin is not valid.
    """
    return load_plugins(settings or Settings(), [(name, plugin)])
