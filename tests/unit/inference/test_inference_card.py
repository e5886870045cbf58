"""Cards and files that do not fit are refused with one sentence."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from astro_monitor.errors import ModelError
from astro_monitor.inference import list_models, open_model, seal, verify_model
from astro_monitor.inference.onnxfile import has_external_data

pytest.importorskip("onnx", reason="needs the 'train' extra")
import onnx
from onnx import helper

NAME = "star-unet"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A copy of the star finder that a test may damage."""
    shipped = resources.files("astro_monitor") / "models"
    for suffix in (".json", ".onnx"):
        with resources.as_file(shipped / f"{NAME}{suffix}") as path:
            shutil.copy(path, tmp_path)
    return tmp_path


def change_card(models: Path, **changes: Any) -> None:
    path = models / f"{NAME}.json"
    card = json.loads(path.read_text("utf-8")) | changes
    path.write_text(json.dumps(card | {"card_sha256": seal(card)}), "utf-8")


def test_every_shipped_model_fits_its_card() -> None:
    cards = list_models()
    assert NAME in [card.name for card in cards]
    for card in cards:
        assert verify_model(card.name) == card


def test_shipped_models_are_small_and_scored() -> None:
    card = next(card for card in list_models() if card.name == NAME)
    assert card.size_bytes < 2_000_000
    assert card.parity_max_abs_diff < 1e-3
    assert card.scores
    assert card.recipe


def test_the_identity_names_model_version_and_hash(models: Path) -> None:
    model = open_model(NAME, folder=models, provider="cpu", threads=1)
    card = model.card
    assert model.identity == f"{NAME}.{card.version}+{card.sha256[:12]}"


