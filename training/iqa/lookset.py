"""The data set of the quality model: the looks of each rig's frames with what is true about them, one file a rig.

A file is ``MAGIC``, the length of its head (eight bytes, big-endian), its head (JSON, compressed), and its arrays
(compressed, one after the other, the bytes of their items sorted by significance). Records are written by the names of
their fields, so that files stay readable when a record gains a field or a measurement. The cut-outs and the picture of
a look, which no verdict needs, are left out; so are the faintest sources of a crowded frame.
"""

from __future__ import annotations

import functools
import json
import logging
import os
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from astro_monitor import metrics, records
from astro_monitor.records import Look, Raster
from training.inmemory import InMemory
from training.iqa.headers import dressed
from training.iqa.rigs import Split, rig_facts, rig_seeds, sequence, sequence_kind, truth_of

SUFFIX = ".looks"
PROGRESS_RIGS = 10
"""The log says how far it has got each time so many rigs are done."""

SHARES: dict[Split, int] = {"validation": 1, "test": 1, "train": 14}
"""Rigs of each split among sixteen, as long as there are some left: an unfinished data set has all splits."""

log = logging.getLogger(__name__)

MAGIC = b"ALKS\x00\x01"
LENGTH_BYTES = 8
LEVEL = 12
"""Of compression: higher levels take longer than rendering and save little."""
MOST_SOURCES = 300
"""Rows of the source table that are kept, best first: a crowded frame has thousands, in 100 kB and more."""
HALF_PRECISION = ("stack", "field_stacks", "mean_image")
"""Arrays of pictures whose noise is far above a part in two thousand."""

NO_PICTURE = Raster(left_px=0, top_px=0, bin_px=1, zero_adu=0.0, step_adu=1.0, pixels=np.zeros((0, 0), np.uint16))
"""In place of the picture of a look."""

Truth = dict[str, Any]
Array = NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class LookSet:
    """All frames of one rig in the order of time.

    Attributes:
        rig: numbers of the rig, by the names of ``training.simulate.rigs.Rig``; and ``kind``, that of the sequence.
        frames: look and truth of each frame; see ``training.iqa.rigs.truth_of`` for the keys of a truth.
    """

    rig: dict[str, Any]
    frames: tuple[tuple[Look, Truth], ...]


def store_looks(path: Path, rig: dict[str, Any], frames: Iterable[tuple[Look, Truth]]) -> None:
    """Write the looks of one rig; whole or not at all.

    Parameters:
        path: of the file that :func:`load_looks` reads.
        rig: plain numbers and texts.
        frames: in the order of time.
    """
    arrays: list[Array] = []
    head = {"rig": rig, "frames": [[_plain(_lean(look), arrays), truth] for look, truth in frames]}
    packer = zstandard.ZstdCompressor(level=LEVEL)
    packed_head = packer.compress(json.dumps(head | {"arrays": [_kind(one) for one in arrays]}).encode())
    body = packer.compress(b"".join(_sorted_bytes(one) for one in arrays))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.part")
    partial.write_bytes(MAGIC + len(packed_head).to_bytes(LENGTH_BYTES, "big") + packed_head + body)
    partial.replace(path)


def load_looks(path: Path) -> LookSet:
    """Read what :func:`store_looks` wrote.

    Measurements that the program has learnt to make since are ``None``, with that as the reason.

    Raises:
        ValueError: this is no such file.
    """
    content = path.read_bytes()
    if content[: len(MAGIC)] != MAGIC:
        raise ValueError(f"no looks of a rig: {path}")
    start = len(MAGIC) + LENGTH_BYTES
    length = int.from_bytes(content[len(MAGIC) : start], "big")
    unpacker = zstandard.ZstdDecompressor()
    head = json.loads(unpacker.decompress(content[start : start + length]))
    arrays = _arrays(unpacker.decompress(content[start + length :]), head["arrays"])
    frames = tuple((_completed(_record(look, arrays)), truth) for look, truth in head["frames"])
    return LookSet(head["rig"], frames)


def build_set(folder: Path, counts: Mapping[Split, int], models: Path | None, workers: int) -> None:
    """Make the looks of all rigs that are not there yet, those of all splits in turn.

    Parameters:
        folder: one folder for each split goes here, one file for each rig.
        counts: number of rigs of each split.
        models: folder of the models that look; ``None``: the shipped ones.
        workers: processes.
    """
    turns = [(place / SHARES[split], split, seed)
             for split, count in counts.items() for place, seed in enumerate(rig_seeds(split, count))]  # fmt: skip
    jobs = [(folder / split / f"{seed:08d}{SUFFIX}", split, seed, models) for _, split, seed in sorted(turns)]
    jobs = [job for job in jobs if not job[0].exists()]
    begun, frames, size_bytes = time.monotonic(), 0, 0
    with ProcessPoolExecutor(workers) as pool:
        for number, (path, taken) in enumerate(pool.map(_built, jobs), 1):
            frames, size_bytes = frames + taken, size_bytes + (path.stat().st_size if taken else 0)
            if number % PROGRESS_RIGS == 0 or number == len(jobs):
                seconds, kept = time.monotonic() - begun, max(frames, 1)
                log.info("%d of %d rigs, %.0f an hour, %.0f ms and %.0f kB a frame; last: %s", number, len(jobs),
                         3600 * number / seconds, 1000 * seconds * workers / kept, size_bytes / 1000 / kept,
                         path)  # fmt: skip


