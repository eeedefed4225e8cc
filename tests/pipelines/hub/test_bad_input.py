"""Wrong names, closed models and tokens: a sentence that helps, and a token that stays where it is."""

import dataclasses
import logging
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import catalog
from pipelines.errors import BadRequest, Unavailable
from pipelines.hub import download, preflight
from pipelines.progress import silent
from pipelines.requests import TASKS
from pipelines.spec import ModelSpec
from tests.conftest import HubServer

SECRET = "hf_secret"


@pytest.fixture
def row(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelSpec:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", SECRET)
    return replace(catalog.spec("wan-2.1-1.3b"), name="small", repo=hub.repo)


@pytest.fixture
def everything_logged(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    """All loggers of the Hub's client and its network at their most talkative."""
    loggers = [logging.getLogger(name) for name in ("", "huggingface_hub", "httpx", "httpx2", "httpcore", "pipelines")]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    caplog.set_level(logging.DEBUG)
    yield caplog
    for logger, level in zip(loggers, before, strict=True):
        logger.setLevel(level)


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("wan-2.2-5", "wan-2.2-5b"),
        ("WAN-2.2-5B", "wan-2.2-5b"),
        ("ltx2.5", "ltx-2.5"),
        ("lucy-edit", "lucy-edit-5b"),
        ("Wan-AI/Wan2.2-TI2V-5B-Diffusers", "wan-2.2-5b"),
    ],
)
def test_an_unknown_model_gets_the_one_that_was_meant(wrong: str, meant: str):
    with pytest.raises(BadRequest, match=f"did you mean {meant}\\?"):
        catalog.spec(wrong)


def test_every_gated_row_says_where_its_licence_is_accepted_before_the_click():
    gated = [row for row in catalog.specs() if row.gated]
    assert gated
    for row in gated:
        said = " ".join(preflight.terms(row))
        assert f"accept the licence first: https://huggingface.co/{row.repo}" in said
        assert preflight.facts(row).gated


@pytest.mark.parametrize("gate", [None, 401, 403])
def test_a_token_is_sent_to_the_hub_and_is_nowhere_else(
    row: ModelSpec, hub: HubServer, gate: int | None, tmp_path: Path, everything_logged: pytest.LogCaptureFixture
):
    hub.gate = gate
    said = ""
    try:
        download.download(row, progress=silent, endpoint=hub.url)
    except Unavailable as error:
        said = "".join(traceback.format_exception(error))
    assert f"Bearer {SECRET}" in hub.tokens
    assert not any(SECRET in path for path in hub.paths)
    assert SECRET not in everything_logged.text + said
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and SECRET.encode() in file.read_bytes()]


def test_without_a_token_the_sentence_says_how_to_give_one(
    row: ModelSpec, hub: HubServer, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("HF_TOKEN")
    hub.gate = 401
    with pytest.raises(Unavailable, match="give the studio a token with: hf auth login"):
        download.download(row, progress=silent, endpoint=hub.url)
    assert f"Bearer {SECRET}" not in hub.tokens


def test_no_request_and_no_row_has_a_place_for_a_token():
    for kind in (*TASKS.values(), ModelSpec):
        assert not [field.name for field in dataclasses.fields(kind) if "token" in field.name or "key" in field.name]
