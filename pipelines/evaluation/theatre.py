"""The suites that ask a model for clips and let the judge say what they show: `theatre` and `prompts`."""

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from pipelines.catalog import load
from pipelines.clip import Clip
from pipelines.errors import BadRequest
from pipelines.evaluation import questions, report
from pipelines.evaluation.autoencoder import autoencoded
from pipelines.evaluation.judge import Judge, load_judge
from pipelines.evaluation.metrics import share
from pipelines.evaluation.options import Options
from pipelines.evaluation.questions import Question
from pipelines.evaluation.trial import Verdict, direction, ends, figures, judged
from pipelines.moviegen.checkpoint import load_tae
from pipelines.progress import Progress, part
from pipelines.requests import TextToVideo
from pipelines.training.world import render
from pipelines.vocabulary import ASPECT_SIZES, GREY_STYLES

Draw = Callable[[Question, Progress], np.ndarray]  # -> frames (T, H, W, 3) uint8 at 16 fps
Generator = Callable[[TextToVideo, Progress], Clip]

SHARES = {"paraphrase": 0.5, "left_right": 0.5, "long": 0.1}  # of `clips`, where the targets name fewer


class Bench:
    """One run of a suite: judges clip after clip and keeps JSON and contact sheet in `out` up to date."""

    def __init__(self, name: str, options: Options, judge: Judge):
        if options.seconds == 0:
            raise BadRequest("seconds", "must be 1 at least: no action is seen in a still")
        self.name, self.options, self.judge = name, options, judge
        self.begun = time.monotonic()
        self.rows: list[report.Row] = []
        self.result: dict[str, Any] = {"seeds": {}, "verdicts": {}}
        if options.out:
            report.open_folder(options.out, f"{name}.json", f"{name}.png")

    def ask(self, kind: str, asked: list[Question], draw: Draw, *, progress: Progress, sheet: bool = True) -> None:
        """Draws and judges every question; the figures of `kind` stand in the result after each."""
        verdicts: list[Verdict] = []
        extra: list[bool] = []
        self.result["seeds"][kind] = [question.seed for question in asked]
        for i, question in enumerate(asked):
            share_of_bar = part(progress, i / len(asked), (i + 1) / len(asked))
            share_of_bar(0.0, f"{kind}: clip {i + 1} of {len(asked)}")
            frames = draw(question, share_of_bar)
            verdicts.append(self.verdict(kind, frames, question))
            if kind == "left_right":
                extra.append(direction(self.judge, frames, question.wanted))
            if sheet:
                self.rows.append(report.row(frames, verdicts[-1]))
            self.result[kind] = figures(verdicts)
            if extra:
                self.result[kind]["direction"] = share(sum(extra), len(extra))
            self.result["verdicts"][kind] = [asdict(verdict) for verdict in verdicts]
            self.write()

    def verdict(self, kind: str, frames: np.ndarray, question: Question) -> Verdict:
        """A long clip is right in an attribute only where both of its ends are: else the wrong end is what was seen."""
        about = {"prompt": question.prompt, "seed": question.seed, "wanted": question.wanted}
        if kind != "long":
            return judged(self.judge, frames, **about)
        first, last = (judged(self.judge, window, **about) for window in ends(frames))
        seen = {name: first.seen[name] if not first.right(name) else last.seen[name] for name in question.wanted}
        return replace(first, seen=seen)

    def write(self) -> None:
        """JSON after every clip, so that a run that is stopped leaves what it has measured."""
        self.result |= {"machine": report.machine(), "elapsed_s": round(time.monotonic() - self.begun, 1)}
        self.result |= {"steps": self.options.steps, "guidance": self.options.guidance, "model": self.options.model}
        if self.options.out:
            report.write_json(self.result, self.options.out / f"{self.name}.json")

    def finish(self) -> dict[str, Any]:
        """Writes the contact sheet; returns the result without the single verdicts, which are in the JSON file."""
        self.write()
        if self.options.out:
            report.write_sheet(self.rows, self.options.out / f"{self.name}.png")
        return {key: value for key, value in self.result.items() if key != "verdicts"}


def theatre(options: Options) -> dict[str, Any]:
    """{part: {attribute: {"accuracy", "low", "high", "n"}}}: the judge on truth, autoencoded truth, generations."""
    bench, count = Bench("theatre", options, load_judge()), options.clips or 200
    held_out = questions.held_out(count, seed=options.seed, seconds=options.seconds)
    draws: dict[str, Callable[[], Draw]] = {"truth": lambda: truth, "autoencoded": autoencoded_truth}
    asked = {"truth": held_out, "autoencoded": held_out}
    asked |= {kind: list_ for kind, list_ in _generated_questions(options, count).items()}
    model: Draw | None = None
    for i, kind in enumerate(options.parts):
        progress = part(options.progress, i / len(options.parts), (i + 1) / len(options.parts))
        if kind not in draws and model is None:
            model = generating(options)
        draw = draws[kind]() if kind in draws else model
        questions_of_part = [_judging_scene(question) if kind in draws else question for question in asked[kind]]
        bench.ask(kind, questions_of_part, draw, progress=progress, sheet=kind not in draws)
    return bench.finish()


def _generated_questions(options: Options, count: int) -> dict[str, list[Question]]:
    def some(kind: str) -> int:
        return max(2, round(count * SHARES[kind]))

    seed, seconds = options.seed, options.seconds
    return {
        "generated": questions.held_out(count, seed=seed, seconds=seconds),
        "paraphrase": questions.paraphrased(some("paraphrase"), seed=seed, seconds=seconds),
        "left_right": questions.left_right(some("left_right"), seed=seed, seconds=seconds),
        "long": questions.long(some("long"), seed=seed),
    }


def _judging_scene(question: Question) -> Question:
    """On truth every attribute is judged, also those that the caption leaves out; grey pictures have no colour."""
    scene = question.scene
    wanted = {name: value for name, value in asdict(scene).items() if name != "seed"}
    wanted["colour"] = scene.colour or "none"
    if scene.style in GREY_STYLES:
        del wanted["colour"]
    return replace(question, wanted=wanted)


def truth(question: Question, progress: Progress) -> np.ndarray:
    """The question's scene as the world draws it; the shape goes through all aspects."""
    width, height = list(ASPECT_SIZES.values())[question.seed % len(ASPECT_SIZES)]
    return render(question.scene, frames=round(question.seconds * 16), fps=16, width=width, height=height)


def autoencoded_truth() -> Draw:
    """The same through the autoencoder."""
    tae = load_tae("mini")
    return lambda question, progress: autoencoded(tae, truth(question, progress))


def generating(options: Options) -> Draw:
    """What the model makes of the prompt."""
    model: Generator = load(options.model)
    knobs = {"model": options.model, "steps": options.steps, "guidance": options.guidance}
    return lambda question, progress: model(question.request(**knobs), progress).frames


def prompts(options: Options) -> dict[str, Any]:
    """{"generated": {attribute: {...}}, "sheet": path} for the prompts of FILE; figures and sheet have its name."""
    if options.file is None:
        raise BadRequest("prompts", "which FILE? It has lines thing|place|action|prompt")
    asked = questions.read_prompts(options.file, seed=options.seed, seconds=options.seconds)
    out = options.out or options.file.parent
    bench = Bench(options.file.stem, replace(options, out=out), load_judge())
    bench.ask("generated", asked[: options.clips], generating(options), progress=options.progress)
    return bench.finish() | {"sheet": str(out / f"{options.file.stem}.png")}
