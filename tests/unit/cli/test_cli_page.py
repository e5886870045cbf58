"""What people see: lines that fit, numbers that are whole, times of one kind, names that cannot harm a terminal."""

from __future__ import annotations

import copy
import io
import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from astro_monitor import logs
from astro_monitor.cli.commands.grade import _base, _outcome, _row
from astro_monitor.cli.commands.models import _scores
from astro_monitor.cli.page import Page, Piece, Row, Screen, Times, as_paragraphs, laid_out
from astro_monitor.cli.show import pieces, print_document, reasons
from astro_monitor.documents import BODIES, Document, FrameRevisedView, decode, encode, view
from astro_monitor.plain import because, counted, duration, shown

GOLDENS = Path(__file__).parents[2] / "contract" / "goldens" / "v1.3"
NASTY = ["esc\x1b[31mred\x1b[2J.fits", "line\nbreak.fits", "cr\rback.fits", "bidi\u202egnp.fits", "csi\x9b31m.fits",
         "bell\x07.fits", "\u2066iso.fits", "half\udce9.fits", "zero\u200bwidth.fits", "del\x7f.fits",
         "para\u2029.fits"]  # fmt: skip


def golden(kind: str) -> Document:
    return decode((GOLDENS / f"{kind}.json").read_bytes())


def judged(**fields) -> Document:
    document = golden("frame.judged")
    return document.model_copy(update={"body": copy.deepcopy(document.body) | fields})


def printed(document: Document, width: int, *, utc: bool = True) -> list[str]:
    """Return the lines that a document has on a screen of this width, without the one that names the day."""
    file = io.StringIO()
    console = Console(file=file, width=width or 80, soft_wrap=True, markup=False, emoji=False, highlight=False)
    print_document(document, Page(console, width), Times(utc=utc))
    return file.getvalue().split("\n")[1:-1]


@pytest.mark.parametrize("name", NASTY)
def test_a_name_shows_nothing_that_a_terminal_would_run(name):
    said = shown(name)
    assert said.isprintable()
    assert "\\" in said
    assert said.replace("\\", "").endswith(".fits")


@pytest.mark.parametrize("name", ["[red]x.fits", ":smile:.fits", "M 31 – Örtlich 星.fits", "a\\b.fits"])
def test_a_name_that_is_only_odd_is_shown_as_it_is(name):
    assert shown(name) == name
    for line in (printed(judged(relative_path=name), 200), printed(judged(relative_path=name), 0)):
        assert name in "".join(line)


@pytest.mark.parametrize("kind", [kind for kind in BODIES if kind != "session.heartbeat"])
@pytest.mark.parametrize("name", NASTY)
def test_no_document_brings_control_characters_to_the_screen_or_to_its_json(kind, name):
    document = golden(kind)
    texts = {key: name for key, value in document.body.items() if isinstance(value, str) and key not in
             ("kind", "severity", "decision", "old_decision", "new_decision", "reason", "mode")}  # fmt: skip
    document = document.model_copy(update={"body": document.body | texts})
    for width in (80, 0):
        assert all(line.isprintable() for line in printed(document, width))
    if not re.search("[\ud800-\udfff]", name):
        assert encode(document).decode().isprintable()
        assert decode(encode(document)) == document


def test_plain_strings_on_the_screen_are_safe_too(monkeypatch):
    file = io.StringIO()
    screen = Screen()
    screen.file = file
    screen.print("[red]a\x1b[2J\u202eb :smile:\nnext line")
    assert file.getvalue() == "[red]a\\x1b[2J\\u202eb :smile:\nnext line\n"


def test_log_records_are_one_line_each_and_say_which_time_they_mean(capsys, monkeypatch):
    logger = logging.getLogger("astro_monitor.test")
    parent = logging.getLogger("astro_monitor")
    before = list(parent.handlers), parent.level, parent.propagate
    try:
        logs.to_stderr("INFO")
        logger.info("%s was read", "a\nb\x1b[2J\u202e\udce9.fits")
        try:
            raise ValueError("bad\x1b[2J\nERROR   forged: line")
        except ValueError:
            logger.exception("it failed")
        logs.to_stderr("INFO", utc=True)
        logger.info("in UTC")
    finally:
        parent.handlers[:], parent.level, parent.propagate = before
    lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d[+-]\d\d:\d\d INFO    astro_monitor.test: (.*)", lines[0]).group(1) == (
        r"a\nb\x1b[2J\u202e\udce9.fits was read"
    )
    assert re.fullmatch(r"\d\d:\d\d:\d\dZ INFO    astro_monitor.test: in UTC", lines[-1])
    traceback = lines[2:-1]
    assert traceback
    assert all(line.startswith("    ") and line.isprintable() for line in traceback)


