"""The level meter: up at once, down at a pace that can be read."""

import numpy as np
import pytest

from multimodal_assistant.core.audio import SILENCE_DBFS
from multimodal_assistant.transports.level import LevelMeter


def test_it_starts_at_silence() -> None:
    assert LevelMeter(16_000).dbfs == SILENCE_DBFS


@pytest.mark.parametrize(("peak", "dbfs"), [(1.0, 0.0), (0.5, -6.02), (0.01, -40.0), (0.0, SILENCE_DBFS)])
def test_a_peak_shows_at_once(peak: float, dbfs: float) -> None:
    meter = LevelMeter(16_000)
    meter.hear(np.array([0.0, -peak, 0.0], np.float32))
    assert meter.dbfs == pytest.approx(dbfs, abs=0.01)


def test_it_falls_by_forty_decibels_in_a_second() -> None:
    meter = LevelMeter(16_000)
    meter.hear(np.ones(160, np.float32))
    for _ in range(100):
        meter.hear(np.zeros(160, np.float32))
    assert meter.dbfs == pytest.approx(-40, abs=0.01)


def test_nothing_at_all_changes_nothing() -> None:
    meter = LevelMeter(16_000)
    meter.hear(np.ones(160, np.float32))
    meter.hear(np.zeros(0, np.float32))
    assert meter.dbfs == 0
