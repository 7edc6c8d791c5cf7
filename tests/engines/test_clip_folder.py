"""Which engine reads a folder with a CLIP, and what is said where torch is not installed: in this environment it is not."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from multimodal_assistant.app import settings_from
from multimodal_assistant.core.errors import AssistantError, EngineFailed, EngineUnavailable, ModelMissing
from multimodal_assistant.engines.vision.clip_folder import clip_engine
from multimodal_assistant.engines.vision.transformers_clip import TransformersClip
from multimodal_assistant.seeing import clip_of
from multimodal_assistant.visual_memory import encoder_of

HALVES = ("vision_model.onnx", "text_model.onnx")
CHECKPOINT = ("config.json", "model.safetensors", "preprocessor_config.json", "tokenizer.json")


def holding(folder: Path, names: Sequence[str]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


@pytest.mark.parametrize(
    ("names", "engine"),
    [
        (HALVES, "clip"),
        (("onnx/vision_model.onnx", "onnx/text_model_quantized.onnx", "config.json"), "clip"),
        (("model.onnx",), "clip"),
        (("vision_model.onnx",), "clip"),
        (CHECKPOINT, "clip-torch"),
        (("config.json", "pytorch_model.bin"), "clip-torch"),
        (("config.json", "model.safetensors.index.json"), "clip-torch"),
        (("config.json", "pytorch_model.bin.index.json"), "clip-torch"),
        ((*HALVES, *CHECKPOINT), "clip"),
        (("onnx/vision_model.onnx", *CHECKPOINT), "clip-torch"),
        (("model.onnx", *CHECKPOINT), "clip-torch"),
    ],
    ids=" ".join,
)
def test_the_files_decide(tmp_path: Path, names: Sequence[str], engine: str) -> None:
    """Whatever is whole; of two that are, ONNX, which needs nothing more installed."""
    assert clip_engine(holding(tmp_path, names)) == engine
    assert clip_of(tmp_path).details["engine"] == engine


@pytest.mark.parametrize("names", [(), ("config.json",), ("model.safetensors",), ("vision.onnx", "flax_model.msgpack")])
def test_a_folder_with_neither_is_refused_with_what_was_looked_for(tmp_path: Path, names: Sequence[str]) -> None:
    with pytest.raises(ModelMissing) as caught:
        clip_engine(holding(tmp_path, names))
    for name in (*HALVES, "config.json", "model.safetensors", "pytorch_model.bin"):
        assert name in caught.value.problem
    assert "docs/models.md" in caught.value.remedy


@pytest.mark.anyio
async def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelMissing, match="There is no folder .*nowhere with a CLIP"):
        async with encoder_of(settings_from(vision={"clip": tmp_path / "nowhere"})):
            pass


async def refusal(folder: Path) -> AssistantError:
    engine = TransformersClip(model=folder)
    try:
        with pytest.raises(AssistantError) as caught:
            await engine.warm()
    finally:
        await engine.aclose()
    return caught.value


@pytest.mark.anyio
@pytest.mark.parametrize("absent", ["torch", "transformers"])
async def test_without_torch_it_is_said_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: str) -> None:
    monkeypatch.setitem(sys.modules, absent, None)  # as where it is not installed, should it be here
    holding(tmp_path, CHECKPOINT)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "clip"}))
    async with encoder_of(settings_from(vision={"clip": tmp_path})) as encoder:
        with pytest.raises(EngineUnavailable) as caught:
            await encoder.warm()
    assert caught.value.problem.startswith("This CLIP needs torch and transformers, which cannot be loaded: ")
    assert "\n" not in caught.value.problem
    assert 'pip install "multimodal-assistant[clip]"' in caught.value.remedy
    assert "CPU" in caught.value.remedy


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("config", "match"),
    [
        ('{"model_type": "siglip"}', "holds no CLIP: its config.json says 'siglip'"),
        ('{"model_type": ["clip"]}', "holds no CLIP"),
        ("{}", "does not say"),
        ("[]", "does not say"),
        ("", "does not say"),
        ("\x00", "does not say"),
    ],
)
async def test_what_is_no_clip_is_refused_before_torch_is_asked_for(tmp_path: Path, config: str, match: str) -> None:
    holding(tmp_path, CHECKPOINT)
    (tmp_path / "config.json").write_text(config)
    error = await refusal(tmp_path)
    assert isinstance(error, EngineFailed)
    assert match in error.problem


@pytest.mark.anyio
async def test_a_missing_checkpoint_is_missing(tmp_path: Path) -> None:
    assert isinstance(await refusal(holding(tmp_path, ("config.json",))), ModelMissing)
