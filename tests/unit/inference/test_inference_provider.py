"""Where models run on a machine with and without CUDA."""

from __future__ import annotations

import ctypes

import pytest

from astro_monitor.errors import ModelError
from astro_monitor.inference import open_model, provider


class Driver:
    """Answers as the CUDA driver does."""

    def __init__(self, status: int, devices: int) -> None:
        self._status, self._devices = status, devices

    def cuInit(self, flags: int) -> int:
        return self._status

    def cuDeviceGetCount(self, count: object) -> int:
        ctypes.cast(count, ctypes.POINTER(ctypes.c_int)).contents.value = self._devices
        return 0


@pytest.mark.parametrize(("status", "devices", "expected"), [(0, 2, 2), (0, 0, 0), (100, 3, 0)])
def test_the_driver_is_asked(monkeypatch: pytest.MonkeyPatch, status: int, devices: int, expected: int) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda name: Driver(status, devices))
    assert provider.cuda_devices() == expected


def test_no_driver_means_no_device(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", absent)
    assert provider.cuda_devices() == 0


def test_auto_takes_the_cpu_without_a_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "cuda_devices", lambda: 0)
    assert provider.choose("auto") == [provider.CPU]
    with pytest.raises(ModelError, match="no CUDA driver"):
        provider.choose("cuda")


def test_cuda_comes_first_where_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provider, "cuda_devices", lambda: 1)
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: [provider.CUDA, provider.CPU])
    assert provider.choose("auto") == [provider.CUDA, provider.CPU]
    assert provider.choose("cpu") == [provider.CPU]


def test_a_broken_cuda_installation_falls_back_in_silence(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(provider, "choose", lambda wanted: [provider.CPU])
    model = open_model("star-unet", provider="auto", threads=2)
    assert model.provider == "cpu"
    assert model.workers == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert captured.err == ""


def test_bytes_that_onnxruntime_refuses_are_a_model_error() -> None:
    with pytest.raises(ModelError, match="cannot be opened"):
        provider.open_session(b"not a model", [provider.CPU], "cpu", 1)
