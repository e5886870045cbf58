"""Grouping of frames into stacks, the names of the stacks, and whether they are offered for stacking.

Frames are grouped in the order in which they were judged. A frame joins the stack that it fits, else it starts a new
one; so a later frame never changes the stack of an earlier one, nor the name of a stack. A value that is missing from
a header matches any value.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from ..settings import Merge
from .frames import ListedFrame, each_once, in_order_of_documents
from .names import folder_part, short_digest
from .pointing import SAME_ANGLE_DEG, Pointing, pointing_of, sees_same, tells_field, tolerance_deg, turned_deg
from .roles import LONGER_EXPOSURE, SHORT_EXPOSURE_S, SMALLER_AREA, role_of, target_of

SAME_EXPOSURE = 0.01
"""Relative difference up to which two exposures are equal: some programs write the measured exposure time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Frames that can be stacked together, in order of time, each once.

    Attributes:
        folder: name of the folder, unique among all stacks, valid on every system.
        legacy_folder: its name in version 0.1.
        target, filter, telescope, camera: as the first frame spells them.
        ra_deg, dec_deg, angle_deg: of the first frame whose header has them.
        role: purpose of the frames; empty for lights.
        not_offered: one sentence why they are not offered for stacking; empty when they are.
        duplicates: further paths of the same frames.
    """

    folder: str
    legacy_folder: str = ""
    target: str
    filter: str
    exposure_s: float | None
    width_px: int | None
    height_px: int | None
    binning: int
    bayer: str
    telescope: str = ""
    camera: str = ""
    gain: float | None = None
    offset: float | None = None
    ra_deg: float | None = None
    dec_deg: float | None = None
    angle_deg: float | None = None
    role: str = ""
    not_offered: str = ""
    frames: tuple[ListedFrame, ...]
    duplicates: tuple[ListedFrame, ...]

    def decided(self, decision: str) -> tuple[ListedFrame, ...]:
        """Return the frames with this decision, in order of time."""
        return tuple(frame for frame in self.frames if frame.decision == decision)

    @property
    def kept_hours(self) -> float:
        """Total exposure of the kept frames, in hours."""
        return sum(frame.exposure_s or 0.0 for frame in self.decided("keep")) / 3600

    @property
    def equivalent_good_hours(self) -> float:
        """Exposure of the best frame, in hours, times the sum of the weights: as many frames like it are as deep."""
        kept = self.decided("keep")
        best = max(kept, key=lambda frame: (frame.weight, frame.exposure_s or 0.0), default=None)
        return 0.0 if best is None else (best.exposure_s or 0.0) * sum(frame.weight for frame in kept) / 3600


_Key = tuple[str, str, int, int, int, str, str]
_RIG_KEYS = ("telescope", "camera", "gain", "offset")


@dataclass(slots=True)
class _Group:
    """A stack under construction. ``None`` is unknown, and taken from the first frame whose header has the value."""

    key: _Key
    first: ListedFrame
    exposure_s: float | None
    rig_values: dict[str, str | float | None]
    pointing: Pointing
    reach_deg: float
    first_angle_deg: float | None
    last_angle_deg: float | None
    first_seen: ListedFrame | None = None
    last_seen: ListedFrame | None = None
    name: str = ""
    rows: list[ListedFrame] = field(default_factory=list)

    def take(self, frame: ListedFrame) -> None:
        """Add a frame."""
        self.rows.append(frame)
        for name, value in _rig_values(frame).items():
            if self.rig_values[name] is None:
                self.rig_values[name] = value
        if not self.pointing.known and (pointing := pointing_of(frame)).known:
            self.pointing, self.reach_deg = pointing, tolerance_deg(frame)
        if tells_field(frame):
            self.first_seen = self.first_seen or frame
            self.last_seen = frame
        if frame.angle_deg is not None:
            # Without a derotator the field rotates slowly over a night: each frame is compared with the one before it.
            self.last_angle_deg = frame.angle_deg
            if self.first_angle_deg is None:
                self.first_angle_deg = frame.angle_deg


def stacks(frames: Iterable[ListedFrame], merge: Collection[Merge] = ()) -> tuple[Stack, ...]:
    """Group frames by rig, target, pointing, filter, exposure, gain, offset, size, binning, colours and camera angle.

    Parameters:
        frames: light frames, in any order. Missing ones keep groups and names stable, and are in no stack.
        merge: properties in which frames of one stack may differ.

    Returns:
        the stacks with frames, sorted by the name of their folder.
    """
    all_frames = in_order_of_documents(frames)
    groups, group_numbers = _grouped(all_frames, merge)
    single, copies = each_once(frame for frame in all_frames if frame.present)
    members: dict[int, list[ListedFrame]] = {}
    duplicates: dict[int, list[ListedFrame]] = {}
    for rows, sorted_in in ((single, members), (copies, duplicates)):
        for frame in rows:
            sorted_in.setdefault(group_numbers[id(frame)], []).append(frame)
    stacks_made = [
        _stack(groups[number], members[number], duplicates.get(number, []), groups) for number in sorted(members)
    ]  # fmt: skip
    return tuple(sorted(stacks_made, key=lambda stack: stack.folder))


def _grouped(all_frames: Sequence[ListedFrame], merge: Collection[Merge]) -> tuple[list[_Group], dict[int, int]]:
    """Return the groups in the order in which they began, and the group number of each row by its ``id``."""
    groups: list[_Group] = []
    by_key: dict[_Key, list[int]] = {}
    group_numbers: dict[int, int] = {}
    names_taken: set[str] = set()
    for frame in all_frames:
        key = _group_key(frame, merge)
        candidates = by_key.setdefault(key, [])
        fitting = [
            (score, -number) for number in candidates if (score := _fits(groups[number], frame, merge)) is not None
        ]
        if fitting:
            number = -max(fitting)[1]
        else:
            number = len(groups)
            group = _new_group(key, frame, merge)
            group.name = _unique(
                _folder_name(group, [groups[candidate] for candidate in candidates]), group, names_taken
            )
            groups.append(group)
            candidates.append(number)
        groups[number].take(frame)
        group_numbers[id(frame)] = number
    return groups, group_numbers


def _group_key(frame: ListedFrame, merge: Collection[Merge]) -> _Key:
    """Return the values that are equal in all frames of a group: target, filter, size, binning, colours, role."""
    return (
        _normalized(target_of(frame)),
        "" if "filter" in merge else _normalized(frame.filter),
        frame.width_px or 0,
        frame.height_px or 0,
        frame.binning,
        frame.bayer.casefold(),
        role_of(frame),
    )


@lru_cache(maxsize=4096)
def _normalized(text: str) -> str:
    """Return a header text for comparison: without differences of case, and with single blanks."""
    return " ".join(text.casefold().split())


def _rig_values(frame: ListedFrame) -> dict[str, str | float | None]:
    """Return the telescope, camera, gain and offset of a frame; ``None`` for unknown values."""
    return {
        "telescope": _normalized(frame.telescope) or None, "camera": _normalized(frame.camera) or None,
        "gain": frame.gain, "offset": frame.offset,
    }  # fmt: skip


def _new_group(key: _Key, frame: ListedFrame, merge: Collection[Merge]) -> _Group:
    """Return a new group of frames that starts with one frame, which is not yet counted into it."""
    exposure_s = None if "exposure" in merge else frame.exposure_s or 0.0
    unknown = dict.fromkeys(_RIG_KEYS)
    return _Group(key, frame, exposure_s, unknown, Pointing(), 0.0, None, None)


def _fits(group: _Group, frame: ListedFrame, merge: Collection[Merge]) -> tuple[int, float] | None:
    """Return how well a frame fits a group: the number of properties known to agree, and minus the distance in degrees.

    Returns:
        ``None`` when it does not fit.
    """
    agreed = 0
    for name, value in _rig_values(frame).items():
        known = group.rig_values[name]
        if known is None or value is None or ("rig" if name in ("telescope", "camera") else name) in merge:
            continue
        if known != value:
            return None
        agreed += 1
    if group.exposure_s is not None:
        exposure_s = frame.exposure_s or 0.0
        if abs(exposure_s - group.exposure_s) > SAME_EXPOSURE * max(exposure_s, group.exposure_s):
            return None
    if "angle" not in merge and frame.angle_deg is not None and group.last_angle_deg is not None:
        known_deg = (group.last_angle_deg, group.first_angle_deg or 0.0)
        if min(turned_deg(frame.angle_deg, angle_deg) for angle_deg in known_deg) > SAME_ANGLE_DEG:
            return None
        agreed += 1
    pointing, away_deg = pointing_of(frame), 0.0
    if "pointing" not in merge and pointing.known and group.pointing.known:
        away_deg = pointing.distance_deg(group.pointing)
        if away_deg > group.reach_deg:
            return None
        agreed += 1
    elif "pointing" not in merge and (same := sees_same(frame, (group.first_seen, group.last_seen))) is not None:
        if not same:
            return None
        agreed += 1
    return agreed, -away_deg


def _folder_name(group: _Group, neighbours: Sequence[_Group]) -> str:
    """Return the folder name of a new group; where other groups have the same key, the differences are appended."""
    frame = group.first
    plain = legacy_name(frame, target_of(frame), group.key[1], group.exposure_s)
    if group.key[-1]:
        plain += f"_{folder_part(group.key[-1])}"
    same_exposure = [
        neighbour for neighbour in neighbours if (neighbour.exposure_s or 0.0) == (group.exposure_s or 0.0)
    ] or [neighbour for neighbour in neighbours if f"{neighbour.exposure_s or 0.0:g}" == f"{group.exposure_s or 0.0:g}"]
    return (
        "_".join((plain, *(_differences(frame, same_exposure[0]) or [f"panel{len(same_exposure) + 1}"])))
        if same_exposure
        else plain
    )


def _differences(frame: ListedFrame, other: _Group) -> list[str]:
    """Return the differences of a frame from a group, as parts of a folder name."""
    rig_values, parts = _rig_values(frame), []
    for name in _RIG_KEYS:
        value, known = rig_values[name], other.rig_values[name]
        if value is None or known is None or value == known:
            continue
        parts.append(f"{name}{value:g}" if isinstance(value, float | int) else folder_part(value))
    pointing = pointing_of(frame)
    if pointing.known and other.pointing.known and pointing.distance_deg(other.pointing) > other.reach_deg:
        parts.append(pointing.label())
    if frame.angle_deg is not None and other.last_angle_deg is not None:
        if turned_deg(frame.angle_deg, other.last_angle_deg) > SAME_ANGLE_DEG:
            parts.append(f"rot{frame.angle_deg % 180:03.0f}")
    return [part for part in parts if part]


def _unique(name: str, group: _Group, names_taken: set[str]) -> str:
    """Return a name that no earlier group has; names are lower case, so this holds on every file system."""
    unique = name
    if unique in names_taken:
        unique = f"{name}_{short_digest(repr((group.key, group.exposure_s)))}"
    number = 2
    while unique in names_taken:
        unique, number = f"{name}_{number}", number + 1
    names_taken.add(unique)
    return unique


def legacy_name(frame: ListedFrame, target: str, filter_: str, exposure_s: float | None) -> str:
    """Return the folder name that version 0.1 would use for a group with this first frame.

    Parameters:
        frame: the first frame.
        target, filter_: their names.
        exposure_s: ``None`` when the group holds frames of any exposure.
    """
    parts = [folder_part(_normalized(target)) or "no_target", folder_part(filter_) or "no_filter"]
    if exposure_s is not None:
        parts.append(f"{round(exposure_s, 3):g}s" if exposure_s else "no_exposure")
    if frame.width_px and frame.height_px:
        parts.append(f"{frame.width_px}x{frame.height_px}")
    if frame.binning != 1:
        parts.append(f"bin{frame.binning}")
    if frame.bayer:
        parts.append(folder_part(frame.bayer.casefold()))
    return "_".join(parts)


def _stack(group: _Group, members: list[ListedFrame], duplicates: list[ListedFrame], groups: Sequence[_Group]) -> Stack:
    """Return the finished stack of a group, with its kept members, duplicates, and the reason if it is not offered."""
    first = group.first
    return Stack(
        folder=group.name,
        legacy_folder=legacy_name(first, first.target, _normalized(first.filter), first.exposure_s or 0.0),
        target=target_of(first),
        filter=first.filter,
        exposure_s=first.exposure_s if group.exposure_s is not None else None,
        width_px=first.width_px,
        height_px=first.height_px,
        binning=first.binning,
        bayer=first.bayer.upper(),
        telescope=next((frame.telescope for frame in group.rows if frame.telescope), ""),
        camera=next((frame.camera for frame in group.rows if frame.camera), ""),
        gain=next((frame.gain for frame in group.rows if frame.gain is not None), None),
        offset=next((frame.offset for frame in group.rows if frame.offset is not None), None),
        ra_deg=group.pointing.ra_deg,
        dec_deg=group.pointing.dec_deg,
        angle_deg=group.first_angle_deg,
        role=group.key[-1],
        not_offered=_why_not_offered(group, members, groups),
        frames=tuple(members),
        duplicates=tuple(duplicates),
    )


def _why_not_offered(group: _Group, members: Sequence[ListedFrame], groups: Sequence[_Group]) -> str:
    """Return the reason why frames are not offered for stacking; empty when they are."""
    if any(frame.by_hand and frame.decision == "keep" for frame in members):
        return ""
    remedy = "To have them offered, keep one by hand: astro-monitor review FOLDER FILE --keep."
    if role := group.key[-1]:
        return f"Not offered for stacking: by header, program or path these are {role} frames. {remedy}"
    first = group.first
    if first.target.strip() or not first.exposure_s or first.exposure_s > SHORT_EXPOSURE_S:
        return ""
    lights = [other for other in groups if (other.first.exposure_s or 0.0) >= LONGER_EXPOSURE * first.exposure_s]
    if not lights:
        return ""
    main = max(lights, key=lambda light: (len(light.rows) * (light.first.exposure_s or 0.0), light.name)).first
    area, main_area = ((frame.width_px or 0) * (frame.height_px or 0) for frame in (first, main))
    other_camera = first.camera and main.camera and _normalized(first.camera) != _normalized(main.camera)
    if area > SMALLER_AREA * main_area and (first.kind == "light" or not other_camera):
        return ""
    size = f", {first.width_px} x {first.height_px} pixels" if area else ""
    return (
        f"Not offered for stacking: frames of {first.exposure_s:g} s{size}, without a target, in a night with lights "
        f"of {main.exposure_s:g} s, look like those of a guider, of focusing or of plate solving. {remedy}"
    )
