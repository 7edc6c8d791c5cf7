"""The slots that facts are about: patterns of plain English statements, and the words that make a statement doubtful.

Apostrophes are straight in what they are matched with.
"""

import re


def _pattern(*parts: str) -> re.Pattern[str]:
    return re.compile("".join(parts))


def _any(text: str) -> str:
    return "|".join(text.split())


UNIQUE = _any(
    "wife husband partner girlfriend boyfriend fiancé fiancée fiance fiancee mother father mom mum dad boss manager landlord landlady"
)
"""People of whom there is one at a time."""
_SEVERAL = _any(
    """sister brother son daughter child kid friend cousin aunt uncle niece nephew grandmother grandfather grandma grandpa colleague
    neighbour neighbor roommate flatmate dog cat pet horse teacher doctor dentist therapist"""
)
_KIN = rf"(?i:(?:best |older |younger |little |big )?(?:{UNIQUE}|{_SEVERAL}))"
_NOUNS = "|".join(
    (
        r"(?:full |first |last |middle |sur|nick)?name",
        r"(?:\w+ )?(?:phone|telephone|mobile|cell)(?: number)?|number",
        r"(?:\w+ )?e-?mail(?: address)?|(?:\w+ )?address|post ?code|zip ?code",
        r"birthday|age|job|job title|profession|occupation|employer|boss|manager|landlord|landlady|doctor|dentist",
        r"shoe size|blood type|blood group|height|weight|license plate|licence plate|room number|locker|wifi password",
    )
)
ATTRIBUTES = {
    "number": "phone",
    "phone number": "phone",
    "telephone": "phone",
    "telephone number": "phone",
    "mobile number": "mobile phone",
    "mobile": "mobile phone",
    "cell": "mobile phone",
    "cell number": "mobile phone",
    "cell phone": "mobile phone",
    "e-mail": "email",
    "email address": "email",
    "e-mail address": "email",
    "full name": "name",
    "profession": "occupation",
    "job": "occupation",
    "job title": "occupation",
}
"""Names of one slot."""
COUNTED = {"kid": "child", "children": "child", "cats": "cat", "dogs": "dog", "kids": "child", "siblings": "sibling"}
NUMBERS = {word: str(index) for index, word in enumerate("no one two three four five six seven eight nine ten eleven twelve".split())}
NO_PLACE = frozenset(
    """linux windows mac macos android iphone ios python rust java javascript spotify netflix teams slack zoom marketing sales engineering
    finance hr management monday tuesday wednesday thursday friday saturday sunday january february march april may june july august
    september october november december google apple microsoft amazon github gitlab chrome firefox gmail whatsapp signal plan level
    chapter page step part ubuntu premium pro t-mobile verizon vodafone emacs vim postgres excel i room apartment building floor unit
    table seat version phase season gate platform track""".split()
)
"""Where people move to without moving house."""
COUNTRIES = frozenset(
    """portugal spain france germany italy austria switzerland belgium netherlands denmark sweden norway finland iceland ireland england
    scotland wales britain uk poland czechia hungary romania bulgaria greece turkey croatia serbia slovenia ukraine russia usa us america
    canada mexico brazil argentina chile peru colombia japan china korea india pakistan bangladesh thailand vietnam indonesia malaysia
    philippines australia egypt morocco algeria tunisia kenya nigeria ghana ethiopia israel iran iraq europe asia africa california texas
    florida bavaria tuscany ontario""".split()
)
"""One lives in such a one and in a town at once."""

CHANGE = re.compile(
    r"\b(?:now|new|nowadays|these days|from now on|any ?more|no longer|just (?:moved|turned|changed|got|started)|changed|switched)\b", re.I
)
CORRECTION = re.compile(
    r"^\W*(?:(?:oh|oops|wait|sorry|well|and|but|hm+|ah)\W+)*"
    r"(?:actually|no(?=[,.:;—-])|nope|correction|i meant|i mean|scratch that|i was wrong|that's wrong|i misspoke|not quite)"
    r"\b\W*(?:no\b[,:]?)?",
    re.I,
)
DOUBTFUL = re.compile(
    r"\b(?:if|unless|whether|wish|would|could|might|(?-i:may)|maybe|perhaps|almost|nearly|imagine|pretend|suppose|dream|dreamt|dreamed|said|"
    r"says|told|asked|asks|thinks|thought|heard|claims|believes|used to|back then|years? ago|when i|when we|as a (?:child|kid|student)|"
    r"before i|before we|want|wants|wanted|hope|hopes|plan|planning|going to|gonna|will|considering|sometimes|occasionally|formerly|once|"
    r"temporarily|for (?:a|the|two|three|six) (?:while|days?|weeks?|months?|years?|winter)|part[- ]time|weekends?|half the|"
    r"summers?|winters?|"
    r"second|also|other|another|until|till|was|were|had|in (?:19|20)\d\d|not|never|isn't|aren't|haven't|hasn't|didn't|character|joking|"
    r"kidding|quote)\b|'ll\b|[?\"“”«»]",
    re.I,
)
"""A sentence with one of these states nothing, or nothing of today."""
PLAIN_DENIAL = re.compile(r"\bi(?:'m| am)? (?:do not like|not (?=(?:an? )?(?:vegetarian|vegan|pescatarian)))", re.I)
"""The denials that are statements about a slot themselves."""

