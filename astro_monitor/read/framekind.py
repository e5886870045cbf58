"""The type of a frame: by its header, by the name of its target, and by the names of its file and folders."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

from astro_monitor.fitsheader import Header
from astro_monitor.records import FrameKind, FrameMeta

from .calibration import calstat, flat_fielded_by_program
from .facts import Facts
from .processors import is_guiders, processed_by
from .values import as_number, as_text

TYPE_KEYWORDS = (
    "IMAGETYP", "FRAME", "FRAMETYP", "IMGTYPE", "IMAGE-TYP", "IMAGETYPE", "IMAGE_TYPE", "FRAMETYPE", "OBSTYPE",
    "OBS-TYPE", "OBS_TYPE", "EXPTYPE", "EXP-TYPE", "DATA-TYP", "DATATYPE", "CCDTYPE", "OBJTYPE", "XISF:imageType",
    "ESO DPR TYPE", "ESO DPR CATG", "PROCTYPE", "PRODTYPE", "FLAVOR",
)  # fmt: skip
_FLATS = r"(sky|dome|twilight|twi|dawn|dusk|panel|lamp|internal|evening|morning|led|screen|light-?box)"
TYPES: tuple[tuple[str, FrameKind], ...] = (
    # Complete text in lower case, without words such as "frame" and without blanks. The first match is used.
    (r".*(defect|bad-?pixel|hotpixel|rejection|weight|slope)(map|mask)s?(high|low)?|bpm|dqmask|.*mask", "defect_map"),
    (r".*(?<!un)(?<!non)(?<!not)(master|stack|integrat|combin|mosaic|coadd|processed|calibrated|resampled|instcal"
     r"|super(bias|dark|flat)).*", "product"),
    (r"(dark|flat)?darks?(flat)?s?|darksforflats?|noirs?|dunkel(bilde?r?|strom)?", "dark"),
    (r"(bias|zero|offset|biaszero|biasoffset)(es|s)?", "bias"),
    (rf"{_FLATS}?flats?{_FLATS}?(box|panel)?s?|plus?|twilight|wei(ß|ss)bilde?r?", "flat"),
    (r"(auto|off-?axis)?guid(e|er|ing)(star|cam|camera)?s?", "guide"),
    (r"(auto)?focus(s?ing|run|er|sweep|star)?", "focus"),
    (r"snap(shot)?s?|preview|framing|acquisition|acq|platesolv(e|ing)|pointing|test|testshot|align(ment)?", "snapshot"),
    (r"lights?|sciences?|sci|object|obj|target|astro|standard|std|expose|sky|photometry|hellbilde?r?|brutes?"
     r"|obje[ck]?to?s?|cibles?|luz|luce|lumi[eè]res?", "light"),
)  # fmt: skip
PICTURE_TYPES: dict[int, FrameKind] = {1: "light", 2: "bias", 3: "dark", 4: "flat"}
"""Frame type by the value of PICTTYPE (CCDSoft, TheSky)."""
TARGETS: tuple[tuple[str, FrameKind], ...] = (
    # Names of targets that are not objects of the sky, without a number at their end.
    (r"(dark|flat) ?(frame|flat|dark)s?|darks?|master ?dark", "dark"),
    (r"bias(es)?( frames?)?|zeros?|offsets?|master ?bias", "bias"),
    (rf"({_FLATS}[ _-]*)?flat([ _-]*(wizard|dither|field|frame|panel|set|image))?s?|{_FLATS}[ _-]*flats?|master ?flat",
     "flat"),
    (r"(defect|bad pixel|hot pixel) ?map", "defect_map"),
    (r"auto ?focus([ _-]*(run|frame|star))?s?", "focus"),
    (r"(auto ?)?guid(er|ing)([ _-]*(star|frame|cam|camera))?s?|guide ?(star|frame|cam|camera)s?", "guide"),
    (r"snap ?shots?", "snapshot"),
)  # fmt: skip
FOLDERS: tuple[tuple[str, FrameKind], ...] = (
    (r"(phd2?|guid(e|er|ing)|auto ?guid(er|ing)?)([ _-]*(frame|image|cam|camera|star|log|shot)s?)?", "guide"),
    (r"(auto[ _-]*)?focus(ing)?([ _-]*(run|frame|image)s?)?|hocus ?focus", "focus"),
    (r"snap ?shots?|snaps|previews?|framing|plate[ _-]*solv(e|ing|es)|test ?shots?", "snapshot"),
)
QUIET_FOLDERS: tuple[tuple[str, FrameKind], ...] = (
    (r"(dark[ _-]*flat|flat[ _-]*dark|dark)s?([ _-]*frames?)?", "dark"),
    (r"bias(es)?([ _-]*frames?)?|offsets?", "bias"),
    (rf"({_FLATS}[ _-]*)?flats?([ _-]*(field|frame)s?)?", "flat"),
)
"""Folders that decide only where the header has no type."""
_PP_STARS = "(and|aql|aqr|aur|cam|cas|cep|cyg|del|gem|her|hya|lac|leo|lib|lyr|oph|ori|peg|per|sgr|tau|vel|vir|vul)"
"""Constellations, for variable stars named PP, whose names start like those of Siril's preprocessed frames."""
NAMES: tuple[tuple[str, FrameKind], ...] = (
    (r"(guide|guider|guiding|guidecam|phd2?)[ _\-.0-9].*|.*[_\- ](guider|phd2|guidecam)[_\- .].*", "guide"),
    (r"auto[_-]?focus[ _\-.0-9].*|.*[_\- ]autofocus[_\- .].*", "focus"),
    (r"(snapshot|preview)[ _\-.0-9].*|.*[_\- ]snapshot[_\- .].*", "snapshot"),
    (r".*_c(_(cc|d|r|n|dbe|lps|lp))+\.(xisf|fits?)", "product"),
    (rf"(r_|bkg_)*pp_(?!{_PP_STARS}[_ -]).*|stacked-\d.*|(stacked|integration)[ _\-.0-9].*"
     r"|master[ _-]?(light|dark|bias|flat).*", "product"),
)  # fmt: skip
QUIET_NAMES: tuple[tuple[str, FrameKind], ...] = (
    (r"(dark[ _-]?flat|flat[ _-]?dark|dark)s?[ _\-.]?\d.*", "dark"),
    (r"(bias|offset)[ _\-.]?\d.*", "bias"),
    (rf"({_FLATS}[ _-]?)?flats?[ _\-.]?\d.*", "flat"),
    (r"(focus|af)[ _\-.]?\d.*", "focus"),
    (r"snap[ _\-.]?\d.*", "snapshot"),
    (r"autosave[ _\-.0-9].*", "product"),
)
"""File names that decide only where the header has no type."""

