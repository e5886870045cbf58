"""From bytes, which may come from anywhere, to a look."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import zstandard
from numpy.typing import NDArray

from .. import metrics, recordjson
from ..errors import LookDamaged, LookError, LookOfAnotherVersion
from ..records import (
    FIELD_PARTS,
    FIELD_STACK_PX,
    LOOK_VERSION,
    MOST_STACK_BIN_PX,
    STACK_PX,
    FieldCell,
    Look,
    Measurements,
    Raster,
    ReferenceStar,
    SkyMap,
    SourceFeatures,
    SourceTable,
    Streak,
)
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
    MOST_AXES,
    RASTER_FIELDS,
    SECTIONS,
    SHAPE,
    SOURCE_COLUMNS,
    STAR_FIELDS,
    STREAK_FIELDS,
    TYPES,
)

Array = NDArray[Any]

NO_PICTURE = Raster(left_px=0, top_px=0, bin_px=1, zero_adu=0.0, step_adu=1.0, pixels=np.zeros((0, 0), np.uint16))
"""In place of the picture of a look that was read without pictures."""


def decode(data: bytes, *, pictures: bool = True) -> Look:
    """Return the look that bytes describe.

    Parameters:
        data: from :func:`~.writing.encode`, perhaps damaged, perhaps by another version, perhaps hostile.
        pictures: also read sources, sky, picture and cut-outs; a verdict needs none of them, and without them it takes
            a fraction of the time.

    Raises:
        LookOfAnotherVersion: it was written by another version of the program.
        LookDamaged: these bytes are no look.
    """
    contents = _sections(data, SECTIONS if pictures else SECTIONS[:2])
    try:
        facts: Facts = recordjson.record(Facts, recordjson.parse(contents["facts"]))
        if not set(metrics.KEYS) <= facts.values.keys():
            raise LookOfAnotherVersion("the look has other numbers than this program measures; grade the frame again")
        return _look(facts, contents)
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        if isinstance(error, LookError):
            raise
        raise _damaged(f"{type(error).__name__} in its contents") from error


def _sections(data: bytes, wanted: Sequence[str]) -> dict[str, bytes]:
    """Check the frame of the bytes and inflate the wanted sections, none beyond its limit."""
    if len(data) > MAX_LOOK_BYTES:
        raise _damaged("too long")
    first = HEAD.size + len(SECTIONS) * LENGTHS.size
    if len(data) < HEAD.size or data[: len(MAGIC)] != MAGIC:
        raise _damaged("not the beginning of a look")
    _, version, checksum = HEAD.unpack_from(data)
    if version != LOOK_VERSION:
        raise LookOfAnotherVersion(
            f"the look is of version {version}, this program reads {LOOK_VERSION}; grade the frame again"
        )
    if len(data) < first or zlib.crc32(memoryview(data)[HEAD.size :]) != checksum:
        raise _damaged("wrong checksum")
    contents: dict[str, bytes] = {}
    start = first
    for number, name in enumerate(SECTIONS):
        packed, inflated = LENGTHS.unpack_from(data, HEAD.size + number * LENGTHS.size)
        if inflated > LIMITS[name] or start + packed > len(data):
            raise _damaged(f"impossible length of its {name}")
        if name in wanted:
            contents[name] = _inflate(data[start : start + packed], inflated, name)
        start += packed
    if start != len(data):
        raise _damaged("bytes behind its end")
    return contents


def _inflate(packed: bytes, inflated: int, name: str) -> bytes:
    """Return a part of a look decompressed; raise ``LookDamaged`` when its length is not the stated one."""
    try:
        # The frame's own word on its size is what the library allocates by, so it is checked first.
        if zstandard.frame_content_size(packed) != inflated:
            raise _damaged(f"another length of its {name}")
        content = zstandard.ZstdDecompressor().decompress(packed)
    except zstandard.ZstdError as error:
        raise _damaged(f"its {name} cannot be inflated") from error
    if len(content) != inflated:
        raise _damaged(f"another length of its {name}")
    return content


class _Arrays:
    """Arrays of one section, taken one after the other."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def take(self, kinds: Sequence[str], *shape: int | None) -> Array:
        """Return the next array.

        Parameters:
            kinds: types that it may have.
            shape: lengths of its axes; ``None``: any.
        """
        code, axes = SHAPE.unpack(self._next(SHAPE.size))
        if code >= len(TYPES) or TYPES[code] not in kinds or axes > MOST_AXES or axes != len(shape):
            raise _damaged("an array of another kind")
        sizes = tuple(AXIS.unpack(self._next(AXIS.size))[0] for _ in range(axes))
        if any(wanted is not None and size != wanted for size, wanted in zip(sizes, shape, strict=True)):
            raise _damaged("an array of another shape")
        kind = np.dtype(TYPES[code])
        count = 1
        for size in sizes:
            count *= size
        raw = np.frombuffer(self._next(count * kind.itemsize), np.uint8).reshape(kind.itemsize, count)
        values = np.ascontiguousarray(raw.T).reshape(-1).view(kind).reshape(sizes)
        values = values.astype(kind.newbyteorder("="), copy=False)
        values.flags.writeable = False
        return values

    def end(self) -> None:
        """Make sure that nothing is left."""
        if self._at != len(self._content):
            raise _damaged("arrays behind the last one")

    def _next(self, length: int) -> bytes:
        """Return the next bytes of a part of a look; raise ``LookDamaged`` when it ends too early."""
        part = self._content[self._at : self._at + length]
        if len(part) != length:
            raise _damaged("arrays that end too early")
        self._at += length
        return part


