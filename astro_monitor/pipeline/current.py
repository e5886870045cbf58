"""Whether a kept look is what the present models and settings would see in the frame."""

from __future__ import annotations

from ..inference import identity_of, source_part_of
from ..measure import sun_and_moon
from ..records import Look
from ..settings import Settings
from .looker import SCALE_OF_SETTINGS
from .pipeline import site_of

ROUNDING = 0.0015
"""Sun and moon are rounded to the third decimal."""


def models_that_look(settings: Settings) -> tuple[str, str]:
    """Return the identities of the star finder and of the source part of the quality model.

    Raises:
        ModelError: one is missing or altered.
    """
    chosen = settings.models
    return identity_of(chosen.star_finder, chosen.folder), identity_of(source_part_of(chosen.quality), chosen.folder)


def is_current(look: Look, settings: Settings, models: tuple[str, ...]) -> bool:
    """Return whether looking at the frame again, with these models and settings, would give the same look.

    Parameters:
        look: a kept one.
        settings: the present ones; the scale of pixels counts where the header has none.
        models: from :func:`models_that_look`.
    """
    if look.models != models:
        return False
    scale = look.meta.scale_arcsec_px
    by_settings = look.meta.sources.get("scale_arcsec_px", SCALE_OF_SETTINGS) == SCALE_OF_SETTINGS
    return scale == settings.site.scale_arcsec_px if by_settings else True


def has_the_same_sky(look: Look, settings: Settings) -> bool:
    """Return whether sun and moon of a look are those of the site of the settings; one look of a night tells it.

    Parameters:
        look: a kept one.
        settings: the present ones.
    """
    expected = sun_and_moon(look.meta, site_of(settings.site))
    if isinstance(expected, str):
        return look.measurements.values["sun_altitude_deg"] is None
    kept = {key: look.measurements.values[key] for key in expected}
    return all(value is not None and abs(value - expected[key]) < ROUNDING for key, value in kept.items())
