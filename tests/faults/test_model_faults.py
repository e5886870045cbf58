"""Models that were altered are never opened; a device that is lost costs speed only.

Long form: ``pytest --long tests/faults/test_model_faults.py`` (a minute).
"""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from astro_monitor.errors import ModelError
from astro_monitor.inference import model as model_module
from astro_monitor.inference import open_model, provider, seal

NAMES = ("star-unet", "quality-sources", "quality")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    shutil.copytree(str(resources.files("astro_monitor") / "models"), folder)
    return folder


def altered(content: bytes, chance: random.Random, way: int) -> bytes:
    data = bytearray(content)
    match way:
        case 0:
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        case 1:
            del data[chance.randrange(1, len(data)) :]
        case 2:
            data += chance.randbytes(chance.randint(1, 100))
        case 3:
            begin = chance.randrange(len(data) - 64)
            data[begin : begin + 64] = bytes(64) if any(data[begin : begin + 64]) else b"\x01" * 64
        case 4:
            data = bytearray(chance.randbytes(len(data)))
        case _:
            middle = len(data) // 2
            data = data[middle:] + data[:middle]
    return bytes(data)


def test_no_altered_model_and_no_altered_card_is_opened(models, rounds, figures):
    chance, mutants = random.Random(13), rounds(60, 500)
    opened = []
    for mutant in range(mutants):
        name = NAMES[mutant % 2]
        path = models / f"{name}{'.onnx' if mutant % 3 else '.json'}"
        whole = path.read_bytes()
        path.write_bytes(altered(whole, chance, mutant % 6))
        with contextlib.suppress(ModelError):
            open_model(name, folder=models, provider="cpu", threads=1)
            opened.append((mutant, path.name))
        path.write_bytes(whole)
    for name in NAMES:
        open_model(name, folder=models, provider="cpu", threads=1)
    assert opened == []
    figures(f"{mutants} altered models and cards: 0 opened")


def test_models_that_are_exchanged_with_their_cards_do_not_fit_the_program(models):
    """Both are whole, and belong together; but the one is not what the other's name promises."""
    for suffix in (".onnx", ".json"):
        shutil.copy(models / f"quality{suffix}", models / f"star-unet{suffix}")
    with pytest.raises(ModelError, match="is for model quality"):
        open_model("star-unet", folder=models)
    card = json.loads((models / "star-unet.json").read_text("utf-8")) | {"name": "star-unet"}
    (models / "star-unet.json").write_text(json.dumps(card | {"card_sha256": seal(card)}), "utf-8")
    found = open_model("star-unet", folder=models, provider="cpu", threads=1)
    with pytest.raises(ModelError, match="preprocessing"):
        found.require(preprocessing_version="star-unet/1", inputs=["image"], outputs=["maps"])


class LostDevice:
    """A session on a device that answers a few times, and never again."""

    def __init__(self, real, answers: int) -> None:
        self._real = real
        self.left = answers
        self.failures = 0

    def run(self, outputs, inputs):
        self.left -= 1
        if self.left < 0:
            self.failures += 1
            raise RuntimeError("CUDA failure 719: unspecified launch failure ; GPU=0\nmore of it")
        return self._real.run(outputs, inputs)

    def get_inputs(self):
        return self._real.get_inputs()

    def get_outputs(self):
        return self._real.get_outputs()


@pytest.fixture
def device(monkeypatch):
    """Give models a device that is lost at the third call."""
    real, made = provider.open_session, []

    def open_session(content, providers, wanted, threads):
        session, _ = real(content, ["CPUExecutionProvider"], "cpu", threads)
        if wanted == "cpu":
            return session, "cpu"
        made.append(LostDevice(session, answers=2))
        return made[-1], "cuda"

    monkeypatch.setattr(model_module, "open_session", open_session)
    monkeypatch.setattr(model_module, "choose", lambda wanted: ["any"])
    return made


def test_a_lost_device_means_the_cpu_said_once_with_the_same_answers(device, caplog):
    found = open_model("quality", provider="auto", threads=1)
    inputs = {spec.name: np.full(model_module._example_shape(spec), 0.1, spec.dtype) for spec in found.card.inputs}
    expected = found.run(inputs)
    assert found.provider == "cuda"
    for _ in range(5):
        answer = found.run(inputs)
        assert {key: value.tolist() for key, value in answer.items()} == {
            key: value.tolist() for key, value in expected.items()
        }
    assert found.provider == "cpu"
    assert device[0].failures == 1, "a device that has failed is not asked again"
    assert caplog.text.count("is lost") == 1
    assert "\nmore" not in caplog.text


def test_a_lost_device_is_an_error_when_only_that_device_is_allowed(device):
    found = open_model("quality", provider="cuda", threads=1)
    inputs = {spec.name: np.full(model_module._example_shape(spec), 0.1, spec.dtype) for spec in found.card.inputs}
    found.run(inputs)
    with pytest.raises(ModelError, match="CUDA failure 719"):
        found.run(inputs)
    assert found.provider == "cuda"
