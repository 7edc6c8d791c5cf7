"""The microphones and loudspeakers of this machine, and which of them is meant."""

from dataclasses import dataclass
from typing import Literal

from multimodal_assistant.core.errors import DeviceError

Kind = Literal["microphone", "speaker"]

WITHOUT_DEVICES = "Without one: `assistant ask QUESTION.wav` for one question, `assistant talk --input FILE.wav` for a conversation."


@dataclass(frozen=True, slots=True)
class Device:
    """One device as PortAudio numbers and names it."""

    index: int
    name: str
    system: str
    """The sound system that offers it: Core Audio, ALSA, JACK Audio Connection Kit, …"""
    inputs: int
    """Channels it records."""
    outputs: int
    """Channels it plays."""
    rate: int
    """Samples per second it prefers."""

    def can(self, kind: Kind) -> bool:
        """Whether it is one."""
        return (self.inputs if kind == "microphone" else self.outputs) > 0


@dataclass(frozen=True, slots=True)
class Devices:
    """All there are."""

    all: tuple[Device, ...]
    default_microphone: int | None
    """Index of what the system would choose."""
    default_speaker: int | None

    def of(self, kind: Kind) -> tuple[Device, ...]:
        """Those of a kind."""
        return tuple(device for device in self.all if device.can(kind))

    def default(self, kind: Kind) -> Device | None:
        """What the system would choose, or the only kind there is."""
        index = self.default_microphone if kind == "microphone" else self.default_speaker
        candidates = self.of(kind)
        return next((device for device in candidates if device.index == index), candidates[0] if candidates else None)

    def choose(self, kind: Kind, wanted: str = "") -> Device:
        """The one that is meant by an index, a name or a part of it; empty: the system's choice. Raises `DeviceError`."""
        candidates = self.of(kind)
        if not candidates:
            raise DeviceError(f"No {kind} was found on this machine.", f"Plug one in. {WITHOUT_DEVICES}")
        if not wanted:
            return self.default(kind) or candidates[0]
        called = wanted.casefold()
        for matches in (
            [device for device in candidates if str(device.index) == wanted],
            [device for device in candidates if device.name.casefold() == called],
            [device for device in candidates if called in device.name.casefold()],
        ):
            if len(matches) == 1:
                return matches[0]
            if matches:
                raise DeviceError(f"{len(matches)} {kind}s are meant by {wanted!r}: {_listed(matches)}.", "Give the number of one.")
        raise DeviceError(
            f"There is no {kind} {wanted!r}.", f"There are: {_listed(candidates)}. Give a number or a part of a name with --{kind}."
        )


def _listed(devices: tuple[Device, ...] | list[Device]) -> str:
    return ", ".join(f"{device.index} {device.name!r}" for device in devices)
