"""Engines on real weights, each loaded once for all tests of this folder.

An engine's worker asks for the running loop at every call, so one engine serves tests that each have a loop of their own.
"""

from collections.abc import Iterator

import anyio
import pytest
from speech_lab import kokoro_voice, vits_voice, weights

from multimodal_assistant.app import quiet_threads
from multimodal_assistant.engines.stt.whisper import WhisperEngine
from multimodal_assistant.engines.tts.kokoro import KokoroVoice
from multimodal_assistant.engines.tts.vits import VitsVoice
from multimodal_assistant.engines.vad.silero import SileroVad

quiet_threads()  # as in the application: it has to come before the libraries are loaded


@pytest.fixture(scope="session")
def silero() -> Iterator[SileroVad]:
    engine = SileroVad()
    anyio.run(engine.warm)
    yield engine
    anyio.run(engine.aclose)


@pytest.fixture(scope="session")
def whisper_base() -> Iterator[WhisperEngine]:
    engine = WhisperEngine(model=weights("whisper-base"))
    anyio.run(engine.warm)
    yield engine
    anyio.run(engine.aclose)


@pytest.fixture(scope="session")
def kokoro() -> Iterator[KokoroVoice]:
    engine = kokoro_voice("af_heart")
    anyio.run(engine.warm)
    yield engine
    anyio.run(engine.aclose)


@pytest.fixture(scope="session")
def joe() -> Iterator[VitsVoice]:
    engine = vits_voice()
    anyio.run(engine.warm)
    yield engine
    anyio.run(engine.aclose)
