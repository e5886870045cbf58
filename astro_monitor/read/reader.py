"""The reader: from the bytes of a file to a frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from astro_monitor.errors import Unreadable, Unsupported
from astro_monitor.fitsheader import ReadAt
from astro_monitor.formats import LONGEST_MAGIC_BYTES, FormatTable, built_in_formats
from astro_monitor.formats.contents import FileContents, FormatReader, Pixels
from astro_monitor.formats.known.fits import FORMATS as FITS_FORMATS
from astro_monitor.formats.limits import Limits
from astro_monitor.plugins import Registered
from astro_monitor.records import SUPERPIXEL_SATURATION, Arrival, Frame, FrameMeta

from .dialects import BUILT_IN, Dialects, read_meta
from .framekind import kind_by_place, with_flats_applied
from .guarded import GuardedReader
from .intake import Intake, take_in
from .noframes import refuse_no_frame, unread_format
from .picture import border_of_cells, picture_of, window_of
from .saturation import saturation_level
from .superpixels import XTRANS, cell_side, mean_of_cells
from .units import in_unit_of_pixels
from .unwritten import perhaps_unfinished

SKIPPED_KINDS = ("dark", "flat", "bias", "product", "guide", "focus", "snapshot", "defect_map")
"""Types of valid files that are not light frames: they are listed, and not graded."""


_FITS = Registered(*FITS_FORMATS, None)
"""The format of files that no magic fits."""


@dataclass(frozen=True, slots=True)
class _Recognised:
    """What reads a file, what it found in the headers, and how it treats damage."""

    reader: FormatReader
    found: Any
    patience: Callable[[], AbstractContextManager[None]]


class Opened:
    """A file in memory, with its header read and its pixels not yet decoded.

    Attributes:
        arrival: the file.
        meta: values of its header; the type also by the names of file and folders.
        sensor_shape: (height, width) of the light-sensitive area, without overscan.
        hdu: index of the HDU with the image.
        headers: the headers of the image, its own first.
        patience: a context for decoding the pixels; it may report damage as a file that is still written.
    """

    def __init__(self, arrival: Arrival, intake: Intake, contents: FileContents, meta: FrameMeta) -> None:
        self.arrival = arrival
        self.headers = contents.headers
        kind, source = kind_by_place(meta, arrival.path, arrival.root)
        meta = replace(meta, kind=kind, sources={**meta.sources, "kind": source}) if kind != meta.kind else meta
        self._stored_shape = contents.shape
        self._window, self.meta = window_of(contents.headers, meta, contents.shape)
        self.sensor_shape = contents.shape if self._window is None else self._window.shape
        self.hdu = contents.hdu
        self._cube = contents.cube
        self._intake = intake
        self._decode = contents.decode
        self.patience: Callable[[], AbstractContextManager[None]] = nullcontext
        self._frame: Frame | None = None

    @property
    def sha256(self) -> str:
        """SHA-256 of the file's bytes, 64 hex digits."""
        with _plain_errors():
            return self._intake.hexdigest()

    @property
    def frame_id(self) -> str:
        """The first 16 hex digits of the SHA-256."""
        return self.sha256[:16]

    def frame(self) -> Frame:
        """Return the frame with decoded pixels. Further calls return the same frame: decoding works in place.

        Raises:
            FrameError: the pixels are damaged, or not a two-dimensional image.
        """
        if self._frame is None:
            with _plain_errors(), self.patience():
                self._frame = self._decoded_frame()
                self._decode = _spent_decoder
                self._intake.release()
        return self._frame

    def _decoded_frame(self) -> Frame:
        """Return the frame of the opened file: decoded, cropped, averaged over colour cells, with its metadata."""
        if self._cube:
            raise Unsupported(
                f"The file holds a cube of shape {self._cube}, a colour picture or a stack; give single raw frames.",
                kind="cube",
            )
        pixels, bad_fraction = self._decode()
        picture = picture_of(pixels.reshape(self._stored_shape), self._window, self.meta, bad_fraction)
        pixels, border = picture.pixels, picture.border
        meta = in_unit_of_pixels(picture.meta, pixels)
        level = saturation_level(pixels, meta.saturation_adu)
        factor, mosaic = 1, None
        if self.meta.bayer is not None:
            factor = cell_side(self.meta.bayer)
            if self.meta.bayer != XTRANS:
                pixels.flags.writeable = False
                mosaic = pixels
            pixels, level = mean_of_cells(pixels, factor), level * SUPERPIXEL_SATURATION
            border = None if border is None else border_of_cells(border, factor)
        pixels.flags.writeable = False
        return Frame(
            frame_id=self.frame_id,
            sha256=self.sha256,
            arrival=self.arrival,
            meta=meta,
            pixels=pixels,
            sensor_px_per_px=factor,
            sensor_shape=self.sensor_shape,
            saturation_adu=level,
            bad_pixel_fraction=picture.bad_fraction,
            hdu=self.hdu,
            border=border,
            origin_px=(0, 0) if self._window is None else self._window.origin_px,
            mosaic=mosaic,
        )


