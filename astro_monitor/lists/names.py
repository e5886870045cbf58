"""Text from headers and file systems, made harmless.

Names come from users and from capture programs: they may hold tabs, newlines, quotes, formulas, or bytes that are no
text at all. Nothing of them may add a line to a list, run in a spreadsheet, or leave the folder of the lists.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

MAX_PART = 48
MAX_PATH_BYTES = 4096
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\0", "＝", "＋", "－", "＠")


def folder_part(text: str) -> str:
    """Turn user text into a part of a folder name: ASCII letters, digits, ``.``, ``+``, ``-`` and ``_`` only.

    Parameters:
        text: any text.

    Returns:
        at most 48 characters, never starting with a dot or a sign; empty when nothing is left.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
    safe = re.sub(r"[^A-Za-z0-9.+-]+", "_", plain).strip("._-+ ")[:MAX_PART].rstrip("._-+ ")
    if not safe and text.strip():
        return f"x{short_digest(text)}"  # a name in another script: nothing of it is ASCII
    return f"{safe}_" if safe.split(".")[0].lower() in _RESERVED else safe


def is_linkable(path: str) -> bool:
    """Tell whether a link can point to a path: no NUL, and lone surrogates only where they stand for bytes.

    Parameters:
        path: path as text.
    """
    try:
        return b"\0" not in path.encode("utf-8", "surrogateescape") and bool(path)
    except UnicodeEncodeError:
        return False


def short_digest(text: str) -> str:
    """Give six hex digits that stand for a text; lone surrogates are allowed."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]


def is_listable(path: str) -> bool:
    """Tell whether a path may stand in a list of plain lines.

    Parameters:
        path: path as text.

    Returns:
        ``False`` for control characters and line separators, lone surrogates (bytes that are no text), blanks at an
        end, an empty path, and more than 4,096 bytes.
    """
    if not path or path != path.strip():
        return False
    if not path.isprintable() and any(unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") for letter in path):
        return False
    return len(path.encode("utf-8")) <= MAX_PATH_BYTES


def csv_text(text: str) -> str:
    """Make text safe for a cell that a spreadsheet opens (OWASP ASVS 1.2.10, CWE-1236).

    Parameters:
        text: any text; control characters become blanks, lone surrogates become question marks.

    Returns:
        the text, with ``'`` before a start that a spreadsheet would run as a formula.
    """
    clean = text
    if not text.isprintable():
        clean = "".join(" " if unicodedata.category(one) in ("Cc", "Zl", "Zp") else one for one in text)
        clean = clean.encode("utf-8", "replace").decode("utf-8")
    runs = text.startswith(_FORMULA_STARTS) or clean.lstrip().startswith(_FORMULA_STARTS)
    return f"'{clean}" if runs else clean
