"""Words of the user → whether they are about what is in view. Pure; English, and the plainest questions of four other languages."""

import re
from enum import IntEnum

from .visual_words import labels_for


class Bearing(IntEnum):
    """How sure it is."""

    NONE = 0
    PERHAPS = 1
    """They point at something, which may be in view, or the last thing that was said."""
    SURELY = 2


_SHOWN = r"(?:picture|image|photo(?:graph)?|camera|webcam|screen|video|frame|view)"
_POINTED = r"(?:this|that|these|those|it|them)"
_ABOUT_ME = r"(?:me|my \w+)"

_SURELY = re.compile(
    "|".join(
        (
            (
                r"\b(?:what|who|which \w+|how many(?: \w+)?|anything|something|everything|everyone|anyone|that) (?:else )?(?:do|can|did"
                r"|are) you (?:see|seeing|looking at)\b"
            ),
            (
                r"\b(?:can|do|could) you (?:still |even |actually |also )?(?:see|recogni[sz]e|spot) (?!what i mean|why|how|to it"
                r"|if you can|the (?:point|problem|difference))"
            ),
            r"\bcan you see\s*[?.!]*$",
            r"\bwhat am i (?:holding|wearing|pointing|showing|looking at|carrying|doing)\b",
            r"\b(?:am i|i'm|i am) (?:holding|wearing|pointing at|showing you)\b",
            r"\b(?:look|have a look|take a look|glance) (?:at|closely|here)\b(?! it this way)",
            rf"\b(?:in|on|into|from|of|behind|through) (?:the|this|that|my|your|our) {_SHOWN}\b",
            r"\bin (?:my (?:\w+ )?hands?|front of (?:me|you|the camera|us)|view)\b",
            r"\bam i (?:smiling|frowning|sitting|standing|alone|visible|blushing|pale|in (?:the )?(?:frame|view|picture|shot))\b",
            r"\bdo i have (?:something|anything) (?:on|in|between) my \w+\b",
            r"\bis my (?:hair|tie|shirt|collar|make-?up|face|camera) (?:ok|okay|straight|crooked|clean|dirty|wet|on|fine|right)\b",
            r"\bbehind me\b|\bnext to me\b|\baround me\b",
            rf"\bdescribe (?:the |this |my |our )?(?:scene|surroundings|room|{_SHOWN}|what (?:you|is|i))",
            rf"\bdescribe {_POINTED}\s*[?.!]*$",
            r"\b(?:what|how) do(?:es)? (?:i|my (?!name)\w+|this|that|it) look\b(?! up| for| after)",
            rf"\bwhat colou?rs? (?:is|are|do|does|am|has|have) (?:{_POINTED}|my|{_ABOUT_ME}|i)\b",
            rf"\bwhich colou?r (?:is|are) (?:{_POINTED}|my)\b",
            (
                rf"\bread (?:{_POINTED}|(?:me |out )*(?:the|this|that|my) (?:label|sign|text|page|note|letter|screen|menu|title|card"
                r"|paper|book cover|message on))\b(?! (?:book|story|poem))"
            ),
            (
                r"\bwhat does (?:it|this|that|(?:the|this|that|my) (?:label|sign|text|page|note|letter|screen|menu|card|paper|display"
                r"|box|bottle|shirt)) say\b"
            ),
            r"\bwhat(?:'s| is) (?:written|printed|shown|displayed)\b",
            r"\bhow many (?:fingers|people|persons|faces|things|objects) (?:am i|do you|are (?:there|here|in)|can you)\b",
            (
                r"\b(?:is|are) there (?:a|an|any|some|somebody|someone|anybody|anyone)\b.*\b(?:here|in the room|in view|on (?:the"
                r"|my) (?:table|desk|wall|floor|bed|shelf|chair|sofa|couch)|in (?:the|this|my) \w+ (?:here|now))\b"
            ),
            (
                r"\bwas (?:siehst du|kannst du sehen|halte ich|trage ich)\b|\bsiehst du\b|\bkannst du (?:mich|das|mir|etwas)?\s?sehen\b"
                r"|\bschau (?:mal|dir)\b|\bwas steht (?:da|hier|auf)\b"
            ),
            r"\bque vois-tu\b|\bqu'est-ce que (?:tu vois|je tiens|je porte)\b|\btu (?:me|le|la) vois\b|\bregarde (?:ça|ceci|moi)\b",
            r"\bqu[eé] (?:ves|estoy (?:sosteniendo|mostrando))\b|\b(?:me|lo|la) ves\b|\bmira (?:esto|esta)\b",
            r"\bcosa (?:vedi|ho in mano)\b|\bmi vedi\b|\bguarda (?:questo|questa|qui)\b",
        )
    )
)

