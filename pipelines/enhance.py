"""A longer prompt from a short one, by rules: what a model likes to be told and the person has not said.

Movie Gen, section 3.4.1, rewrites prompts with a language model in the manner of the captions of training. Rules can
only add what is missing; they change no word, so the person sees at once what was added.
"""

import re

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
