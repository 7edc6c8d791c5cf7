"""Published voice models → the graphs we run: the same weights with other ends, derived once and kept on disk."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from multimodal_assistant.core.errors import EngineFailed, EngineUnavailable, ModelMissing

if TYPE_CHECKING:
    import onnx

_RECIPE = 1
"""Raise it when a derivation changes, so that graphs made by an older version are not used."""

_GRAPH_FIELD, _OUTPUT_FIELD, _NAME_FIELD = 7, 12, 1  # ModelProto.graph, GraphProto.output, ValueInfoProto.name (onnx.proto3)


def derived(source: Path, name: str, cache: Path, make: Callable[[Path, Path], None]) -> Path:
    """The file `name` that `make(source, target)` derives from `source`, made on first use."""
    target = derived_folder(source, cache) / name
    if not target.is_file():
        replaced(target, lambda made: make(source.resolve(), made))
    return target


def derived_folder(source: Path, cache: Path) -> Path:
    """Where everything derived from `source` is kept: named for the source's identity, so new weights never meet old graphs."""
    if not source.is_file():
        raise ModelMissing(f"The voice model {source} is not there.", "Fetch it with `assistant models pull`.")
    resolved = source.resolve()
    stat = resolved.stat()
    return cache / f"{resolved.name[:24]}-{stat.st_size}-{stat.st_mtime_ns}-{_RECIPE}"


def replaced(target: Path, write: Callable[[Path], None]) -> None:
    """Let `write` make the file beside its place, then move it there: nobody ever reads half a file."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            made = Path(scratch) / target.name
            write(made)
            os.replace(made, target)
    except OSError as error:
        raise EngineFailed(
            f"The voice cannot be prepared in {target.parent}: {error.strerror}.", "Make room, or set ASSISTANT_HOME."
        ) from error


def with_outputs(source: Path, target: Path, names: Sequence[str]) -> None:
    """Copy a model and let it also return the inner tensors `names`.

    Concatenated protobuf messages merge (protobuf encoding guide, "last one wins"), so a few bytes at the end add outputs
    without parsing the weights.
    """
    outputs = b"".join(_field(_OUTPUT_FIELD, _field(_NAME_FIELD, name.encode())) for name in names)
    target.write_bytes(source.read_bytes() + _field(_GRAPH_FIELD, outputs))


def cut(model: "onnx.ModelProto", target: Path, inputs: Mapping[str, int], outputs: Sequence[str]) -> None:
    """Write the part of `model` that computes `outputs` from `inputs`.

    inputs: name → channels of a float tensor [1, channels, frames]; 0 for an input that the model declares itself.
    """
    shapes = {name: [1, channels, "frames"] for name, channels in inputs.items() if channels}
    target.write_bytes(part(model, {name: shapes.get(name) for name in inputs}, outputs).SerializeToString())


def part(model: "onnx.ModelProto", inputs: Mapping[str, Sequence[int | str] | None], outputs: Sequence[str]) -> "onnx.ModelProto":
    """The nodes of `model` that compute `outputs` from `inputs`.

    inputs: name → shape of a float tensor, with names for the axes whose length varies; None for an input that the model declares itself.
    """
    import onnx
    from onnx.utils import Extractor

    extracted = Extractor(model).extract_model(list(inputs), list(outputs))
    for node in extracted.graph.input:
        shape = inputs.get(node.name)
        if shape is not None:
            node.type.CopyFrom(onnx.helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, list(shape)))
    return extracted


def parsed(source: Path) -> "onnx.ModelProto":
    """The model as a graph that can be read and cut."""
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as error:
        raise EngineUnavailable("The onnx package is not installed.", "Install it with `pip install onnx`.") from error
    try:
        return onnx.load_model_from_string(source.read_bytes())
    except DecodeError as error:
        raise EngineFailed(f"{source.name} is not an ONNX model.", "Check it with `assistant models verify`.") from error


def _field(number: int, payload: bytes) -> bytes:
    """A length-delimited protobuf field."""
    return _varint(number << 3 | 2) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
