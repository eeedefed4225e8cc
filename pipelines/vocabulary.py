"""The words mini was trained on: canonical names per axis, the words of its captions, and words kept back for testing.

Plain data for the form, the judge, the captions and the message about words that mini does not know.
"""

import re
from functools import cache

THINGS: dict[str, tuple[str, ...]] = {
    "red panda": ("red panda",),
    "panda": ("panda", "panda bear"),
    "fox": ("fox",),
    "lion": ("lion",),
    "elephant": ("elephant",),
    "rabbit": ("rabbit",),
    "turtle": ("turtle",),
    "penguin": ("penguin",),
    "owl": ("owl",),
    "fish": ("fish", "tropical fish"),
    "whale": ("whale",),
    "octopus": ("octopus",),
    "dinosaur": ("dinosaur",),
    "bee": ("bee",),
    "butterfly": ("butterfly",),
    "dog": ("dog",),
    "cat": ("cat", "black cat"),
    "pig": ("pig",),
    "duck": ("duck",),
    "frog": ("frog",),
    "unicorn": ("unicorn",),
    "car": ("car",),
    "bus": ("bus",),
    "rocket": ("rocket",),
    "helicopter": ("helicopter",),
    "train": ("train",),
    "scooter": ("scooter",),
    "banana": ("banana",),
    "strawberry": ("strawberry",),
    "donut": ("donut",),
    "cupcake": ("cupcake",),
    "ball": ("ball",),
    "basketball": ("basketball",),
    "balloon": ("balloon",),
    "umbrella": ("umbrella",),
    "star": ("star",),
    "heart": ("heart",),
    "teapot": ("teapot",),
    "teddy bear": ("teddy bear", "teddy"),
    "robot": ("robot",),
    "snowman": ("snowman",),
    "astronaut": ("astronaut",),
    "cook": ("cook", "chef"),
    "firefighter": ("firefighter",),
    "wizard": ("wizard",),
    "mermaid": ("mermaid",),
    "surfer": ("surfer",),
    "superhero": ("superhero",),
}
COLOURED: tuple[str, ...] = ("car", "scooter", "ball", "balloon", "umbrella", "star", "heart", "teapot")
COLOURS: tuple[str, ...] = ("red", "yellow", "green", "blue", "purple", "white")
PEOPLE: tuple[str, ...] = ("astronaut", "cook", "firefighter", "wizard", "mermaid", "surfer", "superhero")

# The first word is the canonical name; captions put the preposition of PLACE_PREPOSITIONS before every one of them.
PLACES: dict[str, tuple[str, ...]] = {
    "beach": ("beach", "sandy beach"),
    "snowy mountain": ("snowy mountain", "snowy mountains", "mountain of snow"),
    "meadow": ("meadow", "green meadow"),
    "forest": ("forest", "fir forest"),
    "desert": ("desert", "sandy desert"),
    "city street": ("city street", "street", "street of a city"),
    "outer space": ("outer space", "space"),
    "ocean floor": ("ocean floor", "floor of the ocean"),
    "lake": ("lake",),
    "kitchen": ("kitchen",),
    "theatre stage": ("theatre stage", "stage"),
    "above the clouds": ("above the clouds", "high above the clouds"),
}
PLACE_PREPOSITIONS: dict[str, tuple[str, ...]] = {
    "beach": ("on a", "on the", "at the"),
    "snowy mountain": ("on a", "on the"),
    "meadow": ("in a", "on a", "in the"),
    "forest": ("in a", "in the"),
    "desert": ("in a", "in the"),
    "city street": ("on a", "on the", "in a"),
    "outer space": ("in",),
    "ocean floor": ("on the",),
    "lake": ("at a", "by the", "on a"),
    "kitchen": ("in a", "in the"),
    "theatre stage": ("on a", "on the"),
    "above the clouds": ("",),
}

