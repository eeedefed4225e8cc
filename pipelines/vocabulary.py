"""The words mini was trained on: canonical names per axis, the words of its captions, and words kept back for testing.

Plain data for the form, the judge, the captions and the message about words that mini does not know.
"""

import re
from functools import cache

THINGS: dict[str, tuple[str, ...]] = {
    "red panda": ("red panda", "lesser panda"),
    "panda": ("panda", "panda bear", "giant panda"),
    "fox": ("fox", "red fox", "vixen", "fox cub"),
    "lion": ("lion", "african lion", "male lion", "maned lion"),
    "elephant": ("elephant", "african elephant", "indian elephant", "pachyderm", "tusker"),
    "rabbit": ("rabbit", "cottontail", "pet rabbit", "wild rabbit", "coney"),
    "turtle": ("turtle", "sea turtle", "terrapin", "green turtle", "pet turtle"),
    "penguin": ("penguin", "emperor penguin", "king penguin"),
    "owl": ("owl", "barn owl", "tawny owl", "owlet"),
    "fish": ("fish", "tropical fish", "reef fish", "angelfish", "coral fish"),
    "whale": ("whale", "blue whale", "humpback whale", "humpback"),
    "octopus": ("octopus", "octopod", "kraken", "cephalopod"),
    "dinosaur": ("dinosaur", "dino", "allosaurus", "velociraptor", "prehistoric reptile"),
    "bee": ("bee", "honeybee", "honey bee", "worker bee"),
    "butterfly": ("butterfly", "monarch butterfly", "swallowtail", "moth"),
    "dog": ("dog", "doggy", "doggie", "pooch", "mutt", "pet dog", "labrador"),
    "cat": ("cat", "black cat", "pet cat", "pussycat", "tomcat", "house cat"),
    "pig": ("pig", "piggy", "swine", "sow", "porker", "farm pig"),
    "duck": ("duck", "drake", "wild duck", "ducky"),
    "frog": ("frog", "bullfrog", "tree frog", "green frog", "froggy"),
    "unicorn": ("unicorn", "magical unicorn", "horned horse", "magic horse"),
    "car": ("car", "motorcar", "motor car", "hatchback", "passenger car", "jeep"),
    "bus": ("bus", "city bus", "omnibus", "minibus", "school bus", "tour bus"),
    "rocket": ("rocket", "rocket ship", "space rocket", "moon rocket", "starship", "space shuttle"),
    "helicopter": ("helicopter", "copter", "heli", "whirlybird", "rotorcraft"),
    "train": ("train", "steam train", "railway train", "steam engine", "railway engine"),
    "scooter": ("scooter", "motor scooter", "vespa", "motorbike", "motorcycle"),
    "banana": ("banana", "ripe banana", "plantain"),
    "strawberry": ("strawberry", "ripe strawberry", "wild strawberry"),
    "donut": ("donut", "glazed donut", "frosted donut", "ring donut", "cruller"),
    "cupcake": ("cupcake", "fairy cake", "frosted cupcake", "iced cupcake"),
    "ball": ("ball", "toy ball", "rubber ball", "volleyball"),
    "basketball": ("basketball", "basket ball", "orange basketball"),
    "balloon": ("balloon", "party balloon", "toy balloon", "helium balloon"),
    "umbrella": ("umbrella", "brolly", "sunshade", "open umbrella"),
    "star": ("star", "toy star", "five-pointed star", "star shape"),
    "heart": ("heart", "love heart", "valentine heart", "heart shape"),
    "teapot": ("teapot", "tea pot", "pot of tea", "china teapot", "tea jug"),
    "teddy bear": ("teddy bear", "teddy", "toy bear", "plush bear", "cuddly bear", "teddybear"),
    "robot": ("robot", "bot", "automaton", "cyborg", "mechanical man", "humanoid machine"),
    "snowman": ("snowman", "snow man", "man of snow", "snow figure"),
    "astronaut": ("astronaut", "space traveller", "space explorer", "spacefarer", "taikonaut"),
    "cook": ("cook", "chef", "master chef", "pastry chef", "baker"),
    "firefighter": ("firefighter", "fire fighter", "fire officer", "fire rescuer"),
    "wizard": ("wizard", "mage", "warlock", "enchanter", "conjurer", "magus"),
    "mermaid": ("mermaid", "sea maiden", "sea nymph", "merwoman"),
    "surfer": ("surfer", "surf rider", "wave rider", "surfboarder"),
    "superhero": ("superhero", "super hero", "caped hero", "masked hero", "caped crusader"),
}  # fmt: skip
COLOURED: tuple[str, ...] = ("car", "scooter", "ball", "balloon", "umbrella", "star", "heart", "teapot")
COLOURS: tuple[str, ...] = ("red", "yellow", "green", "blue", "purple", "white")
PEOPLE: tuple[str, ...] = ("astronaut", "cook", "firefighter", "wizard", "mermaid", "surfer", "superhero")

