"""Devices without a sound card: see `sound_lab`."""

from collections.abc import Iterator

import pytest
from sound_lab import HOW_TO, SoundServer, sound_server

from multimodal_assistant.core.errors import DeviceError
from multimodal_assistant.transports.portaudio import found


@pytest.fixture(scope="module")
def server() -> Iterator[SoundServer]:
    """A sound system that this process, too, sees instead of the machine's own."""
    with sound_server() as running, pytest.MonkeyPatch.context() as patch:
        for name, value in running.environment.items():
            patch.setenv(name, value)
        try:
            names = {device.name for device in found().all}
        except DeviceError as error:
            pytest.skip(f"{error.problem} {HOW_TO}")
        if "headset" not in names:
            pytest.skip(f"ALSA does not reach PulseAudio: {HOW_TO}")
        yield running
