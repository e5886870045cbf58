"""All hooks of astro-monitor, on one page.

The formats, header dialects, metrics, rules, list writers and sinks of astro-monitor itself are registered by the same
hooks as those of a plugin. A plugin is a module, or an object, whose methods carry the mark :data:`hookimpl`::

    from astro_monitor.hookspecs import hookimpl

    @hookimpl
    def register_rules():
        return [RuleRow("dim_frames", dim_frames)]

Its distribution names it in the group :data:`ENTRY_POINTS`, and the setting ``plugins.on`` turns it on. A hook may take
fewer arguments than are listed here. Each ``register_*`` hook is called once, at the start of a process; what it
returns does not change afterwards. The bodies below never run: pluggy calls those of the plugins.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from .documents import Document
    from .formats import DialectRow, Format
    from .judge import RuleRow
    from .lists import ListWriter
    from .metrics import Metric
    from .settings import Settings
    from .sinks import Sink

PROJECT = "astro_monitor"
"""Name of the marks below: pluggy ignores functions that are marked for another project."""
ENTRY_POINTS = "astro_monitor.plugins"
"""Group of entry points by which installed plugins are found."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def register_readers() -> Iterable[Format]:
    """Return formats of files: endings, first bytes, completeness, and the name of what reads them.

    Called in the daemon and in the worker process. The daemon looks at the files with these endings, and calls the
    completeness; only the worker loads the reader that a row names.
    """
    raise NotImplementedError


@hookspec
def register_dialects() -> Iterable[DialectRow]:
    """Return rows of header keywords: which keyword fills which field of ``FrameMeta``, and what can be believed.

    Called in the worker process. The rows of astro-monitor come first, then those of plugins in the order of
    ``plugins.on``; the first keyword with a plausible value fills the field.
    """
    raise NotImplementedError


@hookspec
def register_metrics() -> Iterable[Metric]:
    """Return numbers to be measured on every frame: key, unit, meaning, and what extracts them.

    Called in the daemon, for the descriptions, and in the worker process, where the extractors run under its limits. An
    extractor that fails costs its own number, with the reason in ``why_missing``.
    """
    raise NotImplementedError


@hookspec
def register_rules() -> Iterable[RuleRow]:
    """Return rules, which are run on every frame after those of astro-monitor.

    Called in the daemon. A rule may reject a frame (strength ``limit``), send it to review, lower its stacking weight
    or add a note. It cannot remove the reason of another rule.
    """
    raise NotImplementedError


@hookspec
def register_list_writers() -> Iterable[ListWriter]:
    """Return kinds of stacking list: a name for the setting ``lists.formats``, and what renders the files of a stack.

    Called in the daemon, and by every command that writes lists. A writer is called in the thread of the lists.
    """
    raise NotImplementedError


@hookspec
def register_sinks(settings: Settings) -> Iterable[Sink]:
    """Return ways out for documents, such as a status file or a message to a phone.

    Called in the daemon. Each sink runs in a thread of its own, so it may be slow; after five errors in a row it is
    turned off.

    Parameters:
        settings: the whole tree.
    """
    raise NotImplementedError


@hookspec
def document(document: Document) -> None:
    """Take a document, after it is safe in the night log; a copy, so that nothing can be changed.

    Called in the daemon, in a thread of the plugin, for every document in the order of the log.

    Parameters:
        document: of any kind; kinds that the plugin does not know are to be passed over.
    """