_NO_THING = (
    r"(?:the (?:last|first|next|end|only|best|same)|week(?:end)?|month|year|morning|afternoon|evening|night|day|time|moment"
    r"|season|summer|winter|autumn|spring|century|way|song|story|"
    r"word|question|conversation|idea|country|city|town|point|one last|joke|poem|answer|information|reason|kind of thing|mean|true|right|"
    r"possible|means|because|happen|happening|going to)"
)
_ASKING = (
    r"(?:^|[.!?,;:] *|\b(?:and|so|but|okay|ok|please|hey|now) )"
    r"(?:what|which|who|whose|where|is|are|was|were|how|do|does|can|could|have|would|should|tell me)\b"
)
_PERHAPS = re.compile(
    "|".join(
        (
            rf"{_ASKING}[^.!?]*\b(?:this|these|those)\b(?! {_NO_THING}\b)",
            r"\b(?:what|who)(?:'s| is| are) that(?: \w+)?(?: over there| here| there)?\s*[?.!]*$",
            (
                r"\bwhat (?:animal|flower|plant|fruit|colou?r|thing|object|brand|model|make|breed|kind of \w+|sort of \w+"
                r"|type of \w+)s? (?:is|are) (?:it|that|they|in|the|on)\b"
            ),
            (
                r"\bwhat colou?r is the\b|\bwhat(?:'s| is) (?:on|in|over|under|beside|behind) (?:the|my|that)\b|\bis (?:he|she|anyone"
                r"|anybody|someone|somebody) (?:here|there)\b"
            ),
            (
                r"\b(?:was|wer) ist (?:das|dies)\b|\bqu'est-ce que c'est\b|\bc'est quoi\b|\bqu[eé] es (?:esto|eso)\b"
                r"|\b(?:che )?cos'?[eè] questo\b"
            ),
        )
    )
)

_THING = re.compile(
    r"\b(?:(?:is|are) there (?:a|an|any|some|another)|where(?:'s| is| are) (?:the|my|your|our)) "
    r"(?P<thing>[a-z]+(?: [a-z]+)?)(?: now)?\s*[?.!]*$"
)

_READS = re.compile(
    r"\bread\b(?! (?:about|that|books?|minds?|a |me a |my mind))|\bwhat (?:does|do) .{1,40} say\b|\b(?:what(?:'s| is)"
    r"|something|anything) (?:written|printed)\b|"
    r"\b(?:text|writing|words|title|headline|letters|number plate|price|brand|name) (?:is |are )?(?:on|of|in) (?:the|this|that|my|it)\b|"
    r"\bsay(?:s)? (?:on|in) (?:the|this|that|my)\b|\bwas steht\b|\blies (?:das|mir|vor)\b|\blis (?:ça|moi|le|la)\b"
    r"|\blee (?:esto|la|el)\b|\bleggi\b"
)


def bearing(said: str) -> Bearing:
    """Whether an answer to these words needs eyes."""
    text = _plain(said)
    if _SURELY.search(text):
        return Bearing.SURELY
    named = _THING.search(text)
    points = _PERHAPS.search(text) or (named is not None and labels_for(named["thing"]))
    return Bearing.PERHAPS if points else Bearing.NONE


_BACK = re.compile(
    r"\bwhat (?:was|were) (?:that|this|it|those)"
    r"(?: just)?(?: (?:a moment ago|just now|before|i (?:just )?(?:showed|held)(?: \w+){0,3}))?\s*[?.!]*$"
    r"|\bwhat did (?:i|we|he|she) (?:just )?(?:show|hold|have)\b|\bdid you (?:just )?see (?:that|it)\b|\bwhat did you (?:just )?see\b"
)


def looks_back(said: str) -> bool:
    """Whether it is about what was in view a moment ago, and is not any more."""
    return bool(_BACK.search(_plain(said)))


def wants_reading(said: str) -> bool:
    """Whether it needs the writing that is in view."""
    return bool(_READS.search(_plain(said)))


def _plain(said: str) -> str:
    return re.sub(r"\s+", " ", said.lower().replace("\u2019", "'")).strip()
