"""Files that change or vanish, paths that are not files, and the errors about them."""

from __future__ import annotations

import gzip
import hashlib
import io
import os
import threading
import tracemalloc
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from astro_monitor.errors import FrameError, Incomplete, Unreadable, Unsupported, Vanished
from astro_monitor.read import Opened, Reader
from astro_monitor.read.intake import THREAD_FROM_BYTES, Intake, take_in
from astro_monitor.testing.tiff import tiff_bytes

VALUES = np.random.default_rng(1).normal(1000, 30, (120, 150)).astype(np.uint16)
LARGE = np.random.default_rng(2).integers(0, 65_536, (1200, 2048), dtype=np.uint16)


def test_open_gives_everything_but_the_pixels(tmp_path, arrive) -> None:
    path = tmp_path / "dark.fits"
    unit = fits.PrimaryHDU(VALUES)
    unit.header["IMAGETYP"] = "Dark Frame"
    unit.writeto(path)
    opened = Reader().open(arrive(path))
    assert isinstance(opened, Opened)
    assert opened.meta.kind == "dark"
    assert opened.sensor_shape == VALUES.shape
    assert opened.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert opened.frame_id == opened.sha256[:16]
    assert opened.frame().meta.kind == "dark"
    assert opened.frame() is opened.frame()


def test_the_bytes_of_the_file_are_kept_once_as_the_mosaic(tmp_path, arrive) -> None:
    path = tmp_path / "colour.fits"
    unit = fits.PrimaryHDU(LARGE)
    unit.header["BAYERPAT"] = "RGGB"
    unit.writeto(path)
    tracemalloc.start()
    try:
        opened = Reader().open(arrive(path))
        frame = opened.frame()
        assert np.array_equal(frame.mosaic, LARGE)
        assert not frame.mosaic.flags.writeable
        assert tracemalloc.get_traced_memory()[0] < frame.mosaic.nbytes + frame.pixels.nbytes + (1 << 20)
        assert opened.sha256 == frame.sha256
    finally:
        tracemalloc.stop()


def test_a_hash_that_stopped_early_is_never_given(tmp_path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(THREAD_FROM_BYTES))
    intake = Intake(THREAD_FROM_BYTES)
    intake.filled_to(1000)
    intake.abandon()
    with pytest.raises(MemoryError):
        intake.hexdigest()


def test_a_cube_can_be_opened_and_skipped_but_not_read(tmp_path, arrive) -> None:
    path = tmp_path / "stack.fits"
    fits.PrimaryHDU(np.stack([VALUES] * 3)).writeto(path)
    opened = Reader().open(arrive(path))
    assert opened.meta.kind == "product"
    assert len(opened.sha256) == 64
    with pytest.raises(Unsupported) as caught:
        opened.frame()
    assert caught.value.kind == "cube"


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_cube_of_one_plane_is_an_image(tmp_path, arrive, axis: int) -> None:
    path = tmp_path / "frame.fits"
    fits.PrimaryHDU(np.expand_dims(VALUES, axis)).writeto(path)
    np.testing.assert_array_equal(Reader().read(arrive(path)).pixels, VALUES)


@pytest.mark.parametrize("tiled", [False, True])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_cube_is_named_by_its_real_shape(tmp_path, arrive, axis: int, tiled: bool) -> None:
    path = tmp_path / "colour.fits"
    cube = np.stack([VALUES] * 3, axis)
    unit = fits.CompImageHDU(cube, tile_shape=(1, *cube.shape[1:])) if tiled else fits.PrimaryHDU(cube)
    unit.writeto(path)
    opened = Reader().open(arrive(path))
    assert opened.sensor_shape == VALUES.shape
    assert opened.meta.kind == "product"
    with pytest.raises(Unsupported) as caught:
        opened.frame()
    assert caught.value.kind == "cube"
    assert str(cube.shape) in str(caught.value)


