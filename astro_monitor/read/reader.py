"""The reader: from the bytes of a file to a frame."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial

from astro_monitor.errors import Incomplete, Unreadable, Unsupported
from astro_monitor.fitsheader import Header, ReadAt
from astro_monitor.records import SUPERPIXEL_SATURATION, Arrival, Frame, FrameMeta

from .checksum import verify_datasum
from .dialects import BUILT_IN, Dialects, read_meta
from .exif import DNG_VERSION, Exif, read_exif, with_exif
from .formats import LONGEST_BYTES, other_format
from .framekind import kind_by_place, with_flats_applied
from .gunzip import GZIP_MAGIC, Inflater, refuse_bomb
from .intake import Intake, take_in
from .layout import Image, find_image
from .limits import Limits
from .picture import border_of_cells, picture_of, window_of
from .pixels import Pixels, to_native
from .raw import is_raw, is_tiff_or_raw, read_raw, refuse_without_rawpy
from .saturation import saturation_level
from .superpixels import XTRANS, cell_side, mean_of_cells
from .tiff import find_tiff_image, tiff_pixels
from .tiled import inflate_tiles
from .units import in_unit_of_pixels
from .unwritten import check_written, perhaps_unfinished
from .xisf import XISF_MAGIC, XisfImage, find_xisf_image, xisf_pixels

SKIPPED_KINDS = ("dark", "flat", "bias", "product", "guide", "focus", "snapshot", "defect_map")
"""Types of valid files that are not light frames: they are listed, and not graded."""


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

    def __init__(
        self,
        arrival: Arrival,
        intake: Intake,
        meta: FrameMeta,
        sensor_shape: tuple[int, int],
        cube: tuple[int, ...],
        hdu: int,
        decode: Callable[[], tuple[Pixels, float]],
        headers: tuple[Header, ...] = (),
    ) -> None:
        self.arrival = arrival
        self.headers = headers
        kind, source = kind_by_place(meta, arrival.path, arrival.root)
        meta = replace(meta, kind=kind, sources={**meta.sources, "kind": source}) if kind != meta.kind else meta
        self._stored_shape = sensor_shape
        self._window, self.meta = window_of(headers, meta, sensor_shape)
        self.sensor_shape = sensor_shape if self._window is None else self._window.shape
        self.hdu = hdu
        self._cube = cube
        self._intake = intake
        self._decode = decode
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
                self._frame = self._decoded()
                self._decode = _spent
                self._intake.release()
        return self._frame

    def _decoded(self) -> Frame:
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
    """

    def __init__(self, limits: Limits | None = None, dialects: Dialects = BUILT_IN) -> None:
        self._limits = limits or Limits()
        self._dialects = dialects

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
        images: list[Image | XisfImage] = []
        with _plain_errors():
            intake = take_in(
                arrival.path,
                self._limits.max_file_bytes,
                lambda read_at, size_bytes: images.extend(self._understand(arrival, read_at, size_bytes)),
                None if arrival.how == "named" else (arrival.size_bytes, arrival.mtime_ns),
            )
            image = images[0] if images else None
            if isinstance(image, Image):
                opened = self._open_fits(arrival, intake, image)
            else:
                with perhaps_unfinished(arrival):
                    opened = (
                        self._open_by_bytes(arrival, intake)
                        if image is None
                        else self._open_xisf(arrival, intake, image)
                    )
                opened.patience = partial(perhaps_unfinished, arrival)
            if self._limits.grade_calibrated:
                opened.meta = with_flats_applied(opened.headers, opened.meta)
            return opened

    def _understand(self, arrival: Arrival, read_at: ReadAt, size_bytes: int) -> Iterator[Image | XisfImage]:
        """Yield the image by the headers alone where the format allows it; else only exclude other formats."""
        magic = read_at(0, 8)
        if magic[:2] == GZIP_MAGIC or is_tiff_or_raw(read_at(0, LONGEST_BYTES)):
            return
        if magic == XISF_MAGIC:
            with perhaps_unfinished(arrival):
                image = find_xisf_image(read_at, size_bytes, self._limits)
            yield image
            return
        error = other_format(read_at(0, LONGEST_BYTES))
        if error is not None:
            raise error
        yield self._find_image(read_at, whole=True)

    def _open_by_bytes(self, arrival: Arrival, intake: Intake) -> Opened:
        """Open a file of a format that must be read completely."""
        front = intake.read_at(0, LONGEST_BYTES)
        if front[:2] == GZIP_MAGIC:
            return self._open_gzip(arrival, intake)
        exif = read_exif(intake.read_at)
        if is_raw(front, arrival.path.name, is_dng=DNG_VERSION in exif.tags):
            return self._open_raw(arrival, intake, exif)
        image = find_tiff_image(intake.data, exif, self._limits)
        meta = with_exif(
            exif, read_meta(image.headers, math.prod(image.cube) // math.prod(image.shape) or 1, self._dialects)
        )
        return Opened(
            arrival, intake, meta, image.shape, image.cube, 0, lambda: tiff_pixels(image, intake.data), image.headers
        )

    def _open_raw(self, arrival: Arrival, intake: Intake, exif: Exif) -> Opened:
        refuse_without_rawpy()
        image = read_raw(intake.data, self._limits)
        meta = with_exif(exif, read_meta((exif.header,), dialects=self._dialects))
        shape = (image.values.shape[0], image.values.shape[1])
        meta = replace(meta, **image.add_to(meta))
        return Opened(arrival, intake, meta, shape, (), 0, lambda: (image.values, 0.0), (exif.header,))

    def _open_fits(self, arrival: Arrival, intake: Intake, image: Image) -> Opened:
        start = image.hdu.data_offset
        data = intake.data[start : start + image.hdu.data_bytes]
        if len(data) < image.hdu.data_bytes:
            raise Unreadable(
                f"The file ends after {len(intake.data)} of {start + image.hdu.data_bytes} bytes: "
                "it was cut off; copy it again.",
                kind="truncated",
            )
        check_written(arrival, image, data)
        verify_datasum(image.hdu.header, data)
        if image.tiled:
            refuse_bomb(image.pixel_bytes, len(data), self._limits)
            unit = intake.data[image.hdu.header_offset : start + len(data)]
            return self._opened(
                arrival, intake, image, lambda: inflate_tiles(image, unit, rare_codecs=self._limits.rare_codecs)
            )
        pixels = data[: image.pixel_bytes]
        return self._opened(
            arrival,
            intake,
            image,
            lambda: to_native(pixels, image.scaling, lambda end: intake.wait_hashed(start + end)),
        )

    def _open_gzip(self, arrival: Arrival, intake: Intake) -> Opened:
        inflater = Inflater(intake.data, self._limits)
        image = self._find_image(inflater.read_at, whole=False)
        start = image.hdu.header_offset if image.tiled else image.hdu.data_offset
        end = image.hdu.data_offset + image.hdu.data_bytes
        refuse_bomb(end, len(intake.data), self._limits)
        refuse_bomb(image.pixel_bytes, len(intake.data), self._limits)

        def decode() -> tuple[Pixels, float]:
            unit = inflater.array(start, end - start)
            data = unit[image.hdu.data_offset - start :]
            verify_datasum(image.hdu.header, data)
            if image.tiled:
                return inflate_tiles(image, unit, rare_codecs=self._limits.rare_codecs)
            return to_native(data[: image.pixel_bytes], image.scaling, lambda end: None)

        return self._opened(arrival, intake, image, decode)

    def _open_xisf(self, arrival: Arrival, intake: Intake, image: XisfImage) -> Opened:
        meta = read_meta((image.header,), image.planes, self._dialects)
        if image.bayer is not None and meta.bayer is None:
            meta = replace(meta, bayer=image.bayer, sources={**meta.sources, "bayer": "ColorFilterArray"})
        return Opened(
            arrival,
            intake,
            meta,
            image.shape,
            image.cube,
            0,
            lambda: xisf_pixels(image, intake.data, self._limits),
            (image.header,),
        )

    def _opened(
        self, arrival: Arrival, intake: Intake, image: Image, decode: Callable[[], tuple[Pixels, float]]
    ) -> Opened:
        headers = (image.hdu.header,) if image.hdu.index == 0 else (image.hdu.header, image.primary)
        meta = read_meta(headers, image.planes, self._dialects)
        if image.hdu.index > 0 and not image.tiled:
            meta = replace(meta, notes=(*meta.notes, f"The image was read from extension {image.hdu.index}."))
        return Opened(arrival, intake, meta, image.shape, image.cube, image.hdu.index, decode, headers)

    def _find_image(self, read_at: ReadAt, *, whole: bool) -> Image:
        try:
            return find_image(read_at, self._limits)
        except Incomplete as error:
            # The scanner does not know that the watcher found the file complete before.
            if whole and not read_at(0, 1):
                raise Unreadable("The file is empty; copy it again.", kind="empty") from error
            if whole and not any(read_at(0, 2880)):
                raise
            raise Unreadable(
                "The file ends inside its header: it was cut off; copy it again.", kind="truncated"
            ) from error


def _spent() -> tuple[Pixels, float]:
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
