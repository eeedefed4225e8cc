"""The real client of the Hub against a Hub on loopback: resume, checksums, licences, a full disk, no network."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import catalog
from pipelines.errors import Cancelled, Unavailable
from pipelines.hub import download, presence
from pipelines.progress import silent
from pipelines.spec import ModelSpec
from tests.conftest import HubServer

WEIGHTS = "vae/diffusion_pytorch_model.safetensors"
WANTED = {"model_index.json", "vae/config.json", WEIGHTS}
LATER = "f" * 40
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def row(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    """A row whose repository is the fake one; each test has a cache of its own."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    return replace(catalog.spec("wan-2.1-1.3b"), name="small", repo=hub.repo)


def test_only_what_the_index_names_is_fetched_and_then_the_model_is_there(row: ModelSpec, hub: HubServer):
    assert not presence.downloaded(row)
    heard: list[tuple[float, str]] = []
    folder = download.download(row, progress=lambda *said: heard.append(said), endpoint=hub.url)
    assert presence.downloaded(row) and presence.folder(row) == folder
    assert {name for name, sent in hub.sent.items() if sent} == WANTED
    assert (folder / WEIGHTS).read_bytes() == hub.files[WEIGHTS]
    assert heard[-1] == (1.0, "0.2 of 0.2 MB, checking")
    assert "Bearer hf_secret" in hub.tokens


def test_a_second_download_fetches_no_file_again(row: ModelSpec, hub: HubServer):
    download.download(row, progress=silent, endpoint=hub.url)
    download.download(row, progress=silent, endpoint=hub.url)
    assert hub.starts[WEIGHTS] == [0]


def test_a_line_that_breaks_goes_on_where_it_broke(row: ModelSpec, hub: HubServer):
    hub.cut[WEIGHTS] = 50_000
    download.download(row, progress=silent, endpoint=hub.url)
    assert presence.downloaded(row)
    assert hub.starts[WEIGHTS] == [0, 50_000]


def test_after_a_kill_no_byte_comes_twice(row: ModelSpec, hub: HubServer):
    hub.slow = 0.02
    code = (
        "from dataclasses import replace; from pipelines import catalog; from pipelines.hub import download\n"
        f"row = replace(catalog.spec('wan-2.1-1.3b'), name='small', repo={hub.repo!r})\n"
        f"download.download(row, progress=lambda *said: None, endpoint={hub.url!r})"
    )
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=os.environ)
    part = presence.repository(row.repo) / "blobs" / (hashlib.sha256(hub.files[WEIGHTS]).hexdigest() + download.PART)
    patience = time.monotonic() + 30
    while not part.exists() or part.stat().st_size < 40_000:
        assert child.poll() is None and time.monotonic() < patience
        time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.wait()
    hub.slow, kept = 0.0, part.stat().st_size
    download.download(row, progress=silent, endpoint=hub.url)
    assert hub.starts[WEIGHTS] == [0, kept]
    assert presence.downloaded(row)


def test_stopping_keeps_what_has_come(row: ModelSpec, hub: HubServer, tmp_path: Path):
    hub.slow = 0.02

    def stop(fraction: float, message: str) -> None:
        if fraction > 0.2:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        download.download(row, progress=stop, endpoint=hub.url)
    assert sum(part.stat().st_size for part in tmp_path.glob("*/blobs/*.part")) >= 40_000
    assert not presence.downloaded(row)


@pytest.mark.parametrize("silent_from_the_start", [False, True])
def test_a_line_that_says_nothing_is_left_at_once_and_goes_on_later(
    silent_from_the_start: bool, row: ModelSpec, hub: HubServer, tmp_path: Path
):
    hub.slow = 60  # between two pieces
    hub.silent = {WEIGHTS} if silent_from_the_start else set()

    def stop(fraction: float, message: str) -> None:
        if fraction > 0:
            raise Cancelled("stopped")

    begun = time.monotonic()
    with pytest.raises(Cancelled):
        download.download(row, progress=stop, endpoint=hub.url)
    assert time.monotonic() - begun < 5
    hub.slow, hub.silent, had = 0.0, set(), sum(part.stat().st_size for part in tmp_path.glob("*/blobs/*.part"))
    download.download(row, progress=silent, endpoint=hub.url)
    assert presence.downloaded(row) and hub.starts[WEIGHTS][-1] == had and (had > 0) != silent_from_the_start


def test_a_file_with_a_wrong_checksum_is_removed(row: ModelSpec, hub: HubServer, tmp_path: Path):
    hub.lies.add(WEIGHTS)
    with pytest.raises(Unavailable, match="arrived damaged and was removed; try again"):
        download.download(row, progress=silent, endpoint=hub.url)
    assert not list(tmp_path.glob(f"*/blobs/{hashlib.sha256(hub.files[WEIGHTS]).hexdigest()}*"))
    assert not presence.downloaded(row)


@pytest.mark.parametrize(
    ("gate", "sentence"), [(403, "accept its licence first: do that at .*someone/small"), (401, "hf auth login")]
)
def test_a_closed_model_says_what_to_do_and_never_the_token(row: ModelSpec, hub: HubServer, gate: int, sentence: str):
    hub.gate = gate
    with pytest.raises(Unavailable, match=sentence) as caught:
        download.download(row, progress=silent, endpoint=hub.url)
    assert "hf_secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_hub_that_is_down_is_named(row: ModelSpec, hub: HubServer):
    hub.down = True
    with pytest.raises(Unavailable, match="answered 503 for small; try again later"):
        download.download(row, progress=silent, endpoint=hub.url)


def test_without_a_network_it_says_so(row: ModelSpec):
    with pytest.raises(Unavailable, match="cannot be reached"):
        download.download(row, progress=silent, endpoint="http://127.0.0.1:9")