@pytest.mark.parametrize(
    ("front", "kind"),
    [
        (b"SIMPLE  =                    T".ljust(9_000_000), "bad_header"),
        (b"no frame at all", "not_fits"),
        (b"\x89PNG", "other_format"),
        (b"XISF0100" + (99).to_bytes(8, "little") + b"<xisf" * 30, "bad_header"),
        (fits.Header([("SIMPLE", True), ("BITPIX", 8), ("NAXIS", 2), ("NAXIS1", 90_000), ("NAXIS2", 9_000)])
         .tostring().encode(), "too_large"),
    ],
    ids=["no END", "text", "picture", "bad XISF", "large"],
)  # fmt: skip
def test_the_rest_of_a_long_file_that_is_no_frame_is_not_read(tmp_path, arrive, monkeypatch, front, kind) -> None:
    path = tmp_path / "long.fits"
    with path.open("wb") as file:
        file.write(front)
        file.truncate(900 << 20)
    tracemalloc.start()
    try:
        with pytest.raises(FrameError) as caught:
            Reader().open(arrive(path))
        assert caught.value.kind == kind
        assert tracemalloc.get_traced_memory()[1] < 9_000_000
    finally:
        tracemalloc.stop()


def test_the_file_is_only_read(tmp_path, arrive) -> None:
    path = tmp_path / "frame.fits"
    fits.PrimaryHDU(VALUES).writeto(path)
    path.chmod(0o444)
    before = (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode)
    Reader().read(arrive(path))
    assert (path.read_bytes(), path.stat().st_mtime_ns, path.stat().st_mode) == before


def test_a_missing_file_has_vanished(tmp_path, arrive) -> None:
    with pytest.raises(Vanished):
        Reader().read(arrive(tmp_path / "gone.fits"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_folder_and_a_pipe_are_no_frames(tmp_path, arrive) -> None:
    os.mkfifo(tmp_path / "pipe.fits")
    for path in (tmp_path, tmp_path / "pipe.fits"):
        with pytest.raises(Unsupported) as caught:
            Reader().read(arrive(path))
        assert caught.value.kind == "not_a_file"


def test_a_name_with_nul(tmp_path) -> None:
    with pytest.raises(Unreadable) as caught:
        take_in(Path(str(tmp_path) + "/a\0b"), 1 << 20)
    assert caught.value.kind == "bad_name"


def test_a_file_that_may_not_be_opened_is_tried_again(tmp_path, monkeypatch, arrive) -> None:
    path = tmp_path / "frame.fits"
    fits.PrimaryHDU(VALUES).writeto(path)

    def deny(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", deny)
    with pytest.raises(Incomplete) as caught:
        Reader().read(arrive(path))
    assert caught.value.kind == "no_access"
    assert caught.value.retryable


class _Meddler:
    """An open file whose reading does something else as well."""

    def __init__(self, file, act) -> None:
        self._file, self._act, self._reads = file, act, 0

    def __enter__(self):
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def fileno(self) -> int:
        return self._file.fileno()

    def seek(self, offset: int) -> int:
        return self._file.seek(offset)

    def read(self, count: int) -> bytes | None:
        self._reads += 1
        self._act(self._reads)
        return self._file.read(count)

    def readinto(self, window) -> int | None:
        self._reads += 1
        self._act(self._reads)
        return self._file.readinto(window)


@pytest.mark.parametrize("values", [VALUES, LARGE])
@pytest.mark.parametrize("deed", ["grow", "shrink", "touch", "fail"])
def test_a_file_that_changes_while_it_is_read_is_incomplete(
    tmp_path, arrive, monkeypatch, values: np.ndarray, deed: str
) -> None:
    path = tmp_path / "frame.fits"
    fits.PrimaryHDU(values).writeto(path)
    threads = threading.active_count()

    def act(reads: int) -> None:
        if reads > 1 and values is VALUES:
            return
        if deed == "grow":
            with path.open("ab") as file:
                file.write(b"more")
        elif deed == "shrink":
            os.truncate(path, 100)
        elif deed == "touch":
            os.utime(path, ns=(1, reads))
        else:
            raise OSError(5, "Input/output error")

    opened = os.fdopen
    monkeypatch.setattr("os.fdopen", lambda *args, **more: _Meddler(opened(*args, **more), act))
    with pytest.raises(Incomplete) as caught:
        Reader().read(arrive(path))
    assert caught.value.kind == ("io_error" if deed == "fail" else "incomplete")
    assert threading.active_count() == threads


def test_the_hash_follows_in_a_second_thread_that_ends(tmp_path) -> None:
    path = tmp_path / "large"
    content = np.random.default_rng(3).bytes(THREAD_FROM_BYTES + 12_345)
    path.write_bytes(content)
    threads = threading.active_count()
    intake = take_in(path, 1 << 30)
    intake.wait_hashed(1000)
    assert intake.hexdigest() == hashlib.sha256(content).hexdigest()
    assert intake.read_at(10, 5) == content[10:15]
    assert threading.active_count() == threads


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"", "empty"),
        (b"SIMP", "truncated"),
        (b"<!DOCTYPE html><html></html>", "not_fits"),
        (b"version https://git-lfs.github.com/spec/v1\n", "not_fits"),
        (np.random.default_rng(4).bytes(50_000), "not_fits"),
        (b"\x1f\x8b" + b"\xff" * 50, "corrupt_gzip"),
        (b"\x1f\x8b", "truncated"),
    ],
)
def test_what_is_no_fits_file(tmp_path, arrive, content: bytes, kind: str) -> None:
    path = tmp_path / "frame.fits"
    path.write_bytes(content)
    with pytest.raises(Unreadable) as caught:
        Reader().read(arrive(path))
    assert caught.value.kind == kind