# The first word is the canonical name; captions put the preposition of PLACE_PREPOSITIONS before every one of them.
PLACES: dict[str, tuple[str, ...]] = {
    "beach": ("beach", "sandy beach", "shore", "shoreline", "sandy shore", "bay", "tropical beach"),
    "snowy mountain": ("snowy mountain", "snowy mountains", "mountain of snow", "mountain", "snow-covered mountain",
     "snow-capped mountain", "snowy slope", "ski slope"),
    "meadow": ("meadow", "green meadow", "grassy field", "field", "green field", "flower meadow", "lawn"),
    "forest": ("forest", "fir forest", "woods", "pine forest", "fir wood", "evergreen forest", "grove"),
    "desert": ("desert", "sandy desert", "dry desert", "arid desert", "wasteland"),
    "city street": ("city street", "street", "street of a city", "road", "city road", "town street", "boulevard"),
    "outer space": ("outer space", "space", "deep space", "the universe", "interstellar space",
     "the void of space"),
    "ocean floor": ("ocean floor", "floor of the ocean", "sea floor", "bottom of the sea", "bottom of the ocean",
     "ocean bed"),
    "lake": ("lake", "calm lake", "quiet lake", "lakeshore", "loch", "reservoir"),
    "kitchen": ("kitchen", "home kitchen", "kitchenette", "farmhouse kitchen", "galley"),
    "theatre stage": ("theatre stage", "stage", "theater stage", "stage of a theatre", "stage of a theater",
     "concert stage"),
    "above the clouds": ("above the clouds", "high above the clouds", "over the clouds", "in the sky",
     "high in the sky", "up in the clouds", "up in the air"),
}  # fmt: skip
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
    "moves left": ("moves left", "moving left", "moves to the left", "moving to the left", "goes left",
     "going left", "goes to the left", "going to the left", "runs left", "running left", "travels left",
     "travelling left", "glides left", "gliding left", "slides to the left", "sliding to the left"),
    "moves right": ("moves right", "moving right", "moves to the right", "moving to the right", "goes right",
     "going right", "goes to the right", "going to the right", "runs right", "running right", "travels right",
     "travelling right", "glides right", "gliding right", "slides to the right", "sliding to the right"),
    "bounces": ("bounces", "bouncing", "bounces up and down", "bouncing up and down", "bobs up and down",
     "bobbing up and down", "bounces again and again", "bouncing again and again"),
    "jumps": ("jumps", "jumping", "jumps high", "jumping high", "jumps up", "jumping up", "jumps into the air",
     "jumping into the air", "springs into the air", "springing into the air", "vaults", "vaulting"),
    "spins": ("spins", "spinning", "spins around", "spinning around", "whirls", "whirling", "whirls around",
     "whirling around", "pirouettes", "pirouetting"),
    "floats up": ("floats up", "floating up", "floats upwards", "floating upwards", "rises up", "rising up",
     "rises", "rising", "rises into the air", "rising into the air", "lifts off", "lifting off", "flies up",
     "flying up", "levitates", "levitating"),
    "falls": ("falls", "falling", "falls down", "falling down", "falls to the ground", "falling to the ground",
     "tumbles down", "tumbling down", "plunges down", "plunging down", "sinks", "sinking"),
    "dances": ("dances", "dancing", "dances around", "dancing around", "dances to music", "dancing to music",
     "sways", "swaying", "grooves", "grooving"),
    "grows": ("grows", "growing", "grows bigger", "growing bigger", "grows larger", "growing larger", "gets bigger",
     "getting bigger", "gets larger", "getting larger", "becomes bigger", "becoming bigger", "swells", "swelling"),
    "shrinks": ("shrinks", "shrinking", "gets smaller", "getting smaller", "becomes smaller", "becoming smaller",
     "becomes tiny", "becoming tiny", "diminishes", "diminishing"),
    "circles": ("circles", "circling", "moves in circles", "moving in circles", "moves in a circle",
     "moving in a circle", "goes in circles", "going in circles", "runs in circles", "running in circles",
     "goes round and round", "going round and round"),
    "stands still": ("stands still", "standing still", "does not move", "standing", "stays still", "staying still",
     "stays in place", "staying in place", "rests", "resting", "waits", "waiting", "poses", "posing"),
}  # fmt: skip
CAMERAS: dict[str, tuple[str, ...]] = {
    "static": ("static", "static camera", "still camera", "the camera stays still", "stationary camera"),
    "pan left": ("pan left", "pans left", "pans to the left", "panning left", "pan to the left",
     "panning to the left", "sweeps left"),
    "pan right": ("pan right", "pans right", "pans to the right", "panning right", "pan to the right",
     "panning to the right", "sweeps right"),
    "zoom in": ("zoom in", "zooms in", "zooming in", "push in", "pushes in"),
    "zoom out": ("zoom out", "zooms out", "zooming out", "backs off", "widens"),
    "follows": ("follows", "tracking shot", "following", "follow shot"),
}  # fmt: skip
LIGHTS: dict[str, tuple[str, ...]] = {
    "day": ("day", "by day", "in daylight", "during the day", "in the daytime", "at midday"),
    "sunset": ("sunset", "at sunset", "in the evening sun", "at sundown", "in the evening", "in the evening light",
     "at twilight"),
    "night": ("night", "at night", "in the moonlight", "by moonlight", "by night", "at nighttime", "in the dark"),
}  # fmt: skip
WEATHERS: dict[str, tuple[str, ...]] = {
    "clear": ("clear", "in clear weather", "in fine weather", "in dry weather"),
    "rain": ("rain", "in the rain", "in rainy weather", "in pouring rain", "while it rains", "in a rain shower"),
    "snow": ("snow", "in the snow", "while it snows", "in snowy weather", "in a snowstorm", "in the snowfall"),
    "fog": ("fog", "in the fog", "in foggy weather", "in thick fog", "in the haze", "in hazy weather"),
}  # fmt: skip
STYLES: dict[str, tuple[str, ...]] = {
    "toy": ("toy", "toy style"),
    "watercolour": ("watercolour", "watercolour painting", "watercolor", "watercolor painting", "watercolour art"),
    "pencil": ("pencil", "pencil drawing", "drawn in pencil", "pencil art"),
    "pixel art": ("pixel art", "pixel style", "pixelated style", "blocky pixels"),
    "black and white": ("black and white", "black-and-white", "greyscale", "grayscale"),
}  # fmt: skip
GREY_STYLES = ("pencil", "black and white")  # no colour can be seen in them
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


