"""Every engine of the registry keeps the contracts of `core.protocols`; a new one cannot escape."""

import ast
import inspect
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import multimodal_assistant
from multimodal_assistant.core import protocols
from multimodal_assistant.core.errors import EngineUnavailable, ModelMissing
from multimodal_assistant.core.types import AudioChunk, Message
from multimodal_assistant.engines import registry
from multimodal_assistant.engines.scripted import ScriptedEmbedder

NOWHERE = Path("/nowhere/at all")

OPTIONS: dict[str, dict[str, Any]] = {
    "vad.silero": {"model": NOWHERE / "vad.onnx"},
    "vad.scripted": {},
    "turn.smart-turn": {"model": NOWHERE / "turn.onnx"},
    "turn.scripted": {},
    "sentence.smollm2": {"model": NOWHERE / "model.gguf"},
    "sentence.scripted": {},
    "stt.whisper": {"model": NOWHERE / "whisper"},
    "stt.scripted": {},
    "llm.llama.cpp": {"model": NOWHERE / "model.gguf"},
    "llm.ollama": {"host": "http://127.0.0.1:9"},
    "llm.openai": {"base_url": "http://127.0.0.1:9/v1"},
    "llm.scripted": {},
    "tts.kokoro": {"model": NOWHERE / "kokoro.onnx", "voices": NOWHERE, "cache": NOWHERE},
    "tts.vits": {"model": NOWHERE / "voice.onnx", "cache": NOWHERE},
    "tts.scripted": {},
    "embed.sentence": {"model": NOWHERE / "model.onnx", "tokenizer": NOWHERE / "tokenizer.json", "name": "nothing"},
    "embed.scripted": {},
    "detect.efficientdet": {"model": NOWHERE / "object_detector.tflite"},
    "detect.blazeface": {"model": NOWHERE / "face_detector.tflite"},
    "detect.scripted": {},
    "classify.clip": {"encoder": "image.clip"},
    "classify.efficientnet": {"model": NOWHERE / "image_classifier.tflite"},
    "classify.scripted": {},
    "read.rapidocr": {},
    "read.scripted": {},
    "image.clip": {"model": NOWHERE / "clip"},
    "image.clip-torch": {"model": NOWHERE / "clip"},
    "image.conse": {"model": NOWHERE / "image_classifier.tflite", "embedder": ScriptedEmbedder(), "cache": NOWHERE},
    "image.scripted": {},
}
"""How to build each engine where there is neither a model nor a server. Port 9 discards what it gets, if anything listens at all.

encoder: the name of the engine that it is made of, and owns.
"""

CONTRACTS = {
    "vad": protocols.VoiceActivityDetector,
    "turn": protocols.EndOfTurnDetector,
    "sentence": protocols.EndOfSentenceDetector,
    "stt": protocols.SpeechToText,
    "llm": protocols.LanguageModel,
    "tts": protocols.TextToSpeech,
    "embed": protocols.TextEmbedder,
    "detect": protocols.ObjectDetector,
    "classify": protocols.ImageClassifier,
    "read": protocols.TextReader,
    "image": protocols.ImageTextEncoder,
}

VENDORS = (
    "onnxruntime", "onnx", "ctranslate2", "faster_whisper", "xllamacpp", "ollama", "openai", "httpx", "ai_edge_litert", "cv2", "rapidocr",
    "PIL", "tokenizers", "torch", "transformers",
)  # fmt: skip

every_engine = pytest.mark.parametrize("name", registry.BUILT_IN)


def built(name: str) -> Any:
    kind, _, engine = name.partition(".")
    options = OPTIONS[name]
    if "encoder" in options:
        options = {**options, "encoder": built(options["encoder"])}
    return registry.build(kind, engine, **options)


SILENCE = np.zeros(16_000, np.float32)
DARKNESS = np.zeros((48, 64, 3), np.uint8)

VERBS: dict[str, Callable[[Any], Any]] = {
    "vad": lambda engine: engine.scan(SILENCE),
    "turn": lambda engine: engine.score(SILENCE),
    "sentence": lambda engine: engine.score("Hi."),
    "stt": lambda engine: engine.transcribe(AudioChunk(SILENCE, 16_000)),
    "llm": lambda engine: engine.reply([Message("user", "Hi")], max_tokens=5),
    "tts": lambda engine: engine.speak("Hi."),
    "embed": lambda engine: engine.embed(["Hi."]),
    "detect": lambda engine: engine.detect(DARKNESS),
    "classify": lambda engine: engine.classify(DARKNESS),
    "read": lambda engine: engine.read(DARKNESS),
    "image": lambda engine: engine.encode_images([DARKNESS]),
}