@pytest.mark.parametrize(
    "content",
    [b"LUCAM-RECORDER", b"RIFF\0\0\0\0AVI ", b"\x89PNG\r\n", b"\xff\xd8\xff\xe0", b"BZh91AY", b"PK\3\4"],
)
def test_other_formats_are_named(tmp_path, arrive, content: bytes) -> None:
    path = tmp_path / "frame.fits"
    path.write_bytes(content + bytes(5000))
    with pytest.raises(Unsupported) as caught:
        Reader().read(arrive(path))
    assert caught.value.kind == "other_format"


@pytest.mark.parametrize("blocks", [1, 2, 5])
def test_truncated_at_any_block(tmp_path, arrive, blocks: int) -> None:
    path = tmp_path / "frame.fits"
    fits.PrimaryHDU(VALUES).writeto(path)
    for extra in (-1, 0, 1):
        path.write_bytes(path.read_bytes()[: 2880 * blocks + extra])
        with pytest.raises(Unreadable) as caught:
            Reader().read(arrive(path))
        assert caught.value.kind == "truncated"
        fits.PrimaryHDU(VALUES).writeto(path, overwrite=True)


def test_missing_padding_and_a_long_tail_do_no_harm(tmp_path, arrive) -> None:
    path = tmp_path / "frame.fits"
    fits.PrimaryHDU(VALUES).writeto(path)
    whole = path.read_bytes()
    for content in (whole[: 2880 + VALUES.nbytes], whole + b"\0" * 5000):
        path.write_bytes(content)
        np.testing.assert_array_equal(Reader().read(arrive(path)).pixels, VALUES)


def preallocated(path: Path, filled: float, dtype: str = "u2") -> None:
    fits.PrimaryHDU(VALUES.astype(dtype)).writeto(path)
    content = bytearray(path.read_bytes())
    start = 2880 + int(VALUES.astype(dtype).nbytes * filled)
    content[start:] = bytes(len(content) - start)
    path.write_bytes(content)


@pytest.mark.parametrize("filled", [0.0, 0.5])
def test_an_empty_end_is_waited_for_and_then_refused(tmp_path, arrive, filled: float) -> None:
    path = tmp_path / "frame.fits"
    preallocated(path, filled)
    with pytest.raises(Incomplete):
        Reader().read(arrive(path, quiet_s=5))
    with pytest.raises(Unreadable) as caught:
        Reader().read(arrive(path, quiet_s=600))
    assert caught.value.kind == "truncated"


@pytest.mark.parametrize("begin", [0, 3000, 5001])
def test_a_part_that_was_never_written_is_waited_for_and_then_refused(tmp_path, arrive, begin: int) -> None:
    """As when a file is filled from its end, and its writer pauses."""
    path = tmp_path / "frame.fits"
    fits.PrimaryHDU(np.full((100, 100), 1000, np.uint16)).writeto(path)
    with path.open("r+b") as file:
        file.seek(2880 + begin)
        file.write(bytes(1024))
    with pytest.raises(Incomplete):
        Reader().read(arrive(path, quiet_s=5))
    with pytest.raises(Unreadable) as caught:
        Reader().read(arrive(path, quiet_s=600))
    assert caught.value.kind == "truncated"


