"""Whether eight-bit numbers would make the star finder faster here: ``python -m benchmarks.quantised``.

Needs the ``train`` extra, whose ``onnx`` the quantiser works on. The weights are those of the shipped model; the
activations are calibrated on noise, which is enough to time it and says nothing of how well it would find stars.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static

from astro_monitor.detect.unet import INPUT

MODEL = Path(__file__).parents[1] / "astro_monitor" / "models" / "star-unet.onnx"
SHAPE = (1, 1056, 3104, 1)
"""A tile as large as those of a frame of 24 megapixels."""


class _Noise(CalibrationDataReader):  # type: ignore[misc]  # the library has no types
    def __init__(self) -> None:
        self._left = [{INPUT: _noise((1, 256, 256, 1), seed)} for seed in range(8)]

    def get_next(self) -> dict[str, np.ndarray] | None:
        return self._left.pop() if self._left else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=9)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory(prefix="bench-quantised-") as folder:
        eight_bit = Path(folder) / "quantised.onnx"
        quantize_static(
            str(MODEL), str(eight_bit), _Noise(), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        )  # fmt: skip
        print("| star finder | CPU, ms per megapixel |\n|---|---|")
        for name, path in (("32-bit floats, as shipped", MODEL), ("8-bit integers", eight_bit)):
            print(f"| {name} | {_ms_per_megapixel(path, repeats):.1f} |")


def _ms_per_megapixel(path: Path, repeats: int) -> float:
    """Least processor time on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    tile = {INPUT: _noise(SHAPE, 99)}
    session.run(None, tile)
    times = []
    for _ in range(repeats):
        begun = time.process_time()
        session.run(None, tile)
        times.append(time.process_time() - begun)
    return 1e3 * min(times) / (SHAPE[1] * SHAPE[2] / 1e6)


def _noise(shape: tuple[int, ...], seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, shape).astype(np.float32)


if __name__ == "__main__":
    main()
