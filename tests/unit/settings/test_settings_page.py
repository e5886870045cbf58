"""The page of all settings is that of the code, and what it shows works."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib

import pytest

from astro_monitor.cli.settingspage import page
from astro_monitor.complaints import leaves
from astro_monitor.settings import Settings, load, variable

COMMAND = "python -m astro_monitor.cli.settingspage docs/reference/settings.md"
PATHS = leaves(Settings)


def rows() -> dict[tuple[str, ...], list[str]]:
    """Return the cells of each row by the path of its setting."""
    found, section = {}, ()
    for line in page().splitlines():
        if heading := re.match(r"## `\[(\w+)\]`", line):
            section = (heading[1],)
        if line.startswith("| `"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            found[(*section, cells[0].strip("`"))] = cells
    return found


def value_at(settings, path):
    for step in path:
        settings = getattr(settings, step)
    return settings


def test_the_command_writes_the_page(repository, tmp_path):
    target = tmp_path / "settings.md"
    subprocess.run([sys.executable, "-m", *COMMAND.split()[2:-1], str(target)], check=True, cwd=repository)
    assert target.read_text("utf-8") == page()
    assert COMMAND in page()


def test_every_setting_is_on_the_page_once_with_meaning_default_and_variable():
    assert list(rows()) == PATHS
    for path, (_, meaning, value, default, name, _) in rows().items():
        assert meaning, path
        assert value, path
        assert default, path
        assert name == f"`{variable(path)}`"


@pytest.mark.parametrize("path", PATHS, ids=".".join)
def test_every_example_works_in_the_file_and_in_the_environment(path, tmp_path, monkeypatch):
    line = rows()[path][5].strip("`").replace("\\|", "|")
    file = tmp_path / "settings.toml"
    file.write_text("".join(f"[{section}]\n" for section in path[:-1]) + line + "\n", "utf-8")
    by_file = value_at(load(file), path)
    value = tomllib.loads(line)[path[-1]]
    text = ",".join(value) if isinstance(value, list) else str(value)
    monkeypatch.setenv(variable(path), text)
    assert value_at(load(), path) == by_file
    if path[-1] not in ("star_finder", "quality", "address", "control_address"):
        assert by_file != value_at(Settings(), path), "an example that is the default shows nothing"