FILE_NAME, FOLDER_NAME = "file name", "folder name"
"""Sources of a type that is not from a keyword."""


def kind_of(facts: Facts, planes: int) -> tuple[FrameKind, str]:
    """Return the frame type of a header.

    Parameters:
        facts: values of the header.
        planes: number of images in the file's cube; cameras write one.

    Returns:
        The type, ``unknown`` when no keyword has one; and its keyword. The mark of a processing program takes
        precedence over the capture program's keywords, and a target such as ``FlatWizard`` over the type *light*.
    """
    if planes > 1:
        return "product", "NAXIS3"
    source = processed_by(facts) or flat_fielded_by_program(facts)
    return ("product", source) if source else _fresh(facts)


def with_flats_applied(headers: tuple[Header, ...], meta: FrameMeta) -> FrameMeta:
    """Return the header values where flats are applied during capture: the frame kind stays light.

    Parameters:
        headers: the headers of the image, its own first.
        meta: their values; changed only where the type is from CALSTAT, and CALSTAT names neither master nor stack.
    """
    facts = Facts(headers)
    if meta.sources.get("kind") != "CALSTAT" or set(calstat(facts)) & {"M", "S"}:
        return meta
    kind, source = _fresh(facts)
    sources = {key: value for key, value in meta.sources.items() if key != "kind"}
    return replace(meta, kind=kind, sources={**sources, "kind": source} if source else sources)


