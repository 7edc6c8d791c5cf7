"""The page of the memories as text: nothing of a note leaves its block of data."""

import json
import re
from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from multimodal_assistant.memory.graph import graph_html
from multimodal_assistant.memory.note import Evolution, MemoryNote, Scope

NOW = datetime(2026, 5, 7, 12, tzinfo=UTC)
ANNA = Scope("anna")
EMPTY = graph_html([])

pieces = st.lists(
    st.one_of(st.sampled_from(["</script>", "<!--", "%DATA%", "%POLICY%", "&", "{", "\u2028", "\0", "]]>"]), st.text(max_size=6)),
    max_size=8,
)
texts = pieces.map("".join)


def data_of(page: str) -> list[dict[str, object]]:
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(text)


@settings(max_examples=150, deadline=None)
@given(texts.filter(str.strip), texts, st.lists(texts, max_size=3).map(tuple))
def test_notes_come_back_from_the_page_and_nothing_else_changes(content: str, context: str, tags: tuple[str, ...]) -> None:
    row = Evolution(NOW, content, "context", context, tags)
    page = graph_html([MemoryNote(content, ANNA, context=context, tags=tags, speaker=context, evolution_history=(row,))])
    (found,) = data_of(page)
    assert (found["content"], found["context"], found["tags"]) == (content, context, list(tags))
    before, _, rest = EMPTY.partition("[]</script>")
    assert page.startswith(before)
    assert page.endswith("</script>" + rest)
    inside = page[len(before) : len(page) - len("</script>" + rest)]
    assert inside.isascii()
    assert not re.search(r"[<>&]", inside)


def test_the_policy_names_the_scripts_own_hash_and_nothing_is_loaded() -> None:
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', EMPTY)
    for name in ("script", "style"):
        (text,) = re.findall(rf"<{name}>(.*?)</{name}>", EMPTY, re.S)
        assert f"{name}-src 'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert not re.search(r"https?:|//\w|@import|url\(", EMPTY.replace("// ", ""))


def test_a_very_long_note_is_cut() -> None:
    (found,) = data_of(graph_html([MemoryNote("a" * 1_000_000, ANNA)]))
    assert str(found["content"]).endswith("(996000 more characters)")
