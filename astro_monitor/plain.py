"""Text for people: escaped control characters, numbers with the right plural, system errors in words."""

from __future__ import annotations

import errno
import os

_SAID = {
    "ENOENT": "it does not exist",
    "EACCES": "permission is denied",
    "EPERM": "the system does not permit it",
    "EEXIST": "it exists already",
    "EISDIR": "it is a folder",
    "ENOTDIR": "a part of its path is no folder",
    "ENOTEMPTY": "the folder is not empty",
    "ENOSPC": "the disk is full",
    "EDQUOT": "the disk quota is used up",
    "EROFS": "the disk is read-only",
    "EIO": "the disk or share does not work",
    "ENAMETOOLONG": "its name is too long",
    "ELOOP": "its links lead in a circle",
    "EXDEV": "it lies on another disk",
    "EMFILE": "too many files are open",
    "ENFILE": "too many files are open on this computer",
    "ENOMEM": "there is not enough memory",
    "ETIMEDOUT": "it does not answer",
    "EHOSTDOWN": "the other computer does not answer",
    "ESTALE": "the share has lost it",
    "EADDRINUSE": "the address is in use by another program",
    "EADDRNOTAVAIL": "the address is not one of this computer",
}
"""What the usual errors of the system mean, to be put after "because" or a colon."""

_ERRORS = {getattr(errno, name): said for name, said in _SAID.items() if hasattr(errno, name)}
"""The same by number; not every system has all of them."""


def shown(text: str, keep: str = "") -> str:
    r"""Make text safe for a terminal or a log: what cannot be printed appears as an escape such as ``\x1b`` or ``\n``.

    Control characters (a terminal runs them), line breaks (a log would show a line that was never logged), marks that
    change the direction of writing, and lone surrogates: all that ``str.isprintable`` excludes, by Unicode category.

    Parameters:
        text: such as a file name.
        keep: characters that are left alone, such as the line breaks of a text of several lines.
    """
    if text.isprintable():
        return text
    return "".join(
        letter if letter.isprintable() or letter in keep else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )


def counted(number: int, singular: str, plural: str = "") -> str:
    """Write a number and its noun: ``1 frame``, ``2 frames``.

    Parameters:
        number: how many.
        singular: the noun in the singular.
        plural: its plural where it is not made with an s.
    """
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def duration(seconds: float, *, like_s: float | None = None) -> str:
    """Write a time as people say it: ``45 s``, ``16 min``, ``3.4 h``.

    Parameters:
        seconds: not negative.
        like_s: write it in the unit that this time has, to be compared with it.
    """
    unit_of_s = seconds if like_s is None else like_s
    if unit_of_s < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if unit_of_s < 99.5 * 60 else f"{seconds / 3600:.1f} h"


def because(error: OSError) -> str:
    """Return the reason of a system error, without its number: ``the disk is full``.

    Parameters:
        error: as it was raised; a sentence that this program gave it is kept.
    """
    own_words = error.errno is not None and error.strerror not in (None, os.strerror(error.errno))
    if error.errno in _ERRORS and (not own_words or getattr(error, "winerror", None) is not None):
        return _ERRORS[error.errno]
    message = error.strerror or (str(error) if error.errno is None else "") or "the system does not say why"
    return shown(f"{message[:1].lower()}{message[1:]}")
