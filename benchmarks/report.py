"""The page of results: every measurement replaces its own section and leaves the others as they are."""

import re
from collections.abc import Mapping

_SECTION = re.compile(r"^## (?P<title>.+)$", re.MULTILINE)


def updated(page: str, title: str, text: str) -> str:
    """`page` with the section `title` holding `text`; a new section goes to the end. A section begins with "## "."""
    head, sections = _parts(page)
    return _page(head, {**sections, title: text.strip()})


def _parts(page: str) -> tuple[str, dict[str, str]]:
    """What stands before the first section, and title → text."""
    marks = list(_SECTION.finditer(page))
    ends = [*(mark.start() for mark in marks[1:]), len(page)][: len(marks)]
    head = page[: marks[0].start()] if marks else page
    return head.strip(), {mark["title"]: page[mark.end() : end].strip() for mark, end in zip(marks, ends, strict=True)}


def _page(head: str, sections: Mapping[str, str]) -> str:
    return "\n\n".join([head, *(f"## {title}\n\n{text}" for title, text in sections.items())]) + "\n"
