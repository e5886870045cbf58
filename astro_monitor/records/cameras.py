"""Pedestal, gain and read noise of a camera, with what they rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

CameraSource = Literal["header", "overscan", "bias", "dark", "photon_transfer", "prior"]
"""What the gain or pedestal rests on most: the header, the overscan, bias or dark frames of the folder, noise against
level of many frames or parts of a frame, or nothing but what cameras are like."""

UNKNOWN_ERROR = 1e6
"""Error of a number that is not known at all: finite, so that it can be written as JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """What is known of a camera at one gain setting, from the frames so far.

    Attributes:
        e_per_adu: gain of one sensor pixel, electrons per unit of the pixels; 0 while nothing is known.
        e_per_adu_error_fraction: standard error of its logarithm.
        pedestal_adu, pedestal_error_adu: level that corresponds to no light.
        read_noise_e, read_noise_error_fraction: noise of one sensor pixel without light.
        source: what this rests on most.
        frames: light frames behind it.
    """

    e_per_adu: float = 0.0
    e_per_adu_error_fraction: float = UNKNOWN_ERROR
    pedestal_adu: float = 0.0
    pedestal_error_adu: float = UNKNOWN_ERROR
    read_noise_e: float = 0.0
    read_noise_error_fraction: float = UNKNOWN_ERROR
    source: CameraSource = "prior"
    frames: int = 0

    @property
    def known(self) -> bool:
        """Whether there is an estimate, however rough."""
        return self.e_per_adu > 0.0


UNKNOWN_CAMERA = Camera()
"""Before any frame."""