WORD = re.compile(r"[a-z]+(?:-[a-z]+)*", re.IGNORECASE | re.ASCII)


def article(words: str) -> str:
    """The words after "a" or "an", as the captions say it."""
    return f"{'an' if words[0] in 'aeiou' and not words.startswith('uni') else 'a'} {words}"


def _tokens(prompt: str) -> list[str]:
    return [word.lower() for word in WORD.findall(prompt)]  # not of the lower case, which may be longer


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


def _matches(prompt: str) -> tuple[dict[str, str], list[bool]]:
    """(axis -> canonical, of each word whether it is left over). Longest phrases first; an axis' first mention wins."""
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
    return {axis: value for axis, (_, value) in found.items()}, free


def read(prompt: str) -> dict[str, str]:
    """Axis -> canonical name for the caption words found in `prompt`, longest match first; also "colour" if named."""
    return _matches(prompt)[0]


def unknown_words(prompt: str) -> list[str]:
    """The words of `prompt` that mini does not know: neither vocabulary nor function words, in order, each once."""
    return list(dict.fromkeys(match[0].lower() for match in unknown_places(prompt)))


def unknown_places(prompt: str) -> list[re.Match[str]]:
    """The same words, each as often as it stands there: "sea" is known in "a sea turtle", "bear" in "teddy bear"."""
    words = zip(WORD.finditer(prompt), _matches(prompt)[1], strict=True)
    return [match for match, free in words if free and match[0].lower() not in FUNCTION_WORDS]
