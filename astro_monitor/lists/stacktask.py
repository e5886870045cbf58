"""The frames of one stack as the writers of lists receive them, with what a writer may do: links, folders, notes."""

from __future__ import annotations

from typing import Protocol

from .calibration import Calibration
from .grouping import Stack
from .siril import Version


class StackTask(Protocol):
    """The frames of one stack, and what a writer may do with them.

    Attributes:
        stack: the frames.
        calibration: darks, flats and biases that fit; empty where no chosen writer uses them.
        siril: version of the Siril that will run scripts; ``None``: not known.
        notes: sentences about the lists of this stack; a writer adds its own.
    """

    @property
    def stack(self) -> Stack: ...  # noqa: D102

    @property
    def calibration(self) -> Calibration: ...  # noqa: D102

    @property
    def siril(self) -> Version | None: ...  # noqa: D102

    @property
    def notes(self) -> list[str]: ...  # noqa: D102

    def links(self, program: str, folder: str, targets: dict[str, str]) -> tuple[str, ...] | None:
        """Make links to frames in a sub-folder.

        Parameters:
            program: for messages, and name of the sub-folder of the stack; one of the row's ``folders``.
            folder: below it: ``lights``, ``darks``, ``flats``, ``flat_darks`` or ``biases``.
            targets: name of each link, and path of its frame.

        Returns:
            names of other files there; ``None`` when links cannot be made, which is noted.
        """
        ...

    def trouble(self, sentence: str) -> None:
        """Note what could not be written, here and in the ``list.written`` document."""
        ...

    def folder(self, program: str) -> None:
        """Make the sub-folder of the stack for a program."""
        ...
