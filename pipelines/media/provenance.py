"""C2PA: the signed statement inside a file of who made it, from what, and that a model did.

Nothing here uses the network: no clock of a third party, no remote manifests, no revocation lists.
"""

import dataclasses
import json
import logging
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pipelines.errors import BadRequest, Unavailable, need
from pipelines.media import cage
from pipelines.media.keys import Identity, Studio
from pipelines.media.tags import PNG, SOURCE_TYPE
from pipelines.requests import Request

PACKAGE = "c2pa-python==0.38.1"
# The labels of one's own statements begin with a domain; .internal is the one that nobody can own.
STUDIO, REQUEST, MODEL, SOURCES, CONSENT = (
    f"internal.rushes.{name}" for name in ("studio", "request", "model", "sources", "consent")
)
MIME = {".mp4": "video/mp4", ".png": "image/png", ".wav": "audio/wav"}
BUILDING = {"builder": {"thumbnail": {"enabled": False}}, "verify": {"verify_after_sign": False}}
OFFLINE = {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_trust": True}
CLAIMS_A_SIGNATURE = (b"jumb", b"c2pa.signature")
READ_AT_ONCE = 1 << 20
READER = cage.Limits(memory=4 << 30, seconds=30)
log = logging.getLogger("pipelines.media")


@dataclass(frozen=True, kw_only=True)
class Source:
    """Something of a person's that went into a clip. `role`: "video", "face", "audio". A face stays a hash alone."""

    role: str
    sha256: str
    path: Path | None = None  # given, and not a face: the file becomes an ingredient with its own history


@dataclass(frozen=True, kw_only=True)
class Record:
    """What is written into a clip besides the clip: who signs, its id (hexadecimal), what made it and from what."""

    identity: Identity
    clip: str
    weights: dict[str, str] | None = None  # file of the model: its SHA-256
    sources: tuple[Source, ...] = ()

    @property
    def number(self) -> int:
        """32 bits of the clip's id, its first eight digits, which is what a watermark has room for."""
        return int(self.clip[:8], 16)


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What a file's signature says. `state`: valid (this studio's), changed, absent, or foreign (somebody else's)."""

    state: str
    signer: str | None = None  # as the certificate names itself: for a foreign one, anybody can have written that
    request: dict[str, Any] | None = None
    model: dict[str, Any] | None = None  # its name, and the SHA-256 of each of its files


def sign(path: Path, record: Record, request: Request | None) -> None:
    """Signs a whole file (.mp4, .png, .wav) in place, as its last change. Raises `Unavailable` without c2pa."""
    need("c2pa", PACKAGE)
    import c2pa

    identity, signed = record.identity, path.with_name(f"signed{path.suffix}")
    credentials = c2pa.C2paSignerInfo(c2pa.C2paSigningAlg.ES256, identity.chain.encode(), identity.key.encode(), None)
    try:
        manifest = _manifest(record, request, MIME[path.suffix])
        with (
            c2pa.Context.from_dict(BUILDING) as context,
            c2pa.Builder(manifest, context) as builder,
            c2pa.Signer.from_info(credentials) as signer,
        ):
            for source in record.sources:
                _ingredient(builder, source)
            builder.sign_file(path, signed, signer)
    except c2pa.C2paError as error:
        raise Unavailable(f"the clip could not be signed ({error}); are the files of the key folder right?") from error
    signed.replace(path)


def _manifest(record: Record, request: Request | None, mime: str) -> dict[str, Any]:
    agent = {"name": "Rushes"}
    made = {
        "action": "c2pa.created",
        "digitalSourceType": SOURCE_TYPE,
        "softwareAgent": agent,
        # Near the front, so that what is left of a file that was cut still says whose it was.
        "parameters": {STUDIO: record.identity.studio.fingerprint},
    }
    inputs = [{"role": source.role, "sha256": source.sha256} for source in record.sources]
    facts = {
        "c2pa.actions": {"actions": [made]},
        REQUEST: request.to_dict() if request else None,
        MODEL: {"name": request.model, "sha256": record.weights or {}} if request else None,
        SOURCES: {"sources": inputs} if inputs else None,
        CONSENT: {"statement": request.consent} if hasattr(request, "consent") else None,
    }
    return {
        "claim_generator_info": [agent],
        "format": mime,
        "title": record.clip,
        "assertions": [{"label": name, "data": data, "created": True} for name, data in facts.items() if data],
    }


def _ingredient(builder: Any, source: Source) -> None:
    if source.path is None or source.role == "face" or source.path.suffix not in MIME:
        return
    with source.path.open("rb") as file:
        facts = {"title": f"{source.role} {source.sha256[:12]}", "relationship": "inputTo"}
        builder.add_ingredient(facts, MIME[source.path.suffix], file)


def read(path: Path, identity: Identity) -> Signature:
    """What the signature of any file says, seen from the studio that has this identity.

    It is read in the cage (`notary`). Raises `BadRequest` ("file") if the reader fails, which says nothing about the
    signature, and `Unavailable` without c2pa.
    """
    need("c2pa", PACKAGE)
    facts = json.dumps(dataclasses.asdict(identity.studio))
    command = [sys.executable, "-m", "pipelines.media.notary", facts]
    done = cage.run(command, path, READER)
    if done.status:
        log.warning("the signature of an upload could not be read (%s): %s", done.status, done.said[-500:])
        raise BadRequest("file", f"the signature of {path.name} could not be read: its reader took too long or failed")
    return Signature(**json.loads(done.out))


def examine(file: BinaryIO, studio: Studio) -> Signature:
    """The same, in this process.

    "changed" is said only of a proven difference: a hash that does not fit, or our own name in a statement that
    cannot be read any more.
    """
    import c2pa

    checks = {"trust": {"user_anchors": studio.anchors}, "verify": OFFLINE}
    try:
        with (
            c2pa.Context.from_dict(checks) as context,
            c2pa.Reader(_mime(file.read(12)), file, None, context) as reader,
        ):
            return _judged(json.loads(reader.json()), reader.get_active_manifest() or {}, studio)
    except c2pa.C2paError:
        return _unreadable(file, studio)


def _mime(head: bytes) -> str:
    """By content: a wrong suffix must not hide a signature."""
    if head.startswith(PNG):
        return "image/png"
    if head.startswith(b"\xff\xd8"):
        return "image/jpeg"
    if head.startswith(b"RIFF"):
        return "image/webp" if head[8:] == b"WEBP" else "audio/wav"
    return "video/mp4"


def _judged(found: dict[str, Any], manifest: dict[str, Any], studio: Studio) -> Signature:
    codes = {problem["code"] for problem in found.get("validation_status", [])}
    info = manifest.get("signature_info", {})
    facts = {statement["label"]: statement["data"] for statement in manifest.get("assertions", [])}
    ours = info.get("cert_serial_number") == studio.serial and "signingCredential.untrusted" not in codes
    if any(code.endswith("mismatch") for code in codes):
        state = "changed"
    elif ours and codes <= {"signingCredential.expired"}:
        state = "valid"
    else:
        state = "changed" if ours else "foreign"
    return Signature(state=state, signer=info.get("common_name"), request=facts.get(REQUEST), model=facts.get(MODEL))


def _unreadable(file: BinaryIO, studio: Studio) -> Signature:
    """Neither a statement nor none: damaged, or of a kind that this version does not know."""
    marks = (studio.fingerprint.encode(), *CLAIMS_A_SIGNATURE)
    ours, *claims = _holds(file, marks)
    return Signature(state="changed" if ours else "foreign" if all(claims) else "absent")


def _holds(file: BinaryIO, wanted: tuple[bytes, ...]) -> list[bool]:
    """Which of these bytes are anywhere in the file; never more than a little of it is in memory."""
    found, tail = [False] * len(wanted), b""
    overlap = max(map(len, wanted)) - 1
    file.seek(0)
    while piece := file.read(READ_AT_ONCE):
        window = tail + piece
        found = [before or mark in window for before, mark in zip(found, wanted, strict=True)]
        tail = window[-overlap:]
    return found