@pytest.mark.parametrize("width", [80, 100, 132, 200])
@pytest.mark.parametrize("kind", [kind for kind in BODIES if kind != "session.heartbeat"])
def test_every_document_fits_the_screen(kind, width):
    document = golden(kind)
    if kind == "frame.judged":
        deep = "a long folder name/" * 9 + "Light_" + "x" * 90 + ".fits"
        document = judged(relative_path=deep, flags=["streak", "few_stars"], decision="review")
    lines = printed(document, width)
    assert lines
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("width", [80, 200])
def test_no_number_is_cut(width):
    values = {**golden("frame.judged").body["measurements"], "star_count": 1234567.0, "fwhm_px": 123.456,
              "fwhm_arcsec": 234.567, "eccentricity": 0.987, "background_adu": 54321012.0}  # fmt: skip
    text = "\n".join(printed(judged(measurements=values), width))
    assert "stars 1234567" in text
    assert "FWHM 123.46 px" in text
    assert "ecc 0.99" in text
    if width == 200:
        assert "234.57″" in text
        assert "sky 54321012 ADU" in text


def test_a_wide_screen_is_used_and_a_pipe_gets_one_line():
    document = judged(decision="review", flags=["streak"])
    assert len(printed(document, 80)) > 1
    assert len(printed(document, 200)) == 1
    assert len(printed(judged(relative_path="x" * 500), 0)) == 1


def test_a_frame_that_is_not_kept_always_has_a_reason_with_flags_next_to_it():
    reason = golden("frame.judged").body["reasons"][0] | {"sentence": "Half the stars are gone."}
    cases = [
        ([], "no rule gave a reason"),
        ([reason | {"decision": "keep"}], "Half the stars are gone."),
        ([reason | {"decision": "keep", "sentence": ""}], "no rule gave a reason"),
        ([reason | {"decision": "review"}] * 5, "(2 more reasons)"),
        ([reason | {"decision": "review"}] * 4, "(1 more reason)"),
        ([reason | {"decision": "keep", "sentence": "Fine."}, reason | {"decision": "review"}],
         "[streak]  Half the stars are gone."),
    ]  # fmt: skip
    for spoken, words in cases:
        line = "".join(printed(judged(decision="review", reasons=spoken, flags=["streak"]), 0))
        assert words in line
        assert "[streak]" in line
    assert reasons(view(judged(decision="keep"))) == []


def test_a_revised_frame_has_a_relative_path_and_the_new_reason():
    line = "".join(printed(golden("frame.revised"), 0))
    assert "M 31/Light_L_120s_0001.fits" in line
    assert "/data/capture" not in line
    assert "good enough for luminance" in line


def test_a_verdict_that_was_taken_back_says_so():
    document = golden("frame.revised")
    document.body.update(old_decision="reject", new_decision="reject", replaced_by="aa" * 8)
    line = "".join(printed(document, 0))
    assert "reject taken back" in line
    assert "reject → reject" not in line


def test_a_dark_is_skipped_in_documents_of_each_version():
    new = "".join(printed(golden("frame.skipped"), 0))
    old = judged(flags=["not_a_light"], decision="review", reasons=[
        {"rule": "not_a_light", "decision": "review", "metric": "", "value": None, "limit": None, "unit": "",
         "sentence": "IMAGETYP says this is a dark frame, so it is not graded."}])  # fmt: skip
    for line in (new, "".join(printed(old, 0))):
        assert "skipped" in line
        assert "IMAGETYP says this is a dark frame" in line
        assert "review" not in line