# Present and progressive forms; captions use every one of them.
ACTIONS: dict[str, tuple[str, ...]] = {
    "moves left": ("moves left", "moving left", "moves to the left", "moving to the left", "goes left", "going left"),
    "moves right": (
        "moves right",
        "moving right",
        "moves to the right",
        "moving to the right",
        "goes right",
        "going right",
    ),
    "bounces": ("bounces", "bouncing", "bounces up and down", "bouncing up and down"),
    "jumps": ("jumps", "jumping", "jumps high", "jumping high"),
    "spins": ("spins", "spinning", "spins around", "spinning around"),
    "floats up": ("floats up", "floating up", "floats upwards", "floating upwards", "rises up", "rising up"),
    "falls": ("falls", "falling", "falls down", "falling down"),
    "dances": ("dances", "dancing"),
    "grows": ("grows", "growing", "grows bigger", "growing bigger"),
    "shrinks": ("shrinks", "shrinking", "gets smaller", "getting smaller"),
    "circles": ("circles", "circling", "moves in circles", "moving in circles"),
    "stands still": ("stands still", "standing still", "does not move", "standing"),
}
CAMERAS: dict[str, tuple[str, ...]] = {
    "static": ("static", "static camera", "still camera", "the camera stays still"),
    "pan left": ("pan left", "pans left", "pans to the left", "panning left"),
    "pan right": ("pan right", "pans right", "pans to the right", "panning right"),
    "zoom in": ("zoom in", "zooms in", "zooming in"),
    "zoom out": ("zoom out", "zooms out", "zooming out"),
    "follows": ("follows", "tracking shot", "following"),
}
LIGHTS: dict[str, tuple[str, ...]] = {
    "day": ("day", "by day", "in daylight", "during the day"),
    "sunset": ("sunset", "at sunset", "in the evening sun"),
    "night": ("night", "at night", "in the moonlight"),
}
WEATHERS: dict[str, tuple[str, ...]] = {
    "clear": ("clear", "in clear weather"),
    "rain": ("rain", "in the rain", "in rainy weather"),
    "snow": ("snow", "in the snow", "while it snows"),
    "fog": ("fog", "in the fog", "in foggy weather"),
}
STYLES: dict[str, tuple[str, ...]] = {
    "toy": ("toy", "toy style"),
    "watercolour": ("watercolour", "watercolour painting"),
    "pencil": ("pencil", "pencil drawing"),
    "pixel art": ("pixel art",),
    "black and white": ("black and white",),
}
AXES: dict[str, tuple[str, ...]] = {
    "thing": tuple(THINGS),
    "place": tuple(PLACES),
    "action": tuple(ACTIONS),
    "camera": tuple(CAMERAS),
    "light": tuple(LIGHTS),
    "weather": tuple(WEATHERS),
    "style": tuple(STYLES),
}
WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "thing": THINGS,
    "place": PLACES,
    "action": ACTIONS,
    "camera": CAMERAS,
    "light": LIGHTS,
    "weather": WEATHERS,
    "style": STYLES,
}

