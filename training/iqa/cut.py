"""Cut the exported quality model where pixels end: a part that sees the sources, and a head that compares.

The cut lies where the image side of each head meets the statistics, behind an activation: no operation of the runtime
is fused across it, so the two parts give the digits of the whole (:func:`difference` proves it for given inputs).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import helper
from onnx.utils import Extractor

from astro_monitor.grade.grader import INPUTS, OUTPUTS, SOURCE_INPUTS, SOURCE_OUTPUTS, SOURCE_PART_SHA256
from astro_monitor.grade.sources import MOST_SOURCES, SOURCE_LENGTH
from astro_monitor.grade.statistics import STATISTICS_LENGTH
from astro_monitor.inference import Card, source_part_of
from astro_monitor.inference.provider import open_session
from training.export import Arrays, ship

FEATURES, STATISTICS = "source_features", "statistics"
SOURCE_PARAMETERS = ("map", "clusters", "source_numbers", "map_quantisation_error", "map_topographic_error")
"""Parameters of the whole that concern its source part alone."""
SOURCE_SUMMARY = (
    "Describes the sources of a frame for the quality model: a self-organising map (15 x 15, hexagonal, 20 clusters) "
    "groups them into a representative image, which the image side of each head turns into features. Needs no other "
    "frame, so it runs once for each frame; the head compares."
)
RANDOM_INPUTS = 400
"""Inputs on which the parts are compared with the whole."""


def cut(whole: onnx.ModelProto) -> tuple[onnx.ModelProto, onnx.ModelProto]:
    """Return the source part and the head of a whole quality model.

    Parameters:
        whole: with the inputs ``sources``, ``valid`` and ``statistics``; not changed.

    Raises:
        ValueError: its image side and its statistics do not meet in concatenations.
        onnx.checker.ValidationError: a part is not a valid model.
    """
    whole = onnx.ModelProto.FromString(whole.SerializeToString())
    meeting = _meeting(whole.graph)
    width = _widths(whole, meeting)
    del whole.graph.value_info[:]
    whole.graph.value_info.extend(
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", width[name]]) for name in meeting
    )
    ends = {value.name: value for value in (*whole.graph.input, *whole.graph.output)}
    features = helper.make_tensor_value_info(FEATURES, onnx.TensorProto.FLOAT, ["batch", sum(width.values())])
    extractor = Extractor(whole)
    sources = extractor.extract_model(list(SOURCE_INPUTS), [*meeting, *(n for n in SOURCE_OUTPUTS if n != FEATURES)])
    sources.graph.node.append(helper.make_node("Concat", meeting, [FEATURES], name=FEATURES, axis=1))
    _set_ends(
        sources, [ends[n] for n in SOURCE_INPUTS], [features if n == FEATURES else ends[n] for n in SOURCE_OUTPUTS]
    )
    head = extractor.extract_model([*meeting, STATISTICS], list(OUTPUTS))
    sizes = helper.make_tensor("source_feature_sizes", onnx.TensorProto.INT64, [len(meeting)], list(width.values()))
    head.graph.initializer.append(sizes)
    head.graph.node.insert(0, helper.make_node("Split", [FEATURES, sizes.name], meeting, name=FEATURES, axis=1))
    _set_ends(head, [features if n == FEATURES else ends[n] for n in INPUTS], [ends[n] for n in OUTPUTS])
    return sources, head


def difference(
    whole: onnx.ModelProto, sources: onnx.ModelProto, head: onnx.ModelProto, samples: Sequence[Arrays]
) -> float:
    """Largest absolute difference between the whole model and its two parts over all outputs and samples; 0 is exact.

    Parameters:
        whole: the model that was cut.
        sources, head: its parts.
        samples: inputs of the whole model.
    """
    sessions = [
        open_session(part.SerializeToString(), ["CPUExecutionProvider"], "cpu", 1)[0] for part in (whole, sources, head)
    ]
    names = [[value.name for value in part.graph.output] for part in (whole, sources, head)]
    largest = 0.0
    for sample in samples:
        wanted = dict(zip(names[0], sessions[0].run(names[0], dict(sample)), strict=True))
        seen = dict(zip(names[1], sessions[1].run(names[1], {n: sample[n] for n in SOURCE_INPUTS}), strict=True))
        inputs = {FEATURES: seen[FEATURES], STATISTICS: sample[STATISTICS]}
        got = seen | dict(zip(names[2], sessions[2].run(names[2], inputs), strict=True))
        largest = max(largest, *(float(np.abs(values - got[name]).max()) for name, values in wanted.items()))
    return largest


def ship_parts(whole: onnx.ModelProto, models: Path, name: str, **card: Any) -> tuple[Card, Card]:
    """Cut a whole quality model and write both parts with their cards.

    Parameters:
        whole: the model.
        models: folder that the parts go to.
        name: of the head; the source part is called after it.
        card: the fields of the card of the whole. What concerns the sources alone goes to their part.

    Returns:
        the cards of the source part and of the head.

    Raises:
        ValueError: the model cannot be cut.
        ModelError: a written part cannot be opened or does not fit its card.
    """
    sources, head = cut(whole)
    parameters = dict(card.pop("parameters"))
    own = {key: parameters.pop(key) for key in tuple(parameters) if key in SOURCE_PARAMETERS}
    of_head = {
        key: card.pop(key) for key in ("summary", "class_names", "calibration", "thresholds", "scores") if key in card
    }
    first = ship(
        sources, models, _examples(sources),
        name=source_part_of(name), summary=SOURCE_SUMMARY, parameters=own, **card,
    )  # fmt: skip
    second = ship(
        head, models, _examples(head),
        name=name, parameters=parameters | {SOURCE_PART_SHA256: first.sha256}, **of_head, **card,
    )  # fmt: skip
    return first, second


def cut_file(path: Path, models: Path) -> float:
    """Cut a whole model that was exported earlier, with its card next to it, without training anything.

    Parameters:
        path: the ``.onnx`` file of the whole.
        models: folder that the parts go to.

    Returns:
        the largest difference between the parts and the whole on random inputs; 0 is exact.
    """
    whole = onnx.load(path)
    card = Card.parse(path.with_suffix(".json").read_bytes(), path.with_suffix(".json").name)
    kept = card.model_dump(
        exclude={"card_schema", "card_sha256", "sha256", "size_bytes", "opset", "inputs", "outputs", "name"}
    )
    ship_parts(whole, models, card.name, **kept)
    parts = [onnx.load(models / f"{name}.onnx") for name in (source_part_of(card.name), card.name)]
    return difference(whole, parts[0], parts[1], _random_inputs())


def _examples(part: onnx.ModelProto) -> dict[str, tuple[int, ...]]:
    """Return a shape of each input for one frame."""
    return {
        value.name: tuple(size.dim_value or 1 for size in value.type.tensor_type.shape.dim)
        for value in part.graph.input
    }


def _random_inputs() -> list[Arrays]:
    rng = np.random.default_rng(0)
    samples: list[Arrays] = []
    for _ in range(RANDOM_INPUTS):
        count = int(rng.integers(0, MOST_SOURCES + 1))
        rows, valid = np.zeros((1, MOST_SOURCES, SOURCE_LENGTH), np.float32), np.zeros((1, MOST_SOURCES), np.float32)
        rows[0, :count], valid[0, :count] = rng.normal(0, 0.5, (count, SOURCE_LENGTH)), 1
        numbers = rng.normal(0, 2, (1, STATISTICS_LENGTH)).astype(np.float32)
        samples.append({"sources": rows, "valid": valid, STATISTICS: numbers})
    return samples


def _meeting(graph: onnx.GraphProto) -> list[str]:
    """Return the tensors without statistics that are concatenated with ones of the statistics."""
    depends = {value.name: value.name == STATISTICS for value in graph.input}
    constant = {tensor.name for tensor in graph.initializer}
    meeting: list[str] = []
    for node in graph.node:
        inputs = [name for name in node.input if name and name not in constant and name in depends]
        here = {name for name in inputs if depends[name]}
        other = [name for name in inputs if name not in here]
        if here and other:
            if node.op_type != "Concat":
                raise ValueError(f"sources and statistics meet in {node.op_type}, where the model cannot be cut")
            meeting += other
        if inputs:
            depends.update(dict.fromkeys(node.output, bool(here)))
    if not meeting:
        raise ValueError("sources and statistics do not meet in this model")
    return meeting


def _widths(whole: onnx.ModelProto, names: Sequence[str]) -> dict[str, int]:
    """Return the length of each of these tensors, found by running the model on nothing."""
    probe = onnx.ModelProto.FromString(whole.SerializeToString())
    probe.graph.output.extend(helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in names)
    session, _ = open_session(probe.SerializeToString(), ["CPUExecutionProvider"], "cpu", 1)
    nothing = {name: np.zeros(shape, np.float32) for name, shape in _examples(whole).items()}
    return {name: values.shape[1] for name, values in zip(names, session.run(list(names), nothing), strict=True)}


def _set_ends(
    part: onnx.ModelProto, inputs: Sequence[onnx.ValueInfoProto], outputs: Sequence[onnx.ValueInfoProto]
) -> None:
    del part.graph.input[:], part.graph.output[:], part.graph.value_info[:]
    part.graph.input.extend(inputs)
    part.graph.output.extend(outputs)
    onnx.checker.check_model(part, full_check=True)