class Reader:
    """Reads frames. It has no state, so threads may share it.

    Parameters:
        limits: limits of the size of a file and its image.
        dialects: which keyword fills which field.
        formats: which formats are known; ``None``: those of astro-monitor.
    """

    def __init__(
        self, limits: Limits | None = None, dialects: Dialects = BUILT_IN, formats: FormatTable | None = None
    ) -> None:
        self._limits = limits or Limits()
        self._dialects = dialects
        self._formats = formats or built_in_formats()

    def read(self, arrival: Arrival) -> Frame:
        """Read one file completely.

        Parameters:
            arrival: a file that the watcher found complete.

        Returns:
            The frame; ``meta.kind`` decides whether it is graded.

        Raises:
            Incomplete, Vanished, Unreadable, Unsupported: the file cannot be graded, for the reason in the message. No
                other error is raised, whatever the bytes are.
        """
        return self.open(arrival).frame()

    def open(self, arrival: Arrival) -> Opened:
        """Read a file into memory and parse its header without decoding its pixels: enough to skip a dark.

        Raises:
            FrameError: as for ``read``.
        """
        recognised: list[_Recognised] = []
        with _plain_errors():
            intake = take_in(
                arrival.path,
                self._limits.max_file_bytes,
                lambda read_at, size_bytes: recognised.append(self._recognise(arrival, read_at, size_bytes)),
                None if arrival.how == "named" else (arrival.size_bytes, arrival.mtime_ns),
            )
            file = recognised[0]
            with file.patience():
                contents = file.reader.open(arrival, intake, file.found, self._limits)
                meta = contents.amend(read_meta(contents.headers, contents.planes, self._dialects))
            opened = Opened(arrival, intake, contents, meta)
            opened.patience = file.patience
            if self._limits.grade_calibrated:
                opened.meta = with_flats_applied(opened.headers, opened.meta)
            return opened

    def _recognise(self, arrival: Arrival, read_at: ReadAt, size_bytes: int) -> _Recognised:
        """Find the format by the first bytes, and the image by the headers alone where the format allows it.

        Raises:
            FrameError: the format is not read, or the image cannot be graded.
        """
        front = read_at(0, LONGEST_MAGIC_BYTES)
        registered = self._formats.of_bytes(front)
        if registered is None:
            refuse_no_frame(front)
            registered = _FITS
        if not registered.row.reader:
            raise unread_format(registered.row)
        reader: FormatReader = registered.row.load_reader()
        if registered.guard is not None:
            reader = GuardedReader(reader, registered.guard)
        patience = nullcontext if registered.row.tells_length else partial(perhaps_unfinished, arrival)
        with patience():
            return _Recognised(reader, reader.find(arrival, read_at, size_bytes, self._limits), patience)


def _spent_decoder() -> tuple[Pixels, float]:
    """Replace a used decoder, so that its bytes are released."""
    raise Unreadable("The pixels were already decoded; open the file again.")


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Convert a lack of memory to a ``FrameError``: all other errors of reading are frame errors already."""
    try:
        yield
    except MemoryError as error:
        raise Unsupported(
            "The image does not fit into the memory of this program; allow it more.", kind="out_of_memory"
        ) from error
