"""What a fault does to the pixels of a frame that was taken without it.

Light is moved, dimmed or added; then the noise that the changed light would have had is completed, because smoothing
and dimming take noise away. Levels are in ADU, variances in ADU².
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.ndimage
import scipy.signal
from numpy.typing import NDArray

Image = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RealFrame:
    """A real frame, taken apart.

    Attributes:
        light_adu: (H, W) light of stars and objects above the sky, with the frame's noise.
        sky_adu: (H, W) smooth level below it.
        noise_adu: standard deviation of the sky in one pixel.
        e_per_adu: electrons per ADU of one pixel; 0 where it is not known: then only the noise of the sky is completed.
        fixed_adu: (H, W) what does not move with the light: hot pixels.
    """

    light_adu: Image
    sky_adu: Image
    noise_adu: float
    e_per_adu: float
    fixed_adu: Image

    def star_variance(self) -> Image:
        """Return the photon noise of stars as variance, (H, W), from the light smoothed over three pixels."""
        if self.e_per_adu <= 0.0:
            return np.zeros_like(self.light_adu)
        smooth = scipy.ndimage.uniform_filter(self.light_adu, 3)
        # Below three sigma of the smoothed noise it is sky and not light.
        smooth[smooth < self.noise_adu] = 0.0
        return np.asarray(smooth / self.e_per_adu, np.float32)

    def pixels(self) -> Image:
        """Return the whole frame."""
        return self.light_adu + self.sky_adu + self.fixed_adu


def taken_apart(
    pixels: NDArray[np.uint16] | Image,
    sky_adu: Image,
    clean: NDArray[np.uint16] | Image,
    noise_adu: float,
    e_per_adu: float,
) -> RealFrame:
    """Return a frame taken apart.

    Parameters:
        pixels: (H, W) of the frame.
        sky_adu: (H, W) of the sky below the stars.
        clean: the frame without its hot pixels.
        noise_adu, e_per_adu: as in :class:`RealFrame`.
    """
    whole = pixels.astype(np.float32)
    cleaned = clean.astype(np.float32)
    return RealFrame(
        light_adu=cleaned - sky_adu,
        sky_adu=sky_adu,
        noise_adu=noise_adu,
        e_per_adu=e_per_adu,
        fixed_adu=whole - cleaned,
    )


def convolved(frame: RealFrame, kernel: Image, rng: np.random.Generator) -> RealFrame:
    """Return the frame with its light spread by a kernel: a path of the mount, poor seeing, a defocused disc.

    Parameters:
        kernel: (k, k), sum 1, k odd.
        rng: of the noise that is completed.
    """
    kernel = np.asarray(kernel / kernel.sum(), np.float32)
    stars = frame.star_variance()
    spread = _convolve(frame.light_adu, kernel)
    left = _convolve(stars + frame.noise_adu**2, np.asarray(kernel**2, np.float32))
    wanted = np.maximum(_convolve(stars, kernel), 0.0) + frame.noise_adu**2
    return _completed(frame, spread, np.asarray(wanted - left, np.float32), rng)


def dimmed(frame: RealFrame, share: float, rng: np.random.Generator) -> RealFrame:
    """Return the frame with only a share of the light of its stars.

    Parameters:
        share: of the light that is left, 0 to 1.
        rng: of the noise that is completed.
    """
    stars = frame.star_variance()
    wanted = share * stars + frame.noise_adu**2
    missing = wanted - np.float32(share**2) * (stars + np.float32(frame.noise_adu**2))
    return _completed(frame, np.float32(share) * frame.light_adu, np.asarray(missing, np.float32), rng)


def brightened(frame: RealFrame, added_adu: Image, rng: np.random.Generator) -> RealFrame:
    """Return the frame with more light from the sky.

    Parameters:
        added_adu: (H, W), not negative.
        rng: of the photon noise of the added light; without a known gain it is that of the sky that is there.
    """
    level = max(float(np.median(frame.sky_adu)), 1.0)
    variance = added_adu / frame.e_per_adu if frame.e_per_adu > 0 else frame.noise_adu**2 * added_adu / level
    noise = rng.standard_normal(added_adu.shape, np.float32) * np.sqrt(variance)
    total = frame.noise_adu**2 + float(np.median(variance))
    return RealFrame(
        light_adu=frame.light_adu + noise,
        sky_adu=frame.sky_adu + added_adu,
        noise_adu=float(np.sqrt(total)),
        e_per_adu=frame.e_per_adu,
        fixed_adu=frame.fixed_adu,
    )


def _completed(frame: RealFrame, light_adu: Image, missing: Image, rng: np.random.Generator) -> RealFrame:
    """Return a frame with changed light and the variance that is missing added as noise."""
    noise = rng.standard_normal(light_adu.shape, np.float32) * np.sqrt(np.maximum(missing, 0.0))
    return RealFrame(
        light_adu=np.asarray(light_adu + noise, np.float32), sky_adu=frame.sky_adu, noise_adu=frame.noise_adu,
        e_per_adu=frame.e_per_adu, fixed_adu=frame.fixed_adu,
    )  # fmt: skip


def _convolve(image: Image, kernel: Image) -> Image:
    """Return an image convolved, (H, W); its border is continued by reflection."""
    half = kernel.shape[0] // 2
    padded = np.pad(image, half, mode="reflect")
    return np.asarray(scipy.signal.fftconvolve(padded, kernel, mode="valid"), np.float32)
