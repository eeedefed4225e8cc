from pathlib import Path

import platformdirs
import pytest

from pipelines.errors import BadRequest
from studio.settings import Settings


def test_without_variables_the_studio_is_private_to_this_machine():
    settings = Settings.from_env({})
    assert (settings.model, settings.runner, settings.host, settings.port) == ("mini", "process", "127.0.0.1", 7860)
    assert settings.data == Path(platformdirs.user_data_dir("rushes", appauthor=False))


def test_every_variable_is_read(tmp_path):
    settings = Settings.from_env(
        {
            "RUSHES_DATA": str(tmp_path),
            "RUSHES_MODEL": "other",
            "RUSHES_RUNNER": "process",
            "RUSHES_HOST": "0.0.0.0",
            "RUSHES_PORT": "0",
            "RUSHES_HOSTS": "Studio.example, *.films.example",
            "RUSHES_MAX_UPLOAD_MB": "20",
            "RUSHES_KEYS": str(tmp_path / "own"),
            "RUSHES_SAFETY": "off",
        }
    )
    own = tmp_path / "own"
    hosts = ("studio.example", "*.films.example")
    assert settings == Settings(
        data=tmp_path, model="other", host="0.0.0.0", port=0, hosts=hosts, max_upload_mb=20, own_keys=own, safety=False
    )
    assert settings.keys == own and not settings.checked
    assert settings.clips == tmp_path / "clips"


def test_who_listens_beyond_this_machine_is_a_host_and_checks_requests(tmp_path):
    assert not Settings(data=tmp_path).checked
    assert Settings(data=tmp_path, host="0.0.0.0").checked
    assert Settings(data=tmp_path, safety=True).checked


def test_who_is_reached_by_a_public_name_is_a_host_although_it_listens_on_this_machine(tmp_path):
    assert Settings(data=tmp_path).alone and Settings(data=tmp_path, host="127.0.0.2").alone
    hosted = Settings(data=tmp_path, hosts=("studio.example",))
    assert not hosted.alone and hosted.checked
    shared = Settings.from_env({"GRADIO_SHARE": "True"})
    assert not shared.alone and shared.answers_to("0123abcd.gradio.live")


@pytest.mark.parametrize(
    ("settings", "answers", "refuses"),
    [
        ({}, ("localhost", "127.0.0.1", "127.1.2.3", "::1"), ("evil.example", "192.168.1.5", "0.0.0.0", "")),
        (
            {"hosts": ("studio.example", "*.films.example")},
            ("studio.example", "a.films.example", "localhost"),
            ("evil.example", "films.example", "studio.example.evil.example", ""),
        ),
        ({"host": "0.0.0.0", "hosts": ("*.gradio.live",)}, ("studio", "192.168.1.5"), ()),
        ({"space": True}, ("someone-studio.hf.space",), ()),
    ],
)
def test_a_studio_answers_to_its_own_names(tmp_path, settings, answers, refuses):
    studio = Settings(data=tmp_path, **settings)
    assert all(map(studio.answers_to, answers)) and not any(map(studio.answers_to, refuses))


def test_an_empty_variable_counts_as_not_set():
    assert Settings.from_env({"RUSHES_PORT": " "}) == Settings.from_env({})


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("RUSHES_PORT", "http", "whole number from 0 to 65535"),
        ("RUSHES_PORT", "70000", "whole number from 0 to 65535"),
        ("RUSHES_PORT", "-1", "whole number"),
        ("RUSHES_MAX_UPLOAD_MB", "0", "whole number from 1"),
        ("RUSHES_RUNNER", "thread", "must be one of process"),
        ("RUSHES_DATA", __file__, "must be a folder"),
        ("RUSHES_HOSTS", "https://studio.example", "must be names as in"),
        ("RUSHES_HOSTS", "studio.example:443", "must be names as in"),
        ("RUSHES_HOSTS", "studio.example,,", "must be names as in"),
    ],
)
def test_a_wrong_variable_is_named_in_one_sentence(name, value, says):
    with pytest.raises(BadRequest, match=says) as caught:
        Settings.from_env({name: value})
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)
