"""What other programs observe reaches the judge, for the causes of trails."""

from __future__ import annotations

from astro_monitor.documents import Document


def observed(subject: str, key: str, value, unit: str) -> Document:
    body = {"subject": subject, "source": "PHD2", "observed_at": "2026-03-20T20:00:30.000Z", "by": "",
            "values": [{"key": key, "value": value, "unit": unit}]}  # fmt: skip
    return Document(kind="context.observed", doc_id="x-1", session_id="s", seq=1, time="2026-03-20T20:00:31.000Z",
                    cause="", body=body)  # fmt: skip


def test_guiding_during_an_exposure_is_known_to_the_judge(session):
    session.hear(observed("guider", "rms_ra", 0.8, "arcsec"))
    session.hear(observed("guider", "state", "guiding", ""))
    start_s = 1774036800.0
    assert session.surroundings.during(start_s, 60.0).rms_ra_arcsec == 0.8
    assert session.surroundings.during(start_s + 3600.0, 60.0).rms_ra_arcsec is None
