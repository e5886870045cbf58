"""What is normal for one rig, target, filter, exposure, gain and binning.

Median and scaled median absolute deviation over the last accepted frames. Rejected frames never enter. Two freezes are
bounded, so that a change that stays becomes normal: a sky level that stays different with nothing else wrong (the moon
has risen) after 15 frames in a row, and a field that stays elsewhere (after a flip or a recentring) after three.

The baseline starts again when the rig itself has changed: after a meridian flip the sky runs the other way over the
sensor, so its usual pattern is forgotten; after an autofocus only the last five frames count, so that the new width is
usual within a few frames.

While there is no baseline, elongation may be the rig's own. When the first five frames are elongated alike, and by
less than a fault would, that is what is normal.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from ..plain import counted
from ..records import (
    Baseline,
    BaselineKey,
    Examined,
    ReferenceStar,
    Spread,
    excess_trail_px,
    median,
    sky_pattern,
    usual_sky_pattern,
    usual_trail_px,
)
from .course import Course
from .evidence import airmass, is_sane
from .limits import MIN_BASELINE_FRAMES, MIN_MATCHED_STARS, STEADY_TRAIL, TRAIL_LONE, TURNED_DEG
from .places import Places
from .trends import Trends

WINDOW_FRAMES = 40
STEADY_FOCUS_FRAMES = 3
"""A focuser that stood still for so many frames and moves was focused anew; one that moves all the time follows the
temperature."""
LEVEL_FREEZE_FRAMES = 15
FIELD_FREEZE_FRAMES = 3
MAD_TO_SIGMA = 1.4826


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a baseline keeps of one frame: its finite values, and its sky over the field."""

    frame_id: str
    values: dict[str, float]
    sky_pattern: tuple[float, ...]


