"""`python -m studio <command>`: the parser, and the one place where an error becomes a sentence and an exit code.

0 done, 2 the request is wrong, 3 something needed is missing, 130 stopped, 1 a bug.
"""

import argparse
import dataclasses
import errno
import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.command import BUG, DONE, MISSING, STOPPED, WRONG, Parser, note, number
from pipelines.errors import BadRequest, Cancelled, Unavailable
from pipelines.requests import EditVideo, ImageToVideo, Personalize, Request, TextToSound, TextToVideo, Upscale
from studio import arena_command, commands, gallery_command, people_command, queue_command, shop
from studio import settings as environment
from studio.settings import Settings
from studio.terminal import tell

# The commands that turn a request into a file: name, kind of request, help.
MAKES: dict[str, tuple[type[Request], str]] = {
    "generate": (TextToVideo, "A sentence to a clip, in this process."),
    "animate": (ImageToVideo, "A picture to a clip that begins with it."),
    "personalize": (Personalize, "A clip with the face or the thing of a picture in it."),
    "edit": (EditVideo, "A clip changed as a sentence says."),
    "upscale": (Upscale, "A clip with longer sides."),
}
PLAINLY = ("model", "seed", "negative", "lora", "lyrics", "consent")  # options whose default says nothing
ADVISED = ("steps", "guidance", "fps", "aspect", "seconds")  # what a model's row may say otherwise
# How many words an action takes, where that is fewer than its command does: one too many is refused, not ignored.
WORDS = {
    "jobs": {"list": 0, "pause": 0, "resume": 0},
    "gallery": {"star": 1, "undo": 1, "purge": 0, "settings": 1},
    "arena": {"suites": 0, "list": 0},
    "people": {"list": 0},
}
REFUSALS = dict.fromkeys((errno.ENAMETOOLONG, errno.EACCES, errno.EPERM, errno.ELOOP, errno.EIO), WRONG)
REFUSALS |= dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EROFS), MISSING)
HELP = {
    "model": "which model; `python -m studio models` lists them",
    "seed": "the same seed gives the same clip (default: a new one, printed)",
    "negative": "what should not be seen",
    "seconds": "length of the clip",
    "aspect": "shape of the picture",
    "fps": "frames per second",
    "steps": "denoising steps: more is slower and finer",
    "guidance": "how closely to follow the prompt; 1 is off",
    "still": "one picture instead of a clip",
    "image": "the first frame",
    "last": "the last frame",
    "face": "a picture of the face or the thing",
    "consent": "by what right the picture is used",
    "video": "the clip",
    "mask": "a picture or a clip that is white where the clip is to be made anew",
    "strength": "how far the model may leave the clip, 0 to 1",
    "lyrics": "what is sung, by models that sing",
    "factor": "how many times as long the sides become",
    "faster": "reuse what hardly changes between steps: faster, a little less exact",
    "lora": "changes to the model's weights, NAME or NAME=STRENGTH, ...",
    "resolution": "short side of the picture in pixels; 0 is the model's own choice",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        options = _parsed(argv)
        result = options.run(options, Settings.from_env(os.environ))
        if options.json:
            tell(json.dumps(result))
        elif text := options.show(result):
            tell(text)
        return options.ends
    except SystemExit as exit_:  # argparse, after --help or its own sentence
        return int(exit_.code or 0)
    except BadRequest as error:
        return _said(error, WRONG)
    except Unavailable as error:
        return _said(error, MISSING)
    except (KeyboardInterrupt, Cancelled):
        return _said("stopped", STOPPED)
    except Exception as error:
        if code := _refused(error):
            return code
        logging.getLogger("studio").exception("this is a bug in the studio")
        return BUG


def _refused(error: Exception) -> int | None:
    """The exit code, after a sentence, where the system does not take a name or give a file; None for a bug.

    Here and not where each path is used: any of them may be too long, or of somebody else.
    """
    if isinstance(error, OSError) and error.errno in REFUSALS:
        return _said(f"{str(error.filename or 'a file')[:200]} cannot be used: {error.strerror}", REFUSALS[error.errno])
    if isinstance(error, UnicodeEncodeError) and error.encoding == "utf-8":
        return _said(f"{error.object[:40]!a} has characters that are not text (UTF-8)", WRONG)
    return None


def _parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """Only `train` takes options that are not known here: they belong to the recipe. No words go unheard."""
    top = parser()
    options, rest = top.parse_known_args(argv)
    if rest and options.command != "train":
        top.error(f"there is no such option: {' '.join(rest)[:80]}")
    if spare := _spare(options):
        top.error(f"{options.command} {options.action} has no use for {' '.join(spare)[:80]!r}")
    options.rest = rest
    return options


def _spare(options: argparse.Namespace) -> list[str]:
    """The words after an action that it would not look at."""
    what = getattr(options, "what", None) or []
    words = what if isinstance(what, list) else [what]
    return words[WORDS.get(options.command, {}).get(getattr(options, "action", ""), len(words)) :]


def parser() -> argparse.ArgumentParser:
    """All commands that are built."""
    top = Parser(prog="python -m studio", description="Rushes: a sentence in, a film out.")
    top.mixed = False
    group = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (kind, says) in MAKES.items():
        _asks(_command(group, name, commands.make, _show_clip, says=says), kind)
    _sound(_command(group, "sound", commands.sound, _show_clip))
    _serve(_command(group, "serve", commands.serve, lambda result: ""))
    queue_command.options(_command(group, "jobs", queue_command.jobs, queue_command.show))
    gallery_command.options(_command(group, "gallery", gallery_command.gallery, gallery_command.show))
    gallery_command.reindex_options(_command(group, "reindex", gallery_command.reindex, gallery_command.show))
    arena_command.options(_command(group, "arena", arena_command.arena, arena_command.show))
    people_command.options(_command(group, "people", people_command.people, people_command.show))
    _models(_command(group, "models", shop.models, shop.show))
    files = _command(group, "verify", commands.verify, _show_verified)
    files.add_argument("files", nargs="+", type=Path, metavar="FILE")
    _evaluate(_command(group, "evaluate", commands.evaluate, _show_figures))
    _train(_command(group, "train", commands.train, lambda result: ""))
    return top


def _command(
    group: Any, name: str, run: Callable[..., dict[str, Any]], show: Callable[[dict[str, Any]], str], *, says: str = ""
) -> argparse.ArgumentParser:
    """A command that `run` does; `says` is its help, or the first line of its docstring."""
    sentence = says or str(run.__doc__).splitlines()[0]
    command = group.add_parser(name, help=sentence, description=sentence, allow_abbrev=False)
    command.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    command.set_defaults(run=run, show=show, ends=DONE)
    return command


def _sound(command: argparse.ArgumentParser) -> None:
    _asks(command, TextToSound)
    command.add_argument("--video", type=Path, metavar="FILE", help="a clip that gets the sound, as long as it is")


def _asks(command: argparse.ArgumentParser, kind: type[Request]) -> None:
    """One option for each field of the request; ranges and choices are the request's own to check."""
    command.set_defaults(request=kind)
    length = command.add_mutually_exclusive_group() if kind is TextToVideo else command
    for spec in dataclasses.fields(kind):
        place = length if spec.name in ("seconds", "still") else command
        if spec.name == "prompt":
            wordless = not spec.metadata.get("required") or kind is TextToSound  # a film can do without words
            needed = {"nargs": "?"} if wordless else {}
            command.add_argument("prompt", metavar="INSTRUCTION" if kind is EditVideo else "PROMPT", **needed)
        elif spec.type is bool:
            place.add_argument(f"--{spec.name}", action="store_true", default=None, help=HELP[spec.name])
        elif "media" in spec.metadata:
            needed = {"required": bool(spec.metadata.get("required"))}
            place.add_argument(f"--{spec.name}", type=Path, metavar="FILE", help=HELP[spec.name], **needed)
        else:
            words = {"metavar": _letter(spec), "help": _help(spec.name, spec.default)}
            words["type"] = str if spec.type is str else number(spec.type)
            place.add_argument(f"--{spec.name}", **words)
    command.add_argument("--out", type=Path, metavar="FILE", help="where to save it (default: a name from the prompt)")


def _letter(spec: dataclasses.Field) -> str:
    if "choices" in spec.metadata:
        return "|".join(spec.metadata["choices"])
    return {int: "N", float: "X", str: "TEXT"}[spec.type]


def _help(name: str, default: Any) -> str:
    own = " or the model's own" if name in ADVISED else ""
    return HELP[name] if name in PLAINLY else f"{HELP[name]} (default {default}{own})"


def _serve(command: argparse.ArgumentParser) -> None:
    command.add_argument("--host", metavar="H", help="address to listen on (default 127.0.0.1: only this machine)")
    command.add_argument("--port", type=_port, metavar="P", help="port (default 7860)")
    command.add_argument("--data", type=_data, metavar="DIR", help="folder for clips (default: the user's data folder)")


def _port(text: str) -> int:
    with _told():
        return environment.port("port", text)


def _data(text: str) -> Path:
    with _told():
        return environment.folder("data", text)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BadRequest as error:
        raise argparse.ArgumentTypeError(error.message) from error


def _evaluate(command: argparse.ArgumentParser) -> None:
    """What is not given stays None: every suite has its own defaults."""
    command.add_argument("suite", metavar="SUITE", help="theatre, autoencoder, schedule, or prompts with a FILE")
    command.add_argument("file", nargs="?", type=Path, metavar="FILE", help="lines thing|place|action|prompt")
    command.add_argument("--clips", type=number(int), metavar="N", help="how many of each kind")
    command.add_argument(
        "--seconds", type=number(float), metavar="X", help="length of every clip; for schedule 0: stills"
    )
    command.add_argument("--seed", type=number(int), metavar="N", help="the first seed (default 0)")
    command.add_argument("--steps", type=number(int), metavar="N", help=HELP["steps"])
    command.add_argument("--guidance", type=number(float), metavar="X", help=HELP["guidance"])
    command.add_argument("--model", metavar="TEXT", help=HELP["model"])
    command.add_argument("--parts", type=_names, metavar="A,B", help="of the theatre suite: only these parts")
    command.add_argument("--out", type=Path, metavar="DIR", help="folder for the figures and the contact sheets")


def _names(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(",")))


