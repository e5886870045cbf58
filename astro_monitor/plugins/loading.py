"""Loads the plugins that are on, and collects what they and astro-monitor itself register.

Plugins are called one at a time (``subset_hook_caller``), so that an error names its plugin and reaches no other.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, TypeVar

import pluggy

from .. import hookspecs
from ..complaints import nearest
from ..documents import Document
from ..errors import ConfigError
from ..plain import shown
from ..settings import Settings
from .failures import Disabled, Guard, failure_prefix
from .installed import entry_points

BUILT_IN = {
    "register_readers": "astro_monitor.formats.builtin",
    "register_dialects": "astro_monitor.read.dialects",
    "register_metrics": "astro_monitor.metrics",
    "register_rules": "astro_monitor.judge.builtin",
    "register_list_writers": "astro_monitor.lists.builtin",
    "register_sinks": "astro_monitor.sinks.builtin",
}
"""Module of astro-monitor that answers a hook. It is imported when the hook is called, so that the daemon never loads
the readers, nor the worker the rules."""

_Row = TypeVar("_Row")


@dataclass(frozen=True, slots=True)
class Registered(Generic[_Row]):
    """A row, and the guard of the plugin that registered it; ``None`` for a row of astro-monitor itself."""

    row: _Row
    guard: Guard | None


class Plugins:
    """The plugins that are on in this process. Made by :func:`load_plugins`.

    Parameters:
        manager: holds the plugins.
        guards: of each of them, in the order of ``plugins.on``.
    """

    def __init__(self, manager: pluggy.PluginManager, guards: Sequence[Guard]) -> None:
        self._manager = manager
        self.guards = tuple(guards)
        self._registered: dict[str, list[Registered[Any]]] = {}

    def registered(
        self,
        hook: str,
        row_types: type[_Row] | tuple[type[_Row], ...],
        keys: Callable[[_Row], Iterable[str]],
        **arguments: Any,
    ) -> list[Registered[_Row]]:
        """Collect the rows of a hook: those of astro-monitor, then those of each plugin.

        A hook without arguments is called once.

        Parameters:
            hook: its name, such as ``register_rules``.
            row_types: type of its rows, or several.
            keys: returns what may be registered only once; raises for what is no row.
            arguments: of the hook.

        Raises:
            ConfigError: a plugin failed, or returned what is no row, or a key that is taken.
        """
        if hook in self._registered and not arguments:
            return self._registered[hook]
        found: list[Registered[_Row]] = []
        owners: dict[str, str] = {}
        for name, guard in (("astro-monitor", None), *((guard.name, guard) for guard in self.guards)):
            for row in self._called(hook, name, guard, arguments):
                if not isinstance(row, row_types):
                    raise ConfigError(
                        f"the plugin {name} is wrong: {hook} returned a {type(row).__name__}, which is no row of this "
                        "hook; update it, or take it out of plugins.on"
                    )
                try:
                    unique = list(keys(row))
                except Exception as error:
                    raise ConfigError(
                        f"the plugin {name} is wrong: {hook}: {error}; update it, or take it out of plugins.on"
                    ) from error
                for key in unique:
                    if key in owners:
                        raise ConfigError(
                            f"the plugin {name} cannot be used: {hook} returned {shown(key)}, which {owners[key]} has "
                            "registered; take one of them out of plugins.on"
                        )
                    owners[key] = name
                found.append(Registered(row, guard))
        self._registered[hook] = found
        return found

    def _called(self, hook: str, name: str, guard: Guard | None, arguments: dict[str, Any]) -> Iterable[Any]:
        """Call a hook of one plugin; the rows it returned."""
        if guard is None:
            module = importlib.import_module(BUILT_IN[hook])
            rows: Iterable[Any] = getattr(module, hook)(**arguments)
            return rows
        caller = self._caller(hook, name)
        try:
            answers = caller(**arguments)
            if len(answers) < len(caller.get_hookimpls()):  # pluggy leaves None out
                raise TypeError("it returned nothing; return an empty list where there are no rows")
            return [row for answer in answers for row in answer]
        except Exception as error:
            raise ConfigError(
                f"the plugin {name} failed in {hook} ({type(error).__name__}: {error}); update it, or take it out of "
                "plugins.on"
            ) from error

    def _caller(self, hook: str, name: str) -> pluggy.HookCaller:
        """Return what calls a hook of one plugin."""
        others = [plugin for other, plugin in self._manager.list_name_plugin() if other != name]
        return self._manager.subset_hook_caller(hook, others)

    def subscribers(self) -> list[tuple[Guard, Callable[[Document], None]]]:
        """Return the plugins that have the hook ``document``, and what hands a document to each."""
        callers = ((guard, self._caller("document", guard.name)) for guard in self.guards)
        return [(guard, _teller(caller)) for guard, caller in callers if caller.get_hookimpls()]

    def note_reason(self, reason: str) -> None:
        """Count an error of a plugin that the worker gave as the reason of a missing number or of a failed file.

        Parameters:
            reason: any sentence; those of other kinds are passed over.
        """
        for guard in self.guards:
            _, prefix, error = reason.partition(failure_prefix(guard.name))
            if prefix:
                guard.fail(error)

    def newly_disabled(self) -> list[Disabled]:
        """Return plugins that have been disabled since this was called last."""
        return [ended for guard in self.guards if (ended := guard.newly_disabled()) is not None]

    @cached_property
    def names(self) -> str:
        """Name and version of each plugin that is on, such as ``sample 0.1.0, other 2``; empty when none is."""
        return ", ".join(f"{guard.name} {guard.version}".rstrip() for guard in self.guards)


def _teller(caller: pluggy.HookCaller) -> Callable[[Document], None]:
    """Return a function that passes a document to the subscribers of a plugin."""

    def tell(document: Document) -> None:
        caller(document=document)

    return tell


def load_plugins(settings: Settings, extra: Iterable[tuple[str, object]] = ()) -> Plugins:
    """Load the plugins that the setting ``plugins.on`` names, in its order.

    Parameters:
        settings: the whole tree.
        extra: further plugins by name, that are not installed: for tests.

    Raises:
        ConfigError: one of them is not installed, cannot be imported, or has a hook that does not exist.
    """
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    guards = []
    if settings.plugins.on:
        known = entry_points()
        for name in settings.plugins.on:
            if name not in known:
                raise ConfigError(_not_installed(name, sorted(known)))
            point = known[name]
            try:
                plugin = point.load()
            except Exception as error:
                raise ConfigError(
                    f"the plugin {name} cannot be imported ({type(error).__name__}: {error}); update it, or take it "
                    "out of plugins.on"
                ) from error
            _register(manager, name, plugin)
            guards.append(Guard(name, point.dist.version if point.dist is not None else ""))
    for name, plugin in extra:
        _register(manager, name, plugin)
        guards.append(Guard(name))
    return Plugins(manager, guards)


def _register(manager: pluggy.PluginManager, name: str, plugin: object) -> None:
    """Register one plugin.

    Raises:
        ConfigError: it has a hook that does not exist, or arguments that the hook does not have.
    """
    try:
        manager.register(plugin, name)
        manager.check_pending()
    except (pluggy.PluginValidationError, ValueError) as error:
        hooks = {hook for hook, _ in inspect.getmembers(hookspecs, inspect.isfunction)}
        wrong = next((hook for hook in vars(manager.hook) if hook not in hooks and not hook.startswith("_")), "")
        meant = nearest(wrong, hooks) if wrong else ""
        what = f"it has a hook {wrong}, which does not exist" if wrong else " ".join(str(error).split())
        raise ConfigError(
            f"the plugin {name} is wrong: {what}{f'; did you mean {meant}?' if meant else ';'} "
            f"{'U' if meant else 'u'}pdate it, or take it out of plugins.on"
        ) from error


def _not_installed(name: str, known: Sequence[str]) -> str:
    """Return the sentence that a plugin of the settings is not installed, with the nearest name."""
    near = nearest(name, known)
    if near:
        return f"plugins.on names {shown(name)}, which is not installed; did you mean {near}?"
    there = f"installed: {', '.join(known)}" if known else "none is installed"
    return f"plugins.on names {shown(name)}, which is not installed ({there}); install it, or take it out"
