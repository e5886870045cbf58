"""Provider of a model: CUDA when a driver with a device is available, else the CPU.

``onnxruntime.get_available_providers`` lists the compiled providers, not the working ones, and requesting CUDA on a
machine without it writes to standard error; so the driver is queried first.
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
    """Return the number of devices by the CUDA driver; 0 without a driver."""
    library = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        driver = ctypes.CDLL(library)
        count = ctypes.c_int(0)
        if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
            return 0
    except (OSError, AttributeError):
        return 0
    return count.value


def choose(requested: Provider) -> list[str]:
    """Return the providers to request, best first.

    Parameters:
        requested: ``auto`` selects CUDA when it is available.

    Raises:
        ModelError: CUDA was requested and is not available.
    """
    if requested == "cpu":
        return [CPU]
    has_cuda = CUDA in onnxruntime.get_available_providers() and cuda_devices() > 0
    if has_cuda:
        return [CUDA, CPU]
    if requested == "cuda":
        raise ModelError(
            "CUDA was asked for, but no CUDA driver with a device answers; set models.provider to 'auto' or 'cpu'"
        )
    return [CPU]


def open_session(
    content: bytes, providers: list[str], requested: Provider, threads: int
) -> tuple[onnxruntime.InferenceSession, str]:
    """Return a session on the first provider that works, without output on standard output or error.

    Parameters:
        content: the bytes of the model.
        providers: the result of :func:`choose`.
        requested: the user's choice: ``cuda`` does not fall back to the CPU.
        threads: cores for one call.

    Returns:
        The session and the name of its provider: ``cuda`` or ``cpu``.

    Raises:
        ModelError: the model cannot be opened, or CUDA was required and fails.
    """
    onnxruntime.set_default_logger_severity(4)
    if providers[0] == CUDA:
        _load_cuda_libraries()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4
    # A spinning thread pool uses up to 0.8 % of a core in an idle daemon, without benefit.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = onnxruntime.InferenceSession(content, options, providers=providers)
    except Exception as error:  # onnxruntime raises its own, unrelated classes
        raise ModelError(f"the model cannot be opened: {_first_line(error)}; install the model again") from error
    chosen = "cuda" if session.get_providers()[0] == CUDA else "cpu"
    if requested == "cuda" and chosen != "cuda":
        raise ModelError(
            "CUDA was asked for, but its libraries cannot be loaded; install astro-monitor[cuda] or set models.provider"
        )
    return session, chosen


def _load_cuda_libraries() -> None:
    """Load NVIDIA's libraries from their Python packages; onnxruntime prints missing ones."""
    preload: Any = getattr(onnxruntime, "preload_dlls", None)
    if preload is not None:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(OSError):
            preload()


def _first_line(error: Exception) -> str:
    """Return the first line of an error's text, at most 200 letters; the name of its type when it has no text."""
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
