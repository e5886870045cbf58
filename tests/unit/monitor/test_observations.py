"""A running daemon takes in what other programs observe."""

from __future__ import annotations

from astro_monitor.documents import ContextObserved
from astro_monitor.nightlog import NightLogReader
from astro_monitor.publish import observe
from astro_monitor.testing.light import LIGHT_PIPELINE
from astro_monitor.testing.running import RunningMonitor, private_settings

OBSERVED = ContextObserved.model_validate(
    {
        "subject": "weather",
        "source": "roof station",
        "observed_at": "2026-11-20T21:14:03.250Z",
        "values": [{"key": "wind_speed", "value": 7.5, "unit": "m/s"}],
    }
)


def test_an_observation_is_in_the_night_log_and_among_the_documents(tmp_path):
    captures = tmp_path / "captures"
    captures.mkdir()
    settings = private_settings(tmp_path / "state")
    with RunningMonitor(captures, settings, pipeline=LIGHT_PIPELINE) as running:
        address, control_address = running.monitor.addresses
        bus = settings.publish.model_copy(update={"address": address, "control_address": control_address})
        document = observe(bus, OBSERVED)
        running.wait_for(lambda: document in running.documents, "the observation")
    with NightLogReader.read(running.monitor.night_log_path) as log:
        assert document in list(log.documents())
