"""The plugin as it is installed: found by its entry point, and used by ``grade`` and by the daemon."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from astro_monitor_pgm_camera.pgm import pgm_length, read_header

from astro_monitor import grade_frames, load_settings
from astro_monitor.demo.night import Exposure, render_exposure
from astro_monitor.demo.sky import Rig, Sky
from astro_monitor.errors import Unreadable
from astro_monitor.formats import FormatTable
from astro_monitor.lists import ListWriters, write_lists
from astro_monitor.plugins import installed_plugins, load_plugins
from astro_monitor.settings import Settings
from astro_monitor.testing.nights import listed_night
from astro_monitor.testing.running import RunningMonitor, private_settings

NAME = "pgm-camera"
ON = {"plugins": {"on": (NAME,)}, "lists": {"formats": ("csv", "json", "weights")}}


def pgm(pixels: np.ndarray, **cards: object) -> bytes:
    height, width = pixels.shape
    comments = "".join(f"# {key.replace('_', '-')} = {value}\n" for key, value in cards.items())
    return f"P5\n{comments}{width} {height}\n65535\n".encode() + pixels.astype(">u2").tobytes()


def saved(folder: Path, index: int, *, black: bool = False) -> Path:
    rig = Rig(height_px=480, width_px=640)
    exposure = Exposure(index=index, expected="good", what="all is well")
    pixels = render_exposure(rig, Sky.seeded(rig, stars=300), exposure)
    if black:
        # An offset that is too low cuts off the faint half of the noise.
        pixels = np.maximum(pixels.astype(int) - int(np.median(pixels)), 0).astype(np.uint16)
    path = folder / f"light_{index:03d}.pgm"
    path.write_bytes(
        pgm(pixels, DATE_OBS=exposure.started_utc.strftime("%Y-%m-%dT%H:%M:%S"), EXPTIME=30, SENSTEMP=-9.5,
            CAMNAME="sky eye", OBJECT="M 31")
    )  # fmt: skip
    return path


def reader(content: bytes):
    return lambda offset, count: content[offset : offset + count]


def test_it_is_installed_with_all_hooks() -> None:
    (state,) = [state for state in installed_plugins((NAME,)) if state.name == NAME]
    assert (state.state, state.distribution, state.version) == ("on", "astro-monitor-pgm-camera", "0.1.0")
    assert set(state.hooks) == {
        "register_readers", "register_dialects", "register_metrics", "register_rules", "register_list_writers",
        "register_sinks", "document",
    }  # fmt: skip


def test_grade_reads_measures_judges_and_lists_the_frames(tmp_path: Path) -> None:
    captures = tmp_path / "captures"
    captures.mkdir()
    saved(captures, 2, black=True)
    saved(captures, 1)
    settings = load_settings(None, {"state_folder": tmp_path / "state", **ON})
    documents = list(grade_frames(captures, settings=settings, lists_folder=tmp_path / "lists"))
    good, black = (document.body for document in documents if document.kind == "frame.judged")
    assert good["relative_path"] == "light_001.pgm"
    assert good["meta"]["camera"] == "sky eye"
    assert good["meta"]["sensor_temp_c"] == -9.5
    assert good["measurements"]["star_count"] > 50
    assert good["measurements"]["black_pixel_fraction"] == 0.0
    assert black["measurements"]["black_pixel_fraction"] > 0.3
    assert "clipped_blacks" in [reason["rule"] for reason in black["reasons"] if reason["decision"] == "review"]
    assert good["rules_version"].endswith("+pgm-camera-0.1.0")
    tables = (tmp_path / "lists").rglob("weights.csv")
    rows = [row for table in tables for row in csv.DictReader(table.read_text("utf-8").splitlines())]
    kept = [document.body for document in documents if document.body.get("decision") == "keep"]
    assert [row["file"] for row in rows] == [str(captures / body["relative_path"]) for body in kept]


def test_the_daemon_waits_for_whole_files_and_keeps_the_status_file(tmp_path: Path) -> None:
    captures = tmp_path / "captures"
    captures.mkdir()
    settings = private_settings(tmp_path / "state", **ON)
    with RunningMonitor(captures, settings) as running:
        path = saved(tmp_path, 1)
        content = path.read_bytes()
        target = captures / path.name
        target.write_bytes(content[:-1000])
        with target.open("ab") as file:
            file.write(content[-1000:])
        (document,) = running.wait_for_outcomes(1)
    assert document.kind == "frame.judged"
    status = json.loads((tmp_path / "state" / "pgm-camera-status.json").read_text("utf-8"))
    assert sum(status["frames"].values()) == 1


def test_the_command_shows_it(tmp_path: Path) -> None:
    config = tmp_path / "settings.toml"
    config.write_text(f'[plugins]\non = ["{NAME}"]\n', "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "astro_monitor", "plugins", "--json", "--config", str(config)],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert [plugin["state"] for plugin in json.loads(done.stdout) if plugin["name"] == NAME] == ["on"]


def test_comment_lines_are_the_header() -> None:
    header = read_header(reader(pgm(np.ones((3, 4), np.uint16), DATE_OBS="2026-03-01T21:00:00", GAIN=120)))
    assert (header.width, header.height, header.full_scale, header.item_bytes) == (4, 3, 65535, 2)
    assert (header.cards.value("DATE-OBS"), header.cards.value("GAIN")) == ("2026-03-01T21:00:00", 120)


@pytest.mark.parametrize("content", [b"", b"P5", b"P5\n4 3\n", b"P6\n4 3\n255\n", b"P5\n4 3\n0\n", b"P5\n4 3\n70000\n"])
def test_a_damaged_header_is_named(content: bytes) -> None:
    with pytest.raises(Unreadable, match="PGM"):
        read_header(reader(content))


def test_the_header_says_how_long_the_file_must_be() -> None:
    content = pgm(np.ones((3, 4), np.uint16))
    assert pgm_length(reader(content), len(content)).missing == ""
    assert pgm_length(reader(content[:-1]), len(content) - 1).missing.startswith("has ")


def test_the_list_holds_the_kept_frames(tmp_path: Path) -> None:
    plugins = load_plugins(Settings(plugins={"on": (NAME,)}))
    body = write_lists(listed_night(), tmp_path, ["weights"], writers=ListWriters.of(plugins))
    (name,) = body.files
    assert len((tmp_path / name).read_text("utf-8").splitlines()) == 1 + 3
    assert FormatTable.of(plugins).format_of_name("a.PGM").is_read


def test_only_public_names_are_imported() -> None:
    import ast

    import astro_monitor_pgm_camera

    public = {
        "astro_monitor.documents", "astro_monitor.errors", "astro_monitor.fitsheader", "astro_monitor.formats",
        "astro_monitor.formats.contents", "astro_monitor.formats.limits", "astro_monitor.hookspecs",
        "astro_monitor.judge", "astro_monitor.lists", "astro_monitor.metrics", "astro_monitor.records",
        "astro_monitor.settings", "astro_monitor.sinks",
    }  # fmt: skip
    folder = Path(astro_monitor_pgm_camera.__file__).parent
    imported = {
        node.module or ""
        for path in folder.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and not node.level
    }
    assert {name for name in imported if name.startswith("astro_monitor")} <= public


def test_a_header_full_of_blanks_costs_no_time() -> None:
    content = b"P5\n# CAMNAME = sky" + b" " * 16_000 + b"eye \r\n64 64 255\n"
    began = time.perf_counter()
    header = read_header(reader(content))
    assert time.perf_counter() - began < 0.5
    assert header.cards.value("CAMNAME") == "sky" + " " * 16_000 + "eye"
