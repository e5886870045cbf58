"""Sinks and subscribers of plugins run apart, change nothing, and are reported when they are turned off."""

from __future__ import annotations

import threading
from types import ModuleType

import pytest

from astro_monitor.documents import Document, PluginDisabled
from astro_monitor.errors import ConfigError
from astro_monitor.plugins import MAX_FAILURES
from astro_monitor.settings import Settings
from astro_monitor.sinks import outputs as outputs_package
from astro_monitor.sinks import registered_sinks
from astro_monitor.sinks.threaded import FAILURES_ALLOWED
from astro_monitor.testing.plugins import made_plugin, with_plugin

PATIENCE_S = 20.0


class Kept:
    """A sink that keeps documents, or fails on each."""

    def __init__(self, name: str = "kept", *, fails: bool = False) -> None:
        self.name = name
        self.fails = fails
        self.documents: list[Document] = []
        self.closed = False

    def accept(self, document: Document) -> None:
        if self.fails:
            raise OSError("the disk is full")
        self.documents.append(document)
        document.body["frame_id"] = "changed"

    def flush(self) -> None:
        if self.fails:
            raise OSError("the disk is full")

    def close(self) -> None:
        self.closed = True


def a_document(seq: int = 1, kind: str = "frame.judged", /, **body) -> Document:
    return Document(
        doc_id=f"{seq:032x}", kind=kind, time="2026-03-01T00:00:00.000Z", seq=seq, session_id="s" * 32,
        body={"frame_id": "a" * 16, **body},
    )  # fmt: skip


class Reports:
    """What was written down, and a wait for it."""

    def __init__(self) -> None:
        self.written: list[tuple[str, PluginDisabled]] = []
        self.some = threading.Event()

    def __call__(self, kind: str, body: PluginDisabled) -> None:
        self.written.append((kind, body))
        self.some.set()


def started(plugin: ModuleType, reports: Reports | None = None):
    return registered_sinks(with_plugin(plugin, "sample"), Settings(), reports or Reports())


def ended(sinks) -> None:
    for sink in sinks:
        sink.close(PATIENCE_S)


def test_hook_register_sinks_takes_documents_and_cannot_change_them() -> None:
    kept, asked = Kept(), []

    def register_sinks(settings):
        asked.append(settings)
        return [kept]

    sinks, document = started(made_plugin(register_sinks=register_sinks)), a_document()
    for sink in sinks:
        sink.accept(document)
    ended(sinks)
    assert [type(settings) for settings in asked] == [Settings]
    assert [one.seq for one in kept.documents] == [1]
    assert kept.closed
    assert document.body["frame_id"] == "a" * 16


def test_hook_document_is_called_for_every_document() -> None:
    seen: list[int] = []
    sinks = started(made_plugin(document=lambda document: seen.append(document.seq)))
    for number in (1, 2):
        for sink in sinks:
            sink.accept(a_document(number))
    ended(sinks)
    assert seen == [1, 2]


def test_a_sink_that_fails_is_turned_off_and_reported_and_stops_no_other() -> None:
    reports, good = Reports(), Kept("good")
    sinks = started(made_plugin(register_sinks=lambda: [Kept("bad", fails=True), good]), reports)
    for number in range(FAILURES_ALLOWED):
        for sink in sinks:
            sink.accept(a_document(number))
    assert reports.some.wait(PATIENCE_S)
    ended(sinks)
    assert [kind for kind, _ in reports.written] == ["plugin.disabled"]
    body = reports.written[0][1]
    assert (body.name, body.failures) == ("sample", FAILURES_ALLOWED)
    assert "the disk is full" in body.last_error
    assert len(good.documents) == FAILURES_ALLOWED


FAILED = "the plugin sample failed: ValueError: odd"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("frame.judged", {"why_missing": {"x_px": FAILED}}),
        ("frame.failed", {"kind": "plugin_failed", "sentence": f"The file cannot be read: {FAILED}; update it."}),
    ],
)
def test_errors_of_the_worker_are_reported_in_a_document(kind, body) -> None:
    reports = Reports()
    sinks = started(made_plugin(), reports)
    for number in range(MAX_FAILURES):
        for sink in sinks:
            sink.accept(a_document(number, kind, **body))
    ended(sinks)
    assert [(kind, body.name) for kind, body in reports.written] == [("plugin.disabled", "sample")]


@pytest.mark.parametrize("row", ["a text", Kept(""), ModuleType("x")])
def test_what_is_no_sink_is_refused(row) -> None:
    with pytest.raises(ConfigError, match="the plugin sample is wrong: register_sinks"):
        started(made_plugin(register_sinks=lambda: [row]))


def test_two_sinks_of_one_name_are_refused() -> None:
    with pytest.raises(ConfigError, match="the plugin sample cannot be used"):
        started(made_plugin(register_sinks=lambda: [Kept(), Kept()]))


def test_without_plugins_nothing_is_started() -> None:
    from astro_monitor.plugins import load_plugins

    assert registered_sinks(load_plugins(Settings()), Settings(), Reports()) == []


def test_a_new_module_of_outputs_is_a_new_sink(tmp_path, monkeypatch) -> None:
    (tmp_path / "kept_output.py").write_text(
        "class Kept:\n    name = 'kept output'\n    def accept(self, document): pass\n    def flush(self): pass\n"
        "    def close(self): pass\n\ndef sinks(settings):\n    return [Kept()]\n",
        "utf-8",
    )
    monkeypatch.setattr(outputs_package, "__path__", [str(tmp_path)])
    from astro_monitor.plugins import load_plugins

    sinks = registered_sinks(load_plugins(Settings()), Settings(), Reports())
    ended(sinks)
    assert [sink.name for sink in sinks] == ["kept output"]
