"""The engines that docs/engines.md builds, taken out of the page and used."""

import json
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from contextlib import aclosing
from pathlib import Path

import pytest
import soundfile

from multimodal_assistant.core import protocols
from multimodal_assistant.core.types import Message, SpokenChunk
from multimodal_assistant.engines import registry
from multimodal_assistant.engines.scripted import ScriptedStt, ScriptedVad
from multimodal_assistant.pipeline.exchange import exchange
from multimodal_assistant.pipeline.reply import Engines

PAGE = Path(__file__).parents[2] / "docs" / "engines.md"
QUESTION = "Good morning, how are you today?"

Install = Callable[[str, Mapping[str, str]], Path]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def modules() -> dict[str, str]:
    """The blocks that name their file in the first line."""
    return {name[1]: block for block in blocks("python") if (name := re.match(r"# (\w+\.py)\n", block))}


def entry_points() -> dict[str, str]:
    (block,) = blocks("toml")
    return tomllib.loads(block)["project"]["entry-points"][registry.GROUP]


@pytest.fixture
def package(install: Install) -> Path:
    """The page's package, installed."""
    lines = [f"{name} = {target}" for name, target in entry_points().items()]
    return install("\n".join([f"[{registry.GROUP}]", *lines, ""]), modules())


@pytest.fixture
def engines(package: Path) -> Engines:
    """The two of the page, and scripted ears."""
    return Engines(ScriptedVad(), ScriptedStt(), registry.build("llm", "echo"), registry.build("tts", "tone", word_seconds=0.05))


class Collector:
    def __init__(self) -> None:
        self.chunks: list[SpokenChunk] = []

    async def write(self, chunk: SpokenChunk) -> None:
        self.chunks.append(chunk)


def test_the_protocols_are_shown_as_they_are() -> None:
    source = Path(protocols.__file__).read_text("utf-8")
    shown = [line.partition(": ...")[0].strip() for block in blocks("python") if block.startswith("class ") for line in block.splitlines()]
    assert len(shown) > 8
    assert [line for line in shown if line and line not in source] == []


def test_the_group_is_the_one_that_is_looked_up(package: Path) -> None:
    assert "echo" in registry.names("llm")
    assert "tone" in registry.names("tts")


@pytest.mark.anyio
async def test_the_engines_of_the_page_hold_a_conversation(engines: Engines) -> None:
    sink = Collector()
    answer = await exchange(QUESTION, engines, sink)
    assert answer.reply == QUESTION
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 6
    words = [word.text for chunk in sink.chunks for word in chunk.words]
    assert words == QUESTION.split()
    assert sum(chunk.audio.seconds for chunk in sink.chunks if chunk.words) == pytest.approx(6 * 0.05)
    for engine in (engines.llm, engines.tts):
        assert engine.details.keys() >= {"engine", "model"}
        await engine.warm()
        await engine.aclose()
        await engine.aclose()


@pytest.mark.anyio
async def test_the_engines_of_the_page_can_be_interrupted(engines: Engines) -> None:
    async with aclosing(engines.llm.reply([Message("user", QUESTION)], max_tokens=50)) as deltas:
        assert (await anext(deltas)).text == "Good "
    async with aclosing(engines.tts.speak(QUESTION)) as chunks:
        assert (await anext(chunks)).words[0].text == "Good"
    assert [chunk.last async for chunk in engines.tts.speak("two words")] == [False, True]
    await engines.tts.aclose()


def test_the_command_of_the_page_answers(package: Path, tmp_path: Path) -> None:
    """With a scripted recognizer: this test has no weights of any kind."""
    (line,) = blocks("sh")
    assert line.count("\n") == 1
    program, *arguments = shlex.split(line)
    assert program == "assistant"
    out = tmp_path / "answer.wav"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ASSISTANT_")},
        "ASSISTANT_HOME": str(tmp_path / "home"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(package), os.environ.get("PYTHONPATH")])),
        "XDG_CONFIG_HOME": str(tmp_path),
    }
    command = [sys.executable, "-m", "multimodal_assistant", *arguments, "--stt", "scripted", "--json", "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    report = json.loads(done.stdout)
    assert (report["transcript"], report["reply"]) == (QUESTION, QUESTION)
    assert (report["engines"]["llm"]["engine"], report["engines"]["tts"]["engine"]) == ("echo", "tone")
    assert report["audio"] == str(out)
    assert soundfile.info(str(out)).duration == pytest.approx(report["audio_seconds"], abs=0.01)
