"""Sanitising of text from headers and file systems.

Names come from users and from capture programs: they may contain tabs, newlines, quotes, formulas, or bytes that are
not text. They must not add a line to a list, run as a formula in a spreadsheet, or lead out of the folder of lists.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

MAX_PART = 48
"""Longest part of a folder name, in characters: four parts stay below the 255 bytes that file systems allow for
a name."""
MAX_PATH_BYTES = 4096
"""``PATH_MAX`` of Linux, in bytes. Longer paths cannot be opened, so they are not listed."""
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
"""Device names of Windows, which cannot be names of folders there: com0 to com9 and lpt0 to lpt9 among them."""
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\0", "＝", "＋", "－", "＠")
"""First characters by which spreadsheets recognise a formula (OWASP ASVS 1.2.10), with their full-width forms."""


def folder_part(text: str) -> str:
    """Turn user text into a part of a folder name: ASCII letters, digits, ``.``, ``+``, ``-`` and ``_`` only.

    Parameters:
        text: any text.

    Returns:
        at most ``MAX_PART`` characters, never starting with a dot or a sign; empty when no character is usable.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    safe = re.sub(r"[^A-Za-z0-9.+-]+", "_", plain).strip("._-+ ")[:MAX_PART].rstrip("._-+ ")
    if not safe and text.strip():
        return f"x{short_digest(text)}"  # a name in another script: nothing of it is ASCII
    return f"{safe}_" if safe.split(".")[0].lower() in _RESERVED else safe


def is_linkable(path: str) -> bool:
    """Return whether a link can point to a path: it has no NUL, and lone surrogates only for bytes that are not UTF-8.

    Parameters:
        path: path as text.
    """
    try:
        return b"\0" not in path.encode("utf-8", "surrogateescape") and bool(path)
    except UnicodeEncodeError:
        return False


def short_digest(text: str) -> str:
    """Return the first six hex digits of the SHA-256 of a text; lone surrogates are allowed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]


def is_listable(path: str) -> bool:
    """Return whether a path can be a line of a text list.

    Parameters:
        path: path as text.

    Returns:
        ``False`` for control characters and line separators, lone surrogates (bytes that are not text), leading or
        trailing blanks, an empty path, and more than ``MAX_PATH_BYTES`` bytes.
    """
    if not path or path != path.strip():
        return False
    if not path.isprintable() and any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in path):
        return False
    return len(path.encode("utf-8")) <= MAX_PATH_BYTES


def csv_text(text: str) -> str:
    """Return text of a list made safe for a cell that a spreadsheet opens (OWASP ASVS 1.2.10, CWE-1236).

    Parameters:
        text: any text; control characters become blanks, lone surrogates become question marks.

    Returns:
        the text, with ``'`` in front of it when a spreadsheet would run it as a formula.
    """
    clean = text
    if not text.isprintable():
        clean = "".join(" " if unicodedata.category(letter) in ("Cc", "Zl", "Zp") else letter for letter in text)
        clean = clean.encode("utf-8", "replace").decode("utf-8")
    runs = text.startswith(_FORMULA_STARTS) or clean.lstrip().startswith(_FORMULA_STARTS)
    return f"'{clean}" if runs else clean
