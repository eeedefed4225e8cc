"""A longer prompt from a short one, by rules: what a model likes to be told and the person has not said.

Movie Gen, section 3.4.1, rewrites prompts with a language model in the manner of the captions of training. Rules can
only add what is missing; they change no word, so the person sees at once what was added. Where there is a language
model (`pipelines.hub.writer`), `flaw` says whether what it wrote may take their place.
"""

import re

from pipelines.requests import LONGEST_PROMPT
from pipelines.spec import ModelSpec

LIGHT = "light lit sun sunny sunset sunrise night dusk dawn neon candle dark bright golden moonlight shadow".split()
CAMERA = "camera shot close-up closeup zoom pan tracking aerial handheld tripod drone lens wide angle view".split()
STYLE = "style film cartoon painting anime realistic photo watercolour watercolor 3d render documentary".split()
SOUND = "sound audio music noise voice silence says speaks sings hear loud quiet".split()
MISSING = (  # in the order in which a caption says them
    (STYLE, "Realistic, cinematic film."),
    (LIGHT, "Soft natural light with gentle shadows."),
    (CAMERA, "Medium shot, the camera moves slowly and steadily."),
)
ENOUGH = 60  # words: a prompt that long has been thought about
LONGEST = 150  # words of what a language model may write
QUOTED = re.compile(r'"([^"]+)"|\u201c([^\u201d]+)\u201d|\u00ab([^\u00bb]+)\u00bb|(?<!\w)\'([^\']+)\'(?!\w)')
WHOLE = r"(?<!\w)(?<!\d[.,]){}(?!\w)(?![.,]\d)"  # the words themselves, not a part of others: 3 in neither 30 nor 3.5


def enhance(prompt: str, row: ModelSpec) -> str:
    """The prompt and, after it, a sentence for each thing that is missing. What is whole comes back unchanged."""
    words = set(re.findall(r"[\w-]+", prompt.lower()))
    text = " ".join(prompt.split())
    if not text or not row.prompt_style or len(text.split()) >= ENOUGH:
        return prompt
    added = [sentence for known, sentence in MISSING if not words & set(known)] if row.sizes else []
    if row.family == "ltx2" and not words & set(SOUND):
        added.append("Natural sound of the place.")
    ended = text if text[-1] in ".!?" else text + "."
    return " ".join([ended, *added]) if added else prompt


def flaw(prompt: str, text: str) -> str | None:
    """None if `text` may stand for the prompt, or what is wrong with it, as the end of a sentence about its writer."""
    count = len(text.split())
    if not text.strip() or text.split() == prompt.split():
        return "added nothing"
    if count > LONGEST or len(text) > LONGEST_PROMPT:
        return f"wrote {count} words and {len(text)} characters; {LONGEST} and {LONGEST_PROMPT} are the most"
    whole = {words: WHOLE.format(re.escape(" ".join(words.split()))) for words in kept(prompt)}
    lost = [words for words, pattern in whole.items() if not re.search(pattern, text, re.IGNORECASE)]
    return f"left out {lost[0][:60]!r}" if lost else None


def kept(prompt: str) -> list[str]:
    """What must not get lost: everything in quotation marks, names (capitals inside a sentence) and numbers."""
    quoted = [" ".join(filter(None, found)) for found in QUOTED.findall(prompt)]
    words = re.findall(r"[.!?:]|(?:\d+[.,](?=\d))*[\w'-]+", QUOTED.sub(" ", prompt))
    pairs = zip([".", *words], words, strict=False)
    inside = [word for before, word in pairs if word[0].isdigit() or (word[0].isupper() and before not in ".!?:")]
    return [*quoted, *(word for word in inside if word != "I")]
