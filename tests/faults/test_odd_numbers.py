"""No value from outside ends the daemon: numbers of headers and of the file system, through the real worker."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from astro_monitor.nightlog import NightLogReader
from astro_monitor.testing.running import RunningMonitor, private_settings

ODD_CARDS = {
    "exposure": ["EXPTIME = 1.0E308"],
    "negative": ["EXPTIME = -1E300", "XBINNING= -7", "YBINNING= -7"],
    "no_number": ["EXPTIME = NaN", "GAIN    = NaN", "CCD-TEMP= -INF", "AIRMASS = 'Infinity'"],
    "huge": [f"GAIN    = {10**60}", f"XBINNING= {2**70}", f"YBINNING= {2**70}", "XPIXSZ  = 1E307", "FOCALLEN= 1E-307"],
    "year_0": ["DATE-OBS= '0000-00-00T00:00:00'"],
    "year_1": ["DATE-OBS= '0001-01-01T00:00:00'"],
    "year_9999": ["DATE-OBS= '9999-12-31T23:59:59.999'"],
    "far_julian": ["MJD-OBS = 1E300", "JD      = -1E300"],
    "sky": ["RA      = 1E308", "DEC     = -1E308", "CENTALT = 1E308", "SITELAT = 1E308", "SITELONG= 1E308"],
    "levels": ["BZERO   = 1E300", "PEDESTAL= 1E308", "EGAIN   = 1E-320", "SATURATE= 1E308"],
    "scaled": ["BSCALE  = 1E300"],
    "focus": ["FOCUSPOS= 99999999999999999999999", "FOCTEMP = 1E308"],
}


def frame(path: Path, cards: list[str], seed: int) -> Path:
    """A field of stars with these cards in its header."""
    rng = np.random.default_rng(seed)
    side = 160
    pixels = rng.normal(1000.0, 8.0, (side, side))
    y, x = np.mgrid[:side, :side]
    for _ in range(40):
        at_x, at_y, flux = rng.uniform(8, side - 8), rng.uniform(8, side - 8), rng.uniform(2000, 20000)
        pixels += flux / 25.0 * np.exp(-((x - at_x) ** 2 + (y - at_y) ** 2) / 8.0)
    named = {card[:8].strip() for card in cards}
    usual = ["IMAGETYP= 'Light Frame'", "EXPTIME = 60.0", "DATE-OBS= '2026-03-20T21:00:00'", "BZERO   = 32768.0"]
    lines = ["SIMPLE  = T", "BITPIX  = 16", "NAXIS   = 2", f"NAXIS1  = {side}", f"NAXIS2  = {side}"]
    lines += [card for card in usual if card[:8].strip() not in named] + cards + ["END"]
    header = "".join(line.ljust(80) for line in lines).encode("ascii")
    data = (np.clip(pixels, 0, 65535).astype(np.int32) - 32768).astype(">i2").tobytes()
    path.write_bytes(header.ljust(-(-len(header) // 2880) * 2880) + data.ljust(-(-len(data) // 2880) * 2880, b"\0"))
    return path


@pytest.mark.skipif(os.name == "nt", reason="times after 2107 are no times on Windows")
def test_each_odd_header_has_its_outcome_and_frames_after_it_are_judged(tmp_path):
    captures = tmp_path / "captures"
    captures.mkdir()
    with RunningMonitor(captures, private_settings(tmp_path / "state", backlog="in_order")) as running:
        for seed, (name, cards) in enumerate(ODD_CARDS.items()):
            frame(captures / f"{name}.fits", cards, seed)
        running.wait_for_outcomes(len(ODD_CARDS))
        for seed, moment_s in enumerate([10_413_792_000, 2**31, 0, 1], 100):
            path = frame(captures / f"time_{moment_s}.fits", [], seed)
            os.utime(path, (moment_s, moment_s))
        frame(captures / "plain.fits", [], 200)
        running.wait_for_outcomes(len(ODD_CARDS) + 5)
        outcomes = {document.body["relative_path"]: document for document in running.outcomes()}
    assert len(outcomes) == len(ODD_CARDS) + 5
    assert outcomes["plain.fits"].kind == "frame.judged"
    assert {outcomes[f"time_{moment_s}.fits"].kind for moment_s in (10_413_792_000, 2**31, 0, 1)} == {"frame.judged"}
    for name in ODD_CARDS:
        document = outcomes[f"{name}.fits"]
        assert document.kind == "frame.judged" or document.body["known"], document.body["sentence"]
    with NightLogReader.read(running.monitor.night_log_path) as log:
        documents = list(log.documents())
    assert documents[-1].body["reason"] == "stopped"
