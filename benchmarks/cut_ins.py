"""How often a pause within a turn is talked into, against how long the answer takes when the turn is really over.

Recorded traces of paused turns (pauses.py, traces.py) go through the real state machine (turn_replay.py) under different rules: a
plain voice activity detector that waits so many seconds, policies of others, and ours.
"""

from collections.abc import Sequence
from math import sqrt

from multimodal_assistant.pipeline.rules import Rules

from .machine import Section, percentile
from .pauses import FOREIGN, LENGTHS, VOICES
from .traces import Trace, traces
from .turn_replay import Costs, Point, by_melody, conversations, plain_vad, point

DELAYS = (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.4, 1.6)
"""Seconds of silence after which the plain detector takes the turn."""

ONCE = by_melody((0.5, 0.2), (0.0, 3.0), soft_pause=0.192, score_every=60.0)
"""Smart Turn asked once after 0.2 s of silence, above one half is the end, otherwise after 3 s: Pipecat 1.14's defaults."""

PUBLISHED = by_melody((0.21, 0.5), (0.0, 1.0))
"""The best published policy for Smart Turn v3.2 at that wait (livekit/eot-bench), on the lowest score so far."""


async def run() -> Section:
    """The whole curve, and what the two demands come to."""
    recorded = await traces()
    rows = [
        *((f"voice activity, {delay:.1f} s", point(conversations(recorded, plain_vad(delay), judged=False))) for delay in DELAYS),
        ("Smart Turn once at 0.2 s, else 3 s", point(conversations(recorded, ONCE, judged=False))),
        ("Smart Turn ≥ .21 at 0.5 s, else 1 s", point(conversations(recorded, PUBLISHED, judged=False))),
    ]
    ours = {words: point(conversations(recorded, Rules(), words=words)) for words in ("whisper-base", "whisper-tiny.en")}
    rows.append(("ours without a judge of sentences", point(conversations(recorded, Rules(), judged=False))))
    rows += [(f"**ours**, {words}", found) for words, found in ours.items()]
    body = [_set(recorded), "", *_table(rows), "", _halves(recorded), "", _verdict(recorded, ours["whisper-base"])]
    body += ["", *await _elsewhere()]
    return Section("Cut-ins: talking into a pause", "\n".join(body))


async def _elsewhere() -> list[str]:
    """Turns in the languages of which the judge of sentences has only an idea."""
    by_voice = [trace for language in FOREIGN for trace in await traces(language=language)]
    rows = [
        ("melody alone", point(conversations(by_voice, Rules(), judged=False))),
        ("**ours**", point(conversations(by_voice, Rules(), fluent=False))),
        ("voice activity, 0.8 s", point(conversations(by_voice, plain_vad(0.8), judged=False))),
    ]
    said = (
        f"{len(by_voice)} turns in French, Spanish, Italian and Portuguese by {len({trace.turn.voice for trace in by_voice})} voices, of "
        f"which the judge, a model of English, has only an idea; its weights are fitted to them."
    )
    return [said, "", *_table(rows)]


def _set(recorded: Sequence[Trace]) -> str:
    pauses = [pause for trace in recorded for pause in trace.turn.pauses]
    places = {place: sum(pause.place == place for pause in pauses) for place in ("clause", "mid-clause", "filler")}
    costs = Costs()
    return (
        f"{len(recorded)} turns by {sum(map(len, VOICES.values()))} synthetic voices with {len(pauses)} pauses of "
        f"{LENGTHS[0]}–{LENGTHS[-1]} s ({places['clause']} between clauses, {places['mid-clause']} within one, {places['filler']} after a "
        "filler), opened at word ends of whole sentences, in the noise of a room. Every speech probability, score and transcript was "
        "recorded from the real models once; all rules see the same ones, with the same delays "
        f"(words {costs.words * 1000:.0f} ms, their judgement {costs.sentence * 1000:.0f} ms, score {costs.score * 1000:.0f} ms, "
        f"first sound {costs.reply * 1000:.0f} ms after the draft begins), and the same drafts made ahead. Latency: last audible sample to "
        "first sound. Talked into: any sound at all in a pause, or over the words after it."
    )


def _table(rows: Sequence[tuple[str, Point]]) -> list[str]:
    lengths = " | ".join(f"{length} s" for length in LENGTHS)
    head = f"| rules | p50 | mean | p95 | max | turn taken | **talked into** | {lengths} | heard, mean | drafts retracted per turn |"
    return [head, "|---" * (9 + len(LENGTHS)) + "|", *(_row(name, found) for name, found in rows)]


def _row(name: str, found: Point) -> str:
    waits = found.latencies
    by_length = " | ".join(f"{hit / max(of, 1):.0%}" for hit, of in found.by_length)
    heard = f"{sum(found.heard) / len(found.heard):.2f} s" if found.heard else "–"
    return (
        f"| {name} | {percentile(waits, 50):.2f} s | {sum(waits) / len(waits):.2f} s | {percentile(waits, 95):.2f} s | {max(waits):.2f} s "
        f"| {found.committed / found.pauses:.1%} | {found.share:.1%} | {by_length} | {heard} | {found.drafts_retracted:.2f} |"
    )


def _halves(recorded: Sequence[Trace]) -> str:
    parts: list[str] = []
    for half, voices in VOICES.items():
        found = point(conversations([trace for trace in recorded if trace.turn.half == half], Rules()))
        parts.append(
            f"{half} half ({', '.join(voices)}): {len(found.heard)} of {found.pauses} pauses talked into, "
            f"{percentile(found.latencies, 50):.2f} s at the median"
        )
    return f"Weights are fitted to one half, waits chosen over both, which share neither voices nor sentences. {'; '.join(parts)}."


def _verdict(recorded: Sequence[Trace], ours: Point) -> str:
    median = percentile(ours.latencies, 50)
    delay = delay_with_median(recorded, median)
    theirs = point(conversations(recorded, plain_vad(delay), judged=False))
    low, high = interval(len(ours.heard), ours.pauses)
    return (
        f"Ours talks into **{ours.share:.1%}** of the pauses (95 % interval {low:.1%}–{high:.1%}) with {median:.2f} s at the median; "
        f"the plain detector with the same median ({delay:.2f} s) into {theirs.share:.1%}: {ours.share / max(theirs.share, 1e-9):.2f} "
        "of it. "
        f"Outside the pauses, in the voices' own commas: {ours.strays} of {len(recorded)} turns."
    )


def delay_with_median(recorded: Sequence[Trace], median: float) -> float:
    """The wait, in seconds, with which a plain detector answers at that median latency; to a hundredth, and no shorter than 0.1 s."""
    low, high = 0.1, 2.0
    while high - low > 0.01:
        middle = (low + high) / 2
        found = point(conversations(recorded, plain_vad(middle), judged=False))
        low, high = (middle, high) if percentile(found.latencies, 50) < median else (low, middle)
    return high


def interval(hits: int, of: int, z: float = 1.96) -> tuple[float, float]:
    """Wilson's score interval of a share."""
    if not of:
        return 0.0, 1.0
    share = hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    margin = z * sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return max(middle - margin, 0.0), min(middle + margin, 1.0)
