"""Sinks and document subscribers that are registered by hooks, each in a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..documents import Body, Document, PluginDisabled
from ..plain import counted
from ..plugins import READER_FAILED, Disabled, Guard, Plugins
from ..settings import Settings
from .sink import Sink
from .threaded import ThreadedSink

_Report = Callable[[str, Body], None]
_VERBS = ("accept", "flush", "close")


def registered_sinks(plugins: Plugins, settings: Settings, report: _Report) -> list[ThreadedSink]:
    """Start all sinks and subscribers that are registered by hooks.

    Parameters:
        plugins: that are on.
        settings: the whole tree.
        report: writes a document, given its kind and body; from any thread.

    Raises:
        ConfigError: a plugin failed, or returned what is no sink, or a name that is taken.
    """
    rows = plugins.registered("register_sinks", object, _key, settings=settings)
    sinks: list[ThreadedSink] = []
    for registered in rows:
        sink: Sink = registered.row  # type: ignore[assignment]  # _key has checked it
        if registered.guard is None:
            sinks.append(ThreadedSink(sink))
        else:
            own = PluginSink(sink.name, sink.accept, sink.flush, sink.close)
            sinks.append(ThreadedSink(own, on_disabled=partial(_ended, report, registered.guard)))
    for guard, tell in plugins.subscribers():
        subscriber = PluginSink(f"documents of the plugin {guard.name}", tell)
        sinks.append(ThreadedSink(subscriber, on_disabled=partial(_ended, report, guard)))
    if plugins.guards:
        sinks.append(ThreadedSink(PluginErrors(plugins, report)))
    return sinks


def _key(row: object) -> tuple[str]:
    """Return the name of a sink.

    Raises:
        TypeError: it is no sink.
    """
    name = getattr(row, "name", None)
    if not isinstance(name, str) or not name or not all(callable(getattr(row, verb, None)) for verb in _VERBS):
        raise TypeError(f"a sink has a name and the methods {', '.join(_VERBS)}; this is a {type(row).__name__}")
    return (name,)


def _nothing() -> None:
    """Do nothing."""


class PluginSink:
    """A sink of a plugin, which gets a copy of each document, so that it can change none.

    Parameters:
        name: of the sink.
        accept, flush, close: what it does.
    """

    def __init__(
        self,
        name: str,
        accept: Callable[[Document], None],
        flush: Callable[[], None] = _nothing,
        close: Callable[[], None] = _nothing,
    ) -> None:
        self.name = name
        self.flush = flush
        self.close = close
        self._accept = accept

    def accept(self, document: Document) -> None:
        """Hand on a copy."""
        self._accept(document.model_copy(deep=True))


class PluginErrors:
    """Writes a ``plugin.disabled`` document when rules, lists or measurements of a plugin have failed too often.

    Parameters:
        plugins: that are on.
        report: writes a document.
    """

    name = "errors of plugins"

    def __init__(self, plugins: Plugins, report: _Report) -> None:
        self._plugins = plugins
        self._report = report

    def accept(self, document: Document) -> None:
        """Count the errors of the worker, which a document names as reasons of missing numbers or of a failure."""
        if document.kind == "frame.judged":
            for reason in document.body.get("why_missing", {}).values():
                self._plugins.note_reason(reason)
        elif document.kind == "frame.failed" and document.body["kind"] == READER_FAILED:
            self._plugins.note_reason(document.body["sentence"])

    def flush(self) -> None:
        """Report what has been disabled since."""
        for ended in self._plugins.newly_disabled():
            self._report("plugin.disabled", _body(ended))

    def close(self) -> None:
        """Nothing is held open."""


def _ended(report: _Report, guard: Guard, name: str, failures: int, error: str) -> None:
    """Report, as a document, that a plugin is disabled after errors of its sink or subscriber."""
    ended = Disabled(name=guard.name, version=guard.version, failures=failures, last_error=f"{name}: {error}")
    what = name if guard.name in name else f"the sink {name} of the plugin {guard.name}"
    report("plugin.disabled", _body(ended, what))


def _body(ended: Disabled, what: str = "") -> PluginDisabled:
    """Return the body of the ``plugin.disabled`` document of a disabled plugin, or of one sink of it."""
    subject = what or f"the plugin {ended.name}"
    sentence = (
        f"{subject[:1].upper()}{subject[1:]} is no longer called after {counted(ended.failures, 'error')}; update the "
        "plugin, or take it out of plugins.on."
    )
    return PluginDisabled(
        name=ended.name,
        version=ended.version,
        failures=ended.failures,
        last_error=ended.last_error,
        sentence=sentence,
    )