async def used(name: str, engine: Any) -> None:
    """The engine's verb, once."""
    work = VERBS[name.partition(".")[0]](engine)
    if inspect.isawaitable(work):
        await work
        return
    async with aclosing(work) as stream:
        async for _ in stream:
            pass


def test_every_engine_of_the_table_is_checked_here() -> None:
    assert set(OPTIONS) == set(registry.BUILT_IN)
    assert {name.partition(".")[0] for name in registry.BUILT_IN} == set(CONTRACTS)


@every_engine
def test_it_is_built_without_a_model_a_thread_or_a_server(name: str) -> None:
    before = set(threading.enumerate())
    details = built(name).details
    assert not set(threading.enumerate()) - before  # a thread of an earlier test may end meanwhile
    assert details["engine"]
    assert details["model"]
    assert all(type(key) is str and type(value) is str for key, value in details.items())


def test_building_all_of_them_imports_no_vendor_library() -> None:
    program = """
import json, sys
from test_contracts import OPTIONS, VENDORS, built
for name in OPTIONS:
    built(name).details
print(json.dumps([name for name in VENDORS if name in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    assert json.loads(done.stdout) == []


def _members(contract: type) -> Iterator[tuple[str, Any]]:
    for parent in contract.__mro__:
        if parent.__module__ == protocols.__name__:
            yield from ((name, member) for name, member in vars(parent).items() if not name.startswith("_"))


@every_engine
def test_its_verbs_have_the_shape_of_the_contract(name: str) -> None:
    engine: object = built(name)
    made = type(engine)
    for member, promised in _members(CONTRACTS[name.partition(".")[0]]):
        kept = inspect.getattr_static(made, member)
        assert isinstance(kept, property) == isinstance(promised, property), member
        if isinstance(promised, property):
            continue
        assert list(inspect.signature(kept).parameters.values()) == list(inspect.signature(promised).parameters.values()), member
        streams = "AsyncGenerator" in str(inspect.signature(promised).return_annotation)
        assert inspect.isasyncgenfunction(kept) == streams, member
        assert inspect.iscoroutinefunction(kept) == inspect.iscoroutinefunction(promised), member


@every_engine
@pytest.mark.anyio
async def test_it_closes_twice_without_having_been_used(name: str) -> None:
    engine = built(name)
    await engine.aclose()
    await engine.aclose()


@every_engine
@pytest.mark.anyio
@pytest.mark.parametrize("first", ["use", "warm"])
async def test_without_its_model_or_server_the_first_use_says_so_in_our_words(name: str, first: str) -> None:
    engine = built(name)
    before = set(threading.enumerate())
    work = engine.warm() if first == "warm" else used(name, engine)
    try:
        if not OPTIONS[name]:
            await work
            return
        with pytest.raises(ModelMissing if {"model", "encoder"} & set(OPTIONS[name]) else EngineUnavailable) as caught:
            await work
        assert caught.value.problem
        assert caught.value.remedy
    finally:
        await engine.aclose()
        await engine.aclose()
    left = {thread.name.partition("_")[0] for thread in set(threading.enumerate()) - before}
    assert not left & {"vad", "stt", "llm", "tts", "embed", "detect", "detect-faces", "classify", "read", "image"}


def _generators(tree: ast.AST) -> Iterator[ast.AsyncFunctionDef]:
    for function in ast.walk(tree):
        if isinstance(function, ast.AsyncFunctionDef) and any(isinstance(node, ast.Yield) for node in ast.walk(function)):
            yield function


def test_a_stream_that_hands_on_another_closes_it() -> None:
    """`async for x in other(): yield x` leaves `other` open when its reader goes: the backend would work on. See `contextlib.aclosing`."""
    root = Path(multimodal_assistant.__file__).parent
    found = [
        f"{path.relative_to(root)}: {function.name}"
        for path in sorted(root.rglob("*.py"))
        for function in _generators(ast.parse(path.read_text("utf-8")))
        for node in ast.walk(function)
        if isinstance(node, ast.AsyncFor) and isinstance(node.iter, ast.Call)
    ]
    assert found == []
