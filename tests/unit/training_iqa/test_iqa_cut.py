"""The quality model is cut where pixels end, and no digit changes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from astro_monitor.inference import open_model, seal
from training.iqa import cut as cut_module
from training.iqa.cut import cut, cut_file, difference

SOURCES, FEATURES, STATISTICS = 6, 5, 4


def toy(meet: str = "Concat", heads: int = 2) -> onnx.ModelProto:
    """Return a model of the shape of the quality model: each head joins its own view of the sources and statistics."""
    rng = np.random.default_rng(0)
    tensors, nodes, joined = [], [], []

    def weights(name: str, *shape: int) -> str:
        values = rng.normal(size=shape).astype(np.float32)
        tensors.append(onnx.numpy_helper.from_array(values, name))
        return name

    for head in range(heads):
        nodes += [
            helper.make_node("MatMul", ["valid", weights(f"w{head}", SOURCES, FEATURES)], [f"seen{head}"]),
            helper.make_node("Relu", [f"seen{head}"], [f"features{head}"]),
            helper.make_node("MatMul", ["statistics", weights(f"v{head}", STATISTICS, FEATURES)], [f"numbers{head}"]),
            helper.make_node(meet, [f"features{head}", f"numbers{head}"], [f"both{head}"], **_axis(meet)),
        ]
        joined.append(f"both{head}")
    width = FEATURES * (2 if meet == "Concat" else 1) * heads
    nodes.append(helper.make_node("Concat", joined, ["common"], axis=1))
    for name in ("class", "fault", "cause"):
        nodes.append(helper.make_node("MatMul", ["common", weights(f"to_{name}", width, 3)], [name]))
    nodes.append(helper.make_node("ReduceSum", ["sources"], ["quantisation_error"], keepdims=0))
    nodes.append(helper.make_node("Identity", ["valid"], ["clusters"]))
    inputs = {"sources": ["batch", SOURCES], "valid": ["batch", SOURCES], "statistics": ["batch", STATISTICS]}
    outputs = {name: ["batch", 3] for name in ("class", "fault", "cause")}
    outputs |= {"quantisation_error": [], "clusters": ["batch", SOURCES]}
    graph = helper.make_graph(
        nodes, "toy",
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in inputs.items()],
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in outputs.items()],
        tensors,
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _axis(meet: str) -> dict[str, int]:
    return {"axis": 1} if meet == "Concat" else {}


def samples(count: int = 20) -> list[dict[str, np.ndarray]]:
    rng = np.random.default_rng(1)
    sizes = {"sources": SOURCES, "valid": SOURCES, "statistics": STATISTICS}
    return [{name: rng.normal(size=(1, size)).astype(np.float32) for name, size in sizes.items()} for _ in range(count)]


def test_both_parts_give_the_digits_of_the_whole():
    whole = toy()
    sources, head = cut(whole)
    assert difference(whole, sources, head, samples()) == 0
    assert [value.name for value in sources.graph.input] == ["sources", "valid"]
    assert [value.name for value in head.graph.input] == ["source_features", "statistics"]
    assert [value.name for value in head.graph.output] == ["class", "fault", "cause"]


def test_a_part_that_was_changed_is_noticed():
    whole = toy()
    sources, head = cut(whole)
    other = cut(toy(heads=2))[1]
    for tensor in other.graph.initializer:
        if tensor.name == "to_class":
            tensor.CopyFrom(onnx.numpy_helper.from_array(onnx.numpy_helper.to_array(tensor) * 2, tensor.name))
    assert difference(whole, sources, other, samples()) > 0
    assert difference(whole, sources, head, samples()) == 0


def test_a_model_whose_sides_meet_otherwise_cannot_be_cut():
    with pytest.raises(ValueError, match="meet in Add"):
        cut(toy(meet="Add"))


def test_the_shipped_parts_belong_together():
    sources, head = (open_model(name, provider="cpu", threads=1) for name in ("quality-sources", "quality"))
    assert head.card.parameters["source_part_sha256"] == sources.card.sha256
    assert head.card.version == sources.card.version


def test_a_whole_model_is_cut_into_two_files_with_cards(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(cut_module, "_random_inputs", samples)
    shipped = json.loads(
        (Path(cut_module.__file__).parents[2] / "astro_monitor/models/quality.json").read_text("utf-8")
    )
    path = tmp_path / "whole" / "quality.onnx"
    path.parent.mkdir()
    path.write_bytes(toy().SerializeToString())
    card = shipped | {"parameters": {"map": [1, 1], "statistics": ["a"]}}
    path.with_suffix(".json").write_text(json.dumps(card | {"card_sha256": seal(card)}), "utf-8")
    assert cut_file(path, tmp_path / "models") == 0
    made = {name.stem for name in (tmp_path / "models").iterdir()}
    assert made == {"quality", "quality-sources"}
