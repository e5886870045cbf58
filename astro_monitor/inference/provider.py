"""Where models run: CUDA when a driver with a device answers, else the CPU.

``onnxruntime.get_available_providers`` says what was compiled in, not what works, and asking for CUDA on a machine
without it writes to standard error; so the driver itself is asked first.
"""

from __future__ import annotations

import contextlib
import ctypes
import io
import sys
from typing import Any

import onnxruntime

from ..errors import ModelError
from ..settings import Provider

CUDA = "CUDAExecutionProvider"
CPU = "CPUExecutionProvider"


def cuda_devices() -> int:
    """Ask the CUDA driver how many devices there are; 0 when there is no driver."""
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(library)
        count = ctypes.c_int(0)
        if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
            return 0
    except (OSError, AttributeError):
        return 0
    return count.value


def choose(wanted: Provider) -> list[str]:
    """Give the providers to ask for, best first.

    Parameters:
        wanted: ``auto`` takes CUDA when it is there.

    Raises:
        ModelError: CUDA was asked for and is not there.
    """
    if wanted == "cpu":
        return [CPU]
    there = CUDA in onnxruntime.get_available_providers() and cuda_devices() > 0
    if there:
        return [CUDA, CPU]
    if wanted == "cuda":
        raise ModelError(
            "CUDA was asked for, but no CUDA driver with a device answers; set models.provider to 'auto' or 'cpu'"
        )
    return [CPU]


def open_session(
    content: bytes, providers: list[str], wanted: Provider, threads: int
) -> tuple[onnxruntime.InferenceSession, str]:
    """Open a model on the first provider that really works, without a word on standard output or error.

    Parameters:
        content: the bytes of the model.
        providers: from :func:`choose`.
        wanted: what the user asked for: ``cuda`` does not fall back.
        threads: cores for one call.

    Returns:
        The session and the name of its provider: ``cuda`` or ``cpu``.

    Raises:
        ModelError: the model cannot be opened, or CUDA was demanded and fails.
    """
    onnxruntime.set_default_logger_severity(4)
    if providers[0] == CUDA:
        _load_cuda_libraries()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # A spinning pool costs the idle daemon up to 0.8 % of a core and gains nothing here.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(content, options, providers=providers)
    except Exception as error:  # onnxruntime raises its own, unrelated classes
        raise ModelError(f"the model cannot be opened: {_first_line(error)}; install the model again") from error
    chosen = "cuda" if session.get_providers()[0] == CUDA else "cpu"
    if wanted == "cuda" and chosen != "cuda":
        raise ModelError(
            "CUDA was asked for, but its libraries cannot be loaded; install astro-monitor[cuda] or set models.provider"
        )
    return session, chosen


def _load_cuda_libraries() -> None:
    """Let onnxruntime load NVIDIA's libraries from their Python packages; it prints what it misses."""
    preload: Any = getattr(onnxruntime, "preload_dlls", None)
    if preload is not None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(OSError):
            preload()


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
