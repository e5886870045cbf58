"""The path that the stars drew, as an image: what the usual mean star is convolved with to give the one of a frame.

With the Fourier transforms U of the usual star and N of the one now, the kernel is N U* / (|U|² + λ), the filter of
Wiener (1949) for white noise of the power λ that both stacks have, smoothed by a narrow Gaussian. A star that is as
usual gives a point. Drift gives an even bar, a periodic error a bar with bright ends, a jump two knots, wind a cloud.

The lengths are second moments of the kernel, without a weight: light far from the core counts in full. They are taken
where the kernel rises above its noise, and those of the kernel of the usual star with itself are subtracted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..records import STACK_PX

Image = NDArray[np.float64]

KERNEL_PX = 25
"""Side of the kernel in pixels of the stack: four widths of a star of six pixels."""
SMOOTHED_PX, SEARCHED_PX, SHARP_PX = 1.4, 2.2, 0.8
"""Standard deviations of three Gaussians: the one that smooths the kernel; a wider one, in which it is distinguished
from noise, because a halo is faint and smooth; a narrower one, in which knots are searched, because sums across the
path have less noise."""
NOISE_RADIUS_PX = 20.0
"""Distance from the star beyond which a stack has only noise, and the kernel only errors."""
LIGHT_SIGMAS, LIGHT_SHARE = 5.0, 0.02
"""Height over the noise, and as a share of the highest, from which a pixel of the kernel is part of the path."""
LEAST_DAMPING = 3e-3
"""Smallest noise power, as a share of that of the usual star at its largest. From 1e-4 to 3e-3 the errors of simulated
paths are the same; less is not used, because ripples grow."""
RIPPLE, RIPPLE_PX2 = 1.3, 0.05
"""The variance along a path may exceed that between the stacks themselves by this factor, and by so many square pixels;
with more than the factor again, the kernel is no image of a path."""
LENGTH_PER_RMS = math.sqrt(12.0)
"""Length of an even path over the standard deviation of its light."""
FWHM_OF_PEAK = 0.8825
"""Peak of a Gaussian of unit flux times the square of its FWHM: 4 ln 2 / π."""
SHAPELESS = 0.7
"""Length over the usual FWHM below which a path has no visible structure."""
ENDS, MIDDLE = (0.55, 1.1), 0.4
"""Parts of half the length: the ends lie between the first two, the middle within the last."""
PROMINENT, PROMINENT_SIGMAS = 0.1, 6.0
"""Rise of a knot above the gap to the next higher one: as a share of the highest, and over the noise."""
MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal distribution over its median absolute deviation."""