FLOAT32, FLOAT64, UINT16, UINT8, FLOAT16 = ((kind,) for kind in TYPES)


def _look(facts: Facts, contents: dict[str, bytes]) -> Look:
    """Return the look that its facts and its decompressed parts describe."""
    numbers = _Arrays(contents["numbers"])
    saturation_adu, noise_adu, quantisation_error = numbers.take(FLOAT64, 3).tolist()
    features, clusters, mean_image = (
        numbers.take(FLOAT32, None), numbers.take(FLOAT32, None), numbers.take(FLOAT32, None, None),
    )  # fmt: skip
    stack = _single(numbers.take(FLOAT16, STACK_PX, STACK_PX))
    field_stacks = _single(numbers.take(FLOAT16, FIELD_PARTS, FIELD_PARTS, FIELD_STACK_PX, FIELD_STACK_PX))
    field_counts = numbers.take(UINT16, FIELD_PARTS, FIELD_PARTS)
    if not 1 <= facts.stack_bin_px <= MOST_STACK_BIN_PX or facts.stack_count < 0:
        raise _damaged("a stack of impossible size")
    profile = numbers.take(FLOAT64, None)
    known = numbers.take(UINT8, len(profile))
    measurements = _measurements(facts, numbers)
    numbers.end()
    sources = _sources(facts, _Arrays(contents["sources"])) if "sources" in contents else NO_SOURCES
    levels = np.zeros((0, 0), np.float32)
    rasters: tuple[Raster, ...] = (NO_PICTURE,)
    if "pictures" in contents:
        levels, rasters = _pictures(_Arrays(contents["pictures"]))
    return Look(
        arrival=facts.arrival,
        frame_id=facts.frame_id,
        sha256=facts.sha256,
        meta=facts.meta,
        sensor_shape=facts.sensor_shape,
        sensor_px_per_px=facts.sensor_px_per_px,
        saturation_adu=saturation_adu,
        measurements=measurements,
        sources=sources,
        source_features=SourceFeatures(
            features=features,
            clusters=clusters,
            quantisation_error=quantisation_error,
            source_count=facts.source_count,
            stamp_bin=facts.stamp_bin,
            profile=tuple(value if there else None for value, there in zip(profile.tolist(), known, strict=True)),
            mean_image=mean_image,
            model=facts.source_model,
            stack=stack,
            stack_bin_px=facts.stack_bin_px,
            stack_count=facts.stack_count,
            field_stacks=field_stacks,
            field_stack_counts=field_counts,
        ),
        sky=SkyMap(level_adu=levels, noise_adu=noise_adu, cell_px=facts.cell_px),
        cutouts=rasters[1:],
        picture=rasters[0],
        models=facts.models,
        timings_s=facts.timings_s,
    )


def _single(stack: Array) -> NDArray[np.float32]:
    """Return a stack of 16-bit floats as read-only 32-bit floats; raise ``LookDamaged`` when it is not finite."""
    single: NDArray[np.float32] = stack.astype(np.float32)
    if not np.isfinite(single).all():
        raise _damaged("a stack with numbers that are not finite")
    single.flags.writeable = False
    return single


