"""Log files stay small, and a disk that is full costs records only."""

from __future__ import annotations

import logging
import sys

import pytest

from astro_monitor import logs


@pytest.fixture(autouse=True)
def logger():
    found = logging.getLogger("astro_monitor")
    before, level, propagates = list(found.handlers), found.level, found.propagate
    yield found
    for handler in set(found.handlers) - set(before):
        found.removeHandler(handler)
        handler.close()
    found.handlers[:] = before
    found.setLevel(level)
    found.propagate = propagates


def test_files_are_rotated_and_their_number_is_bounded(tmp_path, logger, monkeypatch) -> None:
    monkeypatch.setattr(logs, "MAX_FILE_BYTES", 2000)
    logs.to_stderr("INFO")
    logs.to_file(tmp_path / "astro-monitor.log")
    for number in range(1000):
        logger.info("frame %d", number)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["astro-monitor.log", *(f"astro-monitor.log.{n}" for n in range(1, 6))]
    assert all(file.stat().st_size <= 2000 for file in files)
    newest = files[0].read_text("utf-8").splitlines()[-1]
    assert newest.endswith("INFO    astro_monitor: frame 999")
    assert newest[10] == "T"
    assert newest[23] == "Z"


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of Unix")
@pytest.mark.parametrize("dangling", [True, False])
def test_a_link_in_the_place_of_the_log_is_not_followed(tmp_path, logger, capsys, dangling) -> None:
    victim = tmp_path / "victim"
    if not dangling:
        victim.write_text("precious")
    path = tmp_path / "astro-monitor.log"
    path.symlink_to(victim)
    logs.to_stderr("INFO")
    logs.to_file(path)
    logger.warning("still logged")
    assert not victim.exists() if dangling else victim.read_text() == "precious"
    said = capsys.readouterr().err
    assert said.count("it is a link, not a plain file; remove it and start again") == 1
    assert "still logged" in said


@pytest.mark.skipif(sys.platform == "win32", reason="links and pipes of Unix")
def test_a_link_put_there_later_is_not_followed_either(tmp_path, logger, monkeypatch) -> None:
    monkeypatch.setattr(logs, "MAX_FILE_BYTES", 300)
    victim = tmp_path / "victim"
    victim.write_text("precious")
    path = tmp_path / "astro-monitor.log"
    logs.to_stderr("INFO")
    logs.to_file(path)
    path.symlink_to(victim)
    for number in range(20):
        logger.info("frame %d", number)
    assert victim.read_text() == "precious"


def test_a_disk_that_is_full_costs_records_only(tmp_path, logger, capsys) -> None:
    logs.to_stderr("INFO")
    logs.to_file(tmp_path / "gone" / "astro-monitor.log")
    logger.warning("still logged")
    assert capsys.readouterr().err.count("still logged") == 1
