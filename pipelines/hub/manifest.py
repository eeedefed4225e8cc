"""What a model's repository holds at the moment, as the Hub says it: the commit, each file with size and checksum."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatch

import httpx2
from huggingface_hub import HfApi, constants, hf_hub_url
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from pipelines.errors import BadRequest, Unavailable
from pipelines.hub import presence
from pipelines.spec import ModelSpec

KINDS = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
VARIANTS = (".fp16.", ".bf16.", ".fp32.", ".non_ema.", ".ema.")  # other copies of the same weights
TIMEOUT_S = 20


@dataclass(frozen=True, kw_only=True)
class File:
    """`checksum` is SHA-256 of a large file, and git's SHA-1 of a small one."""

    name: str
    size: int
    checksum: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """The files that a row needs, of one commit."""

    repo: str
    commit: str
    files: tuple[File, ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def ask(row: ModelSpec, *, endpoint: str | None = None) -> Manifest:
    """Asks the Hub, `endpoint` or the usual one. Raises `Unavailable` with what to do: offline, gated, gone, down."""
    with explained(row):
        info = HfApi(endpoint=endpoint).model_info(row.repo, revision=row.revision, files_metadata=True, timeout=20)
        index = _index(row.repo, str(info.sha), endpoint)
    folders = {name for name, (library, _) in presence.components(index).items() if library}
    files = tuple(
        File(name=one.rfilename, size=one.size or 0, checksum=one.lfs.sha256 if one.lfs else str(one.blob_id))
        for one in info.siblings or ()
        if _wanted(row, one.rfilename, folders)
    )
    return Manifest(repo=row.repo, commit=str(info.sha), files=files)


@contextmanager
def explained(row: ModelSpec) -> Iterator[None]:
    """Turns what the Hub answers into sentences. No token is ever in one of them."""
    page = f"{constants.ENDPOINT}/{row.repo}"
    if presence.offline():
        raise Unavailable(f"{row.name} cannot be fetched: this machine is set to offline (HF_HUB_OFFLINE)")
    try:
        yield
    except GatedRepoError as error:
        raise Unavailable(
            f"{row.name} asks you to accept its licence first: do that at {page}, then give the studio a token with: "
            "hf auth login"
        ) from error
    except RepositoryNotFoundError as error:
        raise Unavailable(
            f"{page} does not exist, or is private: then give the studio a token with: hf auth login"
        ) from error
    except RevisionNotFoundError as error:
        raise Unavailable(f"{page} has no revision {row.revision}") from error
    except HFValidationError as error:
        raise BadRequest("repo", f"must be owner/name, got {row.repo[:80]!r}") from error
    except HfHubHTTPError as error:
        raise Unavailable(f"the Hub answered {error.response.status_code} for {row.name}; try again later") from error
    except httpx2.HTTPError as error:
        raise Unavailable(f"the Hub cannot be reached at {constants.ENDPOINT}; is there a network?") from error


def _index(repo: str, commit: str, endpoint: str | None) -> dict:
    url = hf_hub_url(repo, presence.INDEX, revision=commit, endpoint=endpoint)
    answer = get_session().get(url, headers=build_hf_headers(), follow_redirects=True, timeout=TIMEOUT_S)
    hf_raise_for_status(answer)
    return json.loads(answer.content)


def _wanted(row: ModelSpec, name: str, folders: set[str]) -> bool:
    """The index and the parts that it names; weights as safetensors only, in one copy."""
    if any(fnmatch(name, pattern) for pattern in row.files):
        return True
    folder, _, file = name.rpartition("/")
    fits = folder.split("/")[0] in folders and any(fnmatch(file, kind) for kind in KINDS)
    if row.gguf and folder.startswith("transformer") and file.endswith((".safetensors", ".safetensors.index.json")):
        return False
    return name == presence.INDEX or (fits and not any(variant in file for variant in VARIANTS))
