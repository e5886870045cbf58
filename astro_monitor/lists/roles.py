"""The purpose of frames that are not meant for stacking: guiding, focusing, snapshots."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import PurePath

from .frames import ListedFrame

ROLE_WORDS = {
    "snapshot": "snapshot", "snapshots": "snapshot", "snap": "snapshot",
    "focus": "focus", "focusing": "focus", "autofocus": "focus", "autofocusing": "focus",
    "guide": "guide", "guider": "guide", "guiding": "guide", "guidecam": "guide", "guidecamera": "guide",
    "platesolve": "plate solving", "platesolving": "plate solving",
}  # fmt: skip
"""Words that capture programs put into the names of folders and files of such frames."""

_ROLE_WORD = re.compile(rf"(?<![a-z])({'|'.join(ROLE_WORDS)})(?![a-z])")

GUIDE_PROGRAMS = ("phd2", "phd guiding", "metaguide", "lin_guider")
"""Start of the names of guiding programs in the header."""

SHORT_EXPOSURE_S = 10.0
"""Guiding, focusing and plate solving use shorter exposures, in seconds. So do lights of the Moon or of bright stars,
but their nights hold no much longer exposures."""
LONGER_EXPOSURE = 5.0
"""Ratio of exposures from which short frames next to the lights of the night count as guiding or focusing frames."""
SMALLER_AREA = 0.5
"""Area of a sub-frame or of a guide camera in pixels, as a fraction of that of the lights, at most."""

_GRADED_KINDS = ("light", "unknown", "product", "dark", "flat", "bias", "")
"""Frame types by header that do not identify the purpose of a frame that was graded."""

_DATE = re.compile(r"(?<!\d)(19|20)\d\d[-_.]?[01]\d[-_.]?[0-3]\d(?!\d)")
"""A date in the name of a folder; it does not name a target."""

_GENERIC = re.compile(
    r"(lights?|frames?|images?|img|captures?|captured|fits?|raw|subs?|data|astro|astrophotography|"
    r"n\.?i\.?n\.?a\.?|sharpcap|ekos|indi|kstars|asiair|sgp|session|nights?|seq|sequence|incoming|upload|autorun|plan|"
    r"root|home|tmp|temp|output|out|watch|"
    r"[lrgb]|lum(inance)?|red|green|blue|ha|alpha|hα|oiii|o3|sii|s2|clear|no|filter|"
    r"\d*|\d+(\.\d+)?s(ec)?|bin\d*|\dx\d|gain\d*|g\d+|offset\d*|-?\d+(\.\d+)?c)",
    re.IGNORECASE,
)
"""Words in the names of folders that do not name a target: frame types, filters, exposures, programs."""


def role_of(frame: ListedFrame) -> str:
    """Return the purpose of a frame; empty for a light frame.

    Parameters:
        frame: any frame; its header comes first, then the program, then the words in its path.
    """
    if frame.kind not in _GRADED_KINDS:
        return frame.kind
    if frame.program.casefold().startswith(GUIDE_PROGRAMS):
        return "guide"
    name = PurePath(frame.file).stem if "\\" in frame.file else frame.file.rpartition("/")[2]
    in_target = _role_words(frame.target)
    for word in _role_words("/".join(frame.folders[1:])) + tuple(_ROLE_WORD.findall(name.casefold())):
        if word not in in_target:
            return ROLE_WORDS[word]
    return ""


@lru_cache(maxsize=4096)
def _role_words(text: str) -> tuple[str, ...]:
    """Return the words in a name that state the role of a frame, such as guiding or focusing."""
    return tuple(_ROLE_WORD.findall(text.casefold()))


def target_of(frame: ListedFrame) -> str:
    """Return the name of the target: the header's, else that of the nearest folder whose name is not generic."""
    return frame.target if frame.target.strip() else _named_by_folder(frame.folders, frame.filter)


@lru_cache(maxsize=4096)
def _named_by_folder(folders: tuple[str, ...], filter_: str) -> str:
    """Return the target that the innermost meaningful folder name of a frame states; empty if none does."""
    for name in reversed(folders):
        plain = _DATE.sub("", name).strip(" _-.")
        words = re.split(r"[\s_-]+", plain)
        names = [word for word in words if not _GENERIC.fullmatch(word) and word.casefold() not in ROLE_WORDS]
        if names and plain.casefold() != filter_.casefold():
            return plain
    return ""
