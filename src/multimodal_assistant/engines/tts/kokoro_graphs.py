"""Kokoro's published graph → the two halves that stream, and the whole with everything in sight that the halves have to know.

The generator of Kokoro (iSTFTNet, Li et al. 2022) normalizes over time: every instance normalization takes mean and variance of the
whole clause. Here they become inputs, so that a stretch of frames sounds the same whatever else is computed with it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from multimodal_assistant.core.errors import EngineFailed

from .graphs import parsed, part, with_outputs

if TYPE_CHECKING:
    import onnx

DURATIONS = "/encoder/Clip_output_0"
"""Units of 600 samples per symbol, float [1, symbols]."""
FEATURES = "/decoder/decoder/decode.3/Div_4_output_0"
"""What the generator is given, float [1, 512, frames] with 300 samples to a frame."""
STYLE = "/decoder/Slice_output_0"
"""The half of the voice's style that the generator listens to, float [1, 128]."""
SOURCE = "/decoder/decoder/generator/Concat_3_output_0"
"""Magnitude and phase of the harmonic source, float [1, 22, 60 x frames + 1]."""


@dataclass(frozen=True, slots=True)
class _Norm:
    """One instance normalization with its scale and shift: scale x (value - mean) / deviation + shift."""

    value: str
    mean: str
    variance: str
    deviation: str
    scale: str
    shift: str
    result: "onnx.NodeProto"
    """The Add that makes the result."""


def whole(source: Path, target: Path) -> None:
    """The model as it is, which also returns durations, features, source, and the means and then the variances of its generator."""
    model = parsed(source)
    means, variances = _statistics(_norms(_generator(model, source.name)))
    with_outputs(source, target, [DURATIONS, FEATURES, SOURCE, *means, *variances])


def with_durations(source: Path, target: Path) -> None:
    """The model as it is, which also returns durations."""
    with_outputs(source, target, [DURATIONS])


def front(source: Path, target: Path) -> None:
    """Symbols → features, style, source and durations."""
    model = parsed(source)
    _require(model, source.name)
    inputs = {node.name: None for node in model.graph.input}
    target.write_bytes(part(model, inputs, [FEATURES, STYLE, SOURCE, DURATIONS]).SerializeToString())


def generator(source: Path, target: Path) -> None:
    """Features, style and source of any stretch of frames, and the statistics of the clause → samples.

    The statistics are inputs of their own, [1, channels, 1] each: first the means, then the variances, in the order of `whole`.
    """
    import onnx

    model = _generator(parsed(source), source.name)
    norms = _norms(model)
    means, variances = _statistics(norms)
    _fold(model.graph, norms)
    for name in (*means, *variances):
        model.graph.input.append(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, f"channels of {name}", 1]))
    inputs = {node.name: None for node in model.graph.input}
    target.write_bytes(part(model, inputs, [node.name for node in model.graph.output]).SerializeToString())


def _generator(model: "onnx.ModelProto", name: str) -> "onnx.ModelProto":
    _require(model, name)
    shapes = {FEATURES: [1, "channels", "frames"], STYLE: [1, "style"], SOURCE: [1, "bins", "steps"]}
    return part(model, shapes, [model.graph.output[0].name])


def _require(model: "onnx.ModelProto", name: str) -> None:
    known = {output for node in model.graph.node for output in node.output}
    if not {DURATIONS, FEATURES, STYLE, SOURCE} <= known:
        raise EngineFailed(f"{name} is not an export of Kokoro whose parts are known.", "It is spoken in one piece.")


def _norms(model: "onnx.ModelProto") -> list[_Norm]:
    """All of them, in the order of the graph; exports write them as ReduceMean, Sub, Mul, ReduceMean, Add, Sqrt, Div, Mul, Add."""
    makers = {output: node for node in model.graph.node for output in node.output}
    users: dict[str, list[onnx.NodeProto]] = {}
    for node in model.graph.node:
        for name in node.input:
            users.setdefault(name, []).append(node)

    def made_by(name: str, kind: str) -> "onnx.NodeProto | None":
        node = makers.get(name)
        return node if node is not None and node.op_type == kind else None

    norms: list[_Norm] = []
    for division in (node for node in model.graph.node if node.op_type == "Div"):
        centred, deviation = made_by(division.input[0], "Sub"), made_by(division.input[1], "Sqrt")
        padded = deviation and made_by(deviation.input[0], "Add")
        if not centred or not padded or not made_by(centred.input[1], "ReduceMean") or not made_by(padded.input[0], "ReduceMean"):
            continue
        for product in users[division.output[0]]:  # blocks with the same input share everything up to here
            (total,) = users[product.output[0]]
            scale, shift = _other(product.input, division.output[0]), _other(total.input, product.output[0])
            norms.append(_Norm(centred.input[0], centred.input[1], padded.input[0], division.input[1], scale, shift, total))
    if not norms:
        raise EngineFailed("The generator has no instance normalizations of the known form.", "It is spoken in one piece.")
    return norms


def _other(names: Sequence[str], name: str) -> str:
    return names[0] if names[1] == name else names[1]


def _statistics(norms: Iterable[_Norm]) -> tuple[list[str], list[str]]:
    """Means and variances, in the same order, without repetitions."""
    pairs = dict.fromkeys((norm.mean, norm.variance) for norm in norms)
    return [mean for mean, _ in pairs], [variance for _, variance in pairs]


def _fold(graph: "onnx.GraphProto", norms: Iterable[_Norm]) -> None:
    """Write each normalization as value x a + b, with a and b made once per run from numbers per channel.

    The nodes in between no longer lead anywhere; whoever extracts the graph leaves them behind.
    """
    from onnx.helper import make_node

    before: dict[str, list[onnx.NodeProto]] = {}
    for norm in norms:
        name = norm.result.output[0]
        factor, offset, shift, product = (f"{name}/{what}" for what in ("factor", "offset", "shift", "product"))
        before[name] = [
            make_node("Div", [norm.scale, norm.deviation], [factor]),
            make_node("Mul", [norm.mean, factor], [offset]),
            make_node("Sub", [norm.shift, offset], [shift]),
            make_node("Mul", [norm.value, factor], [product]),
        ]
        del norm.result.input[:]
        norm.result.input.extend([product, shift])
    given = {name for norm in norms for name in (norm.mean, norm.variance)}
    nodes = [node for node in graph.node if node.output[0] not in given]
    del graph.node[:]
    for node in nodes:
        graph.node.extend([*before.get(node.output[0], ()), node])
