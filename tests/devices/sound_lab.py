"""A sound system of one's own: a private PulseAudio daemon whose null sinks stand for the loudspeaker and the microphone.

PortAudio reaches them through ALSA's PulseAudio plugin, as it does on a desktop, so that everything but the air is real.
What is played into the sink `mic` is what the microphone `headset` hears; what the speaker `kitchen` plays is on the monitor
of the sink `loud`; the microphone `mirror` hears that monitor.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import numpy as np
import pytest

from multimodal_assistant.core.types import AudioChunk, Samples

RATE = 48_000
"""Of the sinks."""

ALSA_DEVICES = """
pcm.headset { type pulse
              device "mic.monitor" }
pcm.kitchen { type pulse
              device "loud" }
pcm.mirror { type pulse
             device "loud.monitor" }
pcm.default { type pulse }
"""

HOW_TO = "`sh scripts/test_sound_system.sh` says what to install"


class SoundServer:
    """The daemon, with the sinks `loud` and `mic` to begin with."""

    def __init__(self, folder: Path) -> None:
        self._address = f"unix:{folder}/native"
        self.environment = {"PULSE_SERVER": self._address, "ALSA_CONFIG_PATH": str(folder / "asound.conf")}
        """What a program needs to reach the sinks."""
        self._modules: dict[str, str] = {}

    def control(self, *command: str) -> str:
        """`pactl`."""
        done = subprocess.run(["pactl", "--server", self._address, *command], capture_output=True, text=True, timeout=10, check=True)
        return done.stdout.strip()

    def plug_in(self, sink: str) -> None:
        """A sink appears."""
        # Without `norewinds` a null sink takes two seconds at a time.
        shape = (f"rate={RATE}", "channels=2", "format=float32le", "norewinds=1")
        self._modules[sink] = self.control("load-module", "module-null-sink", f"sink_name={sink}", *shape)

    def unplug(self, sink: str) -> None:
        """It is gone."""
        self.control("unload-module", self._modules.pop(sink))

    def turn_down(self, level: float) -> None:
        """What plays now becomes so many decibels softer than it is sent."""
        for line in self.control("list", "short", "sink-inputs").splitlines():
            self.control("set-sink-input-volume", line.split("\t")[0], f"{level}dB")

    @contextmanager
    def echo(self, level: float, delay: float) -> Generator[None]:
        """Inside, the microphone `headset` also hears what the speaker plays: at `level` decibels, about `delay` seconds late.

        The delay jumps now and then, as PulseAudio keeps the two apart: harder than a room. `mirror` hears a steady echo.
        """
        options = ("source=loud.monitor", "sink=mic", f"latency_msec={max(round(1000 * delay), 1)}", "adjust_time=0", "channels=1")
        module = self.control("load-module", "module-loopback", *options)
        try:
            inputs = self.control("list", "short", "sink-inputs").splitlines()
            (number,) = [line.split("\t")[0] for line in inputs if "loopback" in line]
            self.control("set-sink-input-volume", number, f"{level}dB")
            yield
        finally:
            self.control("unload-module", module)

    async def say(self, audio: AudioChunk, sink: str = "mic") -> None:
        """Play into a sink, and return at the end."""
        await anyio.run_process(
            ["pacat", "--server", self._address, "--device", sink, *_format(audio.rate), "--latency-msec=20"],
            input=audio.samples.astype(np.float32).tobytes(),
        )

    @asynccontextmanager
    async def listening(self, source: str = "loud.monitor") -> AsyncGenerator[list[Samples]]:
        """Inside, what a monitor gives is gathered, in pieces at the rate of the sinks."""
        command = ["parec", "--server", self._address, "--device", source, *_format(RATE), "--latency-msec=20"]
        heard: list[Samples] = []

        async def gather(process: anyio.abc.Process, *, task_status: anyio.abc.TaskStatus[None]) -> None:
            rest = b""
            assert process.stdout is not None
            async for data in process.stdout:
                rest += data
                whole = len(rest) // 4 * 4
                heard.append(np.frombuffer(rest[:whole], np.float32))
                rest = rest[whole:]
                if len(heard) == 1:
                    task_status.started()

        async with await anyio.open_process(command) as process, anyio.create_task_group() as tasks:
            await tasks.start(gather, process)
            yield heard
            process.terminate()


def _format(rate: int) -> tuple[str, ...]:
    return "--raw", f"--rate={rate}", "--channels=1", "--format=float32le"


@contextmanager
def sound_server() -> Generator[SoundServer]:
    """A daemon for the time of the block; skips the test where there can be none."""
    if sys.platform != "linux":
        pytest.skip("PulseAudio's null sinks stand for devices on Linux only")
    missing = [name for name in ("pulseaudio", "pactl", "pacat", "parec") if shutil.which(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}; {HOW_TO}")
    with tempfile.TemporaryDirectory() as name:  # a path of pytest's own is too long for a socket
        folder = Path(name)
        (folder / "asound.conf").write_text(ALSA_DEVICES)
        (folder / "start.pa").write_text(f"load-module module-native-protocol-unix auth-anonymous=1 socket={folder}/native\n")
        command = ["pulseaudio", "-n", "-F", str(folder / "start.pa"), "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no"]
        command += ["--disable-shm=yes", "--log-target=stderr"]
        environment = {"PATH": "/usr/bin:/bin", "HOME": name, "XDG_RUNTIME_DIR": name}
        daemon = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        server = SoundServer(folder)
        try:
            _wait_for(folder / "native", daemon)
            for sink in ("loud", "mic"):
                server.plug_in(sink)
            yield server
        finally:
            daemon.terminate()
            daemon.wait(10)


def _wait_for(socket: Path, daemon: "subprocess.Popen[bytes]") -> None:
    async def appears() -> None:
        with anyio.fail_after(10):
            while not await anyio.Path(socket).exists():
                if daemon.poll() is not None:
                    pytest.skip("PulseAudio does not start here")
                await anyio.sleep(0.02)

    anyio.run(appears)
