"""A plugin made of functions, for tests of hooks: nothing is installed."""

from __future__ import annotations

import types
from collections.abc import Callable
from typing import Any

from ..hookspecs import hookimpl
from ..plugins import Plugins, load_plugins
from ..settings import Settings


def made_plugin(**hooks: Callable[..., Any]) -> types.ModuleType:
    """Make a plugin.

    Parameters:
        hooks: by the name of the hook, the function that answers it.
    """
    module = types.ModuleType("made_plugin")
    for name, function in hooks.items():
        setattr(module, name, hookimpl(specname=name)(function))
    return module


def with_plugin(plugin: object, name: str = "tested", settings: Settings | None = None) -> Plugins:
    """Load one plugin that is not installed.

    Parameters:
        plugin: a module or object with hooks, such as from :func:`made_plugin`.
        name: under which it runs.
        settings: the whole tree; ``None``: the defaults.

    Raises:
        ConfigError: the plugin is wrong.
    """
    return load_plugins(settings or Settings(), [(name, plugin)])
