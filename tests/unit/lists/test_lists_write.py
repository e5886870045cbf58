"""Lists on disk: safe, atomic, unchanged when nothing has changed, and never in a capture folder."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import os
from pathlib import Path

import pytest

from astro_monitor.documents import FrameJudgedView, ListWritten, MetaView
from astro_monitor.errors import ConfigError
from astro_monitor.lists import (
    ListedFrame,
    ListedNotLight,
    ListError,
    listed_frame,
    owner_of,
    refuse_capture_folder,
    replacing,
    write_lists,
)
from astro_monitor.lists import links as list_links
from astro_monitor.lists.grouping import stacks
from astro_monitor.lists.names import csv_text, folder_part, is_linkable, is_listable
from astro_monitor.lists.render import csv_bytes, dss_bytes, stack_json
from astro_monitor.lists.siril import siril_ending
from astro_monitor.lists.weighing import weighed

GROUP = "m_31_l_60s_3000x2000"


def row(number: int, decision: str = "keep", **changes) -> ListedFrame:
    given = {
        "file": f"/capture/light {number}.fits", "frame_id": f"{number:016x}", "decision": decision,
        "weight": 0.5 + 0.01 * number if decision == "keep" else 0.0, "label": "good", "target": "M 31", "filter": "L",
        "exposure_s": 60.0, "width_px": 3000, "height_px": 2000, "date_obs_utc": f"2026-03-01T20:{number:02d}:00Z",
        "reasons": ("The sky, in short, is clear.",), "numbers": {"fwhm_px": 2.5}, "seq": number,
    }  # fmt: skip
    return ListedFrame(**{**given, **changes})


def night() -> list[ListedFrame]:
    return [row(1), row(2, "reject"), row(3), row(4, "review"), row(5)]


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(folder)): (
            path.lstat().st_mtime_ns,
            os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes(),
        )
        for path in folder.rglob("*")
        if path.is_symlink() or path.is_file()
    }


def test_all_lists_of_one_night(tmp_path):
    body = write_lists(night(), tmp_path / "lists")
    ListWritten.model_validate(body)
    assert (body.kept, body.review, body.rejected, body.generation) == (3, 1, 1, 1)
    folder = tmp_path / "lists" / GROUP
    table = list(csv.DictReader(io.StringIO((folder / "frames.csv").read_text("utf-8"), newline="")))
    assert [line["decision"] for line in table] == ["keep", "reject", "keep", "review", "keep"]
    assert table[0]["reasons"] == "The sky, in short, is clear."
    whole = json.loads((folder / "frames.json").read_bytes())
    assert [len(whole[name]) for name in ("accepted", "review", "rejected")] == [3, 1, 1]
    assert (folder / "deepskystacker.dssfilelist").read_text("utf-8").splitlines() == [
        "DSS file list", "CHECKED\tTYPE\tFILE", "1\tlight\t/capture/light 1.fits", "1\tlight\t/capture/light 3.fits",
        "1\treflight\t/capture/light 5.fits",
    ]  # fmt: skip
    links = sorted((folder / "siril" / "lights").iterdir())
    assert [link.name for link in links] == [f"light_{n:05d}.fit" for n in (1, 2, 3)]
    assert str(links[2].readlink()) == "/capture/light 5.fits"


def test_equivalent_good_hours_weigh_each_kept_frame(tmp_path):
    dim = {"noise_adu": 20.0, "star_light_adu_s": 300.0 * 2**0.5}
    clear = [row(number, noise_adu=20.0, star_light_adu_s=600.0) for number in (1, 2, 3)]
    (stack,) = stacks([*clear, row(4, "reject"), row(5, **dim), row(6, "review")])
    stack = weighed(stack)
    assert stack.kept_hours == pytest.approx(4 / 60)
    assert stack.equivalent_good_hours == pytest.approx(3.5 / 60)
    write_lists(stack.frames, tmp_path)
    assert json.loads((tmp_path / GROUP / "frames.json").read_bytes())["equivalent_good_hours"] == 0.0583


def test_unchanged_lists_are_not_written_again(tmp_path):
    first = write_lists(night(), tmp_path)
    before = snapshot(tmp_path)
    assert write_lists(reversed(night()), tmp_path) == first
    assert snapshot(tmp_path) == before


def test_override_by_the_user_changes_the_lists_at_once(tmp_path):
    write_lists(night(), tmp_path)
    revised = [dataclasses.replace(frame, decision="reject") if frame.seq == 5 else frame for frame in night()]
    body = write_lists(revised, tmp_path)
    assert (body.kept, body.rejected, body.generation) == (2, 2, 2)
    assert "light 5" not in (tmp_path / GROUP / "deepskystacker.dssfilelist").read_text()
    assert len(list((tmp_path / GROUP / "siril" / "lights").iterdir())) == 2


def test_another_selection_gets_another_working_folder_in_siril(tmp_path):
    write_lists(night(), tmp_path)
    script = (tmp_path / GROUP / "siril" / "stack.ssf").read_text("ascii")
    write_lists(night()[:3], tmp_path)
    assert (tmp_path / GROUP / "siril" / "stack.ssf").read_text("ascii") != script


def test_lists_that_are_no_more_are_removed_and_results_of_the_user_stay(tmp_path):
    write_lists(night(), tmp_path)
    result = tmp_path / GROUP / "siril" / "result.fit"
    result.write_bytes(b"stack")
    body = write_lists(night(), tmp_path, ("csv",))
    assert body.files == [f"{GROUP}/frames.csv"]
    assert set(snapshot(tmp_path)) == {f"{GROUP}/frames.csv", f"{GROUP}/siril/result.fit", "index.json"}
    write_lists([], tmp_path)
    assert set(snapshot(tmp_path)) == {f"{GROUP}/siril/result.fit", "index.json"}


def test_damaged_index_and_files_are_rebuilt(tmp_path):
    write_lists(night(), tmp_path)
    expected = {name: content for name, (_, content) in snapshot(tmp_path).items() if name != "index.json"}
    (tmp_path / "index.json").write_bytes(b"")
    (tmp_path / GROUP / "frames.csv").write_bytes(b"")
    write_lists(night(), tmp_path)
    assert {name: content for name, (_, content) in snapshot(tmp_path).items() if name != "index.json"} == expected


@pytest.mark.parametrize("inside", [".", "lists", "a/b"])
def test_capture_folder_is_refused(tmp_path, inside):
    (tmp_path / "capture").mkdir()
    with pytest.raises(ConfigError, match="inside the capture folder"):
        write_lists(night(), tmp_path / "capture" / inside, watch_roots=[tmp_path / "capture"])
    assert list((tmp_path / "capture").iterdir()) == []


def test_link_into_the_capture_folder_is_refused(tmp_path):
    capture = tmp_path / "capture"
    capture.mkdir()
    (tmp_path / "lists").symlink_to(capture)
    with pytest.raises(ConfigError):
        write_lists(night(), tmp_path / "lists", watch_roots=[capture])


def test_link_in_place_of_a_list_folder_is_not_followed(tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists" / GROUP).symlink_to(other)
    write_lists(night(), tmp_path / "lists")
    assert list(other.iterdir()) == []
    assert (tmp_path / "lists" / GROUP / "frames.csv").is_file()


def test_sizes_exposures_and_colours_are_kept_apart(tmp_path):
    frames = [row(1), row(2, exposure_s=120.0), row(3, width_px=1500), row(4, bayer="RGGB"), row(5, filter="Ha")]
    frames += [row(6, binning=2), row(7, target="m  31")]
    write_lists(frames, tmp_path)
    folders = sorted(path.name for path in tmp_path.iterdir() if path.is_dir())
    assert folders == sorted(
        [GROUP, "m_31_l_120s_3000x2000", "m_31_l_60s_1500x2000", "m_31_l_60s_3000x2000_rggb",
         "m_31_ha_60s_3000x2000", "m_31_l_60s_3000x2000_bin2"]
    )  # fmt: skip
    assert len(json.loads((tmp_path / GROUP / "frames.json").read_bytes())["accepted"]) == 2


def test_colour_frames_are_debayered(tmp_path):
    write_lists([row(n, bayer="GRBG") for n in (1, 2)], tmp_path)
    assert "convert light -debayer" in (tmp_path / f"{GROUP}_grbg" / "siril" / "stack.ssf").read_text("ascii")


@pytest.mark.parametrize(("ending", "link"), [(".CR3", ".cr3"), (".dng", ".dng"), (".TIFF", ".tif"), (".tif", ".tif")])
def test_camera_raw_and_tiff_are_converted_by_siril(tmp_path, ending: str, link: str):
    write_lists([row(n, file=f"/capture/light {n}{ending}") for n in (1, 2)], tmp_path)
    folder = tmp_path / GROUP / "siril"
    assert sorted(path.name for path in (folder / "lights").iterdir()) == [f"light_0000{n}{link}" for n in (1, 2)]
    script = (folder / "stack.ssf").read_text("ascii")
    assert "convert light -out=" in script
    assert "link light" not in script


def test_targets_whose_safe_names_are_the_same_do_not_mix(tmp_path):
    write_lists([row(1, target="M/31"), row(2, target="M:31")], tmp_path)
    folders = [path.name for path in tmp_path.iterdir() if path.is_dir()]
    assert len(folders) == 2
    assert all(name.startswith("m_31_l_60s") for name in folders)


def test_files_that_are_no_lights_are_listed_apart(tmp_path):
    dark = ListedNotLight(
        file="/capture/dark 9.fits", frame_id="dark9", type="dark", keyword="IMAGETYP", why="A dark, by IMAGETYP.",
        meta=MetaView(kind="dark", exposure_s=60.0, gain=100.0, date_obs_utc="2026-03-01T18:00:00Z"),
    )  # fmt: skip
    body = write_lists(night(), tmp_path, not_lights=[dark, dark])
    assert (body.kept, body.review, body.rejected, body.skipped) == (3, 1, 1, 1)
    (listed,) = csv.DictReader((tmp_path / "not_lights.csv").read_text("utf-8").splitlines())
    assert {name: listed[name] for name in ("file", "type", "keyword", "exposure_s", "gain", "filter")} == {
        "file": "/capture/dark 9.fits", "type": "dark", "keyword": "IMAGETYP", "exposure_s": "60", "gain": "100",
        "filter": "",
    }  # fmt: skip
    (entry,) = json.loads((tmp_path / "not_lights.json").read_bytes())["not_lights"]
    assert (entry["file"], entry["type"], entry["why"]) == (dark.file, "dark", dark.why)
    assert not {"decision", "class", "weight"} & {*listed, *entry}
    assert "dark 9" not in (tmp_path / GROUP / "frames.csv").read_text()
    assert write_lists(night(), tmp_path).skipped == 0
    assert not (tmp_path / "not_lights.csv").exists()


def test_one_content_at_two_paths_is_listed_once(tmp_path):
    copy = row(1, file="/capture/copy.fits", date_obs_utc="2026-03-01T20:01:00Z")
    write_lists([*night(), copy], tmp_path)
    whole = json.loads((tmp_path / GROUP / "frames.json").read_bytes())
    assert len(whole["accepted"]) == 3
    assert [entry["file"] for entry in whole["duplicates"]] == ["/capture/light 1.fits"]


def test_new_content_at_one_path_replaces_the_old(tmp_path):
    again = row(8, "reject", file="/capture/light 1.fits")
    write_lists([*night(), again], tmp_path)
    assert "light 1.fits" not in (tmp_path / GROUP / "deepskystacker.dssfilelist").read_text()


HOSTILE = [
    "/c/a\tb.fits", "/c/a\n1\tlight\t/etc/passwd", "/c/a\r.fits", "/c/\udcff.fits", "/c/\u2028.fits", "/c/\x1b[2J.fits",
    "/c/" + "x" * 5000 + ".fits",
]  # fmt: skip


@pytest.mark.parametrize("path", HOSTILE)
def test_names_that_would_break_a_line_stay_out_of_text_lists(tmp_path, path):
    bad = row(7, file=path)
    write_lists([*night(), bad], tmp_path)
    dss = (tmp_path / GROUP / "deepskystacker.dssfilelist").read_bytes()
    assert dss.count(b"\n") == 5
    assert len((tmp_path / GROUP / "frames.csv").read_bytes().split(b"\r\n")) == 7
    assert json.loads((tmp_path / GROUP / "frames.json").read_bytes())["unlistable"] == [path]


def test_name_that_is_no_text_is_still_linked(tmp_path):
    frame = tmp_path / os.fsdecode(b"caf\xe9.fits")
    frame.write_bytes(b"frame")
    write_lists([*night(), row(7, file=str(frame))], tmp_path / "lists")
    links = sorted((tmp_path / "lists" / GROUP / "siril" / "lights").iterdir())
    assert links[3].read_bytes() == b"frame"


def test_spaces_quotes_commas_and_other_scripts_are_plain_names(tmp_path):
    names = ['/c/a "b", c.fits', "/c/Ψ Андромеда 星.fits", "/c/(x) [y]!.fits", "/c/=cmd.fits"]
    write_lists([row(n, file=name, target="=2+3") for n, name in enumerate(names)], tmp_path)
    (group,) = (path for path in tmp_path.iterdir() if path.is_dir())
    table = list(csv.DictReader(io.StringIO((group / "frames.csv").read_bytes().decode(), newline="")))
    assert [line["file"] for line in table] == names
    assert {line["target"] for line in table} == {"'=2+3"}


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@sum", "\t=1", "\0x", "\r=1", "\n=1", " =1", "＝1"])
def test_no_cell_is_a_formula(text):
    assert csv_text(text).startswith("'")


def test_cells_that_are_harmless_stay_as_they_are():
    assert [csv_text(text) for text in ("", "M 31", "a-b", "a\tb")] == ["", "M 31", "a-b", "a b"]


@pytest.mark.parametrize(
    ("text", "part"),
    [("M 31", "M_31"), ("../../etc", "etc"), ("NGC 7000 / Hα!", "NGC_7000_H"), ("con", "con_"), ("nul.txt", "nul.txt_"),
     ("  ", ""), (".hidden", "hidden"), ("-rf", "rf")],
)  # fmt: skip
def test_folder_names_are_safe(text, part):
    assert folder_part(text) == part


def test_names_in_another_script_stay_apart():
    assert folder_part("Андромеда") != folder_part("Орион")
    assert all(letter in "x0123456789abcdef" for letter in folder_part("Орион"))


def test_what_is_a_path_for_lists_and_links():
    assert is_listable("/c/a b.fits")
    assert not is_listable("")
    assert not is_listable("/c/a.fits ")
    assert is_linkable("/c/\udcff.fits")
    assert not is_linkable("/c/\ud800.fits")
    assert not is_linkable("/c/\0.fits")


def test_frames_siril_cannot_read_are_named_in_a_note(tmp_path):
    frames = [row(1, file="/c/a.xisf"), row(2, file="/c/b.fits.gz"), row(3, file="/c/c.FITS.fz")]
    write_lists(frames, tmp_path)
    assert not (tmp_path / GROUP / "siril").exists()
    notes = json.loads((tmp_path / GROUP / "frames.json").read_bytes())["notes"]
    assert any(note.startswith("2 accepted frames") for note in notes)
    assert siril_ending("/c/c.FITS.fz") == ".fit.fz"


def test_windows_paths_get_forward_slashes_in_deepskystacker():
    (stack,) = stacks([row(1, file="C:\\night\\a b.fits")])
    assert dss_bytes(stack).endswith(b"1\treflight\tC:/night/a b.fits\n")
    (stack,) = stacks([row(1, file="/night/a\\b.fits")])
    assert dss_bytes(stack).endswith(b"/night/a\\b.fits\n")


def test_numbers_stay_numbers():
    text = csv_bytes([row(1, weight=0.25, numbers={"fwhm_px": -1.5})]).decode()
    assert ",0.25," in text
    assert ",-1.5," in text


def test_unwritable_folder_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ListError, match="cannot be written"):
        write_lists(night(), tmp_path / "file" / "lists")


def test_failed_replacement_keeps_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "list.csv"
    replacing.replace_file(path, b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        replacing.replace_file(path, b"new")
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == {"list.csv": b"old"}


def test_replacement_waits_for_a_reader_on_windows(tmp_path, monkeypatch):
    """A sharing violation (32) is tried again for at most 2.5 seconds; any other error is not."""
    tries, pauses, whole = [], [], Path.replace

    def busy(self, goal):
        tries.append(goal)
        if len(tries) < 4:
            error = PermissionError(13, "in use")
            error.winerror = 32  # type: ignore[attr-defined]  # as on Windows
            raise error
        return whole(self, goal)

    monkeypatch.setattr(Path, "replace", busy)
    assert replacing.replace_file(tmp_path / "a", b"x", pauses.append)
    assert pauses == [0.05, 0.1, 0.2]
    assert sum(replacing._RETRY_PAUSES_S) == pytest.approx(2.5)


def test_links_that_cannot_be_made_cost_only_the_siril_script(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(list_links, "_link", refuse)
    body = write_lists(night(), tmp_path)
    assert not any("siril" in name for name in body.files)
    assert "cannot be made here" in json.loads((tmp_path / GROUP / "frames.json").read_bytes())["notes"][0]


JUDGED = FrameJudgedView.of(
    json.loads((Path(__file__).parents[2] / "contract/goldens/v1.3/frame.judged.json").read_text("utf-8"))["body"]
)


def judged(**changes) -> FrameJudgedView:
    """Return the body of a document about a frame that was kept."""
    meta = dataclasses.replace(JUDGED.meta, filter=None, bayer="RGGB")
    reasons = (dataclasses.replace(JUDGED.reasons[0], decision="keep", sentence="Fine."),)
    given = {"file": "/c/a.fits", "decision": "keep", "weight": 0.7, "class_": "good", "meta": meta, "reasons": reasons}
    return dataclasses.replace(JUDGED, **{**given, **changes})


def test_row_from_a_document():
    frame = listed_frame(judged(), "keep", seq=7)
    assert (frame.file, frame.decision, frame.weight, frame.label) == ("/c/a.fits", "keep", 0.7, "good")
    assert (frame.filter, frame.bayer, frame.seq, frame.reasons) == ("", "RGGB", 7, ("Fine.",))


def test_row_with_a_later_decision():
    rejected = listed_frame(judged(), "reject", "Decided by hand: clouds in the corner")
    assert (rejected.decision, rejected.weight) == ("reject", 0.0)
    assert rejected.reasons[0] == "Decided by hand: clouds in the corner"
    kept = listed_frame(judged(decision="reject"), "keep", "Judged again.")
    assert (kept.decision, kept.weight, kept.reasons) == ("keep", 0.7, ("Judged again.",))


def test_a_list_in_json_is_written_as_the_library_would():
    stack = stacks([row(1), row(2, decision="reject"), row(3, decision="review", file="/c/ä\udcff.fits")])[0]
    for content in (stack_json(stack, ["a note"]), stack_json(dataclasses.replace(stack, frames=()))):
        assert content.decode("ascii") == json.dumps(json.loads(content), indent=1) + "\n"


def user_files(folder: Path) -> dict[Path, bytes]:
    """Put files of a person everywhere among the lists of a night."""
    mine = {
        folder / GROUP / "siril" / "lights" / "my_frame.fit": b"a frame",
        folder / GROUP / "siril" / "lights" / "light_00009.fit": b"named like a link",
        folder / GROUP / "siril" / "masters" / "dark.fit": b"a master",
        folder / GROUP / "pixinsight" / "lights" / "notes.txt": b"notes",
        folder / GROUP / "my list.txt": b"paths",
        folder / "other" / "frames.csv": b"not of this program",
        folder / "todo.txt": b"flats",
    }
    for path, content in mine.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    return mine


@pytest.mark.parametrize("index", ["kept", "lost", "damaged"])
def test_files_of_the_user_stay_whatever_becomes_of_the_lists(tmp_path, index):
    write_lists(night(), tmp_path)
    mine = user_files(tmp_path)
    if index == "lost":
        (tmp_path / "index.json").unlink()
    elif index == "damaged":
        (tmp_path / "index.json").write_bytes(b'{"files": "x"')
        (tmp_path / GROUP / "siril" / ".lights.json").write_bytes(b"{")
    for frames in (night()[:3], [*night(), row(7), row(8)], [row(9, target="M 42")], []):
        body = write_lists(frames, tmp_path)
        assert {path: path.read_bytes() for path in mine} == mine
    assert not [link for link in tmp_path.rglob("lights/*") if link.is_symlink()] or index == "damaged"
    assert body.kept == 0


def test_links_go_around_files_of_the_user_and_these_are_mentioned(tmp_path):
    write_lists(night(), tmp_path)
    lights = tmp_path / GROUP / "siril" / "lights"
    (lights / "light_00002.fit").unlink()
    (lights / "light_00002.fit").write_bytes(b"mine")
    body = write_lists(night(), tmp_path)
    assert {path.name: str(path.readlink()) for path in lights.iterdir() if path.is_symlink()} == {
        "light_00001.fit": "/capture/light 1.fits", "light_00003.fit": "/capture/light 3.fits",
        "light_00004.fit": "/capture/light 5.fits",
    }  # fmt: skip
    assert (lights / "light_00002.fit").read_bytes() == b"mine"
    (note,) = body.notes
    assert "siril/lights holds 1 file not made by this program" in note
    assert "light_00002.fit" in note
    assert write_lists(night(), tmp_path) == body


def test_a_list_that_was_changed_by_hand_is_kept_under_another_name(tmp_path):
    write_lists(night(), tmp_path)
    script = tmp_path / GROUP / "siril" / "stack.ssf"
    script.write_text("# my own way\n")
    body = write_lists([*night(), row(7)], tmp_path)
    assert "light_00004.fit" in {path.name for path in (script.parent / "lights").iterdir()}
    assert script.read_text().startswith("# Stacks the 4 accepted frames")
    (kept,) = script.parent.glob("stack.yours-*.ssf")
    assert kept.read_text() == "# my own way\n"
    assert [kept.name in note for note in body.notes] == [True]
    write_lists([], tmp_path)
    assert kept.read_text() == "# my own way\n"


def test_links_of_version_0_1_are_taken_over(tmp_path):
    """It kept no record of links; its table of contents names the folders."""
    lights = tmp_path / GROUP / "siril" / "lights"
    lights.mkdir(parents=True)
    (lights / "light_00001.fit").symlink_to("/capture/gone.fits")
    (lights / "light_00002.fit").symlink_to("/capture/light 3.fits")
    (lights / "mine.fit").write_bytes(b"mine")
    (tmp_path / GROUP / "frames.csv").write_bytes(b"as version 0.1 wrote it")
    index = {
        "schema": "astro-monitor/list/1",
        "generation": 4,
        "files": [f"{GROUP}/siril/lights", f"{GROUP}/frames.csv"],
    }
    (tmp_path / "index.json").write_text(json.dumps(index))
    body = write_lists(night(), tmp_path)
    assert body.generation == 5
    assert {path.name: str(path.readlink()) for path in lights.iterdir() if path.is_symlink()} == {
        "light_00001.fit": "/capture/light 1.fits", "light_00002.fit": "/capture/light 3.fits",
        "light_00003.fit": "/capture/light 5.fits",
    }  # fmt: skip
    assert (lights / "mine.fit").read_bytes() == b"mine"
    assert not list(tmp_path.rglob("*.yours-*"))


def test_frames_that_are_gone_are_in_no_list(tmp_path):
    write_lists(night(), tmp_path)
    here = [frame.gone() if frame.seq in (1, 2) else frame for frame in night()]
    body = write_lists(here, tmp_path)
    assert (body.kept, body.review, body.rejected) == (2, 1, 0)
    assert not [path for path, (_, content) in snapshot(tmp_path).items() if b"light 1.fits" in content]
    assert write_lists([frame.gone() for frame in night()], tmp_path).files == []


def test_a_second_watch_writes_into_a_folder_of_its_own(tmp_path):
    owners = []
    for name in ("one", "two"):
        (tmp_path / "state" / name).mkdir(parents=True)
        owners.append(owner_of(tmp_path / "state" / name))
    lists = tmp_path / "lists"
    first = write_lists(night(), lists, owner=owners[0])
    second = write_lists([row(7), row(8)], lists, owner=owners[1])
    assert (Path(first.folder), Path(second.folder)) == (lists, lists / "two")
    before = snapshot(lists)
    assert write_lists([row(7), row(8)], lists, owner=owner_of(tmp_path / "state" / "two")) == second
    assert write_lists(night(), lists, owner=owner_of(tmp_path / "state" / "one")) == first
    assert snapshot(lists) == before
    (tmp_path / "state" / "one" / "lists-owner").unlink()
    assert write_lists(night(), lists, owner=owner_of(tmp_path / "state" / "one")) == first


def test_an_owner_whose_folder_is_only_read_has_an_identity_too(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as archive:
        archive.setattr(Path, "open", refuse)
        owner = owner_of(tmp_path)
        assert owner == owner_of(tmp_path)
    first = write_lists(night(), tmp_path / "lists", owner=owner)
    assert write_lists(night(), tmp_path / "lists", owner=owner_of(tmp_path)) == first
    (tmp_path / "lists-owner").write_text("")  # torn by a crash
    assert write_lists(night(), tmp_path / "lists", owner=owner_of(tmp_path)) == first


def test_a_capture_folder_that_hangs_does_not_hold_the_next_lists(tmp_path, monkeypatch):
    """A share that does not answer blocks every call; where it is mounted was looked up when it still answered."""
    root = tmp_path / "share"
    root.mkdir()
    refuse_capture_folder(tmp_path / "lists", [root])
    real = os.path.realpath

    def hanging(path, **options):
        assert not str(path).startswith(str(root)), "the share is not asked again"
        return real(path, **options)

    monkeypatch.setattr(os.path, "realpath", hanging)
    refuse_capture_folder(tmp_path / "lists", [root])
    with pytest.raises(AssertionError, match="not asked again"):
        refuse_capture_folder(tmp_path / "elsewhere", [root])


def test_a_state_folder_that_was_taken_away_is_not_made_again_by_its_lists(tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    owner = owner_of(state)
    state.rename(tmp_path / "away")
    with pytest.raises(ListError):
        write_lists(night(), state / "lists", owner=owner)
    assert not state.exists()
