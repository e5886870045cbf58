"""What frames that agree have in common, whether another frame agrees with them, and which of two groups is better.

All distances are in units of the borders between the classes, so that they add up: 1 is as much as makes a good frame
a bad one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..records import Spread
from ..records.borders import EXTINCTION_BAD_MAG, FWHM_BAD, GRADIENT_BAD, TRAIL_BAD, TRAIL_GOOD
from .noted import NotedFrame, Sighting
from .relative import (
    elongation_path_ratio,
    excess_trail_px,
    pattern_change,
    sky_growth,
    sky_unit_of,
    usual_sky_pattern,
    usual_sky_unit_adu,
)
from .spreads import median, spreads

SAME_WIDTH, SAME_WIDTH_FEW = 1.3, 1.5
"""Ratio of widths up to which frames agree: good seeing comes and goes so far; and that for few stars."""
FEW_STARS = 5
"""With fewer measured stars a width is hardly known to a tenth."""
CREPT_WIDTH = 1.45
"""Width over the sharpest of the group from which a frame no longer agrees, though the group has crept after it."""
SAME_LIGHT_MAG = 0.45
"""Difference of the light of matched stars up to which frames agree, a little below the border of extinction."""
SAME_TRAIL_SHARE = 0.35
"""Elongations that are the rig's own agree when they differ by less than this share of their own square."""
SAME_TRAIL_SHARE_ON_PURPOSE = 0.6
"""The same for stars that trail because the mount follows a comet, which moves among them at a changing rate."""
SAME_ELONGATION = 1.0
"""Difference of the squares of median elongations, as paths in star widths, up to which frames agree: below the square
of the border, above what faint stars do to it."""
FEW_STARS_FACTOR = 2.0
"""Elongations of few stars agree up to so many times the difference."""
SAME_PATTERN = 0.12
"""Change of the pattern of the sky over S up to which frames agree; more is allowed where the group itself strays."""
PATTERN_STRAYS, MOST_STRAY = 4.0, 0.03
"""So many times the usual stray of a pattern is no change (the rms over the cells against peak to valley), as long as
the stray is below the second over S."""
SAME_SKY, SAME_STARS = 2.0, 3.0
"""Ratios of sky level and number of stars up to which frames agree whose stars cannot be matched."""
SAME_ANGLE_DEG = 20.0
"""Fields that are turned by less than this have their patterns in the same place, by the size of a cell."""
MOVED_CELL = 0.125
"""Offset of the field, over the width of the frame, from which nebulae lie in another cell."""
LATEST = 15
"""Frames whose patterns of the sky tell the usual one: slow changes with the height of the target are followed."""


@dataclass(frozen=True, slots=True)
class SkyOfGroup:
    """Usual pattern of the sky of frames that lie on the sensor in one way.

    Attributes:
        cells_adu: of the field grid, above their median; empty where no frame lies so.
        stray_adu: how far single frames are from it, rms over the cells.
        level_adu: sky that it belongs to, as ``sky_unit_of`` has it.
    """

    cells_adu: tuple[float, ...] = ()
    stray_adu: float = 0.0
    level_adu: float = 0.0


@dataclass(frozen=True, slots=True)
class Centre:
    """The middle of a group.

    Attributes:
        frames: of the group, oldest first; at least one.
        usual: median and scatter of each metric.
        unit_adu: S, by which changes of the sky are measured.
        field: the last field of the group; light is compared within a field.
        light_mag: median loss of light there; ``None`` where it is not known.
    """

    frames: tuple[NotedFrame, ...]
    usual: dict[str, Spread]
    unit_adu: float
    field: int
    light_mag: float | None

    @classmethod
    def of(cls, frames: Sequence[NotedFrame]) -> Centre:
        """Return the middle of frames."""
        usual = spreads([frame.values for frame in frames])
        field = frames[-1].sighting.field
        light = [
            frame.sighting.light_mag
            for frame in frames
            if frame.sighting.field == field and frame.sighting.light_mag is not None
        ]
        return cls(tuple(frames), usual, usual_sky_unit_adu(usual) or 0.0, field, median(light) if light else None)

    def middle(self, key: str) -> float | None:
        """Return the median of a metric; ``None`` where no frame has it."""
        return self.usual[key].median if key in self.usual else None

    @property
    def width_px(self) -> float:
        """Width of the stars across any trail."""
        return self.middle("fwhm_minor_px") or self.middle("fwhm_px") or 0.0

    @property
    def trail_px2(self) -> tuple[float, float]:
        """Usual elongation as a vector of twice the angle; nought where it is not known."""
        return self.middle("trail_plus_px2") or 0.0, self.middle("trail_cross_px2") or 0.0

    def sky(self, sighting: Sighting, *, turned: bool = False) -> SkyOfGroup:
        """Return the usual pattern of the sky of frames that lie like a given one, or turned by 180 degrees to it.

        Parameters:
            sighting: of the given frame.
            turned: return the pattern of frames that are turned to it.
        """
        wanted_deg = sighting.angle_deg + (180.0 if turned else 0.0)
        alike = [
            frame
            for frame in self.frames
            if frame.pattern_adu and _apart_deg(frame.sighting.angle_deg, wanted_deg) <= SAME_ANGLE_DEG
        ][-LATEST:]
        if not alike:
            return SkyOfGroup()
        cells_adu, stray_adu = usual_sky_pattern([frame.pattern_adu for frame in alike])
        return SkyOfGroup(cells_adu, stray_adu, median([sky_unit_of(frame.values) for frame in alike]))


