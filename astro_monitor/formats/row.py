"""A format, as one row: which files are of it, when one is complete, and what reads it.

The daemon uses names, first bytes and completeness; it never loads the reader, which :attr:`Format.reader` only names.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import Any

from ..fitsheader import ReadAt

LONGEST_MAGIC_BYTES = 32
"""So many bytes of the front of a file are compared with magics."""


@dataclass(frozen=True, slots=True)
class Magic:
    """Bytes by which a format is recognised.

    Attributes:
        content: the bytes.
        offset: where they begin; they end within the first ``LONGEST_MAGIC_BYTES`` bytes.
    """

    content: bytes
    offset: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the header of a file says about its length, for the watcher.

    Attributes:
        missing: what is not there yet, as a clause, such as ``has no complete header``; empty when the file is as long
            as its header says, or the header says nothing.
        declared_bytes: its length without the last padding; 0: not given.
        data_offset, data_end: where its data lie; an end of 0: at the end of the file.
        never_zero: it holds one camera image as offset binary, where a run of zero bytes is no picture.
    """

    missing: str = ""
    declared_bytes: int = 0
    data_offset: int = 0
    data_end: int = 0
    never_zero: bool = False


def nothing_declared(read_at: ReadAt, size_bytes: int) -> Declared:
    """Return that the header gives no length: such a file is complete when it has not changed for some seconds."""
    return Declared()


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file in capture folders.

    Attributes:
        name: what several files are called, such as ``SER videos``.
        singular: what one is called, with its article.
        endings: of their names, in lower case: these files are looked at.
        magics: first bytes by which they are recognised whatever their name; the longest that fits decides.
        reader: ``module:class`` of the reader, see :class:`.contents.FormatReader`; it is loaded only where files are
            read. Empty for a format that is not read.
        completeness: what the header says about the length, from the first bytes of the file; runs in the daemon, so it
            reads a few kilobytes at most. It may raise a ``FrameError`` for a damaged header.
        tells_length: completeness gives the length of every complete file, so that damage is no unfinished file.
        advice: what to do, for formats that are not read.
        package: the package that reads them, for formats that need one of an extra.
        extra: the extra that brings it.
    """

    name: str
    singular: str
    endings: tuple[str, ...]
    magics: tuple[Magic, ...] = ()
    reader: str = ""
    completeness: Callable[[ReadAt, int], Declared] = nothing_declared
    tells_length: bool = False
    advice: str = ""
    package: str = ""
    extra: str = ""

    @property
    def is_read(self) -> bool:
        """Whether files of this kind are read on this computer."""
        return bool(self.reader) and (not self.package or _is_installed(self.package))

    @property
    def sentence(self) -> str:
        """Why they are not read, and what to do, without a full stop."""
        if self.package:
            return f"{self.name} need the extra {self.extra!r}: run pip install 'astro-monitor[{self.extra}]'"
        return f"{self.name} are not read; {self.advice}"

    def load_reader(self) -> Any:
        """Import the reader and return a new one.

        Raises:
            ImportError, AttributeError: it is not where :attr:`reader` says.
        """
        module, _, attribute = self.reader.partition(":")
        return getattr(importlib.import_module(module), attribute)()


@cache
def _is_installed(package: str) -> bool:
    """Return whether the Python package that reads a format can be imported."""
    return find_spec(package) is not None
