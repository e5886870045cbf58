"""The installed plugins, whether they are on or not."""

from __future__ import annotations

import importlib.metadata
import inspect
from dataclasses import dataclass

from .. import hookspecs

ON, OFF, NOT_INSTALLED = "on", "off", "not installed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginState:
    """One installed plugin.

    Attributes:
        name: of its entry point, as ``plugins.on`` names it.
        distribution: name of the package that brings it.
        version: of that package.
        hooks: that it has; empty while it is off, because it is not imported then.
        state: ``on``, ``off``, ``not installed``, or why it cannot be imported.
    """

    name: str
    distribution: str
    version: str
    hooks: tuple[str, ...]
    state: str


def entry_points() -> dict[str, importlib.metadata.EntryPoint]:
    """Return the entry points of all installed plugins by name."""
    return {point.name: point for point in importlib.metadata.entry_points(group=hookspecs.ENTRY_POINTS)}


def installed_plugins(on: tuple[str, ...]) -> list[PluginState]:
    """Return the plugins that are on, in the order in which they are called, then the installed ones that are off.

    Only those that are on are imported.

    Parameters:
        on: the setting ``plugins.on``.
    """
    known = entry_points()
    named = [_state(name, known.get(name), is_on=True) for name in on]
    return [*named, *(_state(name, known[name], is_on=False) for name in sorted(set(known) - set(on)))]


def _state(name: str, point: importlib.metadata.EntryPoint | None, *, is_on: bool) -> PluginState:
    """Return the state of one plugin: installed or not, on or off, its version and its hooks."""
    if point is None:
        return PluginState(name=name, distribution="", version="", hooks=(), state=NOT_INSTALLED)
    hooks: tuple[str, ...] = ()
    state = ON if is_on else OFF
    if is_on:
        try:
            hooks = hooks_of(point.load())
        except Exception as error:
            state = f"cannot be imported: {type(error).__name__}: {error}"
    return PluginState(
        name=name,
        distribution=point.dist.name if point.dist is not None else "",
        version=point.dist.version if point.dist is not None else "",
        hooks=hooks,
        state=state,
    )


def hooks_of(plugin: object) -> tuple[str, ...]:
    """Return the names of the hooks that a plugin implements, in alphabetical order."""
    mark = f"{hookspecs.PROJECT}_impl"
    return tuple(name for name, member in inspect.getmembers(plugin) if getattr(member, mark, None) is not None)
