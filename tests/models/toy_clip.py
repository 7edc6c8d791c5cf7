"""A CLIP in the form of Xenova/clip-vit-base-patch32, with meaning and without training: its space is the mean colour.

A picture is the mean of its pixels, a text the sum of the colours that its words name, both as distances from a middle grey. Words are cut
by CLIP's real byte pairs. As in the real one, a text is read at its first mark of the end, and each place knows only what stands before it.
"""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from photo_lab import place
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

DIMENSIONS = 16
START, END = 49_406, 49_407

COLOURS = {
    "red": (0.8, 0.1, 0.1),
    "orange": (1.0, 0.5, 0.0),
    "yellow": (1.0, 0.8, 0.0),
    "green": (0.1, 0.7, 0.1),
    "turquoise": (0.3, 0.9, 0.9),
    "blue": (0.0, 0.1, 0.5),
    "white": (1.0, 1.0, 1.0),
    "grey": (0.45, 0.5, 0.5),
    "black": (0.0, 0.0, 0.0),
    "dark": (0.1, 0.1, 0.1),
}

MEAN = (0.48145466, 0.4578275, 0.40821073)
SPREAD = (0.26862954, 0.26130258, 0.27577711)

PREPROCESSOR = {
    "crop_size": {"height": 224, "width": 224},
    "do_center_crop": True,
    "do_normalize": True,
    "do_rescale": True,
    "do_resize": True,
    "image_mean": MEAN,
    "image_std": SPREAD,
    "resample": 3,
    "rescale_factor": 1 / 255,
    "size": {"shortest_edge": 224},
}
"""preprocessor_config.json of the real one."""


def clip_tokenizer() -> Tokenizer:
    """CLIP's own, from its merges (openai/CLIP, clip/simple_tokenizer.py), with transformers' normalizer and marks."""
    lines = gzip.decompress(place("bpe_simple_vocab_16e6").read_bytes()).decode().split("\n")
    merges = [(first, second) for first, second in map(str.split, lines[1 : 49_152 - 256 - 2 + 1])]
    # Visible bytes stand for themselves, the others for letters from 256 on: the order of the model's rows.
    visible = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    letters = [chr(byte) for byte in visible] + [chr(256 + number) for number in range(256 - len(visible))]
    words = [*letters, *(f"{letter}</w>" for letter in letters), *("".join(pair) for pair in merges), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: row for row, word in enumerate(words)}
    model: Any = models.BPE(vocabulary, merges, end_of_word_suffix="</w>", unk_token="<|endoftext|>")
    tokenizer: Any = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()])
    pieces = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(pieces, behavior="removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    # In front of a text and behind it; neither trimmed offsets nor a space in front.
    tokenizer.post_processor = processors.RobertaProcessing(("<|endoftext|>", END), ("<|startoftext|>", START), False, False)
    return tokenizer


def write_toy(folder: Path, *, dimensions: int = DIMENSIONS, length: int | str = "sequence_length") -> Path:
    """vision_model.onnx, text_model.onnx, tokenizer.json and preprocessor_config.json. length: of texts, where it is fixed."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = clip_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
    (folder / "vision_model.onnx").write_bytes(_vision(dimensions).SerializeToString())
    (folder / "text_model.onnx").write_bytes(_text(tokenizer, dimensions, length).SerializeToString())
    return folder


def _constant(name: str, values: Any, kind: type[np.generic]) -> onnx.TensorProto:
    return numpy_helper.from_array(np.asarray(values, kind), name)


def _model(nodes: list[onnx.NodeProto], inputs: list[Any], outputs: list[Any], constants: list[onnx.TensorProto]) -> onnx.ModelProto:
    graph = helper.make_graph(nodes, "toy", inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)  # pyright: ignore[reportUnknownMemberType]
    return model


def _vision(dimensions: int) -> onnx.ModelProto:
    """pixel_values [b, 3, 224, 224] → image_embeds [b, d]."""
    nodes = [
        helper.make_node("ReduceMean", ["pixel_values"], ["mean"], axes=[2, 3], keepdims=0),
        helper.make_node("Mul", ["mean", "spread"], ["spread_out"]),
        helper.make_node("Add", ["spread_out", "centre"], ["colour"]),
        helper.make_node("MatMul", ["colour", "projection"], ["image_embeds"]),
    ]
    constants = [
        _constant("spread", [SPREAD], np.float32),
        _constant("centre", np.array([MEAN]) - 0.5, np.float32),
        _constant("projection", np.eye(3, dimensions), np.float32),
    ]
    pixels = helper.make_tensor_value_info("pixel_values", TensorProto.FLOAT, ["batch_size", 3, 224, 224])
    vector = helper.make_tensor_value_info("image_embeds", TensorProto.FLOAT, ["batch_size", dimensions])
    return _model(nodes, [pixels], [vector], constants)


def _text(tokenizer: Tokenizer, dimensions: int, length: int | str) -> onnx.ModelProto:
    """input_ids [b, s] → text_embeds [b, d]: what stands before the largest number, which is the mark of the end."""
    table = np.zeros((END + 1, dimensions), np.float32)
    for word, colour in COLOURS.items():
        _, token, _ = tokenizer.encode(word).ids
        table[token, :3] = np.array(colour) - 0.5
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["words"], axis=0),
        helper.make_node("CumSum", ["words", "one"], ["so_far"]),
        helper.make_node("ArgMax", ["input_ids"], ["end"], axis=1, keepdims=1, select_last_index=0),
        helper.make_node("GatherND", ["so_far", "end"], ["text_embeds"], batch_dims=1),
    ]
    constants = [_constant("table", table, np.float32), _constant("one", 1, np.int64)]
    ids = helper.make_tensor_value_info("input_ids", TensorProto.INT64, ["batch_size", length])
    vector = helper.make_tensor_value_info("text_embeds", TensorProto.FLOAT, ["batch_size", dimensions])
    return _model(nodes, [ids], [vector], constants)
