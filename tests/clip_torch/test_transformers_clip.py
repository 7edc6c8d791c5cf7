"""A CLIP as transformers loads it, beside transformers itself and beside the ONNX path, in the environment that `make test` makes for it
(scripts/clip_environment.sh).

Real weights could not be had where this was written: these are of CLIP's architecture and vocabulary, small and random.
"""

import json
import re
import subprocess
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from photo_lab import CAPTIONS, place
from PIL import Image
from toy_clip import PREPROCESSOR, clip_tokenizer

from multimodal_assistant.core.types import Pixels
from multimodal_assistant.engines.vision.clip import ClipEncoder

ROOT = Path(__file__).parents[2]
PYTHON = ROOT / ".venv" / "clip" / "bin" / "python"
SKIPPED = ROOT / ".venv" / "clip" / "skipped"

PHOTOGRAPHS = ("astronaut", "brick", "chelsea", "coffee", "hubble_deep_field", "page", "rocket", "scissors", "pencil", "strawberries")
TEXTS = [
    *(f"a photo of {CAPTIONS[name]}" for name in PHOTOGRAPHS),
    "A  Photo of\tthe café, 2024!",
    "日本語",
    "🙂",
    "it's 3 o'clock; they're late",
    "several words that go on and on " * 40,
]

pytestmark = [pytest.mark.models, pytest.mark.anyio, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The folder of the trial, and what it said."""
    if SKIPPED.is_file():
        pytest.skip(SKIPPED.read_text().strip())
    assert PYTHON.is_file(), "Make its environment with `sh scripts/clip_environment.sh`."
    folder = tmp_path_factory.mktemp("clip")
    tokenizer = clip_tokenizer()
    tokenizer.save(str(folder / "tokenizer.json"))
    tokenizer.model.save(str(folder))  # pyright: ignore[reportUnknownMemberType]
    (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
    (folder / "asked.json").write_text(json.dumps({"photographs": [str(place(name)) for name in PHOTOGRAPHS], "texts": TEXTS}))
    trial = Path(__file__).with_name("trial.py")
    done = subprocess.run([PYTHON, trial, folder], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


@pytest.mark.parametrize("name", ["today", "first", "pickled", "sharded", "short"])
def test_its_vectors_are_those_of_transformers(tried: tuple[Path, dict[str, Any]], name: str) -> None:
    _, told = tried
    for kind, count in (("images", len(PHOTOGRAPHS)), ("texts", len(TEXTS))):
        found = told[name][kind]
        assert found["shape"] == [count, 24]
        assert found["dtype"] == "float32"
        assert found["lengths"] == pytest.approx([1, 1], abs=1e-5)
        assert found["same"] > 0.9999
        assert found["others"] < 0.99  # else it would say nothing that they are the same


async def test_its_vectors_are_those_of_onnx(tried: tuple[Path, dict[str, Any]]) -> None:
    """The same weights, exported as the hub has them."""
    folder, _ = tried
    with np.load(folder / "exported" / "vectors.npz") as kept:
        ours = {name: kept[name] for name in ("images", "texts")}
    photographs: list[Pixels] = []
    for name in PHOTOGRAPHS:
        with Image.open(place(name)) as image:
            photographs.append(np.asarray(image.convert("RGB")))
    async with aclosing(ClipEncoder(model=folder / "exported")) as engine:
        await engine.warm()
        others = {"images": await engine.encode_images(photographs), "texts": await engine.encode_texts(TEXTS)}
    for name, vectors in ours.items():
        assert np.sum(vectors * others[name], axis=1).min() > 0.9999, name


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("missing", r"not those of its config\.json: 4 are missing and 0 have another shape, \S+layers\.2\.mlp\.fc1\.bias among them"),
        ("half", r"not those of its config\.json: \d+ are missing"),
        ("wide", r"0 are missing and 1 have another shape, text_projection\.weight among them"),
        ("torn", "cannot be loaded: "),
        ("empty", "cannot be loaded: "),
        ("trojan", "damaged, or more than weights"),
        ("words", "is another model's: it has 49408 words, and the model 300"),
        ("pixels", r"could not be run: .*224\*224.*320\*320"),
    ],
)
def test_weights_that_do_not_fit_are_refused_in_a_sentence(tried: tuple[Path, dict[str, Any]], name: str, match: str) -> None:
    """Never are they made up: transformers gives random values to what it does not find."""
    kind, problem, remedy = tried[1][name]
    assert kind == "EngineFailed"
    assert re.search(match, problem)
    assert "\n" not in problem
    assert len(problem) < 400
    assert remedy or "run" in match


def test_a_pickle_runs_no_code(tried: tuple[Path, dict[str, Any]]) -> None:
    assert not tried[1]["ran"]


def test_nothing_is_written_to_the_terminal(tried: tuple[Path, dict[str, Any]]) -> None:
    assert tried[1]["chatter"] == ""
