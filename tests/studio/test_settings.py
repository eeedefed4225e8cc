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
            "RUSHES_MAX_UPLOAD_MB": "20",
        }
    )
    own = tmp_path / "own"
    assert settings == Settings(
        data=tmp_path, model="other", host="0.0.0.0", port=0, max_upload_mb=20, own_keys=own, safety=False
    )
    assert settings.keys == own and not settings.checked
    assert settings.clips == tmp_path / "clips"


def test_who_listens_beyond_this_machine_is_a_host_and_checks_requests(tmp_path):
    assert not Settings(data=tmp_path).checked
    assert Settings(data=tmp_path, host="0.0.0.0").checked
    assert Settings(data=tmp_path, safety=True).checked


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
    ],
)
def test_a_wrong_variable_is_named_in_one_sentence(name, value, says):
    with pytest.raises(BadRequest, match=says) as caught:
        Settings.from_env({name: value})
    assert str(caught.value).startswith(f"{name}: ")
    assert "\n" not in str(caught.value)
