"""A format is one row: its files are looked at, recognised, ordered by time and read by what the row names."""

from __future__ import annotations

import sys
import types
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from astro_monitor.archive import find_frames
from astro_monitor.errors import ConfigError, Unreadable, Unsupported
from astro_monitor.fitsheader import Header
from astro_monitor.formats import Declared, Format, FormatTable, Magic, built_in_formats
from astro_monitor.formats import known as known_package
from astro_monitor.formats.contents import FileContents
from astro_monitor.plugins import MAX_FAILURES
from astro_monitor.read import Dialects, Reader
from astro_monitor.records import Arrival
from astro_monitor.testing.plugins import made_plugin, with_plugin
from astro_monitor.watch import NameRules
from astro_monitor.watch.probe import look_into

NOW = datetime(2026, 3, 1, 22, tzinfo=UTC)
SIDE_PX = 64


class DotReader:
    """Files of the letters DOTS, a time of exposure of 20 bytes, and pixels."""

    contents = None

    def find(self, arrival, read_at, size_bytes, limits):
        return None

    def open(self, arrival, file, found, limits):
        made = FileContents(
            headers=(self._header(file.read_at),), shape=(SIDE_PX, SIDE_PX),
            decode=lambda: (file.data[24:].view(np.uint16).reshape(SIDE_PX, SIDE_PX), 0.0),
        )  # fmt: skip
        return self.contents(made) if self.contents is not None else made

    def headers(self, read_at):
        yield (self._header(read_at),)

    @staticmethod
    def _header(read_at):
        return Header({"DATE-OBS": (f" '{read_at(4, 20).decode().strip()}'",), "EXPTIME": (" 30",)})


def length(read_at, size_bytes):
    whole = 24 + 2 * SIDE_PX**2
    return Declared(
        declared_bytes=whole, data_offset=24, data_end=whole, missing="" if size_bytes >= whole else "is short"
    )


ROW = Format(
    "dot files", "a dot file", (".dot", ".pgm"), (Magic(b"DOTS"),), reader="dot_reader:DotReader", completeness=length,
    tells_length=True,
)  # fmt: skip


@pytest.fixture
def reader(monkeypatch) -> type[DotReader]:
    module = types.ModuleType("dot_reader")
    made = type("DotReader", (DotReader,), {})
    monkeypatch.setattr(module, "DotReader", made, raising=False)
    monkeypatch.setitem(sys.modules, "dot_reader", module)
    return made


def plugins(row=ROW):
    return with_plugin(made_plugin(register_readers=lambda: [row]), "dots")


def saved(folder: Path, name: str = "a.dot", date: str = "2026-03-01T21:00:00") -> Path:
    path = folder / name
    pixels = np.random.default_rng(1).integers(1, 60000, SIDE_PX**2).astype(np.uint16)
    path.write_bytes(b"DOTS" + date.encode().ljust(20) + pixels.tobytes())
    return path


def arrival(path: Path) -> Arrival:
    return Arrival(
        path=path, root=path.parent, size_bytes=path.stat().st_size, mtime_ns=path.stat().st_mtime_ns,
        first_seen_utc=NOW, settled_utc=NOW, how="named",
    )  # fmt: skip


def reader_with(given) -> Reader:
    return Reader(None, Dialects.registered(given), FormatTable.of(given))


def test_hook_register_readers_makes_files_of_a_new_format_frames(tmp_path, reader) -> None:
    path, given = saved(tmp_path), plugins()
    formats = FormatTable.of(given)
    assert NameRules(formats=formats).is_frame("A.DOT")
    assert not NameRules().is_frame("A.DOT")
    frame = reader_with(given).read(arrival(path))
    assert frame.pixels.shape == (SIDE_PX, SIDE_PX)
    assert (frame.meta.exposure_s, frame.meta.date_obs_utc) == (30.0, datetime(2026, 3, 1, 21, tzinfo=UTC))


def test_the_watcher_waits_until_a_file_is_as_long_as_its_row_says(tmp_path, reader) -> None:
    path, formats = saved(tmp_path), FormatTable.of(plugins())
    size_bytes = path.stat().st_size
    assert look_into(str(path), size_bytes, formats).knows_length
    assert look_into(str(path), size_bytes - 1, formats).missing == "is short"


def test_files_of_a_new_format_are_graded_in_the_order_of_their_exposures(tmp_path, reader) -> None:
    later = saved(tmp_path, "a.dot", "2026-03-01T23:00:00")
    earlier = saved(tmp_path, "b.dot", "2026-03-01T22:00:00")
    assert [found.path for found in find_frames([tmp_path], plugins=plugins())] == [earlier, later]


def test_an_ending_that_was_not_read_is_taken_over() -> None:
    formats = FormatTable.of(plugins())
    assert formats.kind_not_read("a.pgm") is None
    assert built_in_formats().kind_not_read("a.pgm").name == "pictures of this kind"