def _built(job: tuple[Path, Split, int, Path | None]) -> tuple[Path, int]:
    """Make the file of one rig; a rig that cannot be made is left out, and costs no other."""
    try:
        return _build(job)
    except Exception:
        log.exception("left out: %s", job[0])
        return job[0], 0


def _build(job: tuple[Path, Split, int, Path | None]) -> tuple[Path, int]:
    """Make the file of one rig; return it and the number of its frames."""
    path, split, seed, models = job
    rig: dict[str, Any] = {}
    looks: list[tuple[Look, Truth]] = []
    for number, taken in enumerate(sequence(split, seed)):
        rig = rig or rig_facts(taken.rig) | {"kind": sequence_kind(split, seed), "split": split}
        truth = truth_of(taken)
        taken.pixels.flags.writeable = False
        looks.append((_stages(models).look(dressed(taken.pixels, rig, truth, number)), truth))
    store_looks(path, rig, looks)
    return path, len(looks)


@functools.lru_cache(maxsize=1)
def _stages(models: Path | None) -> InMemory:
    """Open the models once in each process."""
    return InMemory.looking(models)


def _lean(look: Look) -> Look:
    """Return a look without what training does not need."""
    sources = look.sources
    if len(sources) > MOST_SOURCES:
        best = np.zeros(len(sources), np.bool_)
        best[:MOST_SOURCES] = True
        sources = sources.chosen(best)
    return replace(look, cutouts=(), picture=NO_PICTURE, sources=sources)


def _completed(look: Look) -> Look:
    """Return a look with an entry for every metric."""
    values, why = look.measurements.values, look.measurements.why_missing
    new = [key for key in metrics.KEYS if key not in values]
    if not new:
        return look
    return replace(
        look,
        measurements=replace(
            look.measurements,
            values=values | dict.fromkeys(new),
            why_missing=why | dict.fromkeys(new, "not measured when the data were made"),
        ),
    )


def _plain(value: Any, arrays: list[Array], name: str = "") -> Any:
    """Return a record as plain data; its arrays are put aside."""
    if isinstance(value, np.ndarray):
        arrays.append(value.astype(np.float16) if name in HALF_PRECISION else _narrowest(value))
        return {"array": len(arrays) - 1, "kind": value.dtype.str}
    if is_dataclass(value):
        parts = {field.name: _plain(getattr(value, field.name), arrays, field.name) for field in fields(value)}
        return {"record": type(value).__name__, "fields": parts}
    if isinstance(value, dict):
        return {"dict": {key: _plain(entry, arrays) for key, entry in value.items()}}
    if isinstance(value, tuple):
        return [_plain(entry, arrays) for entry in value]
    if isinstance(value, Path):
        return {"path": str(value)}
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, np.generic):
        return value.item()
    return value


def _record(value: Any, arrays: list[Array]) -> Any:
    """Return the record that plain data describe."""
    if isinstance(value, list):
        return tuple(_record(entry, arrays) for entry in value)
    if not isinstance(value, dict):
        return value
    if "array" in value:
        whole = arrays[value["array"]].astype(value["kind"])
        whole.flags.writeable = False
        return whole
    if "path" in value:
        return Path(value["path"])
    if "time" in value:
        return datetime.fromisoformat(value["time"])
    if "dict" in value:
        return {key: _record(entry, arrays) for key, entry in value["dict"].items()}
    kind = getattr(records, value["record"])
    names = {field.name for field in fields(kind)}
    known = {name: _record(part, arrays) for name, part in value["fields"].items() if name in names}
    return kind(**known)


def _narrowest(values: Array) -> Array:
    """Return 64-bit numbers in 32 bits where these hold every one exactly."""
    if values.dtype != np.float64:
        return values
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    return narrow if np.array_equal(narrow, values, equal_nan=True) else values


def _kind(array: Array) -> list[Any]:
    """Return type and shape of an array for the head."""
    return [array.dtype.str, list(array.shape)]


def _sorted_bytes(array: Array) -> bytes:
    """Return the bytes of an array, those of the same significance together, which compresses better."""
    items = np.ascontiguousarray(array).reshape(-1)
    return items.view(np.uint8).reshape(-1, array.dtype.itemsize).T.tobytes()


def _arrays(content: bytes, kinds: list[list[Any]]) -> list[Array]:
    """Return all arrays of a file."""
    arrays = []
    start = 0
    for kind, shape in kinds:
        width, count = np.dtype(kind).itemsize, int(np.prod(shape, dtype=np.int64))
        raw = np.frombuffer(content, np.uint8, width * count, start).reshape(width, count)
        arrays.append(np.ascontiguousarray(raw.T).reshape(-1).view(kind).reshape(shape))
        start += width * count
    return arrays
