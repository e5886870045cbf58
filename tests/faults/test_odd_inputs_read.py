"""A corpus of several thousand damaged and lying files: each has one clean outcome, quickly and in little memory."""

from __future__ import annotations

import gzip
import io
import itertools
import time
import tracemalloc
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from astro_monitor.errors import FrameError, Incomplete, Unreadable, Unsupported, Vanished
from astro_monitor.read import Reader
from astro_monitor.records import Arrival

NOW = datetime(2026, 1, 2, tzinfo=UTC)
VALUES = np.random.default_rng(1).normal(1000, 30, (70, 80)).astype(np.uint16)
EXTREMES = (
    "0", "1", "-1", "2", "3", "7", "16", "999", "1000", "65535", "65536", "2147483648", "99999999999999999999",
    "-32", "1.5", "1E308", "NaN", "'16'", "''", "T", "F", "", "'unclosed", "/ only a comment",
)  # fmt: skip


def read(path: Path) -> str:
    """Read a file and give ``frame`` or the kind of the failure; any other exception fails the test."""
    arrival = Arrival(
        path=path, root=path.parent, size_bytes=path.stat().st_size, mtime_ns=0, first_seen_utc=NOW,
        settled_utc=NOW, how="named",
    )  # fmt: skip
    try:
        frame = Reader().read(arrival)
    except (Incomplete, Vanished, Unreadable, Unsupported) as error:
        return error.kind
    return "frame" if np.isfinite(frame.pixels).all() else "not finite"


def saved(*units: object) -> bytes:
    file = io.BytesIO()
    fits.HDUList(list(units)).writeto(file, checksum=True)
    return file.getvalue()


SEEDS = {
    "plain": saved(fits.PrimaryHDU(VALUES)),
    "float": saved(fits.PrimaryHDU(VALUES.astype("f4"))),
    "extension": saved(fits.PrimaryHDU(), fits.ImageHDU(VALUES)),
    "rice": saved(fits.PrimaryHDU(), fits.CompImageHDU(VALUES, compression_type="RICE_1")),
    "gzip tiles": saved(fits.PrimaryHDU(), fits.CompImageHDU(VALUES, compression_type="GZIP_1")),
}


def cards_of(content: bytes) -> Iterator[int]:
    """Where each card with a value begins."""
    for start in range(0, len(content) - 80, 80):
        if content[start + 8 : start + 10] == b"= " and content[start : start + 8].strip().isascii():
            yield start


def mutants(content: bytes) -> Iterator[bytes]:
    for start, value in itertools.product(cards_of(content), EXTREMES):
        card = content[start : start + 10] + value.encode()[:70].ljust(70)
        yield content[:start] + card + content[start + 80 :]
    for start in cards_of(content):
        yield content[:start] + b"COMMENT ".ljust(80) + content[start + 80 :]
    for end in range(0, len(content), 2880):
        for shift in (-1, 0, 1):
            yield content[: max(0, end + shift)]


@pytest.mark.parametrize("seed", SEEDS.values(), ids=SEEDS.keys())
def test_every_mutant_has_one_clean_outcome(tmp_path, seed: bytes) -> None:
    path = tmp_path / "frame.fits"
    outcomes: Counter[str] = Counter()
    for number, mutant in enumerate(mutants(seed)):
        path.write_bytes(mutant)
        began = time.perf_counter()
        outcomes[read(path)] += 1
        assert time.perf_counter() - began < 10.0, number
    assert outcomes.total() > 200
    assert outcomes["not finite"] == 0
    # The corpus is worth something only when it is neither all sound nor all broken.
    assert outcomes["frame"] > 50
    assert outcomes["bad_header"] > 20
    assert outcomes["truncated"] > 3


