"""From a look to bytes."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from .. import recordjson
from ..errors import LookError
from ..records import LOOK_VERSION, Look, Raster
from .facts import Facts
from .layout import (
    AXIS,
    CELL_INTEGERS,
    CELL_OPTIONAL,
    HEAD,
    LENGTHS,
    LIMITS,
    MAGIC,
    MAX_LOOK_BYTES,
    RASTER_FIELDS,
    SECTIONS,
    SHAPE,
    SOURCE_COLUMNS,
    STAR_FIELDS,
    STREAK_FIELDS,
    TYPES,
)

__all__ = ["MAX_LOOK_BYTES", "encode"]

ZSTD_LEVEL = 3
"""Higher levels gain a hundredth on noise and take several times as long."""

Array = NDArray[Any]


def encode(look: Look) -> bytes:
    """Return a look as bytes, at most ``MAX_LOOK_BYTES``; :func:`~.reading.decode` returns an equal one.

    Parameters:
        look: of this version.

    Raises:
        LookError: a number that must be finite is not, or a part is larger than any look's.
    """
    compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_content_size=True)
    contents = {
        "facts": _facts(look),
        "numbers": _packed(_numbers(look)),
        "sources": _packed(_sources(look)),
        "pictures": _packed(_pictures(look)),
    }
    lengths, sections = [], []
    for name in SECTIONS:
        if len(contents[name]) > LIMITS[name]:
            raise LookError(f"the {name} of this frame are too large to be kept ({len(contents[name])} bytes)")
        sections.append(compressor.compress(contents[name]))
        lengths.append(LENGTHS.pack(len(sections[-1]), len(contents[name])))
    rest = b"".join((*lengths, *sections))
    return HEAD.pack(MAGIC, LOOK_VERSION, zlib.crc32(rest)) + rest


def _facts(look: Look) -> bytes:
    """Return the facts of a look, all that is no array, as JSON; raise ``LookError`` for numbers not finite."""
    features, measurements = look.source_features, look.measurements
    facts = Facts(
        arrival=look.arrival,
        frame_id=look.frame_id,
        sha256=look.sha256,
        meta=look.meta,
        sensor_shape=look.sensor_shape,
        sensor_px_per_px=look.sensor_px_per_px,
        values=measurements.values,
        why_missing=measurements.why_missing,
        sky_noise=measurements.sky_noise,
        notes=tuple(sorted(set(look.sources.note))),
        source_count=features.source_count,
        stamp_bin=features.stamp_bin,
        source_model=features.model,
        stack_bin_px=features.stack_bin_px,
        stack_count=features.stack_count,
        cell_px=look.sky.cell_px,
        models=look.models,
        timings_s=look.timings_s,
    )
    try:
        return recordjson.dump(recordjson.plain(facts))
    except ValueError as error:
        raise LookError("the frame has a number that is not finite, so its look cannot be kept") from error


def _numbers(look: Look) -> list[Array]:
    """Arrays that a verdict depends on."""
    features, measurements = look.source_features, look.measurements
    grid = measurements.field_grid
    profile = features.profile
    return [
        np.array([look.saturation_adu, look.sky.noise_adu, features.quantisation_error], np.float64),
        features.features,
        features.clusters,
        features.mean_image,
        features.stack.astype(np.float16),
        features.field_stacks.astype(np.float16),
        features.field_stack_counts,
        np.array([0.0 if number is None else number for number in profile], np.float64),
        np.array([number is not None for number in profile], np.uint8),
        _table(measurements.bright_stars, STAR_FIELDS),
        _table(measurements.streaks, STREAK_FIELDS),
        _table(measurements.fixed_streaks, STREAK_FIELDS),
        _table(grid, CELL_INTEGERS),
        np.array([cell.sky_adu for cell in grid], np.float64),
        _table(grid, CELL_OPTIONAL),
        np.array([[getattr(cell, name) is not None for name in CELL_OPTIONAL] for cell in grid], np.uint8).reshape(
            len(grid), len(CELL_OPTIONAL)
        ),
    ]


def _sources(look: Look) -> list[Array]:
    """Return the source table of a look as arrays to write; notes become numbers."""
    table = look.sources
    numbers = {note: number for number, note in enumerate(sorted(set(table.note)))}
    if len(numbers) > np.iinfo(np.uint8).max:
        raise LookError("the sources of this frame have too many different notes to be kept")
    return [
        *(_narrowest(getattr(table, name)) for name in SOURCE_COLUMNS),
        table.saturated.astype(np.uint8),
        table.kind,
        np.array([numbers[note] for note in table.note], np.uint8),
    ]


def _pictures(look: Look) -> list[Array]:
    """Return the sky levels and the rasters of a look as arrays to write."""
    rasters: tuple[Raster, ...] = (look.picture, *look.cutouts)
    return [look.sky.level_adu, _table(rasters, RASTER_FIELDS), *(raster.pixels for raster in rasters)]


def _table(rows: Sequence[Any], names: Sequence[str]) -> Array:
    """(N, len(names)) numbers; 0 for what is not known."""
    numbers = [[getattr(row, name) for name in names] for row in rows]
    known = [[0.0 if number is None else number for number in row] for row in numbers]
    return np.array(known, np.float64).reshape(len(rows), len(names))


def _narrowest(values: NDArray[np.float64]) -> Array:
    """Return the column in 32 bits where these hold every number exactly."""
    with np.errstate(over="ignore"):
        narrow = values.astype(np.float32)
    return narrow if np.array_equal(narrow, values, equal_nan=True) else values


def _packed(arrays: Sequence[Array]) -> bytes:
    """Return arrays of a look as bytes: type and shape of each, and its values with their bytes transposed."""
    parts = []
    for array in arrays:
        plain = np.ascontiguousarray(array)
        kind = plain.dtype.newbyteorder("<").str
        head = SHAPE.pack(TYPES.index(kind), plain.ndim) + b"".join(AXIS.pack(size) for size in plain.shape)
        items = plain.astype(kind, copy=False).reshape(-1).view(np.uint8).reshape(-1, plain.itemsize)
        parts += [head, np.ascontiguousarray(items.T).tobytes()]
    return b"".join(parts)