@pytest.mark.parametrize(
    "change",
    [
        {"endings": (".fits",)},
        {"magics": (Magic(b"XISF0100"),)},
        {"magics": ()},
        {"magics": (Magic(b"LONG", 30),)},
        {"reader": "dot_reader"},
        {"endings": ("dot",)},
        {"name": "FITS files"},
    ],
)
def test_a_row_that_cannot_work_is_refused(change) -> None:
    with pytest.raises(ConfigError, match="the plugin dots"):
        FormatTable.of(plugins(replace(ROW, **change)))


def test_errors_of_a_reader_cost_the_file_alone_and_disable_it_after_some(tmp_path, reader) -> None:
    given, path = plugins(), saved(tmp_path)
    reader.contents = staticmethod(lambda made: 1 / 0)
    for _ in range(MAX_FAILURES):
        with pytest.raises(Unreadable, match="the plugin dots failed: ZeroDivisionError"):
            reader_with(given).read(arrival(path))
    with pytest.raises(Unreadable, match="was disabled after 5 errors"):
        reader_with(given).read(arrival(path))
    assert given.newly_disabled()[0].name == "dots"


@pytest.mark.parametrize(
    ("odd", "said"),
    [
        (lambda made: replace(made, decode=lambda: (np.zeros(9, np.uint16), 0.0)), "cannot reshape"),
        (lambda made: replace(made, decode=lambda: ([1, 2], 0.0)), "pixels are an array"),
        (lambda made: replace(made, decode=lambda: (np.full((64, 64), np.nan, np.float32), 0.0)), "not finite"),
        (lambda made: replace(made, decode=lambda: (np.ones((64, 64), np.uint16), 2.0)), "not 0 to 1"),
        (lambda made: replace(made, amend=lambda meta: None), "amend returned a NoneType"),
        (lambda made: "contents", "returned a str"),
    ],
)
def test_odd_answers_of_a_reader_are_errors_of_the_plugin(tmp_path, reader, odd, said) -> None:
    reader.contents = staticmethod(odd)
    with pytest.raises(Unreadable, match=said) as raised:
        reader_with(plugins()).read(arrival(saved(tmp_path)))
    assert raised.value.kind == "plugin_failed"


def test_a_picture_of_a_new_format_keeps_the_limits(tmp_path, reader) -> None:
    reader.contents = staticmethod(lambda made: replace(made, shape=(100_000, 100_000)))
    with pytest.raises(Unsupported, match="exceeds the size limit"):
        reader_with(plugins()).read(arrival(saved(tmp_path)))


def test_what_a_reader_says_about_a_file_is_no_error_of_the_plugin(tmp_path, reader) -> None:
    def refuse(made):
        raise Unsupported("This dot file is in colour.", kind="cube")

    reader.contents, given = staticmethod(refuse), plugins()
    with pytest.raises(Unsupported, match="in colour"):
        reader_with(given).read(arrival(saved(tmp_path)))
    assert given.guards[0].failures == 0


@pytest.mark.parametrize("error", [MemoryError("8 GB"), SystemExit(1)])
def test_a_plugin_that_wants_too_much_for_one_file_does_not_end_the_watching(error) -> None:
    def fail(read_at, size_bytes):
        raise error

    given = plugins(replace(ROW, completeness=fail))
    declared = FormatTable.of(given).declared("/night/a.dot", lambda offset, count: b"", 9)
    assert declared == FormatTable.of(given).declared("/night/a.unknown", lambda offset, count: b"", 9)
    assert given.guards[0].failures == 1


def test_the_longest_magic_decides() -> None:
    formats = built_in_formats()
    assert formats.of_bytes(b"\0\0\0\x18ftypcrx \0\0").row.name == "camera raw files"
    assert formats.of_bytes(b"\0\0\0\x18ftypheic").row.name == "pictures of this kind"
    assert formats.of_bytes(b"\0\0\0\x18ftypmp42").row.name == "videos"
    assert formats.of_bytes(b"II*\0\x10\0\0\0CR").row.name == "camera raw files"
    assert formats.of_bytes(b"II*\0\x08\0\0\0").row.name == "TIFF files"
    assert formats.of_bytes(b"SIMPLE  =") is None


def test_every_reader_of_the_program_is_where_its_row_says() -> None:
    for registered in built_in_formats().rows:
        if registered.row.reader:
            loaded = registered.row.load_reader()
            assert all(hasattr(loaded, verb) for verb in ("find", "open", "headers"))


def test_a_new_module_of_known_formats_is_a_new_format(tmp_path, monkeypatch) -> None:
    (tmp_path / "dots_known.py").write_text(
        "from astro_monitor.formats import Format, Magic\n"
        "FORMATS = (Format('dot files', 'a dot file', ('.dot',), (Magic(b'DOTS'),), reader='dot_reader:DotReader'),)\n",
        "utf-8",
    )
    monkeypatch.setattr(known_package, "__path__", [*known_package.__path__, str(tmp_path)])
    formats = built_in_formats.__wrapped__()
    assert ".dot" in formats.endings
    assert formats.of_bytes(b"DOTS").row.name == "dot files"
