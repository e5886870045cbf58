"""Plugins are loaded by name; one that is wrong is named, and one that fails reaches no other."""

from __future__ import annotations

import importlib.metadata
from types import SimpleNamespace

import pytest

from astro_monitor import hookspecs, plugins
from astro_monitor.errors import ConfigError
from astro_monitor.fitsheader import Header
from astro_monitor.formats import NumberRow, TextRow
from astro_monitor.judge import RuleBook, RuleRow
from astro_monitor.plugins import MAX_FAILURES, Guard, load_plugins
from astro_monitor.plugins import installed as installed_module
from astro_monitor.plugins import loading as loading_module
from astro_monitor.read import Dialects
from astro_monitor.read.dialects import read_meta
from astro_monitor.settings import Settings
from astro_monitor.testing.plugins import made_plugin


def loaded(*given, **by_name):
    return load_plugins(Settings(), [*((f"plugin{number}", one) for number, one in enumerate(given)), *by_name.items()])


class Point(SimpleNamespace):
    """An entry point of an installed distribution."""

    def load(self):
        if isinstance(self.object, Exception):
            raise self.object
        return self.object


@pytest.fixture
def install(monkeypatch):
    def put(**objects):
        points = {
            name: Point(name=name, object=made, dist=SimpleNamespace(name=f"astro-monitor-{name}", version="1.2"))
            for name, made in objects.items()
        }
        for module in (installed_module, loading_module):
            monkeypatch.setattr(module, "entry_points", lambda: points)

    return put


def test_nothing_is_looked_up_while_no_plugin_is_on(monkeypatch) -> None:
    monkeypatch.setattr(importlib.metadata, "distributions", lambda **kwargs: pytest.fail("the disk was searched"))
    assert load_plugins(Settings()).guards == ()


def test_an_installed_plugin_is_off_until_it_is_named(install) -> None:
    install(dim=made_plugin(register_rules=lambda: []), other=made_plugin())
    assert load_plugins(Settings()).guards == ()
    on = load_plugins(Settings(plugins={"on": ("dim",)}))
    assert on.names == "dim 1.2"
    states = plugins.installed_plugins(("dim",))
    assert [(state.name, state.state, state.hooks) for state in states] == [
        ("dim", "on", ("register_rules",)),
        ("other", "off", ()),
    ]


def test_a_plugin_that_is_not_installed_is_named_with_the_one_that_was_meant(install) -> None:
    install(sample=made_plugin())
    with pytest.raises(ConfigError, match=r"sampel, which is not installed; did you mean sample\?"):
        load_plugins(Settings(plugins={"on": ("sampel",)}))
    with pytest.raises(ConfigError, match="installed: sample"):
        load_plugins(Settings(plugins={"on": ("xyz",)}))


def test_a_plugin_that_cannot_be_imported_is_named(install) -> None:
    install(broken=ImportError("no module named foo"))
    with pytest.raises(ConfigError, match="the plugin broken cannot be imported"):
        load_plugins(Settings(plugins={"on": ("broken",)}))


def test_a_misspelt_hook_is_found() -> None:
    with pytest.raises(ConfigError, match=r"a hook register_rule, which does not exist; did you mean register_rules\?"):
        loaded(odd=made_plugin(register_rule=lambda: []))


def test_an_argument_that_a_hook_does_not_have_is_found() -> None:
    with pytest.raises(ConfigError, match="the plugin odd is wrong"):
        loaded(odd=made_plugin(register_rules=lambda frames: []))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda: ["a text"], "returned a str"),
        (lambda: None, "it returned nothing"),
        (lambda: 1 / 0, "ZeroDivisionError"),
        (lambda: [RuleRow("trailed_stars", lambda case: None)], "trailed_stars, which astro-monitor has registered"),
        (lambda: [RuleRow("a", lambda case: None)] * 2, "returned a, which odd has registered"),
    ],
)
def test_a_bad_row_is_a_config_error_that_names_the_plugin(answer, said) -> None:
    with pytest.raises(ConfigError, match=f"the plugin odd .*{said}"):
        RuleBook.of(loaded(odd=made_plugin(register_rules=answer)))


def test_hooks_are_called_once_and_in_order() -> None:
    called = []

    def rules(name):
        def register():
            called.append(name)
            return [RuleRow(name, lambda case: None)]

        return register

    both = loaded(made_plugin(register_rules=rules("b")), made_plugin(register_rules=rules("a")))
    for _ in range(2):
        RuleBook.of(both)
    assert called == ["b", "a"]


def test_after_some_errors_a_plugin_is_disabled_and_reported_once() -> None:
    guard = Guard("odd", "1.2")
    answers = [guard.call("rule x", lambda: 1 / 0, lambda why: why) for _ in range(MAX_FAILURES + 1)]
    assert answers[0] == "the plugin odd failed: ZeroDivisionError: division by zero"
    assert answers[-1] == f"the plugin odd was disabled after {MAX_FAILURES} errors"
    ended = guard.newly_disabled()
    assert ended is not None
    assert (ended.name, ended.version, ended.failures) == ("odd", "1.2", MAX_FAILURES)
    assert guard.newly_disabled() is None


def test_hook_register_dialects_fills_fields_that_nothing_else_fills() -> None:
    rows = [NumberRow("gain", ("MYGAIN",), 0.0, 500.0), TextRow("target", ("MYTARGET",))]
    dialects = Dialects.registered(loaded(made_plugin(register_dialects=lambda: rows)))
    header = Header({"MYGAIN": (" 120",), "OBJECT": (" 'M 31'",), "MYTARGET": (" 'M 42'",)})
    meta = read_meta((header,), dialects=dialects)
    assert (meta.gain, meta.target) == (120.0, "M 31")
    assert read_meta((Header({"MYGAIN": (" 900",)}),), dialects=dialects).gain is None
    assert read_meta((header,)).gain is None


@pytest.mark.parametrize(
    "row", [NumberRow("gian", ("MYGAIN",), 0.0, 1.0), NumberRow("gain", ("GAIN",), 0.0, 1.0), TextRow("kind", ("X",))]
)
def test_a_dialect_row_that_cannot_work_is_refused(row) -> None:
    with pytest.raises(ConfigError, match="the plugin odd"):
        Dialects.registered(loaded(odd=made_plugin(register_dialects=lambda: [row])))


def test_every_hook_has_a_test(repository) -> None:
    hooks = {name for name in vars(hookspecs) if name.startswith("register_") or name == "document"}
    tests = "\n".join(path.read_text("utf-8") for path in (repository / "tests" / "unit").rglob("test_*.py"))
    assert not [hook for hook in hooks if f"def test_hook_{hook}_" not in tests]


def test_the_daemon_loads_no_readers_and_the_worker_no_rules() -> None:
    import subprocess
    import sys

    code = (
        "import sys; from astro_monitor.settings import Settings; from astro_monitor.plugins import load_plugins;"
        "load_plugins(Settings());"
        "print([name for name in sys.modules if name.startswith(('astro_monitor.read', 'astro_monitor.judge'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
