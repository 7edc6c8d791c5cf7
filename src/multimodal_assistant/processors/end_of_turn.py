"""What is known of a silence → probability that the turn is over."""

import math

_LEAST = 1e-4


def likelihood(text: str, *, melody: float | None, sentence: float | None, fluent: bool = True) -> float:
    """Probability in [0, 1] that somebody who said `text` and fell silent has finished.

    melody: the lowest score of the audio model (Smart Turn) in the first 0.3 s of the silence: it rises with any silence, so that
    the latest says least. sentence: the probability that the words may end here, None where nobody can tell. fluent: whoever judges the
    words speaks the language well. The weights are logistic regressions over 413 silences of 180 turns in English (benchmarks/cut_ins.py),
    rounded; fitted to either half they differ by less than a third. Those without fluency are of 276 silences of 136 turns in four
    languages, and less certain.
    """
    asked = text.rstrip().endswith("?")
    heard = _logit(0.5 if melody is None else melody)
    if sentence is None:
        return _logistic(0.37 * heard + 0.6 * asked - 0.5)
    if not fluent:
        return _logistic(0.4 * _logit(sentence) + 0.5 * heard + asked + 0.3)
    return _logistic(_logit(sentence) + 0.25 * heard + 1.6 * asked + 1.5)


def _logit(probability: float) -> float:
    inner = min(max(probability, _LEAST), 1 - _LEAST)
    return math.log(inner / (1 - inner))


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value))
