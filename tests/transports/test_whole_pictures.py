"""A picture is there with its last packet, and not before."""

from collections.abc import Iterable
from typing import Any

import pytest
from aiortc.rtp import RtpPacket

from multimodal_assistant.transports.whole_pictures import WholePictures


def packet(number: int, data: str, *, at: int, last: bool = False) -> RtpPacket:
    made: Any = RtpPacket(sequence_number=number % 65_536, timestamp=at, marker=int(last))
    made._data = data.encode()
    return made


def pictures(buffer: WholePictures, packets: Iterable[RtpPacket]) -> list[tuple[int, str]]:
    """The number of the packet that completed it, and what is in it."""
    frames = [(one.sequence_number, buffer.add(one)[1]) for one in packets]
    return [(number, frame.data.decode()) for number, frame in frames if frame is not None]


A, B, C = packet(10, "a", at=1), packet(11, "b", at=1), packet(12, "c", at=1, last=True)
D = packet(13, "d", at=2, last=True)


def test_a_picture_does_not_wait_for_the_next_one() -> None:
    assert pictures(WholePictures(), [A, B, C, D]) == [(12, "abc"), (13, "d")]


@pytest.mark.parametrize("order", [[A, C, B, D], [A, C, D, B]])
def test_a_packet_that_is_late_completes_it(order: list[RtpPacket]) -> None:
    assert [data for _, data in pictures(WholePictures(), order)][0] == "abc"


def test_a_picture_with_a_hole_is_not_given() -> None:
    assert pictures(WholePictures(), [A, C, D]) == []


def test_padding_is_no_picture() -> None:
    padding = [packet(14, "", at=2), packet(15, "", at=2)]
    after = [packet(16, "e", at=3), packet(17, "f", at=3, last=True)]
    assert pictures(WholePictures(), [D, *padding, *after]) == [(13, "d"), (17, "ef")]


def test_a_key_frame_is_asked_for_after_a_loss_that_is_not_made_good() -> None:
    buffer = WholePictures()
    buffer.add(A)
    wanted, _ = buffer.add(packet(10 + 600, "z", at=9))
    assert wanted


def test_numbers_begin_anew_after_65535() -> None:
    packets = [packet(65_535, "a", at=1), packet(65_536, "b", at=1, last=True)]
    assert pictures(WholePictures(), packets) == [(0, "ab")]
