"""The installed plugins, whether they are on or not."""

from __future__ import annotations

import importlib.metadata
import inspect
from dataclasses import dataclass

from .. import hookspecs


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginState:
    """One installed plugin.

    Attributes:
        name: of its entry point, as ``plugins.on`` names it.
        distribution: name of the package that brings it.
        version: of that package.
        hooks: that it has; empty while it is off, because it is not imported then.
        state: ``on``, ``off``, or ``not installed``.
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
    """Return all installed plugins, those that are on first, in the order in which they are called.

    Only those that are on are imported.

    Parameters:
        on: the setting ``plugins.on``.

    Raises:
        ImportError: one that is on cannot be imported.
    """
    known = entry_points()
    names = [*(name for name in on if name in known), *sorted(set(known) - set(on))]
    states = []
    for name in names:
        point = known[name]
        states.append(
            PluginState(
                name=name,
                distribution=point.dist.name if point.dist is not None else "",
                version=point.dist.version if point.dist is not None else "",
                hooks=hooks_of(point.load()) if name in on else (),
                state="on" if name in on else "off",
            )
        )
    return states


def hooks_of(plugin: object) -> tuple[str, ...]:
    """Return the names of the hooks that a plugin has, in alphabetical order."""
    mark = f"{hookspecs.PROJECT}_impl"
    return tuple(name for name, member in inspect.getmembers(plugin) if getattr(member, mark, None) is not None)