def test_the_environment_may_name_the_folder(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRO_MONITOR_MODELS__FOLDER", str(models))
    (models / "other.json").write_bytes((models / f"{NAME}.json").read_bytes())
    assert len(list_models()) == 2


def test_one_changed_byte_is_refused(models: Path) -> None:
    path = models / f"{NAME}.onnx"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(ModelError, match="altered or damaged"):
        open_model(NAME, folder=models)


def test_one_changed_digit_in_a_card_is_refused(models: Path) -> None:
    path = models / f"{NAME}.json"
    text = path.read_text("utf-8")
    assert '"opset": 1' in text
    path.write_text(text.replace('"opset": 1', '"opset": 2'), "utf-8")
    with pytest.raises(ModelError, match=r"model card star-unet\.json was altered or damaged"):
        open_model(NAME, folder=models)


@pytest.mark.parametrize("name", ["", "..", "../star-unet", "a/b", ".hidden"])
def test_names_that_are_paths_are_refused(models: Path, name: str) -> None:
    with pytest.raises(ModelError, match="is not a name of a model"):
        open_model(name, folder=models)


def test_a_missing_model_says_where_it_was_looked_for(models: Path) -> None:
    with pytest.raises(ModelError, match=r"nothing.*missing.*cannot be read"):
        open_model("nothing", folder=models)


def test_a_missing_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        list_models(tmp_path / "absent")


def test_a_broken_card_names_the_field(models: Path) -> None:
    change_card(models, size_bytes=-1)
    with pytest.raises(ModelError, match="size_bytes"):
        open_model(NAME, folder=models)


def test_an_unknown_field_in_a_card_is_refused(models: Path) -> None:
    change_card(models, colour="blue")
    with pytest.raises(ModelError, match="colour"):
        list_models(models)


def test_a_card_for_another_model_is_refused(models: Path) -> None:
    for suffix in (".json", ".onnx"):
        (models / f"{NAME}{suffix}").rename(models / f"renamed{suffix}")
    with pytest.raises(ModelError, match="is for model star-unet"):
        open_model("renamed", folder=models)


def test_a_card_with_other_shapes_is_refused(models: Path) -> None:
    card = json.loads((models / f"{NAME}.json").read_text("utf-8"))
    card["outputs"][0]["shape"][1] = 99
    change_card(models, outputs=card["outputs"])
    with pytest.raises(ModelError, match="does not fit its card"):
        open_model(NAME, folder=models)


def test_a_card_with_another_input_name_is_refused(models: Path) -> None:
    card = json.loads((models / f"{NAME}.json").read_text("utf-8"))
    card["inputs"][0]["name"] = "image"
    change_card(models, inputs=card["inputs"])
    with pytest.raises(ModelError, match="does not fit its card"):
        open_model(NAME, folder=models)


def test_a_huge_file_is_refused_before_it_is_read_whole(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("astro_monitor.inference.store.MAX_MODEL_BYTES", 1000)
    with pytest.raises(ModelError, match="larger than"):
        open_model(NAME, folder=models)


def test_other_preprocessing_is_refused(models: Path) -> None:
    model = open_model(NAME, folder=models, provider="cpu", threads=1)
    with pytest.raises(ModelError, match="wants preprocessing"):
        model.require(preprocessing_version="other-9", inputs=(), outputs=())
    with pytest.raises(ModelError, match="lacks nothing-like-it"):
        model.require(
            preprocessing_version=model.card.preprocessing_version, inputs=("pixels",), outputs=("nothing-like-it",)
        )


def test_wrong_arrays_are_a_model_error(models: Path) -> None:
    model = open_model(NAME, folder=models, provider="cpu", threads=1)
    with pytest.raises(ModelError, match="failed"):
        model.run({"pixels": np.zeros((1, 64, 64), np.float32)})


def message(field: int, content: bytes) -> bytes:
    assert len(content) < 128
    return bytes([field << 3 | 2, len(content)]) + content


def test_external_data_is_found_wherever_a_tensor_can_be() -> None:
    outside = message(13, b"\x0a\x08location")
    inside = message(9, b"1234")
    for tensor, expected in ((outside, True), (inside, False), (b"\x70\x01", True), (b"\x70\x00", False)):
        initializer = message(7, message(5, tensor))
        attribute = message(7, message(1, message(5, message(5, tensor))))
        nested = message(7, message(1, message(5, message(6, message(5, tensor)))))
        sparse = message(7, message(15, message(1, tensor)))
        for content in (initializer, attribute, nested, sparse):
            assert has_external_data(content) is expected
        # The numbers of functions and of training need two bytes of tag.
        node = message(5, message(5, tensor))
        for inner in (message(7, node), message(11, message(5, tensor))):
            assert has_external_data(b"\xca\x01" + bytes([len(inner)]) + inner) is expected
        for inner in (message(1, message(5, tensor)), message(2, message(1, node))):
            assert has_external_data(b"\xa2\x01" + bytes([len(inner)]) + inner) is expected


def outside(name: str) -> onnx.TensorProto:
    tensor = onnx.TensorProto(name=name, data_type=onnx.TensorProto.FLOAT, dims=[4])
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="elsewhere.bin")
    return tensor


def place_in_initializer(model: onnx.ModelProto) -> None:
    model.graph.initializer.append(outside("w"))


def place_in_function(model: onnx.ModelProto) -> None:
    node = helper.make_node("Constant", [], ["y"], value=outside("w"))
    model.functions.append(helper.make_function("own", "F", [], ["y"], [node], [helper.make_opsetid("", 17)]))


def place_in_function_default(model: onnx.ModelProto) -> None:
    place_in_function(model)
    model.functions[0].ClearField("node")
    model.functions[0].attribute_proto.append(helper.make_attribute("value", outside("w")))


def place_in_training(model: onnx.ModelProto) -> None:
    model.training_info.add().initialization.initializer.append(outside("w"))


def place_in_training_step(model: onnx.ModelProto) -> None:
    node = helper.make_node("Constant", [], ["y"], value=outside("w"))
    model.training_info.add().algorithm.CopyFrom(helper.make_graph([node], "g", [], []))


def place_in_branch_of_branch(model: onnx.ModelProto) -> None:
    graph = helper.make_graph([helper.make_node("Constant", [], ["y"], value=outside("w"))], "leaf", [], [])
    for _ in range(3):
        graph = helper.make_graph([helper.make_node("If", ["c"], ["y"], then_branch=graph)], "g", [], [])
    model.graph.node.append(helper.make_node("If", ["c"], ["y"], else_branch=graph))


def place_in_sparse(model: onnx.ModelProto) -> None:
    sparse = onnx.SparseTensorProto(values=outside("v"), dims=[4])
    model.graph.node.append(helper.make_node("Constant", [], ["y"], sparse_value=sparse))


@pytest.mark.parametrize(
    "place",
    [place_in_initializer, place_in_function, place_in_function_default, place_in_training, place_in_training_step,
     place_in_branch_of_branch, place_in_sparse],
)  # fmt: skip
def test_a_model_that_wants_another_file_is_refused_wherever_it_says_so(models: Path, place: Any) -> None:
    path = models / f"{NAME}.onnx"
    model = onnx.load_from_string(path.read_bytes())
    place(model)
    content = model.SerializeToString()
    path.write_bytes(content)
    change_card(models, sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))
    with pytest.raises(ModelError, match="data from other files"):
        open_model(NAME, folder=models)


@pytest.mark.skipif(sys.platform == "win32", reason="pipes and devices of Unix")
@pytest.mark.parametrize("suffix", [".json", ".onnx"])
@pytest.mark.parametrize("kind", ["pipe", "socket", "device", "folder"])
def test_what_is_no_plain_file_is_refused_at_once(models: Path, suffix: str, kind: str) -> None:
    path = models / f"{NAME}{suffix}"
    path.unlink()
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as bound:
        match kind:
            case "pipe":
                os.mkfifo(path)
            case "socket":
                bound.bind(str(path))
            case "device":
                path.symlink_to("/dev/zero")
            case "folder":
                path.mkdir()
        with pytest.raises(ModelError, match="not a plain file"):
            open_model(NAME, folder=models)


def test_a_link_to_a_model_is_followed(models: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = models / f"{NAME}.onnx"
    path.rename(elsewhere / path.name)
    path.symlink_to(elsewhere / path.name)
    assert open_model(NAME, folder=models, provider="cpu", threads=1).card.name == NAME


def test_bytes_that_are_no_model_are_a_model_error() -> None:
    for content in (b"\xff" * 40, b"\x3a\x7f12", b"\x3b"):
        with pytest.raises(ModelError, match="damaged"):
            has_external_data(content)


def test_the_shipped_models_need_no_other_files() -> None:
    for entry in (resources.files("astro_monitor") / "models").iterdir():
        if entry.name.endswith(".onnx"):
            assert not has_external_data(entry.read_bytes())