@dataclass(slots=True)
class History:
    """The memory behind one baseline. Changes with each accepted frame.

    Attributes:
        window: the last accepted frames, oldest first.
        floor_fwhm_px: lowest median of five consecutive FWHM (minor axis) so far.
        shifted: consecutive frames in which only the sky level was unusual.
        trailed: frames without any history in which only an elongation was found.
        side, turned: of the mount and of the field in the last frame, as far as they were told.
        focus, focus_steady: position of the focuser in the last frame, and for how many frames it has been there.
        course: the last frames, accepted or not.
        trends: what creeps over the accepted frames.
        places: where the streaks of the last frames were.
        references: how often the reference stars have changed.
        elsewhere: consecutive accepted frames that could not be matched to the reference.
    """

    key: BaselineKey
    window: deque[Accepted] = field(default_factory=lambda: deque(maxlen=WINDOW_FRAMES))
    reference_stars: tuple[ReferenceStar, ...] = ()
    reference_airmass: float | None = None
    reference_side: str | None = None
    floor_fwhm_px: float | None = None
    shifted: list[Accepted] = field(default_factory=list)
    trailed: list[Accepted] = field(default_factory=list)
    side: str | None = None
    turned: bool = False
    focus: float | None = None
    focus_steady: int = 0
    course: Course = field(default_factory=Course)
    trends: Trends = field(default_factory=Trends)
    places: Places = field(default_factory=Places)
    references: int = 0
    elsewhere: int = 0
    _baseline: Baseline | None = None

    def baseline(self) -> Baseline:
        """Give the baseline as it stands."""
        if self._baseline is None:
            usual, stray = usual_sky_pattern([frame.sky_pattern for frame in self.window])
            self._baseline = Baseline(
                key=self.key,
                size=len(self.window),
                spreads=_spreads([frame.values for frame in self.window]),
                reference_stars=self.reference_stars,
                sky_pattern=usual,
                sky_stray=stray,
                fixed_lines=self.places.known,
            )
        return self._baseline

    def arrive(self, examined: Examined) -> str:
        """Notice a meridian flip or an autofocus before a frame is judged, and base the history anew.

        Returns:
            one sentence about it; empty when nothing happened.
        """
        if has_other_unit(examined):
            return self._begin_again(examined.measurements.values["unit_ratio"] or 0.0)
        flipped, focused = self._has_flipped(examined), self._was_focused(examined)
        if not self.window or not (flipped or focused):
            return ""
        kept = list(self.window)[-MIN_BASELINE_FRAMES:] if focused else list(self.window)
        self.window.clear()
        self.window.extend(Accepted(one.frame_id, one.values, ()) if flipped else one for one in kept)
        self.shifted.clear()
        if focused:
            self.floor_fwhm_px = None
            self.trends.clear()
        self._baseline = None
        what = "the meridian flip" if flipped else "the autofocus"
        return f"After {what} the baseline starts again, with {counted(len(kept), 'frame')} so far."

    def _begin_again(self, unit_ratio: float) -> str:
        """Forget every number of earlier frames: those of this one are in another unit."""
        self.window.clear()
        self.shifted.clear()
        self.trailed.clear()
        self.trends.clear()
        self.reference_stars, self.reference_airmass, self.floor_fwhm_px = (), None, None
        self._baseline = None
        times = unit_ratio if unit_ratio >= 1.0 else 1.0 / unit_ratio
        size = "larger" if unit_ratio >= 1.0 else "smaller"
        return (
            f"The pixel values are {times:,.0f} times {size} than before with the same stars in place: "
            "another unit, no cloud. The baseline starts again from this frame."
        )

    def _has_flipped(self, examined: Examined) -> bool:
        turn = examined.measurements.values.get("field_turn_deg")
        turned = self.turned if turn is None else is_sane(turn) and abs(turn) > TURNED_DEG
        side = examined.meta.pier_side
        # The turn is against the reference frame, so it is told anew once the reference is from this side.
        flipped = side != self.side if side and self.side else turned and not self.turned
        self.side, self.turned = side or self.side, turned
        return flipped

    def _was_focused(self, examined: Examined) -> bool:
        position = examined.meta.focuser_position
        if position is None:
            return False
        moved = self.focus is not None and position != self.focus
        steady, self.focus = self.focus_steady, position
        self.focus_steady = 0 if moved else self.focus_steady + 1
        return moved and steady >= STEADY_FOCUS_FRAMES

    def same_side(self, side: str | None) -> bool:
        """Tell whether the mount is on the side of the reference frame; yes when that is unknown."""
        return side is None or self.reference_side is None or side == self.reference_side

    def accept(self, examined: Examined) -> None:
        """Let an accepted frame say what is normal. A frame that is already in is not counted twice."""
        if any(frame.frame_id == examined.frame_id for frame in self.window):
            return
        self.window.append(_accepted(examined))
        self.shifted.clear()
        self._baseline = None
        recent = [frame.values.get("fwhm_minor_px", 0.0) for frame in list(self.window)[-5:]]
        if len(recent) == 5 and min(recent) > 0:
            middle = sorted(recent)[2]
            self.floor_fwhm_px = min(middle, self.floor_fwhm_px or middle)
        self._maybe_refer(examined)

    def forget(self, frame_id: str) -> bool:
        """Let a frame no longer say what is normal. Reference stars stay: they tell places and light, not quality.

        Returns:
            whether it did.
        """
        said = False
        for kept in (self.window, self.shifted, self.trailed):
            for frame in [one for one in kept if one.frame_id == frame_id]:
                kept.remove(frame)
                self._baseline, said = None, True
        return said

    def note_streaks(self, examined: Examined) -> None:
        """Remember where the frame's streaks are, after it has been learnt from."""
        measured, before = examined.measurements, self.places.known
        x, y = measured.values.get("offset_x_px"), measured.values.get("offset_y_px")
        turn = measured.values.get("field_turn_deg")
        straight = is_sane(turn) and abs(turn) < TURNED_DEG
        shift = (x, y) if is_sane(x) and is_sane(y) and straight else None
        self.places.note(examined.frame_id, (*measured.streaks, *measured.fixed_streaks), shift, self.references)
        if self.places.known != before:
            self._baseline = None

    def forget_streaks(self, frame_id: str) -> None:
        """Forget the places of a frame's streaks: its file was not complete."""
        self.places.forget(frame_id)
        self._baseline = None

    def note_shift(self, examined: Examined) -> None:
        """Count a frame in which only the sky level is unusual; after 15 in a row they are the new normal."""
        if any(frame.frame_id == examined.frame_id for frame in self.shifted):
            return
        self.shifted.append(_accepted(examined))
        if len(self.shifted) >= LEVEL_FREEZE_FRAMES:
            self.window.clear()
            self.window.extend(self.shifted)
            self.shifted.clear()
            self._baseline = None

    def note_trail(self, examined: Examined) -> None:
        """Count an elongated frame while nothing is known; once five frames are elongated alike, that is normal."""
        if len(self.window) >= MIN_BASELINE_FRAMES:
            return
        if any(frame.frame_id == examined.frame_id for frame in self.trailed):
            return
        self.trailed.append(_accepted(examined))
        del self.trailed[:-MIN_BASELINE_FRAMES]
        together = [*self.window, *self.trailed]
        if len(together) >= MIN_BASELINE_FRAMES and _alike(together):
            self.window.extend(self.trailed)
            self.trailed.clear()
            self._baseline = None

    def _maybe_refer(self, examined: Examined) -> None:
        """Take the frame's stars as the reference when it is the best so far, or the field has moved for good."""
        values = _finite(examined.measurements.values)
        stars = tuple(star for star in examined.measurements.bright_stars if is_sane(star.flux_adu_s))
        if not stars:
            return
        matched = values.get("matched_star_count", 0.0)
        flipped = self.turned or not self.same_side(examined.meta.pier_side)
        unmatched = bool(self.reference_stars) and matched < 3
        self.elsewhere = self.elsewhere + 1 if unmatched else 0
        if matched >= MIN_MATCHED_STARS:
            # 3 % more light, so that noise does not change the reference with every frame.
            better = values.get("transparency", 0.0) >= 1.03
        else:
            better = not unmatched and _summed(stars) > 1.03 * _summed(self.reference_stars[: len(stars)])
        if not self.reference_stars or flipped or better or self.elsewhere >= FIELD_FREEZE_FRAMES:
            self.reference_stars = stars
            self.references += 1
            self.turned = False
            self.reference_airmass = airmass(examined.meta.airmass, examined.meta.altitude_deg)
            self.reference_side = examined.meta.pier_side
            self.elsewhere = 0
            self._baseline = None

    def state(self) -> dict[str, Any]:
        """Give everything as plain JSON values."""
        return {
            "key": asdict(self.key),
            "window": [_stored(frame) for frame in self.window],
            "reference_stars": [[s.x_px, s.y_px, s.flux_adu_s] for s in self.reference_stars],
            "reference_airmass": self.reference_airmass,
            "reference_side": self.reference_side,
            "floor_fwhm_px": self.floor_fwhm_px,
            "shifted": [_stored(frame) for frame in self.shifted],
            "trailed": [_stored(frame) for frame in self.trailed],
            "side": self.side,
            "turned": self.turned,
            "focus": self.focus,
            "focus_steady": self.focus_steady,
            "course": self.course.state(),
            "trends": self.trends.state(),
            "places": self.places.state(),
            "references": self.references,
            "elsewhere": self.elsewhere,
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> History:
        """Undo :meth:`state`.

        Raises:
            KeyError, TypeError, ValueError: the state is not one that :meth:`state` gave.
        """
        history = cls(
            key=BaselineKey(**state["key"]),
            reference_stars=tuple(
                ReferenceStar(x_px=float(x), y_px=float(y), flux_adu_s=float(flux))
                for x, y, flux in state["reference_stars"]
            ),
            reference_airmass=state["reference_airmass"],
            reference_side=state["reference_side"],
            floor_fwhm_px=state["floor_fwhm_px"],
            shifted=[_restored(stored) for stored in state["shifted"]],
            trailed=[_restored(stored) for stored in state.get("trailed", [])],
            side=state.get("side"),
            turned=bool(state.get("turned", False)),
            focus=state.get("focus"),
            focus_steady=int(state.get("focus_steady", 0)),
            course=Course.restore(state.get("course", [])),
            trends=Trends.restore(state.get("trends", [])),
            places=Places.restore(state["places"]) if "places" in state else Places(int(state.get("references", 0))),
            references=int(state.get("references", 0)),
            elsewhere=int(state["elsewhere"]),
        )
        history.window.extend(_restored(stored) for stored in state["window"])
        return history


def _accepted(examined: Examined) -> Accepted:
    measured = examined.measurements
    cells = [cell.sky_adu for cell in measured.field_grid]
    pattern = sky_pattern(cells, measured.values) if cells and all(map(is_sane, cells)) else ()
    return Accepted(examined.frame_id, _finite(measured.values), tuple(round(share, 5) for share in pattern))


def _alike(frames: list[Accepted]) -> bool:
    """Tell whether all frames are drawn out in about the same direction by about the same length."""
    spreads = _spreads([frame.values for frame in frames])
    width = spreads["fwhm_minor_px"].median if "fwhm_minor_px" in spreads else 0.0
    usual = usual_trail_px(spreads)
    if width <= 0 or usual is None or usual >= TRAIL_LONE * width:
        return False
    excesses = [excess_trail_px(frame.values, spreads) for frame in frames]
    return all(excess is not None and excess**2 < STEADY_TRAIL * usual**2 for excess in excesses)


def _stored(frame: Accepted) -> list[Any]:
    return [frame.frame_id, frame.values, list(frame.sky_pattern)]


def _restored(stored: list[Any]) -> Accepted:
    """Undo :func:`_stored`; a state from before the pattern was kept lacks it."""
    frame_id, values, *pattern = stored
    return Accepted(str(frame_id), _finite(values), tuple(map(float, pattern[0])) if pattern else ())


def _finite(values: dict[str, float | None]) -> dict[str, float]:
    """Keep what has a value, to six digits: more would only make the stored state longer."""
    return {key: float(f"{value:.6g}") for key, value in values.items() if is_sane(value)}


def _summed(stars: tuple[ReferenceStar, ...]) -> float:
    return sum(star.flux_adu_s for star in stars)


def _spreads(rows: list[dict[str, float]]) -> dict[str, Spread]:
    columns: dict[str, list[float]] = {}
    for row in rows:
        for key, value in row.items():
            columns.setdefault(key, []).append(value)
    spreads = {}
    for key, column in columns.items():
        middle = median(column)
        spreads[key] = Spread(median=middle, mad=MAD_TO_SIGMA * median([abs(value - middle) for value in column]))
    return spreads


def has_other_unit(examined: Examined) -> bool:
    """Return whether the pixel values of a frame are in another unit than those of earlier frames."""
    ratio = examined.measurements.values.get("unit_ratio")
    return is_sane(ratio) and ratio > 0.0
