"""The error tree of the whole program. Raise the narrowest class that fits.

::

    AstroMonitorError
    ├── ConfigError            a setting, folder or argument is wrong: the program does not start   (exit code 2)
    ├── ModelError             a model is missing, altered or does not fit its card                 (exit code 3)
    ├── FrameError             this one frame cannot be graded; the night goes on
    │   ├── Incomplete         the file is still being written, or was changed while read (worth another try)
    │   ├── Vanished           the file is gone
    │   ├── Unreadable         damaged, truncated, or its header contradicts its bytes
    │   ├── Unsupported        a sound file that is no two-dimensional frame of a supported kind
    │   ├── DetectFailed, GradeFailed   a model gave up on a frame that was read
    │   └── WorkerLost         the worker process died or was ended while it had this frame
    ├── WorkerUnavailable      no worker process can be started now; no frame is to blame           (exit code 6)
    ├── NotKept                no look or preview of a frame is there: pruned, damaged or never made
    ├── NightLogError          the night log cannot be opened, or is of a newer version             (exit code 4)
    │   └── NightLogInUse      another astro-monitor holds it
    ├── LookError              a look cannot be kept
    │   ├── LookDamaged        these bytes are no look
    │   └── LookOfAnotherVersion   another version of the program wrote it
    ├── TooFrequent            more came from another program than may be logged
    └── PublishError           a socket cannot be bound, or keys are missing                        (exit code 5)

Every message is one sentence that says what happened and what to do next. Each class also inherits the
builtin that fits, so that callers who know nothing of this package can still catch it.
"""

from __future__ import annotations

from typing import Literal


class AstroMonitorError(Exception):
    """Anything this package raises on purpose."""

    exit_code = 1


class ConfigError(AstroMonitorError, ValueError):
    """Wrong settings: nothing has been started."""

    exit_code = 2


class ModelError(AstroMonitorError, RuntimeError):
    """A model that is missing, altered, or does not fit its card."""

    exit_code = 3


class WorkerUnavailable(AstroMonitorError, RuntimeError):
    """No worker process can be started now: files to be graded wait, and get no outcome yet."""

    exit_code = 6


class NightLogError(AstroMonitorError, RuntimeError):
    """The night log cannot be opened or written."""

    exit_code = 4


class NightLogInUse(NightLogError):
    """Another astro-monitor holds the night log."""


class NotKept(AstroMonitorError, LookupError):
    """The look or preview of a frame is not there.

    Attributes:
        reason: ``absent``: never made, or removed to make room; ``damaged``; ``unreadable``: trouble with the disk,
            which may pass.
    """

    def __init__(self, sentence: str, reason: Literal["absent", "damaged", "unreadable"]) -> None:
        super().__init__(sentence)
        self.reason = reason


class TooFrequent(AstroMonitorError, RuntimeError):
    """Another program sends more than may be logged; this was not."""


class PublishError(AstroMonitorError, OSError):
    """A socket cannot be bound or secured."""

    exit_code = 5


class LookError(AstroMonitorError, ValueError):
    """A look cannot be kept, or cannot be read; the frame itself is not concerned."""


class LookDamaged(LookError):
    """The bytes are no look."""


class LookOfAnotherVersion(LookError):
    """Another version of the program wrote the look."""


class FrameError(AstroMonitorError):
    """One frame cannot be graded. ``kind`` is the word that goes into ``frame.failed``.

    Attributes:
        kind: machine-readable name of the failure, lower-case with underscores.
        retryable: whether the same file may succeed later without being changed by a person.
    """

    kind = "frame_error"
    retryable = False

    def __init__(self, sentence: str, *, kind: str | None = None) -> None:
        super().__init__(sentence)
        if kind is not None:
            self.kind = kind


class Incomplete(FrameError, OSError):
    """The file is still being written."""

    kind = "incomplete"
    retryable = True


class Vanished(FrameError, FileNotFoundError):
    """The file went away before or while it was read; it is looked at again when it comes back."""

    kind = "vanished"
    retryable = True


class Unreadable(FrameError, ValueError):
    """The bytes are not what the file claims to be."""

    kind = "unreadable"


class Unsupported(FrameError, ValueError):
    """A sound file, but no frame of a kind this program grades."""

    kind = "unsupported"


class DetectFailed(FrameError, RuntimeError):
    """The star finder gave up."""

    kind = "detect_failed"


class GradeFailed(FrameError, RuntimeError):
    """The quality model gave up."""

    kind = "grade_failed"


class WorkerLost(FrameError, RuntimeError):
    """The worker process died, or was ended for taking too long, on this frame.

    Whether it may be tried again depends on whose doing that was, see :mod:`astro_monitor.worker.blame`.
    """

    kind = "worker_lost"
