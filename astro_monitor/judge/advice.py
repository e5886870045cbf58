"""What usually helps, one sentence for each cause."""

from __future__ import annotations

_BY_CAUSE = {
    "drift": "Check that guiding runs and the polar alignment; unguided, expose for a shorter time.",
    "periodic": "Train or switch on periodic error correction, or guide with shorter exposures.",
    "jump": "Look for cable snags, a slipping clutch or backlash; let the guider settle longer after a dither.",
    "wind": "Shield the telescope or wait for the wind to drop; shorter exposures lose less.",
    "rotation": "Improve the polar alignment; on an alt-azimuth mount expose for a shorter time.",
    "seeing": "Nothing to repair: wait, point higher, or move to a target that needs less sharpness.",
    "defocus": "Run the autofocus now, and look whether the temperature has changed since the last one.",
    "cloud": "Look at the sky; pause the sequence until it has cleared.",
    "gradient": "Look for the moon, a lamp or haze near the field; point away from it.",
    "leak": "Look for light that enters the tube, the filter wheel or the focuser, and cover it.",
    "twilight": "Dawn or dusk: end the sequence, or take flats.",
    "moon": "Nothing to repair; narrow filters and targets far from the moon lose least.",
    "dew": "Check the front lens or corrector and switch on the dew heater.",
}
_BY_KIND = {
    "tracking": "Check guiding, balance, cables and wind.",
    "seeing": "Run the autofocus; if it does not help, the air is unsteady.",
    "background": "Look at the sky and for stray light.",
    "obstruction": "Look for a tree, a wall, the dome or a cable in front of the telescope.",
    "pointing": "Plate-solve and centre the target again; look for a slipped clutch or a wrong sync.",
    "failures": "Check the disk, the network share and the capture program; the frames are named in the log.",
}


def advice_for(kind: str, cause: str) -> str:
    """Return the advice of an alert for a cause, or for the kind of warning when the cause is not known.

    Parameters:
        kind: one of ``AlertKind``.
        cause: one of ``records.CAUSES``; anything else counts as unknown.
    """
    return _BY_CAUSE.get(cause, _BY_KIND[kind])
