"""Speech probabilities → where speech is."""

from collections.abc import Sequence

ON, OFF = 0.5, 0.35
"""Speech begins at or above ON and goes on while it stays at or above OFF (Silero's own defaults)."""


def speech_span(probabilities: Sequence[float], *, least: int = 3) -> tuple[int, int] | None:
    """The windows [first, end) from the first to the last speech of a recording, or None where there is none.

    A run of fewer than `least` windows is a click or a cough, not speech.
    """
    spans: list[tuple[int, int]] = []
    begin: int | None = None
    for index, probability in enumerate([*probabilities, 0.0]):
        if begin is None and probability >= ON:
            begin = index
        elif begin is not None and probability < OFF:
            if index - begin >= least:
                spans.append((begin, index))
            begin = None
    return (spans[0][0], spans[-1][1]) if spans else None