def disagreement(frame: NotedFrame, centre: Centre, *, sharpest_px: float, brightest_mag: float | None,
                 sidereal: bool) -> float:  # fmt: skip
    """Return how far a frame is from a group, as the largest of its differences over what is allowed; 1 at most agrees.

    Parameters:
        frame: any frame.
        centre: of the group.
        sharpest_px: lowest median width of consecutive frames of the group; 0: not known.
        brightest_mag: the same of the loss of light in the present field; ``None``: not known.
        sidereal: the mount follows the stars.
    """
    parts = [_width_apart(frame, centre, sharpest_px), _trail_apart(frame, centre, sidereal=sidereal)]
    light_mag = frame.sighting.light_mag
    if light_mag is not None and centre.light_mag is not None and frame.sighting.field == centre.field:
        error_mag = (
            2.0
            * frame.values.get("extinction_scatter_mag", 0.0)
            / math.sqrt(max(frame.values.get("matched_star_count", 1.0), 1.0))
        )
        allowed_mag = SAME_LIGHT_MAG + min(error_mag, SAME_LIGHT_MAG)
        parts.append(abs(light_mag - centre.light_mag) / allowed_mag)
        if brightest_mag is not None:
            parts.append((light_mag - brightest_mag) / allowed_mag)
    else:
        parts.append(_unmatched_apart(frame, centre))
    if frame.sighting.field == centre.field:
        parts.append(_sky_apart(frame, centre))
    return max(parts)


def _width_apart(frame: NotedFrame, centre: Centre, sharpest_px: float) -> float:
    """Return the difference of the width over what is allowed: none where neither has stars."""
    if min(frame.width_px, centre.width_px) <= 0.0:
        return 0.0 if frame.width_px == centre.width_px else math.inf
    few = frame.values.get("star_count_measured", 0.0) < FEW_STARS
    apart = abs(math.log(frame.width_px / centre.width_px)) / math.log(SAME_WIDTH_FEW if few else SAME_WIDTH)
    crept = math.log(frame.width_px / sharpest_px) / math.log(CREPT_WIDTH) if sharpest_px > 0.0 and not few else 0.0
    return max(apart, crept)


def _trail_apart(frame: NotedFrame, centre: Centre, *, sidereal: bool) -> float:
    """Return the difference of the elongation over what is allowed."""
    factor = FEW_STARS_FACTOR if frame.values.get("star_count_measured", 0.0) < FEW_STARS else 1.0
    share = SAME_TRAIL_SHARE if sidereal else SAME_TRAIL_SHARE_ON_PURPOSE
    excess_px = excess_trail_px(frame.values, centre.usual)
    apart = 0.0
    if excess_px is not None:
        allowed_px2 = max((TRAIL_GOOD * frame.width_px) ** 2, share * math.hypot(*centre.trail_px2))
        apart = excess_px / math.sqrt(allowed_px2)
    now, usual = (
        elongation_path_ratio(frame.values.get("elongation")),
        elongation_path_ratio(centre.middle("elongation")),
    )
    if now is not None and usual is not None:
        apart = max(apart, abs(now**2 - usual**2) / max(SAME_ELONGATION, share * usual**2))
    return apart / factor


