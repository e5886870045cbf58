"""The page about plugins says what the code does."""

from __future__ import annotations

import importlib
import inspect
import re
import tomllib
from pathlib import Path

import pytest

from astro_monitor import hookspecs
from astro_monitor.plugins.loading import BUILT_IN

HOOKS = {name: member for name, member in vars(hookspecs).items() if hasattr(member, "astro_monitor_spec")}


@pytest.fixture(scope="module")
def page() -> str:
    return (Path(__file__).resolve().parents[3] / "docs" / "how-to" / "extend.md").read_text("utf-8")


def test_every_hook_is_described_with_its_exact_arguments(page) -> None:
    described = re.findall(r"^### `(\w+)\((.*?)\)`$", page, re.MULTILINE)
    real = [(name, ", ".join(inspect.signature(hook).parameters)) for name, hook in HOOKS.items()]
    assert sorted(described) == sorted(real)


def test_each_kind_is_added_in_one_file_which_exists(page, repository) -> None:
    rows = re.findall(r"^\| an? ([\w ]+?) \| .*?`(astro_monitor/[\w/.]+)`.* \| `(\w+)` \|$", page, re.MULTILINE)
    assert [hook for _, _, hook in rows] == [
        "register_readers", "register_dialects", "register_metrics", "register_rules", "register_list_writers",
        "register_sinks",
    ]  # fmt: skip
    for _, place, _ in rows:
        assert (repository / place).exists(), place


def test_what_the_program_brings_comes_through_the_same_hooks() -> None:
    assert set(BUILT_IN) == {name for name in HOOKS if name.startswith("register_")}
    for hook, module in BUILT_IN.items():
        assert getattr(getattr(importlib.import_module(module), hook), "astro_monitor_impl", None) is not None


def test_named_modules_and_functions_exist(page) -> None:
    for name in set(re.findall(r"`(astro_monitor(?:\.\w+)*)`", page)):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError:
            owner, _, attribute = name.rpartition(".")
            assert hasattr(importlib.import_module(owner), attribute), name
    for module, names in re.findall(r"^- `(astro_monitor\.testing\.\w+)`: (.+)$", page, re.MULTILINE):
        for function in re.findall(r"`(\w+)`", names):
            assert hasattr(importlib.import_module(module), function), function


def test_the_example_uses_every_hook(repository) -> None:
    text = (repository / "plugins" / "pgm-camera" / "astro_monitor_pgm_camera" / "hooks.py").read_text("utf-8")
    assert set(re.findall(r"^@hookimpl\ndef (\w+)", text, re.MULTILINE)) == set(HOOKS)


def test_a_checklist_gives_a_reason_for_what_is_not_done(repository) -> None:
    rows = tomllib.loads((repository / "plugins" / "pgm-camera" / "checklist.toml").read_text("utf-8"))
    assert all(state == "done" or re.fullmatch(r"exempt: .{10,}", state) for state in rows.values())
