"""G.711 against libsndfile, and streams of it."""

import io
from typing import Any

import numpy as np
import pytest
import soundfile

from multimodal_assistant.transports.realtime_formats import Encoder, Format

BYTES = bytes(range(256))
KINDS: list[tuple[Any, str]] = [("audio/pcmu", "ULAW"), ("audio/pcma", "ALAW")]


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_every_byte_is_what_libsndfile_says(kind: Any, name: str) -> None:
    theirs, _ = soundfile.read(io.BytesIO(BYTES), dtype="float32", format="RAW", subtype=name, samplerate=8000, channels=1)
    assert np.array_equal(Format(kind).samples(BYTES), theirs)


@pytest.mark.parametrize(("kind", "name"), KINDS)
def test_what_is_decoded_is_encoded_to_the_same_sound(kind: Any, name: str) -> None:
    form = Format(kind)
    levels = form.samples(BYTES)
    assert np.array_equal(form.samples(form.data(levels)), levels)
    assert len(form.data(np.array([-2.0, 2.0], np.float32))) == 2


def test_pcm_ends_with_a_whole_sample() -> None:
    with pytest.raises(ValueError, match="multiple"):
        Format().samples(b"\x00\x00\x00")


def test_a_stream_for_the_telephone_is_a_third_as_long() -> None:
    encoder = Encoder(Format("audio/pcmu"))
    sent = sum(len(encoder.encode(np.zeros(480, np.float32))) for _ in range(50))
    assert sent * 3 / 4 == pytest.approx(8000, rel=0.1)
