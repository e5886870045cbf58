"""What the roof is told: a warning, a silence and an old status each close it, and say why."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from types import ModuleType

import pytest

from astro_monitor.documents import Document


@pytest.fixture
def status(repository, monkeypatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(repository / "plugins" / "indi-safety"))
    return importlib.import_module("astro_monitor_indi_safety.status")


def alert(change: str, kind: str = "background", severity: str = "warning", alert_id: str = "a1") -> Document:
    return Document(
        kind=f"alert.{change}", doc_id="x-1", session_id="s", seq=1, time="2026-03-20T21:00:00.000Z", cause="",
        body={"alert_id": alert_id, "kind": kind, "severity": severity, "cause": "none", "evidence": [],
              "sentence": f"The {kind} is bad.", "advice": ""},
    )  # fmt: skip


def open_ok(content) -> int:
    return content["roof_status"]["open_ok"]


def test_an_open_warning_closes_the_roof_until_it_is_closed(status):
    warnings = status.OpenWarnings(frozenset({"background"}))
    assert open_ok(status.judged(warnings, silent=False, silent_is_safe=False)) == 1
    warnings.hear(alert("opened"))
    warnings.hear(alert("opened", alert_id="a2"))
    warnings.hear(alert("closed", alert_id="a2"))
    said = status.judged(warnings, silent=False, silent_is_safe=True)
    assert (open_ok(said), said["roof_status"]["reasons"]) == (0, "The background is bad.")
    warnings.hear(alert("closed"))
    assert open_ok(status.judged(warnings, silent=False, silent_is_safe=False)) == 1


def test_other_warnings_do_not_count(status):
    warnings = status.OpenWarnings(frozenset({"background"}), severe_only=True)
    warnings.hear(alert("opened", kind="tracking", severity="severe"))
    warnings.hear(alert("opened", severity="warning"))
    assert warnings.reasons() == []
    warnings.hear(alert("updated", severity="severe"))
    assert warnings.reasons() == ["The background is bad."]


def test_an_alert_for_information_leaves_the_roof_open(status):
    """A bright moon is nothing to close a roof for; cloud under it is."""
    warnings = status.OpenWarnings(frozenset({"background"}))
    warnings.hear(alert("opened", severity="info"))
    assert warnings.reasons() == []
    warnings.hear(alert("updated", severity="warning"))
    assert len(warnings.reasons()) == 1


@pytest.mark.parametrize("silent_is_safe", [False, True])
def test_silence_is_reported_and_counts_as_set(status, silent_is_safe):
    said = status.judged(status.OpenWarnings(frozenset()), silent=True, silent_is_safe=silent_is_safe)
    assert open_ok(said) == int(silent_is_safe)
    assert "silent" in said["roof_status"]["reasons"]


def test_silence_never_hides_an_open_warning(status):
    warnings = status.OpenWarnings(frozenset({"background"}))
    warnings.hear(alert("opened"))
    assert open_ok(status.judged(warnings, silent=True, silent_is_safe=True)) == 0


def test_a_fresh_status_is_read_back_as_it_was_written(status, tmp_path):
    content = status.report(["No warning is open."], safe=True)
    status.write(tmp_path / "s.json", content, now_s=1000.0)
    assert status.read(tmp_path / "s.json", now_s=1010.0) == content


@pytest.mark.parametrize("now_s", [1031.0, 900.0, float("inf")])
def test_an_old_status_or_a_changed_clock_means_unsafe(status, tmp_path, now_s):
    status.write(tmp_path / "s.json", status.report([], safe=True), now_s=1000.0)
    assert open_ok(status.read(tmp_path / "s.json", now_s)) == 0


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"written_s": "x"}', '{"written_s": 1, "roof_status": 5}', "\x00"])
def test_a_damaged_status_means_unsafe(status, tmp_path, text):
    (tmp_path / "s.json").write_text(text)
    assert open_ok(status.read(tmp_path / "s.json", now_s=1.0)) == 0


def test_print_without_a_status_is_unsafe_and_no_error(repository, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "astro_monitor_indi_safety.command", "--status", tmp_path / "none.json", "print"],
        cwd=repository / "plugins" / "indi-safety", capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert open_ok(json.loads(done.stdout)) == 0