def _measurements(facts: Facts, numbers: _Arrays) -> Measurements:
    """Return the measurements of a look from its facts and its array of numbers."""
    stars = numbers.take(FLOAT64, None, len(STAR_FIELDS)).tolist()
    streaks, fixed = (numbers.take(FLOAT64, None, len(STREAK_FIELDS)).tolist() for _ in range(2))
    integers = numbers.take(FLOAT64, None, len(CELL_INTEGERS)).tolist()
    sky_adu = numbers.take(FLOAT64, len(integers)).tolist()
    optional = numbers.take(FLOAT64, len(integers), len(CELL_OPTIONAL)).tolist()
    known = numbers.take(UINT8, len(integers), len(CELL_OPTIONAL)).tolist()
    cells = tuple(
        FieldCell(column=int(column), row=int(row), star_count=int(count), sky_adu=sky, **_optional(parts, mask))
        for (column, row, count), sky, parts, mask in zip(integers, sky_adu, optional, known, strict=True)
    )
    return Measurements(
        frame_id=facts.frame_id,
        values=facts.values,
        why_missing=facts.why_missing,
        field_grid=cells,
        bright_stars=tuple(ReferenceStar(**dict(zip(STAR_FIELDS, star, strict=True))) for star in stars),
        streaks=tuple(Streak(**dict(zip(STREAK_FIELDS, streak, strict=True))) for streak in streaks),
        fixed_streaks=tuple(Streak(**dict(zip(STREAK_FIELDS, streak, strict=True))) for streak in fixed),
        sky_noise=facts.sky_noise,
    )


def _optional(values: list[float], known: list[int]) -> dict[str, Any]:
    """Return the optional numbers of a field cell by their names; ``None`` where the mask has no value."""
    return {name: value if there else None for name, value, there in zip(CELL_OPTIONAL, values, known, strict=True)}


def _sources(facts: Facts, arrays: _Arrays) -> SourceTable:
    """Return the source table of a look; raise ``LookDamaged`` when a note number is out of range."""
    first = arrays.take((*FLOAT32, *FLOAT64), None)
    count = len(first)
    columns = [first, *(arrays.take((*FLOAT32, *FLOAT64), count) for _ in SOURCE_COLUMNS[1:])]
    saturated, kind, note = (arrays.take(UINT8, count) for _ in range(3))
    arrays.end()
    if note.size and int(note.max()) >= len(facts.notes):
        raise _damaged("a note that is not there")
    return SourceTable(
        **{name: _wide(column) for name, column in zip(SOURCE_COLUMNS, columns, strict=True)},
        saturated=saturated.astype(np.bool_),
        kind=kind,
        note=tuple(facts.notes[number] for number in note.tolist()),
    )


def _wide(column: Array) -> NDArray[np.float64]:
    """Return a column of the source table as read-only 64-bit floats."""
    wide: NDArray[np.float64] = column.astype(np.float64)
    wide.flags.writeable = False
    return wide


def _pictures(arrays: _Arrays) -> tuple[NDArray[np.float32], tuple[Raster, ...]]:
    """Return the sky levels of a look and its rasters, the whole picture first and then the cut-outs."""
    levels = arrays.take(FLOAT32, None, None)
    places = arrays.take(FLOAT64, None, len(RASTER_FIELDS)).tolist()
    if not places:
        raise _damaged("no picture")
    rasters = tuple(
        Raster(
            left_px=int(left), top_px=int(top), bin_px=int(bin_px), zero_adu=zero_adu, step_adu=step_adu,
            pixels=arrays.take(UINT16, None, None),
        )
        for left, top, bin_px, zero_adu, step_adu in places
    )  # fmt: skip
    arrays.end()
    return levels, rasters


def _no_sources() -> SourceTable:
    """Return an empty source table, for a look read without its sources."""
    none = np.zeros(0, np.float64)
    return SourceTable(
        **dict.fromkeys(SOURCE_COLUMNS, none), saturated=np.zeros(0, np.bool_), kind=np.zeros(0, np.uint8), note=()
    )


NO_SOURCES = _no_sources()
"""In place of the sources of a look that was read without pictures."""


def _damaged(what: str) -> LookDamaged:
    """Return the error that a look is damaged, with what is wrong with it."""
    return LookDamaged(f"the look is damaged ({what}); grade the frame again")
