"""Words of people for the 80 kinds of things that detectors of COCO (Lin et al. 2014, arXiv:1405.0312) know. Pure."""

_KINDS = {
    "animal": "bird cat dog horse sheep cow elephant bear zebra giraffe",
    "vehicle": "bicycle,car,motorcycle,airplane,bus,train,truck,boat",
    "fruit": "banana apple orange",
    "vegetable": "broccoli carrot",
    "food": "banana,apple,sandwich,orange,broccoli,carrot,hot dog,pizza,donut,cake",
    "furniture": "chair,couch,bed,dining table,bench,toilet",
    "device": "tv,laptop,mouse,remote,keyboard,cell phone",
    "appliance": "microwave oven toaster sink refrigerator",
    "sport": "frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,tennis racket",
    "cutlery": "fork knife spoon",
    "dish": "bottle,wine glass,cup,bowl",
    "clothing": "tie,backpack,handbag,umbrella",
    "other": "person,traffic light,fire hydrant,stop sign,parking meter,suitcase,potted plant,book,clock,vase,scissors,teddy bear,"
    "hair drier,toothbrush",
}
_MEMBERS = {kind: set(names.split("," if "," in names else None)) for kind, names in _KINDS.items()}
LABELS = frozenset(label for members in _MEMBERS.values() for label in members)
"""All kinds of things."""

_ALIASES = {
    "person": "people man men woman women boy girl child children kid human somebody someone anybody anyone guy lady face student cyclist "
    "pedestrian player",
    "cell phone": "phone mobile smartphone iphone telephone cellphone",
    "couch": "sofa",
    "tv": "television monitor screen telly",
    "dining table": "table desk",
    "potted plant": "plant houseplant",
    "cup": "mug",
    "wine glass": "glass wineglass",
    "motorcycle": "motorbike moped scooter",
    "bicycle": "bike cycle",
    "airplane": "plane aeroplane aircraft jet",
    "laptop": "computer notebook",
    "remote": "remote-control controller",
    "sports ball": "ball football soccer-ball",
    "handbag": "bag purse",
    "backpack": "rucksack bag",
    "teddy bear": "teddy",
    "dog": "puppy doggy",
    "cat": "kitten kitty pussycat",
    "donut": "doughnut",
    "refrigerator": "fridge freezer",
    "car": "automobile taxi",
    "truck": "lorry van",
    "boat": "ship",
    "cow": "cattle bull calf",
    "horse": "pony",
    "sheep": "lamb",
    "bird": "parrot pigeon duck chicken",
    "hair drier": "hairdryer dryer",
    "tennis racket": "racket racquet",
    "clock": "watch",
    "scissors": "scissor",
    "skis": "ski",
    "tie": "necktie",
}
_IRREGULAR = {"people": "person", "knives": "knife", "mice": "mouse", "men": "man", "women": "woman", "children": "child", "skis": "skis"}
_KIND_WORDS = {
    "gadget": "device",
    "electronics": "device",
    "meal": "food",
    "dishes": "dish",
    "clothes": "clothing",
    "pet": "animal",
    "tool": "cutlery",
    "veggie": "vegetable",
    "creature": "animal",
}


def singular(word: str) -> str:
    """English, of one word or the last of several."""
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    head, _, last = word.rpartition(" ")
    if last in _IRREGULAR:
        return f"{head} {_IRREGULAR[last]}".strip()
    if last in {"bus", "glass", "scissors", "tennis", "clothes", "skis"} or last.endswith("ss"):
        return word
    if last.endswith("ies") and len(last) > 4:
        return f"{word[:-3]}y"
    if last.endswith(("ches", "shes", "xes", "sses", "uses")):
        return word[:-2]
    return word[:-1] if last.endswith("s") and len(last) > 2 else word


def labels_for(thing: str) -> set[str]:
    """The kinds that people may mean by this word: one, several, all of a kind ("vehicles"), or none."""
    name = singular(thing)
    if name in LABELS:
        return {name}
    named = {label for label, words in _ALIASES.items() if name in words.split() or thing in words.split()}
    if named:
        return named
    if kinds := kinds_of(name):
        return kinds
    last = name.rpartition(" ")[2]  # "red car", "coffee cup"
    return labels_for(last) if last != name else set()


def kinds_of(kind: str) -> set[str]:
    """Everything of that kind: animal, vehicle, fruit, …"""
    return set(_MEMBERS.get(_KIND_WORDS.get(kind, kind), set())) if kind != "other" else set()
