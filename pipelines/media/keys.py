"""Who a studio is: a certificate chain and its key for signatures, and the secret of its watermark.

They are made on first start. A host with a certificate of its own puts the same three files into a folder.
"""

import datetime
import functools
import hashlib
import os
import secrets
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import Unavailable, need
from pipelines.media import landing

CHAIN, KEY, SECRET = "chain.pem", "key.pem", "secret"
# Without a clock of a third party (no network), a signature is worth nothing once its certificate has ended.
YEARS = 25
NAME = "Rushes studio (self-made)"


@dataclass(frozen=True, kw_only=True)
class Studio:
    """By what a studio's signature is known: PEM of the certificates that vouch for it, its certificate's serial number
    in digits and SHA-256 in hexadecimal."""

    anchors: str
    serial: str
    fingerprint: str


@dataclass(frozen=True, kw_only=True)
class Identity:
    """chain: PEM certificates, the signer's first; key: its PEM PKCS8 ES256 key; secret: 32 bytes."""

    chain: str
    key: str
    secret: bytes

    def __repr__(self) -> str:
        return f"Identity(number={self.number})"  # the key must not end up in a log

    @functools.cached_property
    def studio(self) -> Studio:
        """What everybody may know of it."""
        leaf, *above = _certificates(self.chain)
        kind = _serialization().Encoding
        return Studio(
            anchors="".join(one.public_bytes(kind.PEM).decode() for one in above or [leaf]),
            serial=str(leaf.serial_number),
            fingerprint=hashlib.sha256(leaf.public_bytes(kind.DER)).hexdigest(),
        )

    @property
    def number(self) -> int:
        """12 bits that name this studio in a watermark."""
        return int.from_bytes(hashlib.sha256(b"rushes key" + self.secret).digest()[:2]) >> 4


def read(folder: Path) -> Identity:
    """The identity in a folder; makes one if there is no such folder. Raises `Unavailable` with what is missing."""
    with landing.kept(folder):
        if not folder.exists():
            _make(folder)
    try:
        found = Identity(
            chain=(folder / CHAIN).read_text(), key=(folder / KEY).read_text(), secret=(folder / SECRET).read_bytes()
        )
    except (OSError, UnicodeDecodeError) as error:
        what = (
            f"{folder} must hold {CHAIN} (PEM, the signer's certificate first), {KEY} (PKCS8) and {SECRET} (32 bytes)"
        )
        raise Unavailable(f"{what}; {getattr(error, 'strerror', None) or 'one is not text'}") from error
    _fits(found, folder)
    if len(found.secret) < 16:
        raise Unavailable(f"{folder / SECRET} is too short; make one with: openssl rand -out {folder / SECRET} 32")
    return found


def _fits(found: Identity, folder: Path) -> None:
    """Raises `Unavailable` unless certificate and key belong together: else every clip would seem to be changed."""
    try:
        certificate = _certificates(found.chain)[0]
        key = _serialization().load_pem_private_key(found.key.encode(), None)
    except (ValueError, TypeError) as error:  # no PEM, or with a password
        raise Unavailable(f"{folder} must hold {CHAIN} and {KEY} as PEM without a password; one is not") from error
    if key.public_key() != certificate.public_key():
        raise Unavailable(f"{folder / KEY} is not the key of the first certificate in {folder / CHAIN}")


def _make(folder: Path) -> None:
    """Writes a new identity, readable by its owner alone. Of two that start at once, the second takes the first's."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    made = new()
    new_folder = Path(tempfile.mkdtemp(prefix=".keys-", dir=folder.parent))  # mode 700
    try:
        for name, content in ((CHAIN, made.chain.encode()), (KEY, made.key.encode()), (SECRET, made.secret)):
            with os.fdopen(os.open(new_folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
        os.rename(new_folder, folder)
    except FileExistsError:
        pass
    except OSError:
        if not folder.exists():  # a folder with files in it cannot be renamed over: somebody was first
            raise
    finally:
        shutil.rmtree(new_folder, ignore_errors=True)


def new() -> Identity:
    """A fresh root, which vouches for one certificate and then loses its key, and that certificate.

    The profile is C2PA's (section 14.5, X.509 certificates): ES256, digitalSignature, the extended use
    emailProtection, which readers accept without a list of their own, and key identifiers. Raises `Unavailable`.
    """
    need("cryptography", "cryptography==50.0.2")
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, name = _name(f"{NAME} root"), _name(NAME)
    root = _certificate(root_name, root_name, root_key, root_key, extras=[])
    uses = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION])
    vouched = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    leaf = _certificate(name, root_name, key, root_key, extras=[uses, vouched])
    kind = _serialization()
    pem = [one.public_bytes(kind.Encoding.PEM).decode() for one in (leaf, root)]
    secret_key = key.private_bytes(kind.Encoding.PEM, kind.PrivateFormat.PKCS8, kind.NoEncryption()).decode()
    return Identity(chain="".join(pem), key=secret_key, secret=secrets.token_bytes(32))


def _certificate(subject: Any, issuer: Any, key: Any, signer: Any, *, extras: list[Any]) -> Any:
    """An X.509 certificate of `key`, signed by `signer`; one without extras is a root."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes

    now, root = datetime.datetime.now(datetime.UTC), not extras
    uses = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    uses = x509.KeyUsage(digital_signature=not root, key_cert_sign=root, crl_sign=root, **uses)
    builder = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))  # clocks differ
        .not_valid_after(now + datetime.timedelta(days=YEARS * 365))
        .add_extension(x509.BasicConstraints(ca=root, path_length=None), critical=True)
        .add_extension(uses, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    for extra in extras:
        builder = builder.add_extension(extra, critical=False)
    return builder.sign(signer, hashes.SHA256())


def _name(common: str) -> Any:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    parts = {NameOID.ORGANIZATION_NAME: NAME, NameOID.COMMON_NAME: common}
    return x509.Name([x509.NameAttribute(kind, text) for kind, text in parts.items()])


def _certificates(chain: str) -> list[Any]:
    need("cryptography", "cryptography==50.0.2")
    from cryptography import x509

    return x509.load_pem_x509_certificates(chain.encode())


def _serialization() -> Any:
    from cryptography.hazmat.primitives import serialization

    return serialization
