"""All formats, looked up by the name of a file or by its first bytes."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from ..errors import ConfigError, FrameError
from ..fitsheader import ReadAt
from ..plugins import Plugins, Registered
from .builtin import register_readers
from .row import LONGEST_MAGIC_BYTES, Declared, Format


class FormatTable:
    """The formats that are known.

    An ending of a format that is not read may be taken by a plugin that reads it.

    Parameters:
        rows: those of astro-monitor first, each with the guard of its plugin.

    Attributes:
        rows: all of them.
        endings: of all files that are read on this computer, in lower case.
    """

    def __init__(self, rows: Iterable[Registered[Format]]) -> None:
        self.rows = tuple(rows)
        self._by_ending: dict[str, Registered[Format]] = {}
        self._by_magic: list[tuple[int, bytes, Registered[Format]]] = []
        for registered in self.rows:
            for ending in registered.row.endings:
                if ending not in self._by_ending or registered.row.reader:
                    self._by_ending[ending] = registered
            for magic in registered.row.magics:
                self._by_magic.append((magic.offset, magic.content, registered))
        # Stable: of two magics of one length, that of the earlier row.
        self._by_magic.sort(key=lambda entry: -len(entry[1]))
        self.endings = tuple(ending for ending, registered in self._by_ending.items() if registered.row.is_read)

    @classmethod
    def of(cls, plugins: Plugins) -> FormatTable:
        """Collect the formats of astro-monitor and of the plugins that are on.

        Raises:
            ConfigError: a plugin returned what is no format, or first bytes or endings that another one reads.
        """
        rows = plugins.registered("register_readers", Format, _keys)
        for registered in rows:
            if registered.guard is not None:
                _check(registered.row, registered.guard.name)
        return cls(rows) if plugins.guards else built_in_formats()

    def format_of_name(self, name: str) -> Format | None:
        """Return the format of a file by the ending of its name, whether it is read or not; ``None``: not known.

        Parameters:
            name: of the file.
        """
        registered = self._by_ending.get(self._longest_ending(name.lower()))
        return None if registered is None else registered.row

    def kind_not_read(self, name: str) -> Format | None:
        """Return the format of a file that is not read on this computer; ``None``: it is read, or of no known format.

        Parameters:
            name: of the file.
        """
        found = self.format_of_name(name)
        return None if found is None or found.is_read else found

    def declared(self, path: str, read_at: ReadAt, size_bytes: int) -> Declared:
        """Return what the header of a file says about its length.

        Parameters:
            path: of the file; its ending gives the format.
            read_at: gives bytes of the file.
            size_bytes: its length now.

        Raises:
            FrameError: the header is damaged, or that of another format.
        """
        registered = self._by_ending.get(self._longest_ending(path.lower()))
        if registered is None:
            return Declared()
        row, guard = registered.row, registered.guard
        if guard is None:
            return row.completeness(read_at, size_bytes)
        return guard.call(
            f"{path!r}: completeness of {row.name}",
            lambda: row.completeness(read_at, size_bytes),
            lambda why: Declared(),
            (FrameError, OSError),
        )

    def of_bytes(self, front: bytes) -> Registered[Format] | None:
        """Return the format that a file has by its first bytes; ``None``: no magic fits, as with FITS.

        Parameters:
            front: at least the first ``LONGEST_MAGIC_BYTES`` bytes of the file, or all of a shorter one.
        """
        for offset, content, registered in self._by_magic:
            if front.startswith(content, offset):
                return registered
        return None

    def _longest_ending(self, lower: str) -> str:
        """Return the ending: ``.fits.bz2`` of ``a.b.fits.bz2``, ``.jpg`` of ``a.b.jpg``; two parts where known."""
        parts = lower.rsplit(".", 2)
        if len(parts) == 3 and f".{parts[1]}.{parts[2]}" in self._by_ending:
            return f".{parts[1]}.{parts[2]}"
        return f".{parts[-1]}" if len(parts) > 1 else ""


@cache
def built_in_formats() -> FormatTable:
    """Return the formats of astro-monitor alone."""
    return FormatTable(Registered(row, None) for row in register_readers())


def _keys(row: Format) -> Iterable[str]:
    """Return what may be registered only once; a format that is not read gives its endings to one that is."""
    yield row.name
    yield from (f"the ending {ending}" for ending in row.endings if row.reader)
    yield from (f"the first bytes {magic.content!r} at {magic.offset}" for magic in row.magics)


def _check(row: Format, plugin: str) -> None:
    """Refuse a format that cannot work.

    Raises:
        ConfigError: it has no reader, no magic, or one that is too long.
    """
    wrong = ""
    if ":" not in row.reader:
        wrong = f"the reader {row.reader!r} is not written as module:class"
    elif not row.magics:
        wrong = "it has no magic, so that no file can be recognised"
    elif any(not magic.content or magic.offset + len(magic.content) > LONGEST_MAGIC_BYTES for magic in row.magics):
        wrong = f"a magic is empty or ends after the first {LONGEST_MAGIC_BYTES} bytes"
    elif any(not ending.startswith(".") or ending != ending.lower() for ending in row.endings):
        wrong = "an ending does not begin with a dot, or has capitals"
    if wrong:
        raise ConfigError(
            f"the plugin {plugin} is wrong: the format {row.name!r}: {wrong}; update it, or take it out of plugins.on"
        )