def _train(command: argparse.ArgumentParser) -> None:
    says = f"{', '.join(commands.stages())}; python -m pipelines.training.STAGE --help lists its own options"
    command.add_argument("stage", metavar="STAGE", help=says)
    command.add_argument("--preset", default="mini", metavar="P", help="size of the network (default mini)")


def _models(command: argparse.ArgumentParser) -> None:
    """`models` alone lists them; a word after it does something with one."""
    command.mixed = False
    acts = command.add_subparsers(dest="act", metavar="ACT")
    for name, run in shop.ACTS.items():
        act = _command(acts, name, run, shop.show_act)
        act.set_defaults(json=argparse.SUPPRESS)  # or it would take back a --json that stands before it
        for words, options in shop.OPTIONS[name].items():
            act.add_argument(words, **options)


def _show_clip(result: dict[str, Any]) -> str:
    length = f"{result['seconds']:g} s, " if result["seconds"] else ""
    return (
        f"{os.path.relpath(result['clip'])}  ({length}{result['width']} x {result['height']}, "
        f"seed {result['seed']}, made in {result['elapsed_s']:.1f} s)"
    )


def _show_verified(result: dict[str, Any]) -> str:
    return "\n".join(
        "\n  ".join(
            (row["file"], *row["says"], *([json.dumps(row["settings"], ensure_ascii=False)] if row["settings"] else []))
        )
        for row in result.get("files", [result])
    )


def _show_figures(result: dict[str, Any]) -> str:
    return json.dumps(result, indent=2, ensure_ascii=False)


def _said(sentence: object, code: int) -> int:
    note(str(sentence))
    return code
