"""The memory behind one baseline: that of one rig, target, filter, exposure, gain and binning.

The usual frames are the largest group of frames that agree with one another in the width of their stars, their
elongation, the light of matched stars and the pattern of the sky, whether they were kept or not. Five that agree make
the rig known. From then on the groups compete by these rules:

- a better group (sharper, rounder, more light) of five frames takes the place of the usual one at once: the night began
  badly;
- a worse one never does, however large: trouble that lasts till dawn stays trouble. After an autofocus it may be wider;
- one that is neither does when five more of the last 15 frames belong to it.

Frames with a fault that no rig has as its own (``guards``) belong to no group. Last night's group is a prior: the
baseline until this night has a group of its own.

Nothing here asks the quality model, so that its training can run the same memory over looks.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from ..plain import counted
from ..records import Baseline, BaselineKey, Examined, as_prior
from ..records.borders import FWHM_BAD
from .camera_pool import CameraPool
from .centres import Balance, balance
from .changes import Changes, Restart, has_other_unit
from .dark import DarkSky
from .effective import with_camera
from .exposed import Exposed
from .groups import Group
from .guards import DEFAULT_NORMAL_FWHM_ARCSEC, is_beyond_any_rig, site_fwhm_px
from .noted import NotedFrame, finite_values, is_sane
from .places import Places
from .profile import UsualProfile
from .reference import Reference
from .relative import TURNED_DEG
from .usual import usual_baseline

MIN_BASELINE_FRAMES = 5
"""Frames that agree, from which the rig is known and limits relative to the baseline apply."""
WINDOW_FRAMES = 40
"""Usual frames that a baseline remembers: some hours of exposures, over which a rig changes slowly."""
CANDIDATE_FRAMES = 10
"""Frames that are remembered of each other group."""
EARLIER_FRAMES = 15
"""Frames of an earlier night that are remembered. A group of so many is the prior of the next night."""
MOST_GROUPS = 4
"""Groups that are remembered: the usual one, a rival, and room for single frames that agree with nothing."""
LATEST_FRAMES, MORE_FRAMES = 15, 5
"""A group that is neither better nor worse takes over when it has so many more of the latest frames."""
MUCH_MORE_LIGHT = 1.3
"""Light of matched stars from which a frame is the reference whatever its group: no fault adds starlight."""
FALLEN_SKY = 1.5
"""A dark sky that has fallen by this factor lets the frames before be judged again: the first ones were taken at
dusk."""
WIDER_NIGHT = 1.6
"""A night may be wider than the one before by this factor, or than the normal of the site, before it is a fault."""


@dataclass(slots=True)
class History:
    """The memory behind one baseline. Changes with each light frame.

    Attributes:
        key: of the baseline.
        normal_fwhm_arcsec: of the site.
        sidereal: the mount follows the stars; else stars that trail alike are usual.
        groups: of this night; frames of one agree with one another.
        usual: number of the group that is usual; 0 while no group is.
        earlier: what was usual on an earlier night.
        latest: numbers of the groups that the last frames belong to.
        reference: the reference frame of the target.
        dark: the darkest usual frames.
        number: how often the usual group was replaced, or became known.
        excused: the focus has changed since the usual group: a wider one may take over.
        changes: what the last frame said of night, mount and focus.
        places: where the streaks of the last frames were.
        pool: frames of the camera, of any target and filter; a judge shares it among the histories of one camera, and
            keeps its state.
    """

    key: BaselineKey
    normal_fwhm_arcsec: float = DEFAULT_NORMAL_FWHM_ARCSEC
    sidereal: bool = True
    groups: list[Group] = field(default_factory=list)
    usual: int = 0
    earlier: Group | None = None
    latest: deque[int] = field(default_factory=lambda: deque(maxlen=LATEST_FRAMES))
    reference: Reference = field(default_factory=Reference)
    dark: DarkSky = field(default_factory=DarkSky)
    number: int = 0
    excused: bool = False
    changes: Changes = field(default_factory=Changes)
    places: Places = field(default_factory=Places)
    pool: CameraPool = field(default_factory=CameraPool)
    _counted: int = 0
    _dark_adu: float = 0.0
    _seen_turned: bool = False
    _baseline: Baseline | None = None

    @property
    def floor_fwhm_px(self) -> float | None:
        """Sharpest usual width of this night, of five frames in a row; ``None`` while it is not known."""
        group = self._usual_group()
        return group.sharpest_px or None if group is not None else None

    def baseline(self) -> Baseline:
        """Return the baseline as it stands."""
        if self._baseline is None:
            group, prior = self._speaking()
            site_px = self._site_px(group) if group is not None else 0.0
            baseline = usual_baseline(self.key, group, self.reference, self.dark, turned=self._seen_turned)
            baseline = replace(
                baseline, fixed_lines=self.places.known, prior=prior, number=self.number, normal_fwhm_px=site_px
            )
            self._baseline = as_prior(baseline) if prior else baseline
        if self._baseline.camera is not self.pool.camera():
            self._baseline = with_camera(self._baseline, self.pool.camera())
        return self._baseline

    def arrive(self, examined: Examined) -> Restart:
        """Note another night, unit, side of the mount or focus before a frame is judged."""
        change = self.changes.note(examined, self.reference)
        if change.night:
            self._begin_night()
        if has_other_unit(examined):
            return self._restart_in_other_unit(examined.measurements.values["unit_ratio"] or 0.0)
        # Without matched stars only the side of the mount says how the sky lies.
        matched = examined.measurements.values.get("field_turn_deg") is not None
        self._see_turned(not matched and not self.reference.same_side(examined.meta.pier_side))
        group = self._usual_group()
        if change.focused:
            self.excused = True
            for other in self.groups:
                other.keep_last(MIN_BASELINE_FRAMES)
            self._baseline = None
        if group is None or not group.frames or not (change.flipped or change.focused):
            return Restart(refocused=change.focused)
        if change.focused:
            count = counted(len(group.frames), "frame")
            return Restart(f"After the autofocus the baseline starts again, with {count} so far.", refocused=True)
        return Restart("After the meridian flip the sky lies the other way round on the sensor.")

    def note(self, examined: Examined) -> None:
        """Take note of a judged light frame, whatever was decided about it; called once for each, in order.

        The frame must have been compared with :meth:`baseline` as it was before.

        Parameters:
            examined: the frame and its measurements.
        """
        self._see_turned(False)
        self.note_camera(examined)
        values = finite_values(examined.measurements.values)
        known = any(frame.frame_id == examined.frame_id for group in self.groups for frame in group.frames)
        if known or is_beyond_any_rig(values, self.normal_fwhm_arcsec, sidereal=self.sidereal):
            return
        frame = NotedFrame.of(examined, self.reference.sight(examined))
        group = self._group_of(frame)
        if group.number == self.usual or not self.usual or values.get("transparency", 0.0) >= MUCH_MORE_LIGHT:
            frame = self._refer(examined, frame)
        group.add(frame, WINDOW_FRAMES if group.number == self.usual else CANDIDATE_FRAMES)
        self.latest.append(group.number)
        self._choose(group)
        if group.number == self.usual or not self.usual:
            self.reference.usual.note(examined, group.centre.width_px)
        if group.number == self.usual:
            self.dark.note(frame)
            self._note_dark()
        self._baseline = None

    def note_camera(self, examined: Examined) -> None:
        """Learn pedestal and gain from a light frame, whatever was decided about it; twice is once.

        Parameters:
            examined: the frame, compared with :meth:`baseline` as it was before.
        """
        self.pool.note(Exposed.of(examined.frame_id, examined.meta, examined.measurements.sky_noise))

    def forget(self, frame_id: str) -> bool:
        """Remove a frame: a person has rejected it. Reference stars stay: they tell places and light, not quality.

        Returns:
            whether it was there.
        """
        groups = [*self.groups, *([self.earlier] if self.earlier is not None else [])]
        removed = [group.remove(frame_id) for group in groups]
        self.groups = [group for group in self.groups if group.frames]
        if self.earlier is not None and not self.earlier.frames:
            self.earlier = None
        self.dark.remove(frame_id)
        if any(removed):
            self._baseline = None
        return any(removed)

    def note_streaks(self, examined: Examined) -> None:
        """Remember where the frame's streaks are, after the frame itself has been noted."""
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

    def _see_turned(self, turned: bool) -> None:
        """Show the pattern of the sky as a frame needs it that is turned against the reference frame, or not."""
        if turned != self._seen_turned:
            self._seen_turned, self._baseline = turned, None

    def _usual_group(self) -> Group | None:
        """Return the usual group of this night; ``None`` while there is none."""
        return next((group for group in self.groups if group.number == self.usual), None)

    def _speaking(self) -> tuple[Group | None, bool]:
        """Return the group that is the baseline, and whether it is only a prior."""
        group = self._usual_group()
        if group is not None:
            return group, False
        if self.earlier is not None:
            return self.earlier, True
        return max(self.groups, key=lambda one: len(one.frames), default=None), False

    def _group_of(self, frame: NotedFrame) -> Group:
        """Return the group that a frame agrees with, the usual one first, else a new one."""
        usual = self._usual_group()
        apart = {group.number: group.disagreement(frame, sidereal=self.sidereal) for group in self.groups}
        if usual is not None and apart[usual.number] <= 1.0:
            return usual
        alike = [group for group in self.groups if apart[group.number] <= 1.0]
        if alike:
            return min(alike, key=lambda group: apart[group.number])
        self._counted += 1
        while len(self.groups) >= MOST_GROUPS:
            spare = [group for group in self.groups if group.number != self.usual]
            self.groups.remove(min(spare, key=lambda group: (len(group.frames), self._last_of(group))))
        self.groups.append(Group(self._counted))
        return self.groups[-1]

    def _last_of(self, group: Group) -> int:
        """Return the place of a group's last frame among the latest ones; -1 for an old one."""
        return max((place for place, number in enumerate(self.latest) if number == group.number), default=-1)

    def _choose(self, group: Group) -> None:
        """Let a group that has grown become the usual one, where the rules allow it."""
        usual = self._usual_group()
        if group is usual or len(group.frames) < MIN_BASELINE_FRAMES:
            return
        if usual is not None and not self._may_replace(group, usual):
            return
        if usual is None and self.earlier is not None and self._is_worse_night(group, self.earlier):
            return
        self.usual = group.number
        self.number += 1
        self.excused = False
        if usual is not None:
            self.reference.stale, self.reference.usual = True, UsualProfile()
        for frame in group.frames:
            self.dark.note(frame)
        self._dark_adu = 0.0

    def _may_replace(self, group: Group, usual: Group) -> bool:
        """Return whether another group may take the place of the usual one; a better one takes its dark sky, too."""
        weighed = self._weigh(group, usual).excusing(width=1.0 if self.excused else 0.0)
        if weighed.is_better:
            self.dark.clear()
            return True
        times = [self.latest.count(number) for number in (group.number, usual.number)]
        return not weighed.is_worse and (self.excused or times[0] - times[1] >= MORE_FRAMES)

    def _is_worse_night(self, group: Group, earlier: Group) -> bool:
        """Return whether the first group of a night is worse than what was usual before.

        The seeing may be worse, up to the border from the normal width of the site; and the moon and the height of the
        target give the sky another pattern each night.
        """
        width_px = earlier.centre.width_px
        wider = max(self._site_px(earlier) / width_px, 1.0) * WIDER_NIGHT if width_px > 0.0 else WIDER_NIGHT
        return self._weigh(group, earlier).excusing(width=math.log(wider) / math.log(FWHM_BAD), sky=math.inf).is_worse

    def _weigh(self, new: Group, old: Group) -> Balance:
        """Compare a group with the usual one."""
        return balance(new.centre, old.centre, sensor_width_px=float(self.key.width))

    def _site_px(self, group: Group) -> float:
        """Return the normal FWHM of the site in pixels; 0 where the pixel scale is not known."""
        return max([site_fwhm_px(frame.values, self.normal_fwhm_arcsec) for frame in group.frames], default=0.0)

    def _refer(self, examined: Examined, frame: NotedFrame) -> NotedFrame:
        """Take a frame as the reference where it is better; return it relative to the present reference frame."""
        if not self.reference.consider(examined):
            return frame
        for group in (*self.groups, *([self.earlier] if self.earlier is not None else [])):
            group.refer(frame)
        return replace(frame.against(frame), sighting=self.reference.sighting)

    def _note_dark(self) -> None:
        """Count the baseline as another one when the dark sky has fallen far."""
        level_adu = self.dark.level_adu
        if level_adu <= 0.0 or 0.0 < self._dark_adu < FALLEN_SKY * level_adu:
            return
        self.number += 1 if self._dark_adu > 0.0 else 0
        self._dark_adu = level_adu

    def _begin_night(self) -> None:
        """Make what was usual a prior, if it was; else the groups of the night before go on."""
        group = self._usual_group()
        if group is None:
            spare = max(self.groups, key=lambda one: len(one.frames), default=None)
            group = spare if spare is not None and len(spare.frames) >= CANDIDATE_FRAMES else None
        if group is None:
            return
        group.keep_last(EARLIER_FRAMES)
        self.earlier = group
        self.groups, self.usual, self.excused = [], 0, False
        self.latest.clear()
        self._baseline = None

    def _restart_in_other_unit(self, unit_ratio: float) -> Restart:
        """Forget every number of earlier frames: those of this one are in another unit."""
        self.groups, self.usual, self.earlier = [], 0, None
        self.latest.clear()
        self.dark.clear()
        self.reference.clear()
        self.pool.clear()
        self._baseline = None
        times = unit_ratio if unit_ratio >= 1.0 else 1.0 / unit_ratio
        size = "larger" if unit_ratio >= 1.0 else "smaller"
        sentence = (
            f"The pixel values are {times:,.0f} times {size} than before with the same stars in place: "
            "another unit, no cloud. The baseline starts again from this frame."
        )
        return Restart(sentence, refocused=True)

    def state(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "key": asdict(self.key),
            "groups": [group.state() for group in self.groups],
            "usual": self.usual,
            "earlier": None if self.earlier is None else self.earlier.state(),
            "latest": list(self.latest),
            "dark": self.dark.state(),
            "dark_adu": self._dark_adu,
            "number": self.number,
            "counted": self._counted,
            "excused": self.excused,
            "changes": self.changes.state(),
            "places": self.places.state(),
            **self.reference.state(),
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> History:
        """Undo :meth:`state`; normal width of the site and rate of the mount are those of the settings.

        Raises:
            KeyError, TypeError, ValueError: the state is not one that :meth:`state` returned.
        """
        history = cls(
            key=BaselineKey(**state["key"]),
            groups=[Group.restore(stored) for stored in state["groups"]],
            usual=int(state["usual"]),
            earlier=None if state["earlier"] is None else Group.restore(state["earlier"]),
            reference=Reference.restore(state),
            dark=DarkSky.restore(state["dark"]),
            number=int(state["number"]),
            excused=bool(state["excused"]),
            changes=Changes.restore(state["changes"]),
            places=Places.restore(state["places"]),
            _counted=int(state["counted"]),
            _dark_adu=float(state["dark_adu"]),
        )
        history.latest.extend(map(int, state["latest"]))
        return history
