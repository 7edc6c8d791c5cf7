"""Which device is meant."""

import pytest

from multimodal_assistant.core.errors import DeviceError
from multimodal_assistant.transports.devices import Device, Devices

BUILT_IN = Device(0, "MacBook Pro Microphone", "Core Audio", 1, 0, 48_000)
LOUD = Device(1, "MacBook Pro Speakers", "Core Audio", 0, 2, 48_000)
USB = Device(2, "USB Headset", "Core Audio", 1, 2, 44_100)
USB_TOO = Device(3, "USB Headset (2)", "Core Audio", 1, 2, 44_100)
DEVICES = Devices((BUILT_IN, LOUD, USB, USB_TOO), 0, 1)


@pytest.mark.parametrize(
    ("wanted", "device"), [("", BUILT_IN), ("0", BUILT_IN), ("2", USB), ("usb headset", USB), ("(2)", USB_TOO), ("macbook", BUILT_IN)]
)
def test_a_number_a_name_or_a_part_of_it(wanted: str, device: Device) -> None:
    assert DEVICES.choose("microphone", wanted) is device


def test_only_devices_of_the_kind_count() -> None:
    assert DEVICES.choose("speaker", "macbook") is LOUD
    assert DEVICES.choose("speaker") is LOUD
    with pytest.raises(DeviceError, match="no speaker '0'"):
        DEVICES.choose("speaker", "0")


def test_a_wrong_name_is_told_with_those_there_are() -> None:
    with pytest.raises(DeviceError) as caught:
        DEVICES.choose("microphone", "webcam")
    assert caught.value.problem == "There is no microphone 'webcam'."
    assert "0 'MacBook Pro Microphone', 2 'USB Headset', 3 'USB Headset (2)'" in caught.value.remedy
    assert "--microphone" in caught.value.remedy


def test_two_that_could_be_meant_are_both_named() -> None:
    with pytest.raises(DeviceError, match="2 microphones are meant by 'USB': 2 'USB Headset', 3") as caught:
        DEVICES.choose("microphone", "USB")
    assert caught.value.remedy


def test_a_machine_without_a_microphone_is_told_what_works_without() -> None:
    with pytest.raises(DeviceError) as caught:
        Devices((LOUD,), None, 1).choose("microphone")
    assert caught.value.problem == "No microphone was found on this machine."
    assert "assistant ask" in caught.value.remedy
    assert "talk --input" in caught.value.remedy


def test_without_a_choice_of_the_system_the_first_is_taken() -> None:
    assert Devices((LOUD, USB, USB_TOO), None, None).choose("microphone") is USB
