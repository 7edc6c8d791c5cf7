"""Packets of a video track → encoded pictures, each as soon as all of it is there."""

from typing import Any

from aiortc.jitterbuffer import JitterBuffer, JitterFrame
from aiortc.rtp import RtpPacket

_CAPACITY = 512  # packets; aiortc's own: one picture of 600 KB


class WholePictures(JitterBuffer):
    """Stands for aiortc's jitter buffer, which gives a picture when the next one begins. A screen on which nothing moves sends one a
    second, and what is put away none at all: its last picture would be the first that is seen when something else is shown.

    The last packet of a picture has the marker bit (RFC 7741, 4.1; RFC 6184, 5.1).
    """

    def __init__(self) -> None:
        super().__init__(capacity=_CAPACITY, is_video=True)

    def add(self, packet: RtpPacket) -> tuple[bool, JitterFrame | None]:
        """Whether a key frame is to be asked for, and the picture that the packet completes."""
        wanted, frame = super().add(packet)
        if frame is None or not frame.data:
            frame = self._whole()
        return wanted, frame

    def _whole(self) -> JitterFrame | None:
        """The picture at the beginning of the buffer, if it has an end."""
        self._drop_padding()
        data: list[bytes] = []
        timestamp = None
        for count in range(self._capacity):
            packet: Any = self._packets[((self._origin or 0) + count) % self._capacity]
            if packet is None:
                return None
            if data and packet.timestamp != timestamp:
                return None
            timestamp = packet.timestamp
            data.append(packet._data)
            if packet.marker:
                self.remove(count + 1)
                return JitterFrame(b"".join(data), packet.timestamp)
        return None

    def _drop_padding(self) -> None:
        """Packets without content, by which a browser finds out how much the network carries: no picture begins with one."""
        for _ in range(self._capacity):
            packet: Any = self._packets[(self._origin or 0) % self._capacity]
            if packet is None or packet._data:
                return
            self.remove(1)