SHAPES = {
    "name": r"[A-Z]",
    "boss": r"[A-Z]",
    "manager": r"[A-Z]",
    "landlord": r"[A-Z]",
    "landlady": r"[A-Z]",
    "employer": r"[A-Z]",
    "doctor": r"[A-Z]",
    "dentist": r"[A-Z]",
    "occupation": r"an? ",
    "phone": r".*\d{3}",
    "email": r"\S+@|\w+ at ",
    "birthday": r".*(?:\d|[A-Z])",
    "password": r"\S+$",
}
"""Last word of a slot → how its value begins: "my boss is angry" names no boss. Elsewhere there is a digit in it."""
VAGUE = re.compile(r"(?:it|that|this|these|those|them|him|her|you|one|the|how|what|when|where|who|being|to|so|all|both)\b")
"""What is liked there means another thing each time."""

_IS = r"(?: ?(?:is|'s|are))"
_PLACE = r"(?P<value>[A-Z][\w'-]+(?: (?:[A-Z][\w'-]+|(?:de|la|do|da|am|on|upon)\b))*)"
_WHO = rf"(?<!and )(?P<who>(?i:i|we|my {_KIN})|[A-Z]\w+)"
_REST = r"(?P<value>[^.,;!]+)"
_END = r"(?=\s*(?:[.,!]|$)"

POSSESSION = _pattern(
    rf"(?i:\bmy (?P<who>{_KIN}'s )?(?P<old>(?:old|former|previous|first) )?(?P<new>(?:new|current) )?",
    rf"(?P<what>{_NOUNS})(?: now)?{_IS} (?:now )?{_REST})",
)
FAVOURITE = _pattern(rf"(?i:\bmy (?:new |current |all[- ]time )?favou?rite (?P<what>[\w -]{{2,30}}?){_IS} (?:now )?{_REST})")
LIVES = _pattern(rf"\b{_WHO} (?i:(?:now |currently )?lives? (?:now )?in|(?:am|is|are) (?:now )?(?:living|based) in) {_PLACE}")
IS_LIVING = _pattern(rf"\b{_WHO}(?i:'m|'re|'s) (?i:(?:now )?(?:living|based) in) {_PLACE}")
MOVED = _pattern(
    rf"\b{_WHO}(?i:'ve|'s| have| has)?(?i: just| recently| finally| now)? (?i:moved|relocated)(?i: house| home| back| away| over)? ",
    rf"(?i:to) {_PLACE}",
)
WORKS = _pattern(rf"\b(?i:i(?:'m| am)?(?: now| currently)? (?:work|working)(?: now)? (?:at|for)) {_PLACE}")
STARTED = _pattern(
    r"\b(?i:i(?:'ve| have)?(?: just| recently)? (?:started(?: working| a new job)?|got a (?:new )?job|have a new job) (?:at|for|with)) ",
    _PLACE,
)
WORKS_AS = _pattern(r"(?i:\bi(?:'m| am)?(?: now| currently)? (?:work|working)(?: now)? as an? (?P<value>[\w -]{3,40}))")
AGE = _pattern(
    rf"(?i:\b(?P<who>i|my {_KIN})(?:(?:'m|'s| am| is)(?: now)?|(?: just)?(?P<turned> turned)) (?P<value>\d{{1,3}})",
    r"(?=(?: years? old|(?: now)?\s*(?:[.,!]|$)| and i\b)))",
)
DIET = _pattern(
    r"(?i:\bi(?:'m| am)(?P<no> not| no longer)?(?: an?)?(?: now| currently)?(?: an?)? ",
    r"(?P<value>vegetarian|vegan|pescatarian)\b(?! \w+(?:s|ry)\b))",
)
MARITAL = _pattern(
    r"(?i:\b(?:i(?:'m| am)|we(?:'re| are)|(?:i|we)(?: just)? got)(?: now| finally| happily)? ",
    r"(?P<value>single|married|engaged|divorced|widowed)(?=\s*(?:[.,!]|$)| (?:now|to [A-Z]))" r")",
)
LIKING = _pattern(
    r"(?i:\bi (?:now |really |absolutely |still )*(?P<verb>love|like|enjoy|adore|hate|dislike|can't stand|cannot stand|",
    r"don't like|don't enjoy|no longer like|no longer enjoy|do not like)(?: to)? (?P<value>[\w' -]{2,40}))",
)
COUNT = _pattern(
    r"(?i:\b(?:i|we) (?:now )?have (?:now )?(?P<value>\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|no) ",
    r"(?P<what>kids|children|kid|child|siblings|grandchildren|cats|dogs|cat|dog)\b(?! food| toy))",
)
SCHEDULED = _pattern(rf"(?i:\b(?P<what>(?:the|my|our) [\w' -]{{3,40}}?){_IS} (?:now )?(?P<prep>at|on|in) (?P<value>[\w: -]{{2,30}}))")
INSTEAD = _pattern(r"(?i:\bi meant [\w'@. -]+?,? not (?P<meant>[\w'@. -]+)|\bnot (?P<value>[\w'@.-]+(?: [\w'-]+)?)\W*$)")
