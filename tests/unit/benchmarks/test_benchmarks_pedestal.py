"""The table of the benchmark of pedestal and gain."""

import math

from astro_monitor.baseline import Exposed
from benchmarks.pedestal import WAYS, SimulatedRig, report


def test_each_way_has_a_row_and_a_night_is_better_than_one_electron_an_adu():
    lights = tuple(
        Exposed(frame_id=str(n), cells=tuple(
            (p, 500.0 + sky / 0.2, (sky + 9.0) / 0.04, 6000) for p in range(24) for sky in [200.0 + 20 * n + p]
        ))
        for n in range(6)
    )  # fmt: skip
    truth = tuple(light.variance_adu2 * 0.2 for light in lights)
    rig = SimulatedRig(1, lights, truth, Exposed(frame_id="bias", kind="bias"), 3.0)
    rows = {line.split("|")[1].strip(): line for line in report([rig]).splitlines() if line.startswith("| ")}
    assert set(WAYS) <= set(rows)
    assert "| 1.00 | 1.00 | 1.00 |" in rows["all frames"]
    assert f"{math.log(5.0):.2f}" in rows["one electron an ADU (0.1)"]