def test_offline_is_honoured(row: ModelSpec, hub: HubServer, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(Unavailable, match="set to offline"):
        download.download(row, progress=silent, endpoint=hub.url)
    assert not any(hub.sent.values())


def test_a_disk_without_room_is_refused_before_anything_is_fetched(row: ModelSpec, hub: HubServer):
    hub.sizes[WEIGHTS] = 10**15
    with pytest.raises(Unavailable, match=r"needs 1000000.0 GB more, and .* GB free"):
        download.download(row, progress=silent, endpoint=hub.url)
    assert not hub.sent[WEIGHTS]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_disk_that_fills_up_meanwhile_is_named(row: ModelSpec, hub: HubServer, tmp_path: Path):
    blobs = presence.repository(row.repo) / "blobs"
    blobs.mkdir(parents=True)
    for entry in hub.about()["siblings"]:
        if "lfs" in entry:
            (blobs / (entry["lfs"]["sha256"] + download.PART)).symlink_to("/dev/full")
    with pytest.raises(Unavailable, match="GB more, and .* free; remove a model"):
        download.download(row, progress=silent, endpoint=hub.url)


def test_what_is_left_of_a_download_that_never_began_is_removed(row: ModelSpec):
    (presence.repository(row.repo) / "refs").mkdir(parents=True)
    assert download.delete(row) == 0 and not presence.repository(row.repo).exists()


def test_a_model_is_removed_with_everything_that_it_took(row: ModelSpec, hub: HubServer):
    download.download(row, progress=silent, endpoint=hub.url)
    assert download.delete(row) == sum(len(hub.files[name]) for name in WANTED)
    assert not presence.repository(row.repo).exists()
    with pytest.raises(Unavailable, match="nothing to remove"):
        download.delete(row)


def test_what_another_row_reads_stays_when_a_model_is_removed(row: ModelSpec, hub: HubServer, tmp_path: Path):
    index = json.loads(hub.files["model_index.json"]) | {"transformer": ["diffusers", "WanTransformer3DModel"]}
    weights = "transformer/diffusion_pytorch_model.safetensors"
    hub.files |= {"model_index.json": json.dumps(index).encode(), "transformer/config.json": b"{ }"}
    hub.files[weights] = b"w" * 9_000
    hub.sent, hub.starts = dict.fromkeys(hub.files, 0), {name: [] for name in hub.files}
    download.download(row, progress=silent, endpoint=hub.url)
    (tmp_path / "own.gguf").write_bytes(b"GGUF")
    own = replace(row, name="own", gguf=(str(tmp_path / "own.gguf"),))
    with pytest.raises(Unavailable, match="other reads the same files; take it out of the list first"):
        download.delete(row, readers=[replace(row, name="other"), own])
    assert presence.downloaded(row) and presence.downloaded(own)
    assert download.delete(row, readers=[own]) == 9_000
    assert presence.downloaded(own) and not presence.downloaded(row)
    with pytest.raises(Unavailable, match="own reads the same files"):
        download.delete(row, readers=[own])
    download.download(row, progress=silent, endpoint=hub.url)
    assert presence.downloaded(row) and hub.starts[WEIGHTS] == [0]


def test_the_commit_that_was_fetched_is_recorded_and_loaded_whatever_others_do(row: ModelSpec, hub: HubServer):
    folder = download.download(row, progress=silent, endpoint=hub.url)
    assert presence.commit(row) == hub.COMMIT and folder.name == hub.COMMIT
    place = presence.repository(row.repo)
    assert (place / "refs" / "main").read_text() == hub.COMMIT  # where other programs look
    (place / "refs" / "main").write_text(LATER)
    (place / "snapshots" / LATER).mkdir()
    assert presence.folder(row) == folder and presence.downloaded(row)
    other = replace(row, name="other")  # a row that fetched nothing takes what the cache has
    assert presence.commit(other) == LATER and not presence.downloaded(other)


def test_fetching_anew_takes_the_newest_commit_and_the_old_one_stays_for_others(row: ModelSpec, hub: HubServer):
    old = replace(row, name="old")
    download.download(old, progress=silent, endpoint=hub.url)
    first, hub.COMMIT = hub.COMMIT, LATER
    hub.files["vae/config.json"] = b'{"new": 1}'
    folder = download.download(row, progress=silent, endpoint=hub.url)
    assert (presence.commit(old), presence.commit(row)) == (first, LATER)
    assert (folder / "vae/config.json").read_bytes() == b'{"new": 1}'
    assert (presence.folder(old) / "vae/config.json").read_bytes() == b"{}"
    assert hub.starts[WEIGHTS] == [0]  # what is the same in both is kept once


def test_a_pinned_commit_is_asked_for_and_no_other_is_loaded(row: ModelSpec, hub: HubServer):
    download.download(row, progress=silent, endpoint=hub.url)
    assert not presence.downloaded(replace(row, revision=LATER))
    hub.COMMIT = LATER
    pinned = replace(row, revision=LATER)
    download.download(pinned, progress=silent, endpoint=hub.url)
    assert f"/api/models/{row.repo}/revision/{LATER}" in {path.split("?")[0] for path in hub.paths}
    assert presence.folder(pinned).name == LATER
    assert (presence.repository(row.repo) / "refs" / "main").read_text() != LATER


def test_a_branch_is_fetched_as_the_commit_that_it_is_now(row: ModelSpec, hub: HubServer):
    branch = replace(row, revision="refined")
    assert presence.commit(branch) is None
    download.download(branch, progress=silent, endpoint=hub.url)
    assert presence.commit(branch) == hub.COMMIT and presence.downloaded(branch)
    assert any("/revision/refined" in path for path in hub.paths)
