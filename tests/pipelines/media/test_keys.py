"""The studio's identity: made once, readable by its owner alone, replaceable by a host's own."""

import os
import stat
import threading
from pathlib import Path

import pytest

from pipelines.errors import Unavailable
from pipelines.media import keys


def test_keys_are_made_on_first_use_and_stay(tmp_path: Path):
    first = keys.read(tmp_path / "data" / "keys")
    assert keys.read(tmp_path / "data" / "keys") == first
    assert keys.read(tmp_path / "other") != first
    assert os.listdir(tmp_path / "data") == ["keys"]


def test_only_the_owner_can_read_them(tmp_path: Path):
    keys.read(tmp_path / "keys")
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "keys").iterdir()} == {0o600}


def test_two_that_start_at_once_agree(tmp_path: Path):
    found: list[keys.Identity] = []
    threads = [threading.Thread(target=lambda: found.append(keys.read(tmp_path / "keys"))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6 and len(set(found)) == 1
    assert os.listdir(tmp_path) == ["keys"]


@pytest.mark.parametrize("name", ["chain.pem", "key.pem", "secret"])
def test_a_folder_of_a_host_that_lacks_a_file_is_refused_with_what_it_must_hold(tmp_path: Path, name: str):
    keys.read(tmp_path / "keys")
    (tmp_path / "keys" / name).unlink()
    with pytest.raises(Unavailable, match=r"must hold chain.pem .* key.pem .* secret"):
        keys.read(tmp_path / "keys")


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("chain.pem", "", "one is not"),
        ("key.pem", "no", "one is not"),
        ("key.pem", keys.new().key, "is not the key"),
    ],
)
def test_a_certificate_and_a_key_that_do_not_go_together_are_refused(tmp_path: Path, name: str, text: str, says: str):
    keys.read(tmp_path / "keys")
    (tmp_path / "keys" / name).write_text(text)
    with pytest.raises(Unavailable, match=says):
        keys.read(tmp_path / "keys")


def test_a_short_secret_is_refused(tmp_path: Path):
    keys.read(tmp_path / "keys")
    (tmp_path / "keys" / "secret").write_bytes(b"short")
    with pytest.raises(Unavailable, match="openssl rand"):
        keys.read(tmp_path / "keys")


def test_the_key_is_not_in_what_is_logged():
    identity = keys.new()
    assert "PRIVATE" not in repr(identity) and "PRIVATE" in identity.key
    assert 0 <= identity.number < 4096


def test_a_folder_that_cannot_be_made_or_looked_into_is_named_with_the_way_out():
    for folder in (Path("/proc/rushes/keys"), Path("/dev/null/keys"), Path("/tmp") / ("x" * 5000) / "keys"):
        with pytest.raises(
            Unavailable, match=r"nothing can be kept in .*; free some space or choose another RUSHES_DATA"
        ):
            keys.read(folder)