def _unmatched_apart(frame: NotedFrame, centre: Centre) -> float:
    """Return the difference of sky and number of stars over what is allowed, where no light can be compared."""
    unit_adu, stars, usual_stars = (
        sky_unit_of(frame.values),
        frame.values.get("star_count"),
        centre.middle("star_count"),
    )
    sky = abs(math.log(unit_adu / centre.unit_adu)) / math.log(SAME_SKY) if min(unit_adu, centre.unit_adu) > 0 else 0.0
    if stars is None or usual_stars is None or usual_stars < 10 * SAME_STARS:
        return sky
    return max(sky, math.log(usual_stars / max(stars, 1.0)) / math.log(SAME_STARS))


def _sky_apart(frame: NotedFrame, centre: Centre) -> float:
    """Return the difference of the pattern of the sky over what is allowed; 0 where nothing can be compared."""
    known = centre.sky(frame.sighting)
    if not frame.pattern_adu or len(known.cells_adu) != len(frame.pattern_adu) or centre.unit_adu <= 0.0:
        return 0.0
    growth = sky_growth(frame.values, centre.usual, known.level_adu)
    change_adu = _peak_to_valley(pattern_change(frame.pattern_adu, known.cells_adu, (), growth))
    unit_adu = max(centre.unit_adu, sky_unit_of(frame.values))
    return change_adu / (SAME_PATTERN * unit_adu + PATTERN_STRAYS * min(known.stray_adu, MOST_STRAY * unit_adu))


@dataclass(frozen=True, slots=True)
class Balance:
    """How much worse one group of frames is than another, in units of the borders between good and bad.

    Attributes:
        parts: of width, elongation, light, pattern of the sky; negative where it is better.
    """

    parts: tuple[float, float, float, float]

    def excusing(self, *, width: float, sky: float = 0.0) -> Balance:
        """Return the balance without so much of the differences of width and pattern of the sky.

        Parameters:
            width, sky: by how much the new group may be worse, in units of the borders.
        """
        wider, trail, light, changed = self.parts
        return Balance((_excused(wider, width), trail, light, _excused(changed, sky)))

    @property
    def total(self) -> float:
        """All differences together."""
        return sum(self.parts)

    @property
    def is_better(self) -> bool:
        """Whether the group is better, and no fault against the other one by any number."""
        return self.total <= BETTER and max(self.parts) < FAULT

    @property
    def is_worse(self) -> bool:
        """Whether the group is worse by all numbers together, or clearly by any of them."""
        return not self.is_better and (self.total >= WORSE or max(self.parts) >= CLEARLY)


def _excused(part: float, excuse: float) -> float:
    """Return a difference without the part that is excused; what is better stays better."""
    return part if part <= 0.0 else max(part - excuse, 0.0)


BETTER, WORSE = -0.4, 0.3
"""Sums of differences from which a group of frames is better or worse than another, in units of the borders between
good and bad."""
CLEARLY, FAULT = 0.5, 0.9
"""Single difference that makes a group worse unless it is better on the whole, and that is a fault by itself."""
NO_STARS = 2.0
"""How much worse frames without stars are."""
UNCHANGED = 0.3
"""A change of the pattern of the sky below this share of its border says nothing of good and bad."""
VANISHED = 0.6
"""An elongation that held this share of what has changed was a fault that has gone."""
GONE = 0.8
"""The same of a pattern of the sky: more, because a nebula or a ramp may resemble the change by chance."""
LONG_USUAL, LEFT, DARKER = 10, 0.15, 0.7
"""A pattern that so many frames had was hardly a fault: it is taken for one that has gone when the sky that is left is
even (the second, over the square of the change), or when the sky has grown darker by the third, as after dusk."""
LEAK_LEANS = 0.3
"""A change that rises so much more than it falls is light that has come."""


def balance(new: Centre, old: Centre, *, sensor_width_px: float) -> Balance:
    """Compare two groups of frames.

    Parameters:
        new: that may take the place of the other.
        old: that is usual now.
        sensor_width_px: width of the sensor image.
    """
    if min(new.width_px, old.width_px) > 0.0:
        width = math.log(new.width_px / old.width_px) / math.log(FWHM_BAD)
    else:
        width = NO_STARS * ((old.width_px > 0.0) - (new.width_px > 0.0))
    same_field = new.field == old.field
    light = 0.0
    if same_field and new.light_mag is not None and old.light_mag is not None:
        light = (new.light_mag - old.light_mag) / EXTINCTION_BAD_MAG
    else:
        stars, usual_stars = new.middle("star_count"), old.middle("star_count")
        if stars is not None and usual_stars is not None and min(stars, usual_stars) > 0 and same_field:
            gone = math.log(usual_stars / stars) / math.log(SAME_STARS)
            light = gone if abs(gone) >= 1.0 else 0.0
    sky = _sky_balance(new, old, sensor_width_px) if same_field else 0.0
    trail = _trail_balance(new, old)
    turned_deg = _apart_deg(new.frames[-1].sighting.angle_deg, old.frames[-1].sighting.angle_deg)
    if SAME_ANGLE_DEG < turned_deg < 180.0 - SAME_ANGLE_DEG:
        # The camera was turned: its optics draw stars out in another direction.
        trail, sky = min(trail, 0.0), min(sky, 0.0)
    return Balance((width, trail, light, sky))