# Words that no caption may contain: the paraphrase test asks with them (mini.md section 1).
PARAPHRASES: dict[str, dict[str, tuple[str, ...]]] = {
    "thing": {
        "dog": ("puppy", "hound"),
        "cat": ("kitten", "kitty"),
        "rabbit": ("bunny", "hare"),
        "turtle": ("tortoise",),
        "dinosaur": ("tyrannosaurus", "t-rex"),
        "pig": ("piglet", "hog"),
        "duck": ("mallard",),
        "frog": ("toad",),
        "bee": ("bumblebee", "wasp"),
        "octopus": ("squid",),
        "elephant": ("mammoth",),
        "car": ("automobile", "sedan"),
        "bus": ("coach",),
        "train": ("locomotive",),
        "scooter": ("moped",),
        "rocket": ("spaceship", "spacecraft"),
        "helicopter": ("chopper",),
        "donut": ("doughnut",),
        "cupcake": ("muffin",),
        "umbrella": ("parasol",),
        "teapot": ("kettle",),
        "teddy bear": ("stuffed bear",),
        "robot": ("android",),
        "astronaut": ("cosmonaut", "spaceman"),
        "firefighter": ("fireman",),
        "wizard": ("sorcerer", "magician"),
    },
    "place": {
        "beach": ("seashore", "seaside", "coast"),
        "snowy mountain": ("icy peak", "alpine summit"),
        "meadow": ("grassland", "pasture"),
        "forest": ("woodland", "jungle"),
        "desert": ("sand dunes", "sahara"),
        "city street": ("downtown", "avenue"),
        "outer space": ("cosmos", "galaxy"),
        "ocean floor": ("seabed", "underwater"),
        "lake": ("pond", "lagoon"),
        "kitchen": ("cookery room",),
        "theatre stage": ("playhouse",),
        "above the clouds": ("in the heavens",),
    },
    "action": {
        "moves left": ("walks leftward", "heads leftward"),
        "moves right": ("walks rightward", "heads rightward"),
        "bounces": ("hops",),
        "jumps": ("leaps",),
        "spins": ("twirls", "rotates"),
        "floats up": ("soars", "ascends"),
        "falls": ("plummets", "drops"),
        "dances": ("boogies",),
        "grows": ("expands", "enlarges"),
        "shrinks": ("dwindles",),
        "circles": ("orbits",),
        "stands still": ("remains motionless",),
    },
    "camera": {
        "static": ("fixed tripod",),
        "pan left": ("camera turns leftward",),
        "pan right": ("camera turns rightward",),
        "zoom in": ("dolly closer",),
        "zoom out": ("pulling away",),
        "follows": ("chases",),
    },
    "style": {
        "watercolour": ("aquarelle",),
        "pencil": ("graphite sketch",),
        "pixel art": ("retro game graphics",),
        "black and white": ("monochrome",),
    },
    "light": {"day": ("noon",), "sunset": ("dusk",), "night": ("midnight",)},
    "weather": {"rain": ("downpour",), "snow": ("blizzard",), "fog": ("mist",)},
}
ASPECT_SIZES: dict[str, tuple[int, int]] = {
    "1:1": (256, 256),
    "16:9": (352, 192),
    "9:16": (192, 352),
    "4:3": (288, 224),
    "3:4": (224, 288),
}
FUNCTION_WORDS: frozenset[str] = frozenset(
    "a an and are as at around be by camera clip day does down drawing drawn film for fps from her high his image in "
    "into is it its like moves of off on one out over painting picture scene seen shot shows still style that the "
    "their there this to under up video view we weather while with art slowly quickly little big nice".split()
)


def _tokens(prompt: str) -> list[str]:
    return re.findall(r"[a-z]+(?:-[a-z]+)*", prompt.lower())


@cache
def _phrases() -> list[tuple[tuple[str, ...], str, str]]:
    rows = [
        (tuple(_tokens(phrase)), axis, canonical)
        for axis, table in WORDS.items()
        for canonical, phrases in table.items()
        for phrase in phrases
    ]
    rows += [((colour,), "colour", colour) for colour in COLOURS]
    return sorted(rows, key=lambda row: -len(row[0]))


def _same(words: list[str], phrase: tuple[str, ...]) -> bool:
    return len(words) == len(phrase) and all(w in (p, p + "s") for w, p in zip(words, phrase, strict=True))


def _matches(prompt: str) -> tuple[dict[str, str], list[str]]:
    """(axis -> canonical, the words that no phrase used). Longest phrases first; the first mention of an axis wins."""
    words = _tokens(prompt)
    free = [True] * len(words)
    found: dict[str, tuple[int, str]] = {}
    present = {form for word in words for form in (word, word.removesuffix("s"))}
    for phrase, axis, canonical in _phrases():
        size = len(phrase)
        if not present.issuperset(phrase):
            continue
        for i in range(len(words) - size + 1):
            if not all(free[i : i + size]) or not _same(words[i : i + size], phrase):
                continue
            free[i : i + size] = [False] * size
            found[axis] = min(found.get(axis, (i, canonical)), (i, canonical), key=lambda place: place[0])
    return {axis: value for axis, (_, value) in found.items()}, [w for w, f in zip(words, free, strict=True) if f]


def read(prompt: str) -> dict[str, str]:
    """Axis -> canonical name for the caption words found in `prompt`, longest match first; also "colour" if named."""
    return _matches(prompt)[0]


def unknown_words(prompt: str) -> list[str]:
    """The words of `prompt` that mini does not know: neither vocabulary nor function words, in order, each once."""
    return list(dict.fromkeys(word for word in _matches(prompt)[1] if word not in FUNCTION_WORDS))
