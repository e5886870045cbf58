"""The network exports to a file that says the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow", reason="needs the 'train' extra")
pytest.importorskip("tf2onnx", reason="needs the 'train' extra")

from astro_monitor.inference import open_model

pytestmark = [pytest.mark.training, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


def test_export_keeps_every_number_and_any_size(tmp_path: Path) -> None:
    from training import export
    from training.unet.network import build

    network = build(stem=8, wide=8)
    proto = export.from_keras(network, nchw_outputs=["maps"])
    rng = np.random.default_rng(1)
    samples = [{"pixels": rng.normal(size=(1, h, w, 1)).astype(np.float32)} for h, w in ((64, 64), (96, 160))]

    def reference(inputs: export.Arrays) -> export.Arrays:
        return {"maps": np.asarray(network(inputs["pixels"], training=False)).transpose(0, 3, 1, 2)}

    difference = float(export.parity(reference, proto, samples).max())
    assert difference < 1e-4
    card = export.ship(
        proto,
        tmp_path,
        {"pixels": (1, 64, 64, 1)},
        name="tiny",
        version="0.1",
        summary="for a test",
        licence="BSD-3-Clause",
        preprocessing_version="none-1",
        recipe={"how": "not at all"},
        data_manifest_sha256="0" * 64,
        parity_max_abs_diff=difference,
    )
    model = open_model("tiny", folder=tmp_path, provider="cpu", threads=1)
    assert model.run(samples[0])["maps"].shape == (1, 8, 16, 16)
    assert json.loads((tmp_path / "tiny.json").read_text("utf-8"))["sha256"] == card.sha256
    kinds = {node.op_type for node in proto.graph.node}
    assert "Transpose" not in kinds
    assert "Tile" not in kinds


def test_the_loss_is_least_for_the_right_answer() -> None:
    import tensorflow as tf

    from training.unet.losses import star_loss
    from training.unet.targets import LAYERS

    wanted = np.zeros((2, 8, 8, len(LAYERS)), np.float32)
    wanted[..., LAYERS.index("valid")] = wanted[..., LAYERS.index("weight")] = 1
    wanted[..., LAYERS.index("kind")] = -1
    wanted[0, 3, 4, [LAYERS.index("heat"), LAYERS.index("offset_weight")]] = 1
    wanted[0, 3, 4, LAYERS.index("kind")] = 1
    wanted[1, 5, :, LAYERS.index("streak")] = 1
    right = np.full((2, 8, 8, 8), -8.0, np.float32)
    right[..., 1:3] = 0
    right[0, 3, 4, [0, 6]] = 8
    right[1, 5, :, 4] = 8
    best = float(star_loss(tf.constant(wanted), tf.constant(right)))
    rng = np.random.default_rng(1)
    for _ in range(5):
        worse = right + rng.normal(0, 4, right.shape).astype(np.float32)
        assert float(star_loss(tf.constant(wanted), tf.constant(worse))) > best


def test_a_short_training_run_writes_its_log_and_goes_on(tmp_path: Path) -> None:
    from training.unet.data import TILE_PX
    from training.unet.targets import LAYERS
    from training.unet.train import Recipe, train

    rng = np.random.default_rng(1)
    for split in ("train", "validation"):
        targets = np.zeros((8, 64, 64, len(LAYERS)), np.float16)
        targets[..., LAYERS.index("valid")] = 1
        np.savez(tmp_path / f"{split}-0.npz", seen=rng.normal(size=(8, TILE_PX, TILE_PX)).astype("f2"), targets=targets)
    (tmp_path / "train.json").write_text("{}", "utf-8")
    recipe = Recipe(stem=8, wide=8, batch=4, round_steps=1, patience=1, minutes=5)
    for _ in range(2):
        assert train(recipe, tmp_path, tmp_path / "run").exists()
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text("utf-8").splitlines()]
    started = [line for line in lines if "recipe" in line]
    assert [line["resumed_after_rounds"] == 0 for line in started] == [True, False]
    assert all(len(line["data"]) == 64 for line in started)
    rounds = [line["round"] for line in lines if "round" in line]
    assert rounds == list(range(1, len(rounds) + 1))
