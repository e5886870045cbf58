"""The two networks of the star finder in one file: maps of the frame, and kinds of the candidates."""

from __future__ import annotations

import onnx
from onnx import compose
from onnx.utils import Extractor

from astro_monitor.detect.unet import INPUT, KINDS_OUTPUT, OUTPUT, ROWS_INPUT, STAR_INPUT

PARTS = {"maps": ([INPUT], [OUTPUT]), "kinds": ([ROWS_INPUT, STAR_INPUT], [KINDS_OUTPUT])}
"""Inputs and outputs of the two networks."""


def joined(maps: onnx.ModelProto, kinds: onnx.ModelProto) -> onnx.ModelProto:
    """Return one model with the maps and the kinds, which share nothing: one file, one card, one identity.

    Parameters:
        maps: a model with the output of the maps; other outputs are left out.
        kinds: a model with the output of the kinds; other outputs are left out.

    Raises:
        onnx.checker.ValidationError: the result is not a valid model.
    """
    parts = [_part(model, name) for name, model in (("maps", maps), ("kinds", kinds))]
    for part in parts:
        part.ir_version = max(other.ir_version for other in parts)
    whole = compose.merge_models(parts[0], parts[1], io_map=[])
    onnx.checker.check_model(whole, full_check=True)
    return whole


def _part(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """Return one of the networks alone, with names that cannot be those of the other one."""
    inputs, outputs = PARTS[name]
    part = Extractor(model).extract_model(inputs, outputs)
    own = {*inputs, *outputs}
    for node in part.graph.node:
        node.name = f"{name}/{node.name}" if not node.name.startswith(f"{name}/") else node.name
        for places in (node.input, node.output):
            for place, edge in enumerate(places):
                places[place] = _own(edge, name, own)
    for value in (*part.graph.initializer, *part.graph.value_info):
        value.name = _own(value.name, name, own)
    # All inputs of an exported network have the same free first dimension; here each has its own.
    sizes = {value.name: value.type.tensor_type.shape.dim[0] for value in (*part.graph.input, *part.graph.output)}
    for edge in {ROWS_INPUT, KINDS_OUTPUT} & own:
        sizes[edge].dim_param = "candidates"
    if STAR_INPUT in own:
        sizes[STAR_INPUT].dim_value = 1
        del part.graph.value_info[:]
    return part


def _own(edge: str, name: str, kept: set[str]) -> str:
    """Return the name of an edge with the name of its network before it; inputs, outputs and no edge stay."""
    return edge if not edge or edge in kept or edge.startswith(f"{name}/") else f"{name}/{edge}"
