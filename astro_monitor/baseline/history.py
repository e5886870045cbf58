"""The memory behind one baseline: the last accepted frames of one rig, target, filter, exposure, gain and binning.

Median and scaled median absolute deviation over the last accepted frames. Rejected frames never enter. Two freezes are
bounded, so that a change that stays becomes the baseline: a sky level that stays different with nothing else wrong (the
moon has risen) after ``LEVEL_FREEZE_FRAMES`` frames in a row, and a field that stays elsewhere (after a flip or a
recentring) after ``reference.FIELD_FREEZE_FRAMES``.

The baseline starts again when the rig itself has changed: after a meridian flip the sky runs the other way over the
sensor, so its pattern is forgotten; after an autofocus only the last five frames count, so that the new width is the
baseline within a few frames.

While there is no baseline, elongation may be the rig's own. When the first five frames are elongated alike, and by
less than a fault would, that is the baseline.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

from ..plain import counted
from ..records import Baseline, BaselineKey, Examined
from .accepted import AcceptedFrame, is_sane
from .camera_pool import CameraPool
from .effective import with_camera
from .exposed import Exposed
from .places import Places
from .reference import TURNED_DEG, Reference
from .relative import excess_trail_px, usual_sky_pattern, usual_trail_px
from .spreads import median, spreads

MIN_BASELINE_FRAMES = 5
"""Accepted frames from which limits relative to the baseline apply."""
WINDOW_FRAMES = 40
"""Accepted frames that a baseline remembers: some hours of exposures, over which a rig changes slowly."""
STEADY_FOCUS_FRAMES = 3
"""A focuser that stood still for so many frames and then moves was focused again; one that moves all the time
compensates the temperature."""
LEVEL_FREEZE_FRAMES = 15
"""Frames in a row with another sky level and nothing else wrong, from which that level is the baseline."""
FLOOR_FRAMES = 5
"""The narrowest width so far is the lowest median of so many consecutive frames."""
STEADY_TRAIL = 0.75
"""Elongations of several frames are one and the same when they differ by less than this share of their own square."""
LONGEST_OWN_TRAIL = 2.0
"""Trail length over FWHM up to which elongation may be the rig's own: optics and poor guiding reach 1.6 all night on
real rigs."""


@dataclass(frozen=True, slots=True)
class Restart:
    """Whether a frame made the baseline start again.

    Attributes:
        sentence: why, for the user; empty when it did not.
        refocused: earlier trends of the width no longer apply.
    """

    sentence: str = ""
    refocused: bool = False


@dataclass(slots=True)
class History:
    """The memory behind one baseline. Changes with each accepted frame.

    Attributes:
        window: the last accepted frames, oldest first.
        reference: the reference frame of the target.
        floor_fwhm_px: lowest median of ``FLOOR_FRAMES`` consecutive FWHM (minor axis) so far.
        shifted: consecutive frames in which only the sky level differed.
        trailed: frames without any baseline in which only an elongation was found.
        side: of the mount in the last frame, where the header names it.
        focus, focus_steady: position of the focuser in the last frame, and for how many frames it has been there.
        places: where the streaks of the last frames were.
        pool: frames of the camera, of any target and filter; a judge shares it among the histories of one camera, and
            keeps its state.
    """

    key: BaselineKey
    window: deque[AcceptedFrame] = field(default_factory=lambda: deque(maxlen=WINDOW_FRAMES))
    reference: Reference = field(default_factory=Reference)
    floor_fwhm_px: float | None = None
    shifted: list[AcceptedFrame] = field(default_factory=list)
    trailed: list[AcceptedFrame] = field(default_factory=list)
    side: str | None = None
    focus: float | None = None
    focus_steady: int = 0
    places: Places = field(default_factory=Places)
    pool: CameraPool = field(default_factory=CameraPool)
    _baseline: Baseline | None = None

    def baseline(self) -> Baseline:
        """Return the baseline as it stands."""
        if self._baseline is None:
            pattern, scatter = usual_sky_pattern([frame.sky_pattern for frame in self.window])
            self._baseline = Baseline(
                key=self.key,
                size=len(self.window),
                spreads=spreads([frame.values for frame in self.window]),
                reference_stars=self.reference.stars,
                reference_light_adu_s=self.reference.light_adu_s,
                sky_pattern=pattern,
                sky_stray=scatter,
                fixed_lines=self.places.known,
                profile=self.reference.usual.profile,
            )
        if self._baseline.camera is not self.pool.camera():
            self._baseline = with_camera(self._baseline, self.pool.camera())
        return self._baseline

    def arrive(self, examined: Examined) -> Restart:
        """Note a meridian flip, an autofocus or another unit before a frame is judged, and start again if need be."""
        if has_other_unit(examined):
            return self._restart_in_other_unit(examined.measurements.values["unit_ratio"] or 0.0)
        flipped, focused = self._has_flipped(examined), self._was_focused(examined)
        if not self.window or not (flipped or focused):
            return Restart()
        kept = list(self.window)[-MIN_BASELINE_FRAMES:] if focused else list(self.window)
        self.window.clear()
        self.window.extend(frame.without_pattern() if flipped else frame for frame in kept)
        self.shifted.clear()
        if focused:
            self.floor_fwhm_px = None
        self._baseline = None
        what = "the meridian flip" if flipped else "the autofocus"
        sentence = f"After {what} the baseline starts again, with {counted(len(kept), 'frame')} so far."
        return Restart(sentence, refocused=focused)

    def _restart_in_other_unit(self, unit_ratio: float) -> Restart:
        """Forget every number of earlier frames: those of this one are in another unit."""
        self.window.clear()
        self.shifted.clear()
        self.trailed.clear()
        self.reference.clear()
        self.pool.clear()
        self.floor_fwhm_px = None
        self._baseline = None
        times = unit_ratio if unit_ratio >= 1.0 else 1.0 / unit_ratio
        size = "larger" if unit_ratio >= 1.0 else "smaller"
        sentence = (
            f"The pixel values are {times:,.0f} times {size} than before with the same stars in place: "
            "another unit, no cloud. The baseline starts again from this frame."
        )
        return Restart(sentence, refocused=True)

    def _has_flipped(self, examined: Examined) -> bool:
        """Return whether the mount has flipped since the last frame of this baseline; the new side is remembered."""
        turned_over = self.reference.has_turned(examined)
        side = examined.meta.pier_side
        flipped = side != self.side if side and self.side else turned_over
        self.side = side or self.side
        return flipped

    def _was_focused(self, examined: Examined) -> bool:
        """Return whether the focuser has moved after a steady time; its new position is remembered."""
        position = examined.meta.focuser_position
        if position is None:
            return False
        moved = self.focus is not None and position != self.focus
        steady, self.focus = self.focus_steady, position
        self.focus_steady = 0 if moved else self.focus_steady + 1
        return moved and steady >= STEADY_FOCUS_FRAMES

    def accept(self, examined: Examined) -> None:
        """Add an accepted frame to the window. A frame that is already in is not counted twice."""
        if any(frame.frame_id == examined.frame_id for frame in self.window):
            return
        self.window.append(AcceptedFrame.of(examined))
        self.shifted.clear()
        self._baseline = None
        recent_px = [frame.values.get("fwhm_minor_px", 0.0) for frame in list(self.window)[-FLOOR_FRAMES:]]
        if len(recent_px) == FLOOR_FRAMES and min(recent_px) > 0:
            middle_px = sorted(recent_px)[FLOOR_FRAMES // 2]
            self.floor_fwhm_px = min(middle_px, self.floor_fwhm_px or middle_px)
        if self.reference.consider(examined):
            self._baseline = None
        widths_px = [frame.values["fwhm_minor_px"] for frame in self.window if "fwhm_minor_px" in frame.values]
        if widths_px and self.reference.usual.note(examined, median(widths_px)):
            self._baseline = None

    def note(self, examined: Examined) -> None:
        """Take note of a judged light frame, whatever was decided about it; called once for each, in order.

        The frame must have been compared with :meth:`baseline` as it was before. The opinion of the quality model is
        not used, so that training can run the same memory over looks.

        Parameters:
            examined: the frame and its measurements.
        """
        self.accept(examined)
        self.note_camera(examined)

    def note_camera(self, examined: Examined) -> None:
        """Learn pedestal and gain from a light frame, whatever was decided about it; twice is once.

        Parameters:
            examined: the frame, compared with :meth:`baseline` as it was before.
        """
        self.pool.note(Exposed.of(examined.frame_id, examined.meta, examined.measurements.sky_noise))

    def forget(self, frame_id: str) -> bool:
        """Remove a frame from the window. Reference stars stay: they tell places and light, not quality.

        Returns:
            whether it was there.
        """
        removed = False
        for kept in (self.window, self.shifted, self.trailed):
            for frame in [frame for frame in kept if frame.frame_id == frame_id]:
                kept.remove(frame)
                self._baseline, removed = None, True
        return removed

    def note_streaks(self, examined: Examined) -> None:
        """Remember where the frame's streaks are, after the window has been updated."""
        measured, before = examined.measurements, self.places.known
        x_px, y_px = measured.values.get("offset_x_px"), measured.values.get("offset_y_px")
        turn_deg = measured.values.get("field_turn_deg")
        straight = is_sane(turn_deg) and abs(turn_deg) < TURNED_DEG
        shift = (x_px, y_px) if is_sane(x_px) and is_sane(y_px) and straight else None
        streaks = (*measured.streaks, *measured.fixed_streaks)
        self.places.note(examined.frame_id, streaks, shift, self.reference.number)
        if self.places.known != before:
            self._baseline = None

    def forget_streaks(self, frame_id: str) -> None:
        """Forget the places of a frame's streaks: its file was not complete."""
        self.places.forget(frame_id)
        self._baseline = None

    def note_shift(self, examined: Examined) -> None:
        """Count a frame in which only the sky level differs; enough of them in a row are the new baseline."""
        if any(frame.frame_id == examined.frame_id for frame in self.shifted):
            return
        self.shifted.append(AcceptedFrame.of(examined))
        if len(self.shifted) >= LEVEL_FREEZE_FRAMES:
            self.window.clear()
            self.window.extend(self.shifted)
            self.shifted.clear()
            self._baseline = None

    def note_trail(self, examined: Examined) -> None:
        """Count an elongated frame while there is no baseline; once five are elongated alike, that is the baseline."""
        if len(self.window) >= MIN_BASELINE_FRAMES:
            return
        if any(frame.frame_id == examined.frame_id for frame in self.trailed):
            return
        self.trailed.append(AcceptedFrame.of(examined))
        del self.trailed[:-MIN_BASELINE_FRAMES]
        together = [*self.window, *self.trailed]
        if len(together) >= MIN_BASELINE_FRAMES and _elongated_alike(together):
            self.window.extend(self.trailed)
            self.trailed.clear()
            self._baseline = None

    def state(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "key": asdict(self.key),
            "window": [frame.state() for frame in self.window],
            "floor_fwhm_px": self.floor_fwhm_px,
            "shifted": [frame.state() for frame in self.shifted],
            "trailed": [frame.state() for frame in self.trailed],
            "side": self.side,
            "focus": self.focus,
            "focus_steady": self.focus_steady,
            "places": self.places.state(),
            **self.reference.state(),
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> History:
        """Undo :meth:`state`.

        Raises:
            KeyError, TypeError, ValueError: the state is not one that :meth:`state` returned.
        """
        reference = Reference.restore(state)
        history = cls(
            key=BaselineKey(**state["key"]),
            reference=reference,
            floor_fwhm_px=state["floor_fwhm_px"],
            shifted=[AcceptedFrame.restore(stored) for stored in state["shifted"]],
            trailed=[AcceptedFrame.restore(stored) for stored in state.get("trailed", [])],
            side=state.get("side"),
            focus=state.get("focus"),
            focus_steady=int(state.get("focus_steady", 0)),
            places=Places.restore(state["places"]) if "places" in state else Places(reference.number),
        )
        history.window.extend(AcceptedFrame.restore(stored) for stored in state["window"])
        return history


def has_other_unit(examined: Examined) -> bool:
    """Return whether the pixel values of a frame are in another unit than those of earlier frames."""
    ratio = examined.measurements.values.get("unit_ratio")
    return is_sane(ratio) and ratio > 0.0


def _elongated_alike(frames: list[AcceptedFrame]) -> bool:
    """Return whether all frames are elongated in about the same direction by about the same length."""
    usual = spreads([frame.values for frame in frames])
    width_px = usual["fwhm_minor_px"].median if "fwhm_minor_px" in usual else 0.0
    trail_px = usual_trail_px(usual)
    if width_px <= 0 or trail_px is None or trail_px >= LONGEST_OWN_TRAIL * width_px:
        return False
    excesses_px = [excess_trail_px(frame.values, usual) for frame in frames]
    return all(excess is not None and excess**2 < STEADY_TRAIL * trail_px**2 for excess in excesses_px)
