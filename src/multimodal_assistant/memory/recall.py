"""A question → the notes that bear on it, and how sure that is."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from .index import Pool, PoolRequest
from .note import Hit, MemoryNote, Scope
from .question import Question, read_question
from .ranking import Candidate, Corpus, Ranked, confidence, rank
from .reading import LogReader
from .store import MEANING, MemoryStore
from .terms import sparse_question

SEEDS = 40
"""Notes by meaning, and as many by words,"""
SEEDS_THEN = 30
"""and by meaning, of the times that the question is about."""
AROUND = 2
"""Notes on either side of each of them."""

NEAR = 0.42
"""Cosine of question and note from which the note is about the same. Of 19 questions about sixteen notes of a user 17 have theirs so near;
of 19 about the world none has a note nearer than .34 (tests/models/test_recall.py)."""
NOT_FAR = 0.2
"""The same where the note holds all the words of the question that tell something, and at least two: names mean nothing to the model."""


@dataclass(frozen=True, slots=True)
class Recalled:
    """Hits, best first, and the probability that the question is answered by them at all."""

    hits: tuple[Hit, ...]
    confidence: float


async def recall(store: MemoryStore, scope: Scope, text: str, k: int, *, now: datetime, informing: bool = False) -> Recalled:
    """The `k` notes of the scope that bear most on `text`. One embedding, one look into the index, one into the log; no model writes.

    informing: only what somebody said that is worth knowing: nothing that was asked, and of the assistant's words only where it is asked
    about them. The question itself, asked before, is nearest to the question, and answers nothing.
    """
    names = await store.read(lambda log: log.speakers(scope.user))
    question = read_question(text, names, now)
    vector = (await store.embedder.embed([question.embedded]))[0]
    sparse = sparse_question(question.terms)
    windows = [(window.start.timestamp(), window.end.timestamp()) for window in question.windows]
    pool = await store.pool(PoolRequest(scope, vector, sparse.indices, sparse.weights, SEEDS, windows, SEEDS_THEN))
    asked = _Asked(question, vector, informing)
    return await store.read(lambda log: _look_up(log, scope, asked, pool, k))


@dataclass(frozen=True, slots=True)
class _Asked:
    question: Question
    vector: NDArray[np.float32]
    informing: bool

    def wants(self, row: sqlite3.Row) -> bool:
        """Whether that note may be an answer."""
        if not self.informing:
            return True
        return self.question.speaker == row["speaker"] if row["source"] == "assistant" else bool(row["informs"])


def _look_up(log: LogReader, scope: Scope, asked: _Asked, pool: Pool, k: int) -> Recalled:
    """On the thread that reads."""
    question = asked.question
    rows = log.neighbourhood(scope, pool.seqs, AROUND, MEANING)
    while missing := {row["superseded_by"] for row in rows} - {row["id"] for row in rows} - {""}:
        later = log.neighbourhood(scope, log.seqs_of(scope.user, sorted(missing)), 0, MEANING)
        if not later:
            break
        rows += later
    rows = [row for row in rows if asked.wants(row)]
    if not rows:
        return Recalled((), 0.0)
    candidates = _candidates(rows, asked.vector)
    notes, holding = log.holding(scope.user, question.terms)
    corpus = Corpus(notes, holding)
    ranked = rank(question, candidates, corpus)
    sure = confidence(question, candidates, corpus, ranked)
    bearing = {one.id for one in candidates if bears(question, one)}
    return Recalled(tuple(_hits(log, scope, ranked[:k], sure, bearing)), sure)


def bears(question: Question, one: Candidate) -> bool:
    """Whether a note is worth telling by itself, however it compares with the others."""
    asked = set(question.terms)
    named = len(asked) >= 2 and asked <= set(one.terms) and one.dense >= NOT_FAR
    then = any(window.start <= one.timestamp < window.end for window in question.windows)
    return one.dense >= NEAR or named or then


def _candidates(rows: Sequence[sqlite3.Row], vector: NDArray[np.float32]) -> list[Candidate]:
    stored = np.frombuffer(b"".join([row["vector"] for row in rows]), np.float16).reshape(len(rows), -1)
    angles = (stored.astype(np.float32) @ vector).tolist()
    return [
        Candidate(
            id=row["id"],
            terms=tuple(row["terms"].split()),
            speaker=row["speaker"],
            timestamp=datetime.fromtimestamp(row["said_at"], UTC),
            session=row["session"],
            position=row["position"],
            asks=bool(row["asks"]),
            dated=bool(row["dated"]),
            dense=dense,
            superseded_by=row["superseded_by"],
        )
        for row, dense in zip(rows, angles, strict=True)
    ]


def _hits(log: LogReader, scope: Scope, ranked: Sequence[Ranked], sure: float, bearing: set[str]) -> list[Hit]:
    """With what each is linked to, beside the number that was asked for."""
    notes = {note.id: note for note in log.notes(scope, [one.id for one in ranked])}
    others = {link for note in notes.values() for link in note.links} - set(notes)
    linked: dict[str, MemoryNote] = {note.id: note for note in log.notes(scope, sorted(others))} if others else {}
    return [
        Hit(notes[one.id], one.score, sure, one.id in bearing, tuple(linked[link] for link in notes[one.id].links if link in linked))
        for one in ranked
        if one.id in notes
    ]
