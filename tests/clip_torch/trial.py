"""TransformersClip on CLIPs of transformers' own making, tiny and random; runs where torch is installed.

Its argument is a folder with tokenizer.json, vocab.json, merges.txt, preprocessor_config.json and asked.json (the photographs and texts to
be encoded). It makes one folder beside them for each CLIP, tries it, and prints what came of it: of each CLIP how far its vectors are from
those of transformers, or what was said of it. `exported` gets the files of the hub, for another program to try the same weights on ONNX.
"""
# pyright: basic, reportMissingImports=false

import json
import os
import shutil
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import torch
from PIL import Image
from transformers import CLIPConfig, CLIPModel, CLIPTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from multimodal_assistant.core.errors import AssistantError
from multimodal_assistant.engines.vision.transformers_clip import TransformersClip

ROOT = Path(sys.argv[1])
ASKED = json.loads((ROOT / "asked.json").read_text("utf-8"))
FILES = ("tokenizer.json", "preprocessor_config.json")
END = 49_407


def main() -> None:
    photographs = [np.asarray(Image.open(path).convert("RGB")) for path in ASKED["photographs"]]
    told: dict[str, Any] = {}
    for name, end in (("today", END), ("first", 2)):  # the first config.json of the hub has a wrong mark of the end
        model = random_clip(end)
        folder = laid(name)
        model.save_pretrained(folder)
        ours = anyio.run(encoded, folder, photographs)
        told[name] = compared(ours, reference(model, folder, photographs))
        np.savez(folder / "vectors.npz", images=ours[0], texts=ours[1])
    model = random_clip(END)
    told |= other_files(model, photographs)
    told |= {name: anyio.run(refusal, folder) for name, folder in spoilt(model).items()}
    told["ran"] = (ROOT / "ran").exists()
    told["chatter"] = (ROOT / "chatter").read_text()
    export(model, ROOT / "today")
    sys.stdout.write(json.dumps(told))


def random_clip(end: int) -> CLIPModel:
    """Of CLIP's architecture, for its pictures and its vocabulary, but small; of large weights, so that its vectors differ."""
    torch.manual_seed(7)
    layers = {"num_hidden_layers": 4, "num_attention_heads": 4, "initializer_factor": 4.0}
    text = {"hidden_size": 32, "intermediate_size": 64, "eos_token_id": end, **layers}
    vision = {"hidden_size": 48, "intermediate_size": 96, "image_size": 224, "patch_size": 32, **layers}
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=24)).eval()


def laid(name: str) -> Path:
    """A folder with all but the weights."""
    folder = ROOT / name
    folder.mkdir()
    for file in FILES:
        shutil.copy(ROOT / file, folder)
    return folder


