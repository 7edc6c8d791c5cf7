"""What every CLIP does with texts and vectors, whatever runs it: rows of tokens, those of one length together, vectors of length one."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from multimodal_assistant.core.types import Vectors

if TYPE_CHECKING:
    from tokenizers import Tokenizer

MOST_TOKENS = 77
"""What CLIP was trained on, its two marks included; the rest of a longer text is not in its vector."""

_MOST_CHARACTERS = 20 * MOST_TOKENS
_BATCH = 16


def token_rows(tokenizer: "Tokenizer", texts: Sequence[str]) -> list[list[int]]:
    """The tokens of each text; only the beginning of a very long one is looked at."""
    return [one.ids for one in tokenizer.encode_batch([text[:_MOST_CHARACTERS] for text in texts])]


def encode_by_length(rows: Sequence[Sequence[int]], encode: Callable[[NDArray[np.int64]], Vectors]) -> Vectors:
    """`encode` makes vectors [n, d] of tokens [n, length]. Shape [len(rows), d], each of length one, in the order of `rows`.

    Texts of one length at a time, so that none has to be padded: 16 tokens take a third of the time of 77.
    """
    vectors: dict[int, Vectors] = {}
    for count in {len(row) for row in rows}:
        same = [number for number, row in enumerate(rows) if len(row) == count]
        for start in range(0, len(same), _BATCH):
            part = same[start : start + _BATCH]
            found = encode(np.array([rows[number] for number in part], np.int64))
            vectors.update(zip(part, found, strict=True))
    return unit([vectors[number][None] for number in range(len(rows))])


def unit(rows: Sequence[Vectors]) -> Vectors:
    """All rows of all arrays [n, d], each at length one; shape [0, 0] where there is none."""
    if not rows:
        return np.zeros((0, 0), np.float32)
    vectors = np.concatenate(rows)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
