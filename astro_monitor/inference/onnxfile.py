"""A check of an ONNX file before it is executed: whether it refers to other files.

ONNX files are protocol buffers. Only the few fields that can lead to a tensor are followed (field numbers from
``onnx.proto``, IR version 3 and later); everything else is skipped by its length.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import ModelError

# Message: {field number: message it holds}. "TENSOR" ends the walk.
_FOLLOW = {
    "MODEL": {7: "GRAPH", 20: "TRAINING", 25: "FUNCTION"},
    "TRAINING": {1: "GRAPH", 2: "GRAPH"},
    "GRAPH": {1: "NODE", 5: "TENSOR", 15: "SPARSE"},
    "FUNCTION": {7: "NODE", 11: "ATTRIBUTE"},
    "NODE": {5: "ATTRIBUTE"},
    "ATTRIBUTE": {5: "TENSOR", 6: "GRAPH", 10: "TENSOR", 11: "GRAPH", 22: "SPARSE", 23: "SPARSE"},
    "SPARSE": {1: "TENSOR", 2: "TENSOR"},
}
_TENSOR_EXTERNAL_DATA, _TENSOR_DATA_LOCATION = 13, 14
"""Field numbers of ``TensorProto`` in ``onnx.proto``."""
_MAX_DEPTH = 32
"""Deepest nesting of messages that is followed; models have a few levels."""


def has_external_data(content: bytes) -> bool:
    """Return whether the data of any tensor of the model are in another file.

    Parameters:
        content: the bytes of an ``.onnx`` file.

    Raises:
        ModelError: the bytes are not the protocol buffer of a model.
    """
    try:
        return _message_has_external(memoryview(content), "MODEL", 0)
    except (IndexError, ValueError) as error:
        raise ModelError("the model file is damaged: it is not an ONNX model; install the model again") from error


def _message_has_external(data: memoryview, message: str, depth: int) -> bool:
    """Return whether a protocol-buffer message of an ONNX file contains a tensor with data in another file."""
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deeply")
    for field, value in _message_fields(data):
        if message == "TENSOR":
            if field == _TENSOR_EXTERNAL_DATA or (field == _TENSOR_DATA_LOCATION and value != 0):
                return True
            continue
        inner = _FOLLOW[message].get(field)
        if inner is not None:
            if not isinstance(value, memoryview):
                raise ValueError("a message was expected")
            if _message_has_external(value, inner, depth + 1):
                return True
    return False


def _message_fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Yield number and value (bytes, or an integer) of the fields of one message."""
    offset = 0
    while offset < len(data):
        tag, offset = _read_varint(data, offset)
        field, wire = tag >> 3, tag & 7
        if wire == 0:
            value, offset = _read_varint(data, offset)
            yield field, value
            continue
        if wire == 2:
            size, offset = _read_varint(data, offset)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError("unknown wire type")
        if offset + size > len(data):
            raise ValueError("runs over the end")
        yield field, data[offset : offset + size]
        offset += size


def _read_varint(data: memoryview, offset: int) -> tuple[int, int]:
    """Return the variable-length integer at an offset of a protocol buffer, and the offset after it."""
    value = shift = 0
    while True:
        byte = data[offset]
        offset += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, offset
        shift += 7
        if shift > 63:
            raise ValueError("number too long")
