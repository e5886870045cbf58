"""Everything odd goes through the whole pipeline in the worker: exactly one document each, and nobody is harmed."""

from __future__ import annotations

import pytest

from astro_monitor.archive import find_frames, grade_files
from astro_monitor.clock import SystemClock
from astro_monitor.settings import Settings

pytestmark = [pytest.mark.real, pytest.mark.slow]

MUST_FAIL = {
    "all_nan.fits", "corrupt_gzip.fits.gz", "html_error_page.fits", "lfs_pointer.fits", "naxis_lies.fits", "one_d.fits",
    "random_bytes.fits", "rgb_cube_3xHxW.fits", "table.fits", "tiny_8x8.fits", "truncated_60pct.fits",
    "truncated_header_only.fits", "zero_bytes.fits", "random_groups.fits",
}  # fmt: skip


def test_each_odd_file_has_exactly_one_document(real_frames) -> None:
    arrivals = find_frames([real_frames / "odd"])
    documents = [document for _, document, _ in grade_files(arrivals, Settings(), SystemClock())]
    assert len(documents) == len(arrivals) >= 28
    by_name = {document.body["relative_path"]: document for document in documents}
    assert by_name.keys() == {arrival.path.name for arrival in arrivals}
    failed = {name for name, document in by_name.items() if document.kind == "frame.failed"}
    assert failed >= MUST_FAIL
    for document in documents:
        if document.kind == "frame.failed":
            assert document.body["known"], document.body["sentence"]
            assert document.body["sentence"].endswith((".", "!"))
            assert document.body["stage"]
        else:
            assert document.body["decision"] != "keep" or document.body["measurements"]["star_count"] > 0
