"""The reference stars of a target: those of its best frame so far, for transparency and shifts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..records import Examined, ReferenceStar
from .airmass import airmass, airmass_loss_mag
from .noted import Sighting, finite_values, is_sane
from .profile import UsualProfile
from .relative import TURNED_DEG

MIN_MATCHED_STARS = 10
"""Extinction from fewer matched stars is no firm evidence."""
FEWEST_MATCHED_STARS = 3
"""A frame with fewer matched stars shows another field: two stars agree by chance."""
FIELD_FREEZE_FRAMES = 3
"""Usual frames in a row that do not match the reference until one of them replaces it."""
MORE_LIGHT = 1.03
"""A frame replaces the reference when its stars are brighter by this factor, so that noise does not."""
STAR_FIELDS = ("x_px", "y_px", "flux_adu_s", "fwhm_px", "plus_px2", "cross_px2")
"""Numbers of a reference star in the order in which they are kept."""


@dataclass(slots=True)
class Reference:
    """The reference frame of one target and rig.

    Attributes:
        stars: brightest first; empty while there is none.
        light_adu_s: its flux of a standard star, on the scale of the first reference; ``None`` while there is none.
        airmass: of the reference frame, where it is known.
        side: of the mount when it was taken, where it is known.
        number: how often the reference has changed.
        elsewhere: consecutive usual frames that could not be matched to it.
        turned: whether the last frame was turned against it by more than ``TURNED_DEG``.
        stale: the next frame of the usual group that matches takes its place: it was of another group.
        usual: mean star of the last usual frames.
        sighting: the place of the reference frame on the scales that outlive it.
    """

    stars: tuple[ReferenceStar, ...] = ()
    light_adu_s: float | None = None
    airmass: float | None = None
    side: str | None = None
    number: int = 0
    elsewhere: int = 0
    turned: bool = False
    stale: bool = False
    usual: UsualProfile = field(default_factory=UsualProfile)
    sighting: Sighting = field(default_factory=lambda: Sighting(light_mag=0.0))

    def clear(self) -> None:
        """Forget the stars, because later frames are in another unit; side and count stay."""
        self.stars, self.light_adu_s, self.airmass = (), None, None
        self.sighting = Sighting(self.sighting.field + 1, self.sighting.angle_deg, 0.0)

    def sight(self, examined: Examined) -> Sighting:
        """Return field, orientation and light of a frame that was compared with this reference.

        Where no stars were matched the side of the mount tells the orientation.
        """
        values = finite_values(examined.measurements.values)
        turn_deg = values.get("field_turn_deg")
        if turn_deg is None:
            turn_deg = 0.0 if self.same_side(examined.meta.pier_side) else 180.0
        angle_deg = round((self.sighting.angle_deg + turn_deg) % 360.0, 2)
        loss_mag = values.get("extinction_mag")
        if loss_mag is None or self.sighting.light_mag is None:
            return Sighting(self.sighting.field, angle_deg)
        here = airmass(examined.meta.airmass, examined.meta.altitude_deg)
        light_mag = self.sighting.light_mag + loss_mag - airmass_loss_mag(here, self.airmass)
        return Sighting(self.sighting.field, angle_deg, round(light_mag, 4))

    def same_side(self, side: str | None) -> bool:
        """Return whether the mount is on the side of the reference frame; yes when that is unknown."""
        return side is None or self.side is None or side == self.side

    def has_turned(self, examined: Examined) -> bool:
        """Note how the field is turned in a new frame, and return whether it turned over since the last one.

        The turn is measured against the reference frame, so it is measured again once the reference is of this side.
        """
        turn_deg = examined.measurements.values.get("field_turn_deg")
        before = self.turned
        if turn_deg is not None:
            self.turned = is_sane(turn_deg) and abs(turn_deg) > TURNED_DEG
        return self.turned and not before

    def consider(self, examined: Examined) -> bool:
        """Take the stars of a usual frame when it is the best so far, or the field has moved for good.

        Returns:
            whether it is the reference now.
        """
        values = finite_values(examined.measurements.values)
        stars = tuple(star for star in examined.measurements.bright_stars if is_sane(star.flux_adu_s))
        if not stars:
            return False
        matched = values.get("matched_star_count", 0.0)
        flipped = self.turned or not self.same_side(examined.meta.pier_side)
        unmatched = bool(self.stars) and matched < FEWEST_MATCHED_STARS
        self.elsewhere = self.elsewhere + 1 if unmatched else 0
        if matched >= MIN_MATCHED_STARS:
            better = self.stale or values.get("transparency", 0.0) >= MORE_LIGHT
        else:
            better = not unmatched and _flux_adu_s(stars) > MORE_LIGHT * _flux_adu_s(self.stars[: len(stars)])
        if self.stars and not flipped and not better and self.elsewhere < FIELD_FREEZE_FRAMES:
            return False
        sighting = self.sight(examined)
        if not self.stars:
            sighting = Sighting(self.sighting.field, sighting.angle_deg, 0.0)
        elif sighting.light_mag is None:
            sighting = Sighting(self.sighting.field + 1, sighting.angle_deg, 0.0)
        self.sighting = sighting
        self.stars = stars
        self.light_adu_s = values.get("star_light_adu_s")
        self.number += 1
        self.turned, self.stale = False, False
        self.airmass = airmass(examined.meta.airmass, examined.meta.altitude_deg)
        self.side = examined.meta.pier_side
        self.elsewhere = 0
        return True

    def state(self) -> dict[str, Any]:
        """Return everything as plain JSON values."""
        return {
            "reference_stars": [[getattr(star, name) for name in STAR_FIELDS] for star in self.stars],
            "reference_light_adu_s": self.light_adu_s,
            "reference_airmass": self.airmass,
            "reference_side": self.side,
            "references": self.number,
            "elsewhere": self.elsewhere,
            "turned": self.turned,
            "stale": self.stale,
            "profile": self.usual.state(),
            "sighting": self.sighting.state(),
        }

    @classmethod
    def restore(cls, state: dict[str, Any]) -> Reference:
        """Undo :meth:`state`.

        Raises:
            KeyError, TypeError, ValueError: the state is not one that :meth:`state` returned.
        """
        return cls(
            stars=tuple(
                ReferenceStar(**{name: float(number) for name, number in zip(STAR_FIELDS, star, strict=True)})
                for star in state["reference_stars"]
            ),
            light_adu_s=state["reference_light_adu_s"],
            airmass=state["reference_airmass"],
            side=state["reference_side"],
            number=int(state["references"]),
            elsewhere=int(state["elsewhere"]),
            turned=bool(state["turned"]),
            stale=bool(state["stale"]),
            usual=UsualProfile.restore(state["profile"]),
            sighting=Sighting.restore(state["sighting"]),
        )


def _flux_adu_s(stars: tuple[ReferenceStar, ...]) -> float:
    """Return the total flux of reference stars in ADU/s."""
    return sum(star.flux_adu_s for star in stars)
