"""How well S, the sky that noise can see, is known without any header: ``python -m benchmarks.pedestal``.

Rigs of the training simulator take eight frames each; neither gain nor pedestal is in their headers. S is worked out
from the first frame alone, from all of them, with the read noise known, and with one bias frame. A Markdown table says
how often it is within a factor of the truth, and how often within its own stated error. Needs ``'.[train]'``. The
frames are rendered, ten seconds a rig, or come from the data set of looks of the quality model (``--looks``). Nothing
of the estimate is fitted to simulated rigs.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from astro_monitor.baseline import Exposed, estimate
from astro_monitor.baseline.sensors import ReadNoise
from astro_monitor.measure import sky_noise
from astro_monitor.records import Camera, Frame, FrameMeta, SkyNoise

FRAMES = 8
"""Frames of each rig."""
BIAS_SHAPE = (512, 768)
"""Height and width of a simulated bias frame in frame pixels."""
WITHIN = (1.25, 1.6, 2.5)
"""Factors of the truth that are counted."""
READ_NOISE_RANGE = 1.4
"""Read noise counts as known when it is within this factor."""


@dataclass(frozen=True, slots=True)
class SimulatedRig:
    """What one rig's frames tell, and the truth.

    Attributes:
        seed: of the rig.
        lights: its frames, without gain and pedestal from headers.
        effective_sky_adu: S of each frame.
        bias: a bias frame of its camera; without cells where the frames are calibrated.
        read_noise_e: of one sensor pixel.
    """

    seed: int
    lights: tuple[Exposed, ...]
    effective_sky_adu: tuple[float, ...]
    bias: Exposed
    read_noise_e: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rigs", type=int, default=100, help="most rigs")
    parser.add_argument("--split", choices=("train", "validation", "test"), default="validation")
    parser.add_argument("--looks", type=Path, help="folder of one split of the data set of looks")
    chosen = parser.parse_args()
    found = looked_at(chosen.looks) if chosen.looks is not None else simulated(chosen.split, chosen.rigs)
    print(report(list(itertools.islice(found, chosen.rigs))))


def report(rigs: Sequence[SimulatedRig]) -> str:
    """Return the table in Markdown.

    Parameters:
        rigs: at least one.
    """
    heads = [*(f"within {factor:g}×" for factor in WITHIN), "within 1 σ", "within 2 σ", "median error"]
    lines = [f"| S from | {' | '.join(heads)} |", f"|---|{'---|' * len(heads)}"]
    for name, camera_of in WAYS.items():
        errors, sigmas = [], []
        for rig in rigs:
            error, sigma = _error(rig, camera_of(rig))
            errors.append(error)
            sigmas.append(sigma)
        away, stated = np.abs(errors), np.abs(sigmas)
        shares = [float((away < math.log(factor)).mean()) for factor in WITHIN]
        shares += [float((stated < limit).mean()) for limit in (1.0, 2.0)]
        lines.append(f"| {name} | {' | '.join(f'{share:.2f}' for share in shares)} | {float(np.median(away)):.2f} |")
    return "\n".join([f"{len(rigs)} rigs", "", *lines])


def _error(rig: SimulatedRig, camera: Camera) -> tuple[float, float]:
    """Return ln of S over the true S of the last frame, and the same in stated standard errors."""
    last = rig.lights[-1]
    if not camera.known:
        return math.inf, math.inf
    error = math.log(last.variance_adu2 * camera.e_per_adu / rig.effective_sky_adu[-1])
    return error, error / math.hypot(camera.e_per_adu_error_fraction, 0.03)


def _before(rig: SimulatedRig) -> Camera:
    """Return the camera as version 0.1 had it: an electron is an ADU where the header says nothing."""
    unit = rig.lights[0].unit_adu
    return Camera(e_per_adu=1.0 / unit, e_per_adu_error_fraction=1.0, frames=1)


def _read_noise_known(rig: SimulatedRig) -> Camera:
    known = ReadNoise(rig.read_noise_e / READ_NOISE_RANGE, rig.read_noise_e * READ_NOISE_RANGE)
    return estimate(rig.lights, known)


WAYS: dict[str, Callable[[SimulatedRig], Camera]] = {
    "one electron an ADU (0.1)": _before,
    "the first frame": lambda rig: estimate(rig.lights[:1]),
    "all frames": lambda rig: estimate(rig.lights),
    "all frames, read noise known": _read_noise_known,
    "the first frame and a bias frame": lambda rig: estimate([rig.bias, rig.lights[0]]),
    "all frames and a bias frame": lambda rig: estimate([rig.bias, *rig.lights]),
}
"""Rows of the table."""


def simulated(split: Any, count: int) -> Iterator[SimulatedRig]:
    """Render the frames of some rigs, and measure level and noise of each.

    Parameters:
        split: of the training simulator.
        count: of rigs.
    """
    from training.iqa.headers import dressed
    from training.iqa.rigs import rig_facts, rig_seeds, sequence, truth_of

    for seed in rig_seeds(split, count):
        facts: dict[str, Any] = {}
        frames: list[tuple[SkyNoise, dict[str, Any]]] = []
        for number, taken in enumerate(itertools.islice(sequence(split, seed), FRAMES)):
            facts, truth = rig_facts(taken.rig), truth_of(taken)
            taken.pixels.flags.writeable = False
            frames.append((sky_noise(dressed(taken.pixels, facts, truth, number)), truth))
        yield from _measured(facts, frames)


def looked_at(folder: Path) -> Iterator[SimulatedRig]:
    """Yield what the looks of some rigs hold.

    Parameters:
        folder: of one split of the data set of looks.
    """
    from training.iqa.lookset import SUFFIX, load_looks

    for path in sorted(folder.glob(f"*{SUFFIX}")):
        stored = load_looks(path)
        frames = [(look.measurements.sky_noise, truth) for look, truth in stored.frames[:FRAMES]]
        yield from _measured(stored.rig, frames)


def _measured(facts: dict[str, Any], frames: Sequence[tuple[SkyNoise, dict[str, Any]]]) -> Iterator[SimulatedRig]:
    """Yield a rig by its facts, and noise and truth of its frames; nothing where no frame was measured."""
    blank = FrameMeta(kind="light", binning=facts["binning"])
    lights = [
        (Exposed.of(str(number), blank, noise), truth["noise_adu"] ** 2 * truth["gain_e_adu"])
        for number, (noise, truth) in enumerate(frames)
        if noise.cells
    ]
    if lights:
        along = 2 if facts["colour"] else 1
        yield SimulatedRig(
            seed=facts["seed"],
            lights=tuple(light for light, _ in lights),
            effective_sky_adu=tuple(truth for _, truth in lights),
            bias=_bias_frame(facts, along),
            read_noise_e=facts["read_noise_e"] / along,
        )


def _bias_frame(facts: dict[str, Any], along: int) -> Exposed:
    """Return a bias frame of a rig; without cells where its frames are calibrated."""
    from training.simulate import Rig, detector

    if facts["calibrated"]:
        return Exposed(frame_id="bias", kind="bias")
    names = {one.name for one in fields(Rig)}
    rig = replace(Rig(**{key: value for key, value in facts.items() if key in names}), exposure_s=0.0)
    rng = np.random.default_rng([rig.seed, 0xB1A5])
    light_e = np.zeros(BIAS_SHAPE, np.float32)
    pixels, _ = detector.read_out(rng, rig, light_e, detector.find_defects(rig, BIAS_SHAPE))
    pixels.flags.writeable = False
    frame = dressed_bias(pixels, facts, along)
    return Exposed.of("bias", FrameMeta(kind="bias", binning=facts["binning"]), sky_noise(frame))


def dressed_bias(pixels: NDArray[np.uint16] | NDArray[np.float32], facts: dict[str, Any], along: int) -> Frame:
    """Return the pixels of a bias frame as a frame.

    Parameters:
        pixels: (H, W), read-only.
        facts: of the rig.
        along: sensor pixels along a side of a frame pixel.
    """
    from training.iqa.headers import dressed

    frame = dressed(pixels, facts, {}, 0)
    return replace(frame, sensor_px_per_px=along)


if __name__ == "__main__":
    main()
