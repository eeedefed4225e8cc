"""A longer prompt from a short one by a language model on this machine, on the processor: the card is for films.

Movie Gen, section 3.4.1, rewrites prompts so. What comes out is checked by `pipelines.enhance.flaw` before it is seen.
"""

import re
import time
from pathlib import Path
from typing import Any

import torch
import transformers
from jinja2 import TemplateError
from safetensors import SafetensorError

from pipelines import enhance
from pipelines.errors import Unavailable
from pipelines.hub import language
from pipelines.hub.hush import hushed
from pipelines.progress import Progress, silent

LONGEST_S, TOKENS = 45.0, 240
SAYS = "writing a longer prompt"
TASK = (
    "You rewrite a short prompt for a model that makes pictures and films. Answer with the new prompt alone, in one "
    "paragraph of at most {words} words, in the language of the prompt. Keep every name, every number and everything "
    "in quotation marks as it is, and change nothing that the prompt says; add only what it leaves open. {style}"
)
THOUGHT = re.compile(r"<think>.*?(</think>|$)", re.DOTALL)  # of models that reason aloud


class Writer:
    """A causal language model with a chat template, read from a folder. One prompt at a time.

    Raises `Unavailable` with one sentence for a folder that is none, or that is damaged.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        if reason := language.refusal(folder):
            raise Unavailable(reason)
        how: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
        try:
            with hushed():
                self._words = transformers.AutoTokenizer.from_pretrained(folder, **how)
                self._model = transformers.AutoModelForCausalLM.from_pretrained(
                    folder, dtype=torch.float32, use_safetensors=True, **how
                ).eval()
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            raise Unavailable(f"{folder} cannot be read as a language model; fetch it again") from error

    def __call__(self, prompt: str, style: str, progress: Progress = silent, *, wait_s: float = LONGEST_S) -> str:
        """The longer prompt. `progress` may raise `Cancelled` before each token.

        Raises `Unavailable` if it takes longer than `wait_s`, or if what was written is not fit to use.
        """
        told = TASK.format(words=enhance.LONGEST, style=style)
        asked = self._asked([{"role": "system", "content": told}, {"role": "user", "content": prompt}])
        watch = _Watch(asked["input_ids"].shape[1], progress, time.monotonic() + wait_s)
        with torch.no_grad(), hushed():
            made = self._model.generate(
                **asked,
                max_new_tokens=TOKENS,
                do_sample=False,
                repetition_penalty=1.05,
                stopping_criteria=transformers.StoppingCriteriaList([watch]),
            )
        if watch.late:
            raise Unavailable(f"{language.title(self.folder)} has not finished in {wait_s:g} s")
        new = made[0, asked["input_ids"].shape[1] :]
        text = plain(self._words.decode(new, skip_special_tokens=True))
        if flaw := enhance.flaw(prompt, text):
            raise Unavailable(f"{language.title(self.folder)} {flaw}")
        return text

    def _asked(self, turns: list[dict[str, str]]) -> Any:
        """The conversation as tokens (1, N). A template without a place for instructions gets them with the prompt."""
        how: dict[str, Any] = {"add_generation_prompt": True, "return_tensors": "pt", "return_dict": True}
        how["enable_thinking"] = False  # Qwen3; other templates do not look at it
        one = [{"role": "user", "content": "\n\n".join(turn["content"] for turn in turns)}]
        try:
            try:
                return self._words.apply_chat_template(turns, **how)
            except TemplateError:
                return self._words.apply_chat_template(one, **how)
        except (TemplateError, ValueError) as error:
            raise Unavailable(f"the chat template of {self.folder} cannot be used") from error


class _Watch(transformers.StoppingCriteria):
    """Says before each token how far it is, and stops when it is too late."""

    def __init__(self, given: int, progress: Progress, until: float):
        self._given, self._progress, self._until = given, progress, until
        self.late = False

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        self._progress(min(1.0, (input_ids.shape[1] - self._given) / TOKENS), SAYS)
        self.late = self.late or time.monotonic() > self._until
        return torch.full((input_ids.shape[0],), self.late, dtype=torch.bool, device=input_ids.device)


def plain(text: str) -> str:
    """What was said, in one line: without thoughts, and without quotation marks around all of it."""
    text = " ".join(THOUGHT.sub(" ", text).split())
    whole = len(text) > 1 and text[0] == text[-1] == '"' and '"' not in text[1:-1]
    return text[1:-1] if whole else text
