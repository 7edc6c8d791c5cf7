"""A folder with a CLIP → the engine that reads it, by the files that it holds (docs/models.md lists them)."""

from pathlib import Path

from multimodal_assistant.core.errors import ModelMissing

VISION, TEXT = "vision_model", "text_model"
"""The halves of a CLIP that was exported to ONNX."""

_WHATEVER = "model.onnx"
"""Either half may be called so, in a folder of its own."""

_CHECKPOINTS = ("model.safetensors", "model.safetensors.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")


def onnx_file(folder: Path, half: str) -> Path | None:
    """Where the folder has this half, if it has it."""
    names = [f"{half}.onnx", f"onnx/{half}.onnx", f"{half}_quantized.onnx", f"onnx/{half}_quantized.onnx", _WHATEVER]
    return next((folder / name for name in names if (folder / name).is_file()), None)


def holds_checkpoint(folder: Path) -> bool:
    """Whether it has what transformers reads: config.json, and weights under one of their names."""
    return (folder / "config.json").is_file() and any((folder / name).is_file() for name in _CHECKPOINTS)


def clip_engine(folder: Path) -> str:
    """The engine of the kind `image` that reads this folder: "clip", or "clip-torch" where only a checkpoint is whole.

    Raises `ModelMissing` where it holds neither.
    """
    if not folder.is_dir():
        raise ModelMissing(f"There is no folder {folder} with a CLIP.", "Correct ASSISTANT_VISION__CLIP, or unset it.")
    halves = [path for path in (onnx_file(folder, half) for half in (VISION, TEXT)) if path is not None]
    if len([path for path in halves if path.name != _WHATEVER]) == 2:
        return "clip"
    if holds_checkpoint(folder):
        return "clip-torch"
    if halves:
        return "clip"  # which says what is missing
    raise ModelMissing(
        f"The folder {folder} holds no CLIP: neither {VISION}.onnx and {TEXT}.onnx,"
        " nor config.json with model.safetensors or pytorch_model.bin.",
        "docs/models.md says how to get one.",
    )