async def encoded(folder: Path, photographs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    engine = TransformersClip(model=folder)
    with overheard():
        try:
            await engine.warm()
            return await engine.encode_images(photographs), await engine.encode_texts(ASKED["texts"])
        finally:
            await engine.aclose()


@contextmanager
def overheard() -> Generator[None]:
    """What is written to the terminal goes into the file `chatter`."""
    kept = os.dup(1), os.dup(2)
    with (ROOT / "chatter").open("a") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os.dup2(kept[0], 1)
            os.dup2(kept[1], 2)


def reference(model: CLIPModel, folder: Path, photographs: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """By nothing of ours: transformers' processor of pictures, and its tokenizer on CLIP's own vocabulary, one at a time."""
    prepare = CLIPImageProcessorPil.from_pretrained(folder)
    tokenize = CLIPTokenizer.from_pretrained(ROOT)
    with torch.inference_mode():
        images = [model.get_image_features(**prepare(Image.fromarray(one), return_tensors="pt")) for one in photographs]
        texts = [model.get_text_features(**tokenize(one, truncation=True, max_length=77, return_tensors="pt")) for one in ASKED["texts"]]
    return stacked(images), stacked(texts)


def stacked(outputs: list[Any]) -> np.ndarray:
    vectors = torch.cat([one.pooler_output for one in outputs])
    return (vectors / vectors.norm(dim=1, keepdim=True)).numpy()


def compared(ours: tuple[np.ndarray, np.ndarray], theirs: tuple[np.ndarray, np.ndarray]) -> dict[str, Any]:
    """same: the least cosine of what should be the same. others: the greatest of what should not."""
    told: dict[str, Any] = {}
    for kind, mine, other in zip(("images", "texts"), ours, theirs, strict=True):
        likeness = mine @ other.T
        apart = likeness - 2 * np.eye(len(likeness))
        lengths = np.linalg.norm(mine, axis=1)
        told[kind] = {
            "shape": mine.shape,
            "dtype": str(mine.dtype),
            "lengths": [float(lengths.min()), float(lengths.max())],
            "same": float(likeness.diagonal().min()),
            "others": float(apart.max()),
        }
    return told


def other_files(model: CLIPModel, photographs: list[np.ndarray]) -> dict[str, Any]:
    """The same weights as a pickle, in two halves, and with half of their digits."""
    theirs = reference(model, ROOT / "today", photographs)
    pickled, sharded, short = laid("pickled"), laid("sharded"), laid("short")
    model.config.save_pretrained(pickled)
    torch.save(model.state_dict(), pickled / "pytorch_model.bin")
    model.save_pretrained(sharded, max_shard_size="3MB")
    random_clip(END).half().save_pretrained(short)
    folders = (pickled, sharded, short)
    assert len(list(sharded.glob("*.safetensors"))) > 1
    return {folder.name: compared(anyio.run(encoded, folder, photographs), theirs) for folder in folders}


class Trojan:
    """In a pickle it makes a file when it is opened."""

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return Path.touch, (ROOT / "ran",)


def spoilt(model: CLIPModel) -> dict[str, Path]:
    """Folders that have to be refused."""
    folders = {name: laid(name) for name in ("missing", "half", "wide", "torn", "empty", "trojan", "words", "pixels")}
    whole = model.state_dict()
    for name in ("missing", "wide", "trojan", "torn", "empty"):
        model.config.save_pretrained(folders[name])
    torch.save({key: value for key, value in whole.items() if "layers.2.mlp.fc1" not in key}, folders["missing"] / "pytorch_model.bin")
    model.vision_model.save_pretrained(folders["half"])
    shutil.copy(ROOT / "today" / "config.json", folders["half"])
    torch.save({**whole, "text_projection.weight": torch.zeros(24, 31)}, folders["wide"] / "pytorch_model.bin")
    torch.save({**whole, "extra": Trojan()}, folders["trojan"] / "pytorch_model.bin")
    weights = (ROOT / "today" / "model.safetensors").read_bytes()
    (folders["torn"] / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    (folders["empty"] / "pytorch_model.bin").write_bytes(b"")
    few, large = random_clip(END).config, random_clip(END).config
    few.text_config.vocab_size = 300
    CLIPModel(few).save_pretrained(folders["words"])
    large.vision_config.image_size = 320
    CLIPModel(large).save_pretrained(folders["pixels"])
    return folders


async def refusal(folder: Path) -> list[str]:
    """The error that warming up ends with: its class, what it says, what it advises."""
    engine = TransformersClip(model=folder)
    with overheard():
        try:
            await engine.warm()
        except AssistantError as error:
            return [type(error).__name__, error.problem, error.remedy]
        finally:
            await engine.aclose()
    return []


class Half(torch.nn.Module):
    """What the hub's exports contain: pictures or tokens in, projected features out."""

    def __init__(self, model: CLIPModel, features: str, names: tuple[str, ...]) -> None:
        super().__init__()
        self.model = model
        self.features = features
        self.names = names

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return getattr(self.model, self.features)(**dict(zip(self.names, inputs, strict=True))).pooler_output


def export(model: CLIPModel, like: Path) -> None:
    """vision_model.onnx and text_model.onnx with the names of Xenova/clip-vit-base-patch32, in the folder `exported`."""
    folder = laid("exported")
    pixels = torch.zeros(1, 3, 224, 224)
    tokens = torch.tensor([[49_406, 320, 1125, END]])
    vision = Half(model, "get_image_features", ("pixel_values",))
    text = Half(model, "get_text_features", ("input_ids", "attention_mask"))
    free = {"input_ids": {0: "batch", 1: "length"}, "attention_mask": {0: "batch", 1: "length"}, "text_embeds": {0: "batch"}}
    torch.onnx.export(
        vision, (pixels,), folder / "vision_model.onnx", input_names=["pixel_values"], output_names=["image_embeds"], dynamo=False
    )
    torch.onnx.export(
        text, (tokens, torch.ones_like(tokens)), folder / "text_model.onnx", input_names=list(text.names), output_names=["text_embeds"],
        dynamic_axes=free, dynamo=False,
    )  # fmt: skip
    shutil.copy(like / "vectors.npz", folder)


main()
