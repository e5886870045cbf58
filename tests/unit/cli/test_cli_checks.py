"""What ``doctor`` says."""

from __future__ import annotations

from astro_monitor.cli.checks import check_formats
from astro_monitor.formats import row as row_module
from astro_monitor.settings import Settings


def test_doctor_names_the_extra_that_reads_camera_raw(monkeypatch) -> None:
    monkeypatch.setattr(row_module, "_is_installed", lambda package: False)
    finding = check_formats(Settings(), None)
    assert finding.level == "ok"
    assert "pip install 'astro-monitor[raw]'" in finding.sentence
    monkeypatch.setattr(row_module, "_is_installed", lambda package: True)
    assert check_formats(Settings(), None).sentence == "FITS, XISF, TIFF and camera raw files are read."