def test_times_are_of_one_kind_with_their_offset(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    try:
        local, utc = Times(), Times(utc=True)
        moment = "2026-11-20T21:14:06.250Z"
        assert (local.clock(moment), utc.clock(moment)) == ("02:59:06+05:45", "21:14:06Z")
        assert local.new_day(moment) == "Saturday 2026-11-21, times are local, UTC+05:45"
        assert utc.new_day(moment) == "Friday 2026-11-20, times are UTC"
        assert local.new_day("2026-11-20T21:15:00Z") == ""
        assert local.new_day("2026-11-21T21:15:00Z") == "Sunday 2026-11-22, times are local, UTC+05:45"
        assert local.clock("no time") == "no time"
        assert next(piece.text for piece in pieces(golden("frame.failed"), local)) == "02:59:04+05:45"
    finally:
        monkeypatch.undo()
        time.tzset()


@given(
    st.lists(st.tuples(st.text(max_size=60), st.booleans()), max_size=8), st.integers(40, 210), st.integers(0, 60)
)  # fmt: skip
def test_whatever_the_texts_are_lines_fit_and_nothing_is_lost(texts, width, indent):
    parts = [Piece(text, flows=flows) for text, flows in texts]
    lines = laid_out(parts, width, indent).plain.split("\n")
    unbreakable = max((cell_len(shown(text)) for text, flows in texts if not flows), default=0)
    assert all(cell_len(line) <= max(width, unbreakable + min(indent, width // 2)) for line in lines)
    assert "".join("".join(lines).split()) == "".join("".join(shown(text).split()) for text, _ in texts)
    assert all(line.isprintable() for line in lines)


def test_a_table_keeps_its_columns_and_breaks_what_follows():
    file = io.StringIO()
    page = Page(Console(file=file, width=60, soft_wrap=True, markup=False), 60)
    rows = [Row(("keep", "7"), (Piece("a.fits"),)), Row(("review", "1234567"), (Piece("word " * 20, flows=True),))]
    page.table(("decision", "stars", "file"), rows, right=("stars",))
    lines = file.getvalue().splitlines()
    assert lines[:2] == ["decision    stars  file", "keep            7  a.fits"]
    assert lines[2].startswith("review    1234567  word")
    assert all(len(line) <= 60 and line.startswith(19 * " " + "word") for line in lines[3:])


def test_the_page_has_the_given_width(monkeypatch):
    console = Console(file=io.StringIO())
    monkeypatch.delenv("COLUMNS", raising=False)
    assert Page.on(console).width == 0
    monkeypatch.setenv("COLUMNS", "80")
    assert Page.on(Console(file=io.StringIO())).width == 80


def test_singular_and_plural():
    assert [counted(n, "frame") for n in (0, 1, 2)] == ["0 frames", "1 frame", "2 frames"]
    assert counted(2, "copy", "copies") == "2 copies"


def test_errors_of_the_system_are_said_without_their_number():
    assert because(FileNotFoundError(2, os.strerror(2))) == "it does not exist"
    assert because(OSError(28, os.strerror(28))) == "the disk is full"
    assert because(OSError(28, "It is a link, not a plain file")) == "it is a link, not a plain file"
    assert because(OSError("the header says no")) == "the header says no"
    assert because(OSError()) == "the system does not say why"
    assert because(OSError(99999, "Odd\x1bthing")) == "odd\\x1bthing"


def test_the_json_of_a_document_reads_back_whatever_its_names_are():
    document = judged(relative_path='a\x9b\u202e\u2028\x7f\n"\\.fits')
    text = encode(document).decode()
    assert json.loads(text)["body"]["relative_path"] == 'a\x9b\u202e\u2028\x7f\n"\\.fits'


def test_log_records_fit_the_terminal(capsys, monkeypatch):
    logger = logging.getLogger("astro_monitor")
    before = list(logger.handlers), logger.level, logger.propagate
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "60")
    try:
        logs.to_stderr("INFO")
        logger.info("%s is watched; documents go to %s", "/a/folder", "tcp://127.0.0.1:5556 and tcp://127.0.0.1:5557")
    finally:
        logger.handlers[:], logger.level, logger.propagate = before
    # Names of modules mean nothing to people.
    first, *further = capsys.readouterr().err.splitlines()
    assert further
    assert all(line.startswith("    ") for line in further)
    assert re.match(r"\d\d:\d\d:\d\d[+-]\d\d:\d\d  INFO     /a/folder is watched", first)
    assert max(map(len, [first, *further])) <= 60
    assert " ".join([first, *map(str.strip, further)]).endswith("tcp://127.0.0.1:5556 and tcp://127.0.0.1:5557")


def test_files_of_several_folders_are_shown_with_their_folder():
    one = _outcome(judged(root="/night/a", relative_path="1.fits"))
    other = _outcome(judged(root="/night/b", relative_path="deep/1.fits"))
    base = _base([one, other])
    shown_paths = [_row(outcome, None, (), base).tail[0].text for outcome in (one, other)]
    assert shown_paths == ["a/1.fits", "b/deep/1.fits"]
    assert _row(one, None, (), _base([one, one])).tail[0].text == "1.fits"


def test_a_frame_of_the_table_that_was_revised_has_the_new_decision_and_reason():
    revised = FrameRevisedView.of(golden("frame.revised").body)
    row = _row(_outcome(judged(decision="reject", flags=["streak"])), revised, ("weight",), "")
    assert row.cells[0] == "keep"
    assert [piece.text for piece in row.tail] == [
        "M 31/Light_L_120s_0001.fits",
        "[streak]",
        "good enough for luminance",
    ]


@pytest.mark.parametrize(
    ("encoding", "shown_as"), [("ascii", 'a -> b... 3.1" \\u661f\n'), ("utf-8", "a → b… 3.1″ 星\n")]
)
def test_a_terminal_that_lacks_a_letter_ends_nothing(encoding, shown_as):
    code = (
        "from astro_monitor.cli.page import Screen, never_fail_on_letters\n"
        "never_fail_on_letters()\n"
        "Screen().print('a \\u2192 b\\u2026 3.1\\u2033 \\u661f')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=True, timeout=60,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )  # fmt: skip
    assert done.stdout.decode(encoding).replace("\r\n", "\n") == shown_as


@pytest.mark.parametrize("width", range(40, 100))
def test_a_number_is_never_parted_from_its_per_cent_sign(width):
    text = laid_out(
        [Piece("The quality model is not sure of any class (good: 58 %), nor of 9 % more.", flows=True)], width
    )
    assert re.findall(r"\d+.%", str(text)) == ["58 %", "9 %"]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (99, "99 s"), (100, "2 min"), (5900, "98 min"), (6000, "1.7 h"), (36000, "10.0 h")],
)
def test_a_time_is_written_in_a_fitting_unit(seconds, said):
    assert duration(seconds) == said


def test_a_time_is_written_in_the_unit_of_the_one_it_is_compared_with():
    assert duration(99, like_s=130) == "2 min"
    assert duration(1800, like_s=36000) == "0.5 h"


def test_help_breaks_where_the_screen_does_and_not_where_the_source_does():
    assert (
        as_paragraphs("One line\n    and more.\n\n    Another\n    one.\n    ") == "One line and more.\n\nAnother one."
    )


def test_a_model_has_scores_in_its_row_whether_its_card_groups_them_or_not():
    assert _scores({"frames": 5, "recall": 0.5, "all_frames": {"accuracy": 0.25}}) == "recall 0.5"
    grouped = {
        "split": "test",
        "rigs": 3,
        "all_frames": {"frames": 2, "accuracy": 0.25, "range": [0.1, 0.4]},
        "more": {},
    }
    assert _scores(grouped) == "all frames: accuracy 0.25"
    assert _scores({}) == ""


@pytest.mark.parametrize(
    "odd",
    [
        {"decision": "perhaps"}, {"decision": []}, {"measurements": []}, {"relative_path": None}, {"flags": [1]},
        {"measurements": {"star_count": "many"}}, {"meta": None},
    ],
    ids=str,
)  # fmt: skip
def test_a_document_that_does_not_fit_its_kind_does_not_end_the_page(odd):
    (line,) = printed(judged(**odd), 0)
    assert line.endswith(f"frame.judged {golden('frame.judged').seq}: it does not fit its kind")