LEAST_LIGHT = 1e-9
"""Smallest sum of light that is divided by."""
STEPS_PER_PX, MIDDLE_STEP = 2, 2 * STACK_PX
"""Steps along a path for each pixel of the stack, and the number of the step at its middle."""
STEP_WEIGHTS = (0.25, 0.5, 0.5, 0.5, 0.25)
"""Weights of neighbouring steps: a pixel is two steps long."""
BRIGHTEST_ENDS = 9.0
"""Brighter ends are cut off here: between two knots there may be no light at all."""
_X, _Y = np.meshgrid(*2 * [np.arange(STACK_PX, dtype=np.float64) - STACK_PX // 2])
"""Coordinates of the pixels of a stack around its middle."""
_FAR = np.hypot(_X, _Y) > NOISE_RADIUS_PX
"""Pixels of a stack far from the star."""
_MONOMIALS = np.stack([part.ravel() for part in (_X, _Y, _X * _X, _Y * _Y, _X * _Y)])
"""Powers of the coordinates whose sums are the moments."""
_FREQUENCY2 = np.fft.fftfreq(STACK_PX)[:, None] ** 2 + np.fft.rfftfreq(STACK_PX)[None, :] ** 2
"""Square of the spatial frequency, in cycles per pixel."""
_SMOOTHINGS = np.stack([np.exp(-2 * np.pi**2 * width**2 * _FREQUENCY2) for width in (SMOOTHED_PX, SEARCHED_PX)])
"""Gaussians by frequency."""
_SHARP = np.exp(-2 * np.pi**2 * SHARP_PX**2 * _FREQUENCY2)
"""The narrow Gaussian by frequency."""
_TO_FIRST = np.exp(
    2j * np.pi * (STACK_PX // 2) * (np.fft.fftfreq(STACK_PX)[:, None] + np.fft.rfftfreq(STACK_PX)[None, :])
)
"""Moves the middle of a stack to its first pixel, by frequency."""


@dataclass(frozen=True, slots=True, eq=False)
class _Image:
    """A stack or a kernel.

    Attributes:
        smooth: (49, 49) smoothed by ``SMOOTHED_PX``, without background.
        part: (49, 49) where it differs from its noise.
    """

    smooth: Image
    part: NDArray[np.bool_]

    def light(self) -> Image:
        """Return the light of the part, (49, 49) of sum 1; zero elsewhere."""
        light = np.where(self.part, self.smooth, 0.0)
        return np.asarray(light / max(float(light.sum()), LEAST_LIGHT), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class _Deconvolved:
    """Two stacks, and what the usual one is convolved with to give each of them.

    Attributes:
        kernel: of the frame.
        point: of the usual star itself: a point but for smoothing and damping.
        now, usual: the stacks.
        sharp: (49, 49) the kernel smoothed by ``SHARP_PX``.
    """

    kernel: _Image
    point: _Image
    now: _Image
    usual: _Image
    sharp: Image


@dataclass(frozen=True, slots=True)
class _Spread:
    """Variances of light beyond those of a star as usual, along the main axis and across it; direction in radians."""

    major: float
    minor: float
    angle: float

    @classmethod
    def between(cls, image: _Image, as_usual: _Image) -> _Spread:
        """Return by how much one image is wider than the other."""
        xx, yy, xy = np.subtract(_moments(image.light())[2:], _moments(as_usual.light())[2:])
        mean, split = float(xx + yy) / 2, float(np.hypot((xx - yy) / 2, xy))
        # Where the frame is sharper than usual, the light across the path says by how much. At most as much again is
        # added: a star that has merely lost its usual elongation has no path across it.
        major = max(mean + split, 0.0)
        major += min(max(split - mean, 0.0), major)
        return cls(major, max(mean - split, 0.0), 0.5 * float(np.arctan2(2 * xy, xx - yy)))


@dataclass(frozen=True, slots=True)
class Path:
    """Numbers of a kernel; lengths in pixels of the stack.

    Attributes:
        length, minor: length of an even path with the spread of the light, √12 times its standard deviation, along the
            main axis and across it; 0 where the frame is not wider than usual.
        angle_deg: direction of the main axis from +x towards +y, -90 < angle ≤ 90.
        halo_fraction: share of the light farther than one usual FWHM from the middle.
        shape: how the light lies along the path; ``None`` for a path that is too short.
    """

    length: float
    minor: float
    angle_deg: float
    halo_fraction: float
    shape: Shape | None


@dataclass(frozen=True, slots=True)
class Shape:
    """How the light lies along a path.

    Attributes:
        peak_count: knots of light.
        gap_fraction: depth between the two highest, as a share of the lower one; 0 with one knot.
        end_brightness: light for each pixel at the ends over that in the middle, at most 9.
    """

    peak_count: int
    gap_fraction: float
    end_brightness: float


def kernel_of(now: NDArray[np.float32], usual: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the kernel that turns the usual mean star into the one of a frame.

    Parameters:
        now, usual: (49, 49) stacks of unit flux on one scale, see :func:`on_scale`.

    Returns:
        (25, 25) float32, smoothed by a Gaussian of 1.4 pixels, its middle at the centre of its light; the sum over the
        path is 1. Zero where one of the stacks is empty.
    """
    if not now.any() or not usual.any():
        return np.zeros((KERNEL_PX, KERNEL_PX), np.float32)
    kernel = _deconvolved(now, usual).kernel
    light = kernel.light()
    shift = [-round(float((light * axis).sum())) for axis in (_Y, _X)]
    edge = (STACK_PX - KERNEL_PX) // 2
    centred = np.roll(kernel.smooth, shift, axis=(0, 1))[edge : edge + KERNEL_PX, edge : edge + KERNEL_PX]
    return np.asarray(centred / max(float(kernel.smooth[kernel.part].sum()), LEAST_LIGHT), np.float32)


def path_of(now: NDArray[np.float32], usual: NDArray[np.float32]) -> Path:
    """Return the numbers of the kernel between two stacks.

    Parameters:
        now, usual: (49, 49) stacks of unit flux on one scale, neither of them empty.
    """
    found = _deconvolved(now, usual)
    light, as_usual = found.kernel.light(), found.point.light()
    x, y = _moments(light)[:2]
    spread, plain = _Spread.between(found.kernel, found.point), _Spread.between(found.now, found.usual)
    # Where the usual star is elongated and this one is not, no light could make one from the other: what comes out has
    # ripples that reach far. The stacks themselves bound the length.
    most = RIPPLE * plain.major + RIPPLE_PX2
    major = min(spread.major, most)
    angle_deg = float(np.degrees(spread.angle))
    fwhm = float(np.sqrt(FWHM_OF_PEAK / max(float(usual.max()), LEAST_LIGHT)))
    length = LENGTH_PER_RMS * math.sqrt(major)
    halo = light[np.hypot(_X - x, _Y - y) > fwhm].sum() - as_usual[np.hypot(_X, _Y) > fwhm].sum()
    shape = None
    if length >= SHAPELESS * fwhm and spread.major <= RIPPLE * most:
        along = (_X - x) * np.cos(spread.angle) + (_Y - y) * np.sin(spread.angle)
        shape = _shape(found.sharp, found.kernel.part, along, length / 2)
    return Path(
        length=length,
        minor=LENGTH_PER_RMS * math.sqrt(min(spread.minor, major)),
        angle_deg=90.0 if angle_deg <= -90.0 else angle_deg,
        halo_fraction=float(np.clip(halo, 0.0, 1.0)) if spread.major <= RIPPLE * most else 0.0,
        shape=shape,
    )


def on_scale(stack: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return a stack with pixels that are wider by a factor; its middle stays in the middle.

    Parameters:
        stack: (49, 49).
        factor: a power of two, at least 1.
    """
    while factor > 1:
        half = np.pad(stack, 1)
        rows = 0.5 * (half[:-2] + half[2:]) + half[1:-1]
        both = 0.5 * (rows[:, :-2] + rows[:, 2:]) + rows[:, 1:-1]
        middle = STACK_PX // 2
        coarse = both[middle % 2 :: 2, middle % 2 :: 2]
        stack = np.zeros((STACK_PX, STACK_PX), np.float32)
        first = middle - len(coarse) // 2
        stack[first : first + len(coarse), first : first + len(coarse)] = coarse
        factor //= 2
    return stack


def _deconvolved(now: NDArray[np.float32], usual: NDArray[np.float32]) -> _Deconvolved:
    """Return the kernel of a frame, and that of a star as usual with the same damping."""
    spectra = np.fft.rfft2(np.stack([now, usual]).astype(np.float64))
    power = np.abs(spectra[1]) ** 2
    noise_power = STACK_PX**2 * (_noise(now) ** 2 + _noise(usual) ** 2)
    damped = np.conj(spectra[1]) / (power + max(noise_power, LEAST_DAMPING * float(power.max()), LEAST_LIGHT))
    kernels = spectra * damped
    # A product with a conjugate has its middle at the first pixel; the stacks have theirs in the middle.
    spectra = np.concatenate([kernels, spectra * _TO_FIRST])
    smooth, searched = np.moveaxis(_images(spectra[:, None] * _SMOOTHINGS), 1, 0)
    kernel, point, own, other = (_significant(*pair) for pair in zip(smooth, searched, strict=True))
    return _Deconvolved(kernel, point, own, other, _images(kernels[0] * _SHARP))


def _images(spectra: NDArray[np.complex128]) -> Image:
    """Return the images (…, 49, 49) of spectra, the first pixel moved into the middle."""
    return np.fft.fftshift(np.fft.irfft2(spectra, s=(STACK_PX, STACK_PX)), axes=(-2, -1))


def _significant(smooth: Image, searched: Image) -> _Image:
    """Return an image without its background, with the pixels that differ from its noise.

    Dark ripples are part of it, too: they take from the spread what bright ones add.
    """
    ground = float(np.median(searched[_FAR]))
    above = searched - ground
    part = np.abs(above) > max(LIGHT_SIGMAS * _noise(searched), LIGHT_SHARE * float(above.max()))
    return _Image(smooth - ground, part)


def _noise(stack: NDArray[np.floating]) -> float:
    """Return the standard deviation of a stack or kernel far from the star."""
    far = stack[_FAR]
    return MAD_TO_SIGMA * float(np.median(np.abs(far - np.median(far))))


def _moments(light: Image) -> tuple[float, float, float, float, float]:
    """Return the centre x and y, and the second central moments xx, yy and xy, of light with the sum 1."""
    sums = _MONOMIALS @ light.ravel()
    x, y, xx, yy, xy = (float(number) for number in sums)
    return x, y, xx - x * x, yy - y * y, xy - x * y


def _shape(kernel: Image, part: NDArray[np.bool_], along: Image, half: float) -> Shape:
    """Return how light lies along a path.

    Parameters:
        kernel: (49, 49) of the frame.
        part: (49, 49) where it differs from its noise.
        along: (49, 49) place of each pixel along the path, from its middle.
        half: half the length of the path.
    """
    steps = np.rint(along[part] * STEPS_PER_PX).astype(np.intp) + MIDDLE_STEP
    profile = np.bincount(steps, weights=kernel[part], minlength=2 * MIDDLE_STEP + 1)
    # Pixels of a tilted grid fall unevenly into the steps of the path.
    smooth = np.convolve(profile, STEP_WEIGHTS, mode="same")
    place = np.abs(np.arange(len(smooth)) - MIDDLE_STEP) / STEPS_PER_PX / max(half, 1e-6)
    within = smooth[place <= MIDDLE].mean()
    ends = smooth[(place >= ENDS[0]) & (place <= ENDS[1])]
    # A path shorter than one step has no ends apart from its middle.
    at_ends = ends.mean() if ends.size else within
    count, gap = _knots(smooth, max(PROMINENT * float(smooth.max()), PROMINENT_SIGMAS * _noise(kernel)))
    return Shape(
        peak_count=count,
        gap_fraction=gap,
        end_brightness=float(np.clip(at_ends / max(float(within), LEAST_LIGHT), 0.0, BRIGHTEST_ENDS)),
    )


def _knots(profile: Image, rise: float) -> tuple[int, float]:
    """Return how many knots a profile has, and the depth of the gap between the two highest as a share of the lower."""
    windows = sliding_window_view(np.pad(profile, 1), 3)
    tops = np.flatnonzero((profile >= windows.max(axis=1)) & (profile > rise))
    kept: list[int] = []
    gaps: list[float] = []
    for top in sorted(tops.tolist(), key=lambda place: -profile[place]):
        between = [float(profile[min(top, other) : max(top, other) + 1].min()) for other in kept]
        if all(profile[top] - lowest >= rise for lowest in between):
            if kept:
                gaps.append(1.0 - between[0] / float(profile[top]))
            kept.append(top)
    return len(kept), float(np.clip(gaps[0], 0.0, 1.0)) if gaps else 0.0
