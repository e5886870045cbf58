"""From a Keras network to a single ONNX file with its card, checked against the network it came from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from astro_monitor.inference import Card, TensorSpec, open_model, seal
from astro_monitor.inference.provider import open_session

OPSET = 17
"""tf2onnx stops at 18; 17 is enough for everything used here."""

Arrays = Mapping[str, NDArray[Any]]


def from_keras(model: Any, *, nchw_outputs: Sequence[str] = (), opset: int = OPSET) -> onnx.ModelProto:
    """Convert a Keras network with tf2onnx.

    An operation that tf2onnx does not know is only a line in its log, and the file it writes is broken: therefore the
    checker runs here, and nobody ships a file without :func:`parity`.

    Parameters:
        model: inputs are named by their layers, outputs by the layers that make them.
        nchw_outputs: outputs that shall come as (batch, channels, height, width).
        opset: version of the operator set.

    Raises:
        onnx.checker.ValidationError: the result is not a valid model.
    """
    import tensorflow as tf  # ten seconds, which callers that only write a card do not pay
    import tf2onnx

    signature = tuple(tf.TensorSpec(tensor.shape, tensor.dtype, tensor.name) for tensor in model.inputs)
    proto, _ = tf2onnx.convert.from_keras(
        model, input_signature=signature, opset=opset, outputs_as_nchw=list(nchw_outputs) or None
    )
    return tidy(proto)


def tidy(proto: onnx.ModelProto) -> onnx.ModelProto:
    """Make nearest-neighbour doublings constant, drop what nobody uses, name free dimensions, and check the model.

    tf2onnx computes the size of each doubling at run time and marks it with a deprecated mode; a constant factor of 2
    lets the runtime keep its fast memory layout across it. Where two maps are added it is told that they are equally
    large, which it cannot know of free dimensions: it then adds within the convolution, not in a pass of its own.
    """
    graph = proto.graph
    factor = numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "double")
    for node in graph.node:
        mode = next((a.s for a in node.attribute if a.name == "coordinate_transformation_mode"), b"")
        if node.op_type == "Resize" and mode == b"tf_half_pixel_for_nn":
            del node.input[1:], node.attribute[:]
            node.input.extend(["", factor.name])
            node.attribute.extend(
                helper.make_attribute(key, value)
                for key, value in (
                    ("mode", "nearest"),
                    ("coordinate_transformation_mode", "asymmetric"),
                    ("nearest_mode", "floor"),
                )
            )
            if factor.name not in {tensor.name for tensor in graph.initializer}:
                graph.initializer.append(factor)
    _drop_unused(graph)
    for value in (*graph.input, *graph.output):
        for axis, dimension in enumerate(value.type.tensor_type.shape.dim):
            if not dimension.HasField("dim_value"):
                dimension.dim_param = "batch" if axis == 0 else f"{value.name}_axis_{axis}"
    inferred = onnx.shape_inference.infer_shapes(proto).graph.value_info
    channels = {value.name: _channels(value) for value in inferred}
    del graph.value_info[:]
    for number, node in enumerate(graph.node):
        if node.op_type == "Add" and (shared := {channels.get(name, 0) for name in node.input}) - {0} == shared:
            size: list[str | int | None] = ["batch", max(shared), f"height_{number}", f"width_{number}"]
            graph.value_info.extend(
                helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, size) for name in node.input
            )
    onnx.checker.check_model(proto, full_check=True)
    return proto


def _channels(value: onnx.ValueInfoProto) -> int:
    """Channels of a stack of maps of free height and width; 0 for anything else."""
    size = value.type.tensor_type.shape.dim
    free = len(size) == 4 and not (size[2].HasField("dim_value") or size[3].HasField("dim_value"))
    return int(size[1].dim_value) if free else 0


def _drop_unused(graph: onnx.GraphProto) -> None:
    needed = {value.name for value in graph.output}
    kept = []
    for node in reversed(graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed.update(node.input)
    constants = [tensor for tensor in graph.initializer if tensor.name in needed]
    del graph.node[:], graph.initializer[:]
    graph.node.extend(reversed(kept))
    graph.initializer.extend(constants)


def parity(
    reference: Callable[[Arrays], Arrays], proto: onnx.ModelProto, samples: Sequence[Arrays]
) -> NDArray[np.float64]:
    """Largest absolute difference between a reference and the exported model over all outputs, for each sample.

    Parameters:
        reference: takes the same named arrays as the exported model and gives the same named outputs.
        proto: the exported model.
        samples: inputs, as they occur in use.

    Returns:
        (S,) for S samples.
    """
    session, _ = open_session(proto.SerializeToString(), ["CPUExecutionProvider"], "cpu", 1)
    names = [value.name for value in proto.graph.output]
    differences = []
    for sample in samples:
        wanted = reference(sample)
        differences.append(
            max(
                float(np.abs(np.asarray(wanted[name], np.float64) - np.asarray(got, np.float64)).max())
                for name, got in zip(names, session.run(names, dict(sample)), strict=True)
            )
        )
    return np.array(differences)


def ship(proto: onnx.ModelProto, folder: Path, examples: Mapping[str, tuple[int, ...]], **card: Any) -> Card:
    """Write ``name.onnx`` and ``name.json`` and open them as the program will.

    Parameters:
        proto: the exported model.
        folder: where to.
        examples: for each input, a complete shape the model accepts.
        card: the fields of ``Card`` that cannot be read from the model.

    Returns:
        The card as written.

    Raises:
        ModelError: the written model cannot be opened or does not fit its card.
    """
    content = proto.SerializeToString()
    whole = Card(
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        opset=next(entry.version for entry in proto.opset_import if entry.domain in ("", "ai.onnx")),
        inputs=tuple(_spec(value, examples[value.name]) for value in proto.graph.input),
        outputs=tuple(_spec(value, None) for value in proto.graph.output),
        **card,
    )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{whole.name}.onnx").write_bytes(content)
    write_card(whole, folder)
    open_model(whole.name, folder=folder, provider="cpu", threads=1)
    return whole


def write_card(card: Card, folder: Path) -> None:
    """Write ``name.json``, to be read by people too."""
    plain = card.model_dump(mode="json")
    text = json.dumps(plain | {"card_sha256": seal(plain)}, indent=1, ensure_ascii=False)
    (folder / f"{card.name}.json").write_text(text + "\n", "utf-8")


def _spec(value: onnx.ValueInfoProto, example: tuple[int, ...] | None) -> TensorSpec:
    tensor = value.type.tensor_type
    shape = tuple(d.dim_value if d.HasField("dim_value") else d.dim_param for d in tensor.shape.dim)
    dtype = np.dtype(helper.tensor_dtype_to_np_dtype(tensor.elem_type)).name
    return TensorSpec(name=value.name, shape=shape, dtype=dtype, example=example)
