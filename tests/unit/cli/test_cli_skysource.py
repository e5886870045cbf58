"""What ``grade`` says of the sky: where it is from when asked, and one hint where it is a guess."""

from types import SimpleNamespace

from astro_monitor.cli.skysource import sky_remarks


def judged(rig, error, source="photon transfer (12 frames)"):
    return SimpleNamespace(
        rig=rig,
        measurements={"effective_sky_error_fraction": error},
        meta=SimpleNamespace(sources={"effective_sky_adu": source}),
    )


def test_a_sky_that_is_known_needs_no_words_unless_asked():
    frames = [judged("cam", 0.9), judged("cam", 0.08)]
    assert sky_remarks(frames, verbose=False) == []
    assert sky_remarks(frames, verbose=True) == ["cam: pedestal and sky by photon transfer (12 frames), known to 8 %."]


def test_a_guess_asks_for_bias_frames_once():
    remarks = sky_remarks([judged("one", 0.7), judged("one", 0.7), judged("two", 0.6)], verbose=False)
    assert len(remarks) == 1
    assert "one, two" in remarks[0]
    assert "bias frame" in remarks[0]


def test_frames_without_a_measured_sky_are_left_out():
    assert sky_remarks([judged("cam", None)], verbose=True) == []
