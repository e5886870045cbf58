"""A kind of list is one row; errors of a plugin cost its own files alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from astro_monitor.errors import ConfigError
from astro_monitor.lists import ListWriter, ListWriters, write_lists
from astro_monitor.lists import writers as writers_package
from astro_monitor.lists.builtin import built_in_writers
from astro_monitor.lists.write import FORMATS
from astro_monitor.plugins import Plugins
from astro_monitor.settings import ListSettings
from astro_monitor.testing.nights import listed_night as night
from astro_monitor.testing.plugins import made_plugin, with_plugin

NAMES = ListWriter(
    key="names",
    meaning="names.txt: the names of the kept frames",
    render=lambda task: {"names.txt": "".join(f"{f.file}\n" for f in task.stack.decided("keep")).encode()},
    not_lights=lambda files: {"not_lights.txt": f"{len(files)}\n".encode()},
)


def writers(**changes) -> tuple[ListWriters, Plugins]:
    row = ListWriter(**{**{name: getattr(NAMES, name) for name in NAMES.__slots__}, **changes})
    plugins = with_plugin(made_plugin(register_list_writers=lambda: [row]), "sample")
    return ListWriters.of(plugins), plugins


def test_hook_register_list_writers_adds_a_kind_of_list(tmp_path: Path) -> None:
    body = write_lists(night(), tmp_path, [*FORMATS, "names"], writers=writers()[0])
    (mine,) = (name for name in body.files if name.endswith("/names.txt"))
    assert "light" in (tmp_path / mine).read_text("utf-8") or (tmp_path / mine).stat().st_size
    without = write_lists(night(), tmp_path / "other", FORMATS)
    assert set(without.files) == set(body.files) - {mine}


def test_a_kind_of_list_that_does_not_exist_is_named() -> None:
    with pytest.raises(ConfigError, match=r"lists\.formats names sirl, which is no kind of list; did you mean siril\?"):
        built_in_writers().chosen(("csv", "sirl"))


def test_the_default_formats_are_those_of_the_program() -> None:
    assert set(built_in_writers().keys) == set(FORMATS) == set(ListSettings().formats)


@pytest.mark.parametrize(
    "render",
    [
        lambda task: 1 / 0,
        lambda task: {"../names.txt": b""},
        lambda task: {"/etc/names.txt": b""},
        lambda task: {"sub/names.txt": b""},
        lambda task: {".hidden": b""},
        lambda task: {"frames.csv": b""},
        lambda task: {"names.txt": "text"},
        lambda task: ["names.txt"],
    ],
)
def test_errors_of_a_writer_cost_its_own_files(tmp_path: Path, render) -> None:
    own, plugins = writers(render=render)
    body = write_lists(night(), tmp_path, ["csv", "names"], writers=own)
    assert any(name.endswith("frames.csv") for name in body.files)
    assert not any(name.endswith("names.txt") for name in body.files)
    assert any("The list names is missing: the plugin sample failed" in note for note in body.notes)
    assert plugins.guards[0].failures >= 1


@pytest.mark.parametrize("changes", [{"key": "csv"}, {"folders": ("siril",)}, {"folders": ("../up",)}])
def test_a_row_that_cannot_work_is_refused(changes) -> None:
    with pytest.raises(ConfigError, match="the plugin sample"):
        writers(**changes)


def test_a_new_module_of_writers_is_a_new_kind_of_list(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "names_list.py").write_text(
        "from astro_monitor.lists import ListWriter\n"
        "WRITERS = (ListWriter(key='names', meaning='names.txt', render=lambda task: {'names.txt': b''}),)\n",
        "utf-8",
    )
    monkeypatch.setattr(writers_package, "__path__", [*writers_package.__path__, str(tmp_path)])
    assert "names" in built_in_writers.__wrapped__().keys