def _trail_balance(new: Centre, old: Centre) -> float:
    """Return how much more a group is elongated than another: a change of the path in any direction, but shorter."""
    (plus, cross), (old_plus, old_cross) = new.trail_px2, old.trail_px2
    border_px2 = (TRAIL_BAD * min(new.width_px, old.width_px)) ** 2
    if border_px2 <= 0.0:
        return 0.0
    change_px2 = math.hypot(plus - old_plus, cross - old_cross)
    shorter_px2 = math.hypot(old_plus, old_cross) - math.hypot(plus, cross)
    along = -shorter_px2 / border_px2 if shorter_px2 >= VANISHED * change_px2 else change_px2 / border_px2
    now, usual = elongation_path_ratio(new.middle("elongation")), elongation_path_ratio(old.middle("elongation"))
    anyhow = (now**2 - usual**2) / TRAIL_BAD**2 if now is not None and usual is not None else 0.0
    # Wider stars are rounder, so that a small change says nothing.
    return along if abs(anyhow) < max(CLEARLY, abs(along)) else anyhow


def _sky_balance(new: Centre, old: Centre, sensor_width_px: float) -> float:
    """Return how much the pattern of the sky has changed: negative where a fault has gone, nought for another field."""
    sighting = new.frames[-1].sighting
    now, here, there = new.sky(sighting), old.sky(sighting), old.sky(sighting, turned=True)
    known = here if here.cells_adu else there
    if not now.cells_adu or len(known.cells_adu) != len(now.cells_adu) or old.unit_adu <= 0.0:
        return 0.0
    if _moved_px(new, old) > MOVED_CELL * sensor_width_px:
        return 0.0
    unit_adu = max(old.unit_adu, now.level_adu)
    ratio = now.level_adu / known.level_adu if known.level_adu > 0.0 else 1.0
    growth = (min(1.0, ratio), max(1.0, ratio))
    changed_adu = pattern_change(now.cells_adu, here.cells_adu, there.cells_adu, growth)
    change = _peak_to_valley(changed_adu) / (GRADIENT_BAD * unit_adu)
    if change < UNCHANGED:
        return 0.0
    # What has gone was in the old pattern; what has come has nothing to do with it.
    size = sum([part * part for part in changed_adu])
    gone = -sum([old_adu * part for old_adu, part in zip(known.cells_adu, changed_adu, strict=True)])
    held = gone >= GONE * size
    if len(old.frames) >= LONG_USUAL and new.unit_adu > DARKER * old.unit_adu:
        held = held and sum([part * part for part in now.cells_adu]) <= LEFT * size
    return -change if held and _leans_up(changed_adu) < LEAK_LEANS else change


def _leans_up(cells_adu: Sequence[float]) -> float:
    """Return how far a pattern rises above its median rather than falls below it: -1 to 1, 0 for an even slope."""
    middle = median(cells_adu)
    top, bottom = max(cells_adu) - middle, min(cells_adu) - middle
    return (top + bottom) / (top - bottom) if top > bottom else 0.0


def _moved_px(new: Centre, old: Centre) -> float:
    """Return how far the field of one group lies from that of another; 0 where it is not known."""
    moves_px = [
        (new.middle(key) or 0.0) - (old.middle(key) or 0.0) if new.middle(key) is not None else 0.0
        for key in ("offset_x_px", "offset_y_px")
    ]
    return math.hypot(*moves_px)


def _peak_to_valley(cells_adu: Sequence[float]) -> float:
    """Return the range of a pattern without the highest and the lowest cell: a bright star may have moved into one."""
    ordered = sorted(cells_adu)
    return ordered[-2] - ordered[1] if len(ordered) > 3 else ordered[-1] - ordered[0]


def _apart_deg(one: float, other: float) -> float:
    """Return the angle between two orientations of the field, 0 to 180."""
    return abs((one - other + 180.0) % 360.0 - 180.0)
