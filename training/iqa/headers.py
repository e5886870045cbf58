"""Simulated pixels as frames that were read from files, with headers that tell more or less, as capture programs do."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astro_monitor.records import Frame, FrameMeta
from training import arrivals
from training.simulate import Rig

TOLD = {
    "exposure_s": 0.95,
    "pedestal_adu": 0.12,
    "calibrated": 0.7,
    "e_per_adu": 0.4,
    "scale_arcsec_px": 0.85,
    "saturation_adu": 0.5,
    "date_obs_utc": 0.95,
    "binning": 0.95,
    "gain": 0.6,
    "sensor_temp_c": 0.6,
    "focuser": 0.4,
    "pier_side": 0.5,
    "east_angle_deg": 0.2,
}
"""Probability that the headers of a rig tell something. ``calibrated``: that bias and dark were subtracted."""

UNKNOWN_SATURATION_ADU = 65535.0
_RIG_FIELDS = {field.name for field in fields(Rig)}


def dressed(
    pixels: NDArray[np.uint16] | NDArray[np.float32], rig: dict[str, Any], truth: dict[str, Any], number: int
) -> Frame:
    """Return a frame as the reader would.

    Parameters:
        pixels: (H, W), read-only.
        rig: from ``training.iqa.rigs.rig_facts``.
        truth: from ``training.iqa.rigs.truth_of``.
        number: of the frame in its sequence; makes its identity.
    """
    cells_along = 2 if rig["colour"] else 1
    height, width = pixels.shape
    name = f"{rig['seed']:08x}{number:08x}"
    told = _told(rig)
    full_adu = Rig(**{key: value for key, value in rig.items() if key in _RIG_FIELDS}).saturation_adu
    return Frame(
        frame_id=name,
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        arrival=arrivals.simulated(name),
        meta=_meta(rig, truth, number, told),
        pixels=pixels,
        sensor_px_per_px=cells_along,
        sensor_shape=(height * cells_along, width * cells_along),
        saturation_adu=full_adu if "saturation_adu" in told else UNKNOWN_SATURATION_ADU,
    )


def _told(rig: dict[str, Any]) -> set[str]:
    """Draw what the headers of a rig tell, always the same."""
    rng = np.random.default_rng([rig["seed"], 0xF11E])
    return {what for what, share in TOLD.items() if rng.random() < share}


def _meta(rig: dict[str, Any], truth: dict[str, Any], number: int, told: set[str]) -> FrameMeta:
    """Return what the header of one frame says."""
    cells = 4 if rig["colour"] else 1
    rng = np.random.default_rng([rig["seed"], 0x7E3])
    cooling_c, warm_c = float(rng.uniform(0, 0.15)), float(rng.uniform(-5, 25))
    focus, east_deg = int(rng.integers(2000, 40_000)), float(rng.uniform(-180, 180))
    turned = float(truth.get("turn_deg", 0.0))
    pedestal, sources = _pedestal(rig, told)
    return FrameMeta(
        kind="light",
        camera=f"simulated {rig['seed']}",
        target="simulated field",
        date_obs_utc=datetime.fromisoformat(truth["time"]) if truth.get("time") and "date_obs_utc" in told else None,
        exposure_s=rig["exposure_s"] if "exposure_s" in told else None,
        pedestal_adu=pedestal,
        e_per_adu=rig["gain_e_adu"] / cells if "e_per_adu" in told else None,
        scale_arcsec_px=rig["scale_arcsec_px"] / (2 if rig["colour"] else 1) if "scale_arcsec_px" in told else None,
        binning=rig["binning"] if "binning" in told else 1,
        gain=100.0 if "gain" in told else None,
        sensor_temp_c=(-10.0 if rig["dark_e_s"] < 1 else 20.0) if "sensor_temp_c" in told else None,
        focuser_position=float(focus) if "focuser" in told else None,
        focuser_temp_c=round(warm_c - cooling_c * number, 2) if "focuser" in told else None,
        pier_side=("west" if turned == 180 else "east") if "pier_side" in told else None,
        east_angle_deg=(east_deg + turned + 180) % 360 - 180 if "east_angle_deg" in told else None,
        sources=sources,
    )


def _pedestal(rig: dict[str, Any], told: set[str]) -> tuple[float | None, dict[str, str]]:
    """Return the pedestal by the header, and the keyword that told it."""
    if rig["calibrated"]:
        if "calibrated" not in told:
            return None, {}
        return (0.0, {"pedestal_adu": "CALSTAT"}) if not rig["offset_adu"] else (
            rig["offset_adu"], {"pedestal_adu": "PEDESTAL"}
        )  # fmt: skip
    return (rig["offset_adu"], {"pedestal_adu": "PEDESTAL"}) if "pedestal_adu" in told else (None, {})
