"""A coverage-guided fuzzer for what looks into files before any library does: FITS headers and the XISF header.

``pip install atheris``, then ``python tests/faults/fuzz_header.py -max_total_time=600``; it ends with an error at the
first input that does anything else than give a length or one of our own errors. Inputs that were worth keeping go to
the folder named as the last argument.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["astro_monitor.fitsheader", "astro_monitor.read"]):
    from astro_monitor.errors import FrameError
    from astro_monitor.fitsheader import scan_hdus
    from astro_monitor.formats.limits import Limits
    from astro_monitor.read.layout import find_image
    from astro_monitor.read.xisf import find_xisf_image

CARDS = ["SIMPLE  =                    T", "BITPIX  =                   16", "NAXIS   =                    2"]
HEAD = "".join(card.ljust(80) for card in CARDS).encode()
LIMITS = Limits(max_pixels=1_000_000)


def one_input(data: bytes) -> None:
    """Look into the bytes as a file of their own, behind the beginning of a FITS header, and as an XISF header."""
    for content in (data, HEAD + data):
        try:
            hdus = scan_hdus(lambda offset, count, content=content: content[offset : offset + count])
            if any(hdu.data_bytes < 0 for hdu in hdus):
                raise AssertionError("a length cannot be negative")
        except FrameError:
            pass
        try:
            find_image(lambda offset, count, content=content: content[offset : offset + count], LIMITS)
        except FrameError:
            pass
    content = b"XISF0100" + len(data).to_bytes(4, "little") + bytes(4) + data
    try:
        find_xisf_image(lambda offset, count: content[offset : offset + count], len(content), LIMITS)
    except FrameError:
        pass


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