def test_some_pixels_of_half_scale_are_a_picture(tmp_path, arrive) -> None:
    path = tmp_path / "frame.fits"
    values = np.full((100, 100), 1000, np.uint16)
    values[40, :100] = 32768
    fits.PrimaryHDU(values).writeto(path)
    assert (Reader().read(arrive(path, quiet_s=5)).pixels[40] == 32768).all()


def test_a_file_of_zeros_is_waited_for(tmp_path, arrive) -> None:
    path = tmp_path / "frame.fits"
    path.write_bytes(bytes(50_000))
    with pytest.raises(Incomplete):
        Reader().read(arrive(path))


def test_dark_edges_of_processed_frames_are_not_taken_for_an_empty_end(tmp_path, arrive) -> None:
    path = tmp_path / "frame.fits"
    preallocated(path, 0.5, "f4")
    frame = Reader().read(arrive(path, quiet_s=5))
    assert frame.border is not None
    assert frame.border[-1].all()
    assert frame.bad_pixel_fraction > 0.45


def test_a_lack_of_memory_is_reported_plainly(tmp_path, arrive, monkeypatch) -> None:
    path = tmp_path / "frame.fits"
    fits.PrimaryHDU(VALUES).writeto(path)

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("astro_monitor.read.fits.to_native", fail)
    with pytest.raises(FrameError) as caught:
        Reader().read(arrive(path))
    assert caught.value.kind == "out_of_memory"


@pytest.mark.parametrize("how", ["event", "scan", "poll"])
def test_a_file_that_has_changed_since_it_was_found_whole_is_tried_again(tmp_path, arrive, how: str) -> None:
    """It may be half rewritten; a file that a person named is read as it is."""
    path = tmp_path / "frame.fits"
    fits.PrimaryHDU(VALUES).writeto(path)
    arrival = replace(arrive(path), mtime_ns=path.stat().st_mtime_ns, how=how)
    assert Reader().read(arrival).sensor_shape == VALUES.shape
    for other in (
        replace(arrival, mtime_ns=arrival.mtime_ns - 1),
        replace(arrival, size_bytes=arrival.size_bytes - 2880),
    ):
        with pytest.raises(Incomplete) as caught:
            Reader().read(other)
        assert caught.value.retryable
        assert Reader().read(replace(other, how="named")).sensor_shape == VALUES.shape


def test_a_file_time_that_fits_no_column_is_no_change(tmp_path, arrive) -> None:
    path = tmp_path / "frame.fits"
    fits.PrimaryHDU(VALUES).writeto(path)
    os.utime(path, (10413792000, 10413792000))
    arrival = replace(arrive(path), mtime_ns=min(path.stat().st_mtime_ns, 2**63 - 1), how="event")
    assert Reader().read(arrival).sensor_shape == VALUES.shape


def half_of(name: str) -> bytes:
    """Return the first half of a whole file of each kind whose length the watcher does not know."""
    xml = (
        f'<xisf version="1.0"><Image geometry="150:120:1" sampleFormat="UInt16" '
        f'location="attachment:1024:{VALUES.nbytes}"></Image></xisf>'
    ).encode()
    xisf = (b"XISF0100" + len(xml).to_bytes(4, "little") + bytes(4) + xml).ljust(1024, b"\0") + VALUES.tobytes()
    file = io.BytesIO()
    fits.PrimaryHDU(VALUES).writeto(file)
    whole = {"a.xisf": xisf, "a.tif": tiff_bytes(VALUES), "a.fits.gz": gzip.compress(file.getvalue())}[name]
    return whole[: len(whole) // 2]


@pytest.mark.parametrize("name", ["a.xisf", "a.tif", "a.fits.gz"])
def test_half_a_file_of_a_moment_ago_may_still_be_written(tmp_path, arrive, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(half_of(name))
    for quiet_s, how, error in ((5.0, "event", Incomplete), (600.0, "event", Unreadable), (5.0, "named", Unreadable)):
        arrival = replace(arrive(path, quiet_s), how=how, mtime_ns=path.stat().st_mtime_ns)
        now = datetime.fromtimestamp(path.stat().st_mtime + quiet_s, UTC)
        with pytest.raises(error):
            Reader().open(replace(arrival, settled_utc=now)).frame()