def header(*cards: str) -> bytes:
    text = "".join(card.ljust(80) for card in (*cards, "END"))
    return text.ljust(-(-len(text) // 2880) * 2880).encode()


def image_header(width: int, height: int, bitpix: int = 8) -> bytes:
    return header(
        "SIMPLE  =                    T",
        f"BITPIX  = {bitpix:>20}",
        "NAXIS   =                    2",
        f"NAXIS1  = {width:>20}",
        f"NAXIS2  = {height:>20}",
    )


def packed_zeros(front: bytes, count: int) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    parts = [packer.compress(front)]
    parts += [packer.compress(bytes(1_000_000)) for _ in range(count // 1_000_000)]
    return b"".join([*parts, packer.flush()])


EMPTY_PART = header("XTENSION= 'IMAGE   '", "BITPIX  = 8", "NAXIS   = 0", "PCOUNT  = 0", "GCOUNT  = 1")
BOMBS = {
    "gzip of a blank image": packed_zeros(image_header(10_000, 20_000), 200_000_000),
    "gzip of zeros": packed_zeros(b"", 50_000_000),
    "gzip of blanks without END": packed_zeros(image_header(64, 64).replace(b"END", b"   "), 0) + b"",
    "gzip in gzip": gzip.compress(packed_zeros(image_header(10_000, 20_000), 20_000_000)),
    "gzip, first part skipped": packed_zeros(image_header(20, 1_000_000_00), 50_000_000),
    "empty parts": header("SIMPLE  =                    T", "BITPIX  = 8", "NAXIS   = 0") + EMPTY_PART * 20_000,
    "cards": header(*["HIERARCH A B = 1"] * 100_000).replace(b"HIERARCH A B = 1    ", b"SIMPLE  =          T", 1),
    "sides": image_header(60_000, 60_000),
    "lengths": image_header(1_000_000, 1_000_000),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_bombs_are_refused_from_the_header(tmp_path, bomb: bytes) -> None:
    path = tmp_path / "bomb.fits"
    path.write_bytes(bomb)
    tracemalloc.start()
    began = time.perf_counter()
    try:
        assert read(path) != "frame"
        assert tracemalloc.get_traced_memory()[1] < len(bomb) + (64 << 20)
        assert time.perf_counter() - began < 3.0
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.zeros((1, 1), "u2"), "too_small"),
        (np.ones((1, 65_000), "u2"), "too_small"),
        (np.ones((65, 65_536), "u1"), "too_large"),
        (np.full((70, 70), -5, "i2"), "frame"),
        (np.full((70, 70), 1000, "u2"), "frame"),
        (np.full((70, 70), 65_535, "u2"), "frame"),
        (np.full((70, 70), np.nan, "f4"), "no_valid_pixels"),
        (np.full((70, 70), np.inf, "f8"), "no_valid_pixels"),
        (np.full((70, 70), 1e300, "f8"), "no_valid_pixels"),
        (np.full((3, 70, 70), 1, "u2"), "cube"),
        (np.full((2, 2, 70, 70), 1, "u2"), "cube"),
        (np.full((70, 70), 1e-300, "f8"), "frame"),
        (np.full((64, 64), 200, "u1"), "frame"),
        (np.full((64, 64), 2**32, "i8"), "frame"),
        (np.full((64, 64), 2**40, "i8"), "no_valid_pixels"),
        (np.arange(100, dtype="f4"), "one_dimensional"),
        (np.zeros((70, 70), "f4"), "truncated"),
    ],
)
def test_odd_pixels(tmp_path, values: np.ndarray, expected: str) -> None:
    path = tmp_path / "frame.fits"
    path.write_bytes(saved(fits.PrimaryHDU(values)))
    assert read(path) == expected


def test_a_sparse_giant_costs_nothing(tmp_path) -> None:
    path = tmp_path / "giant.fits"
    with path.open("wb") as file:
        file.truncate(1 << 40)
    assert read(path) == "too_large"


def test_only_our_errors_are_frame_errors() -> None:
    for error in (Incomplete, Vanished, Unreadable, Unsupported):
        assert issubclass(error, FrameError)
