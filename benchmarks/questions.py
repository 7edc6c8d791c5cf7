"""A recording of questions to answer, and how long the answers took, by the sound alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from multimodal_assistant.core.audio import SPEECH_RATE, audible
from multimodal_assistant.core.types import AudioChunk, Samples

from .speech import say, voice

QUESTIONS = (
    "What is the capital of France?",
    "How many legs does a spider have?",
    "Who wrote Romeo and Juliet?",
    "Is it going to rain this afternoon?",
    "What do bees make?",
    "Which planet is closest to the sun?",
    "What is the opposite of hot?",
    "How many days are there in a week?",
    "What color is a lemon?",
    "Can you speak Italian?",
)

ROOM = 0.0006
"""Amplitude of the noise of a quiet room: digital silence is what no microphone gives."""

_LEAD_SECONDS = 0.8


@dataclass(frozen=True, slots=True)
class Script:
    """A recording of questions and when each one ends, in seconds."""

    recording: AudioChunk
    ends: tuple[float, ...]


async def spoken_questions(name: str = "bf_emma") -> list[Samples]:
    """All questions by one voice, at 16 kHz."""
    speaker = voice(name, streamed=False)
    try:
        return [(await say(speaker, question)).samples for question in QUESTIONS]
    finally:
        await speaker.aclose()


def script(questions: Sequence[Samples], *, gap: float, seed: int = 0) -> Script:
    """The questions with `gap` seconds after each, in the noise of a room."""
    pieces: list[Samples] = [np.zeros(round(_LEAD_SECONDS * SPEECH_RATE), np.float32)]
    ends: list[float] = []
    for question in questions:
        _, last = audible(question, SPEECH_RATE)
        ends.append((sum(map(len, pieces)) + last) / SPEECH_RATE)
        pieces += [question, np.zeros(round(gap * SPEECH_RATE), np.float32)]
    whole = np.concatenate(pieces)
    whole += np.float32(ROOM) * np.random.default_rng(seed).standard_normal(len(whole), dtype=np.float32)
    return Script(AudioChunk(whole, SPEECH_RATE), tuple(ends))


def waits(output: Samples, rate: int, ends: Sequence[float], gap: float) -> list[float]:
    """Seconds from the end of each question to the first audible sample after it; the gap where there is none."""
    found: list[float] = []
    for end in ends:
        stretch = output[round(end * rate) : round((end + gap) * rate)]
        first, _ = audible(stretch, rate)
        found.append(first / rate if first < len(stretch) else gap)
    return found
