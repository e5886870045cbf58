"""The commands as a user or a program calls them: output, exit codes, and one sentence when something is wrong."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from astro_monitor import metrics
from astro_monitor.demo import Rig, Sky, demo_night, render_exposure, write_fits
from astro_monitor.demo.writer import cards_of

RIG = Rig(height_px=480, width_px=640)
NEEDED = {
    "file", "frame_id", "class", "class_probabilities", "fault_scores", "cause", "flags", "decision", "reasons",
    "weight", "measurements", "models", "rules_version", "timings_s",
}  # fmt: skip


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "astro_monitor", *map(str, arguments)]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, check=False, timeout=120)


@contextmanager
def ended_with_the_test(daemon: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """Wait for a daemon at the end of a block; end it by force when the block failed, and it would go on for ever."""
    with daemon:
        try:
            yield daemon
        except BaseException:
            daemon.kill()
            raise


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    folder = tmp_path_factory.mktemp("frames")
    sky = Sky.seeded(RIG, stars=300)
    for exposure in list(demo_night(10))[:3]:
        write_fits(folder / f"{exposure.index}.fits", render_exposure(RIG, sky, exposure), cards_of(RIG, exposure))
    dark = {**cards_of(RIG, next(demo_night(10))), "IMAGETYP": "DARK", "DATE-OBS": "2026-03-20T23:00:00"}
    write_fits(folder / "dark.fits", render_exposure(RIG, sky, next(demo_night(10)), seed=9), dark)
    (folder / "page.fits").write_text("<html>504 Gateway Timeout</html>" * 100)
    return folder


def test_grade_gives_one_document_per_file_on_standard_output(frames) -> None:
    done = run("grade", "--json", frames)
    assert done.returncode == 0, done.stderr
    documents = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(documents) == 5
    by_name = {document["body"]["relative_path"]: document for document in documents}
    assert by_name["page.fits"]["kind"] == "frame.failed"
    assert by_name["page.fits"]["body"]["stage"] == "read"
    assert by_name["page.fits"]["body"]["sentence"]
    judged = [document["body"] for document in documents if document["kind"] == "frame.judged"]
    assert len(judged) == 3
    for body in judged:
        assert body.keys() >= NEEDED
        assert body["measurements"].keys() == set(metrics.KEYS)
        missing = {key for key, value in body["measurements"].items() if value is None}
        assert missing == body["why_missing"].keys()
    dark = by_name["dark.fits"]["body"]
    assert by_name["dark.fits"]["kind"] == "frame.skipped"
    assert (dark["type"], dark["keyword"], dark["meta"]["kind"]) == ("dark", "IMAGETYP", "dark")
    assert "IMAGETYP" in dark["why"]
    assert not {"class", "decision", "flags", "reasons", "weight"} & dark.keys()
    good = by_name["1.fits"]["body"]
    assert (good["class"], good["decision"]) == ("good", "keep")
    assert 2.0 < good["measurements"]["fwhm_px"] < 3.8


def test_grade_orders_by_exposure_and_shows_a_table(frames) -> None:
    done = run("grade", frames)
    assert done.returncode == 0
    assert "decision" in done.stdout
    assert "3 judged: " in done.stderr
    assert "1 skipped (no lights); 1 failed" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("grade", "nowhere.fits"), 2, "does not exist"),
        (("watch", "nowhere"), 2, "does not exist"),
        (("lists", "nowhere"), 2, "night log"),
        (("grade", "--config", "nowhere.toml", "."), 2, "cannot be read"),
        (("grade",), 2, "Missing argument"),
        (("nonsense",), 2, "No such command"),
    ],
)
def test_a_wrong_call_is_one_sentence_and_its_exit_code(arguments, code, words, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(*arguments)
    assert done.returncode == code
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_state_inside_the_watched_folder_is_refused(tmp_path) -> None:
    done = run("watch", tmp_path, "--state", tmp_path / "state")
    assert done.returncode == 2
    assert "lies inside" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_taken_port_stops_the_start(tmp_path) -> None:
    capture = tmp_path / "capture"
    capture.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        done = run(
            "watch", capture, "--state", tmp_path / "state", "--address", address, "--control", "tcp://127.0.0.1:0"
        )
    assert done.returncode == 5
    assert address.rpartition(":")[2] in done.stderr
    assert "Traceback" not in done.stderr


def test_an_altered_model_stops_the_start(tmp_path, repository) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for path in (repository / "astro_monitor" / "models").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    model = next(folder.glob("quality*.onnx"))
    content = bytearray(model.read_bytes())
    content[len(content) // 2] ^= 1
    model.write_bytes(content)
    settings = tmp_path / "settings.toml"
    settings.write_text(f"[models]\nfolder = {json.dumps(str(folder))}\n")
    done = run("models", "--verify", "--config", settings)
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


def test_watch_grades_what_is_there_and_ends_in_order(frames, tmp_path) -> None:
    state = tmp_path / "state"
    arguments = ("watch", frames, "--state", state, "--json", "--address", "tcp://127.0.0.1:0")
    with subprocess.Popen(
        command(*arguments, "--control", "tcp://127.0.0.1:0"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as daemon:
        documents = []
        for line in daemon.stdout:
            documents.append(json.loads(line))
            if sum(document["kind"] in ("frame.judged", "frame.skipped") for document in documents) == 4:
                break
        daemon.send_signal(signal.SIGTERM)
        rest, errors = daemon.communicate(timeout=60)
    assert daemon.returncode == 0, errors
    documents += [json.loads(line) for line in rest.splitlines()]
    assert documents[-1]["kind"] == "session.stopped"
    assert [document["seq"] for document in documents] == list(range(1, len(documents) + 1))
    shown = run("lists", frames, "--state", state)
    assert shown.returncode == 0, shown.stderr
    assert "kept" in shown.stdout


def test_review_during_and_after_a_watch(frames, tmp_path) -> None:
    state = tmp_path / "state"
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    arguments = ("watch", frames, "--state", state, "--json", "--address", "tcp://127.0.0.1:0", "--control", address)
    with ended_with_the_test(
        subprocess.Popen(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ) as daemon:
        documents = (json.loads(line) for line in daemon.stdout)
        for number, _ in enumerate(one for one in documents if one["kind"] in ("frame.judged", "frame.skipped")):
            if number == 3:
                break
        rejected = run(
            "review", frames, "1.fits", "--reject", "--why", "a plane", "--state", state, "--control", address
        )
        assert rejected.returncode == 0, rejected.stderr
        assert "1.fits: keep → reject" in rejected.stdout
        revised = next(one for one in documents if one["kind"] == "frame.revised")
        assert (revised["body"]["new_decision"], revised["body"]["why"]) == ("reject", "a plane")
        written = next(one for one in documents if one["kind"] == "list.written")
        assert written["body"]["rejected"] >= 1
        daemon.send_signal(signal.SIGTERM)
        daemon.communicate(timeout=60)
    (table,) = state.rglob("frames.json")
    assert [Path(row["file"]).name for row in json.loads(table.read_bytes())["rejected"]] == ["1.fits"]
    shown = run("review", frames, "--all", "--state", state)
    assert "a plane" in shown.stdout
    kept = run("review", frames, "[0-9].fits", "--keep", "--state", state)
    assert kept.returncode == 0, kept.stderr
    assert json.loads(table.read_bytes())["rejected"] == []
    compared = run("diff", frames, "--state", state, "--json")
    lines = {line["file"]: line for line in map(json.loads, compared.stdout.splitlines())}
    assert lines["1.fits"]["was"]["decision"] == lines["1.fits"]["would_be"]["decision"] == "keep"
    assert lines["1.fits"]["by_hand"] == "keep"
    assert all(line["was"]["decision"] == line["would_be"]["decision"] for line in lines.values())
    assert "dark.fits" not in lines
    stricter = tmp_path / "stricter.toml"
    stricter.write_text("[judge]\nmax_fwhm_px = 1.0\n", "utf-8")
    changed = run("diff", frames, "--state", state, "--config", stricter, "--learn")
    assert "keep → reject" in changed.stdout
    assert "Nothing was changed" in changed.stdout
    run("review", frames, "2.fits", "--reject", "--state", state)
    aside = state.parent / "aside"
    assert "2.fits" in run("move-rejected", frames, "--to", aside, "--state", state).stdout
    assert (frames / "2.fits").exists()
    assert "1 file moved." in run("move-rejected", frames, "--to", aside, "--apply", "--state", state).stdout
    assert [path.name for path in aside.glob("*.fits")] == ["2.fits"]
    assert run("move-rejected", frames, "--to", aside, "--undo", "--state", state).returncode == 0
    assert (frames / "2.fits").exists()
    nobody = run("review", frames, "nothing.fits", "--keep", "--state", state)
    assert nobody.returncode == 2
    assert "no judged frame is called 'nothing.fits'" in nobody.stderr
    assert run("review", frames, "1.fits", "--keep", "--reject", "--state", state).returncode == 2


def test_doctor_says_what_is_well(tmp_path) -> None:
    done = run("doctor", tmp_path, "--state", tmp_path.parent / "doctor-state", "--json")
    findings = {finding["check"]: finding for finding in json.loads(done.stdout)}
    checks = {"folder", "night log", "watcher", "onnxruntime", "models", "formats", "ports", "disk", "clock"}
    assert checks == findings.keys()
    assert "FITS, XISF" in findings["formats"]["sentence"]
    assert findings["models"]["level"] == "ok", findings["models"]
    assert findings["watcher"]["level"] == "ok"
    assert list(tmp_path.iterdir()) == []


def test_grade_says_what_it_does_not_read(frames, tmp_path) -> None:
    for name in ("moon.ser", "mars.ser", "snap.jpg", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    done = run("grade", tmp_path)
    assert done.returncode == 2
    said = " ".join(done.stderr.split())
    assert said.count("SER videos are not read; let the capture program write single FITS frames") == 1
    assert "JPEG pictures are not read" in said
    assert "notes" not in said
    assert "no frames in" in said
    done = run("grade", tmp_path / "moon.ser")
    assert "is a SER video, which is not read" not in done.stdout
    (tmp_path / "moon.ser").write_bytes(b"LUCAM-RECORDER" + bytes(1000))
    done = run("grade", tmp_path / "moon.ser")
    assert "This is a SER video, which is not read" in " ".join(done.stdout.split())


def test_help_teaches() -> None:
    assert "demo" in run("--help").stdout
    assert "Ctrl-C" in run("watch", "--help").stdout