def _fresh(facts: Facts) -> tuple[FrameKind, str]:
    """Return the type of a frame that is not a product."""
    kind, source = _kind_by_keywords(facts)
    guider = is_guiders(facts)
    if guider and kind in ("light", "unknown"):
        return "guide", guider
    if kind in ("light", "unknown"):
        for keyword in ("OBJECT", "FIELD"):
            name = re.sub(r"[\s_-]*\d*$", "", (as_text(facts.lookup(keyword)) or "").lower())
            named = _first_match(TARGETS, name)
            if named is not None:
                return named, keyword
    return kind, source


def kind_by_place(meta: FrameMeta, path: Path, root: Path) -> tuple[FrameKind, str]:
    """Return the type of a frame by its header and by the names of its file and folders.

    Only folders below the watched one are considered: a user who watches a folder of darks wants to see these files.

    Parameters:
        meta: values of the header.
        path: the file.
        root: the watched folder.

    Returns:
        The type and its source; those of ``meta`` when no name contains a type.
    """
    by_header = meta.kind, meta.sources.get("kind", "")
    if meta.kind not in ("light", "unknown"):
        return by_header
    try:
        folders = [part.lower() for part in path.relative_to(root).parts[:-1]]
    except ValueError:
        folders = []
    stem = path.name.lower()
    quiet = meta.kind == "unknown"
    kind = _first_match(NAMES, stem) or (_first_match(QUIET_NAMES, stem) if quiet else None)
    if kind is not None:
        return kind, FILE_NAME
    for folder in reversed(folders):
        kind = _first_match(FOLDERS, folder) or (_first_match(QUIET_FOLDERS, folder) if quiet else None)
        if kind is not None:
            return kind, FOLDER_NAME
    return by_header


def spelled_type(facts: Facts) -> str | None:
    """Return the frame type as the header spells it; ``None`` when it has none."""
    return next((text for keyword in TYPE_KEYWORDS if (text := as_text(facts.lookup(keyword)))), None)


def _kind_by_keywords(facts: Facts) -> tuple[FrameKind, str]:
    """Return the type by its keywords; a frame that any of them calls processed is not a raw frame."""
    candidates: list[tuple[FrameKind, str]] = []
    for keyword in TYPE_KEYWORDS:
        text = as_text(facts.lookup(keyword))
        kind = _first_match(TYPES, _plain_type(text)) or _kind_by_word(text) if text is not None else None
        if kind is not None:
            candidates.append((kind, keyword))
    number = as_number(facts.lookup("PICTTYPE"))
    if number is not None and number in PICTURE_TYPES:
        candidates.append((PICTURE_TYPES[int(number)], "PICTTYPE"))
    if as_text(facts.lookup("ESO PRO CATG")) is not None:
        candidates.insert(0, ("product", "ESO PRO CATG"))
    # ESO marks an acquisition frame only by its category: its type is that of an object.
    processed = [
        candidate
        for candidate in candidates
        if candidate[0] in ("product", "defect_map") or candidate == ("snapshot", "ESO DPR CATG")
    ]
    return (processed or candidates or [("unknown", "")])[0]


def _kind_by_word(text: str) -> FrameKind | None:
    """Return the type of a longer text that contains a word for it, such as ``Dark Current`` or ``Light (cooled)``."""
    words = set(re.findall(r"[a-z]+", text.lower()))
    if re.match(r"\W*(light|science|object)\b", text.lower()):
        return "light"
    if words & {"light", "lights", "object", "science", "nebula", "nebulae", "cloud", "clouds", "pollution"}:
        return None
    words_of: tuple[tuple[FrameKind, set[str]], ...] = (
        ("dark", {"dark", "darks"}), ("bias", {"bias", "zero"}), ("flat", {"flat", "flats", "flatfield"}),
    )  # fmt: skip
    return next((kind for kind, names in words_of if words & names), None)


def _plain_type(text: str) -> str:
    """Return the text of a frame type in lower case, without words such as *frame*, separators and a final digit."""
    return re.sub(r"frame|field|exposure|image|[\s_.,:/()\[\]-]|\d+$", "", text.lower())


def _first_match(table: tuple[tuple[str, FrameKind], ...], text: str) -> FrameKind | None:
    """Return the frame type of the first pattern in a table that matches the whole text; ``None`` when none does."""
    return next((kind for pattern, kind in table if text and re.fullmatch(pattern, text)), None)
