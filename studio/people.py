"""Who is asking: a signed-in person, or the browser by the random token in its cookie; and how much each may use.

An owner is a name like "person:ada" or "browser:<hash>". It can be shown and stored; nobody can sign in with it, and
nobody makes one up: a browser is known by a cookie that the studio gave out.
"""

import hashlib
import hmac
import re
import secrets
import sqlite3
import threading
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.errors import BadRequest, Unavailable
from studio.db import Database

COOKIE = "rushes_owner"
VISIT = "rushes_visit"
SIGNED = "rushes_name"  # who signed in, for the page's own script; nothing is decided by it
VISIT_S = 30 * 24 * 3600
NOBODY = "nobody"  # who brings no cookie of the studio's: owns nothing, but where it listens on one machine alone
NAME = re.compile(r"[a-z0-9][a-z0-9_.@-]{0,63}")
SHORTEST, LONGEST = 8, 1_000  # characters of a password
WRONG_PASSWORDS, WITHIN_S = 5, 300  # of one name from one address, before it has to wait
SCRYPT = {"n": 2**14, "r": 8, "p": 5, "maxmem": 2**26}  # OWASP's Password Storage Cheat Sheet; 16 MiB each time


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who may sign in. `created` is in Unix seconds."""

    name: str
    admin: bool
    created: float

    @property
    def owner(self) -> str:
        """Under which name this person keeps jobs and clips."""
        return f"person:{self.name}"


class People:
    """The people of one studio. `auth` is "none" (everybody, by browser) or "local" (only who signs in).

    `alone`: the studio listens on this machine only, so that without signing in everybody is its owner.
    """

    def __init__(self, database: Database, *, auth: str = "none", alone: bool = False):
        self._database = database
        self.auth = auth
        self._alone = alone
        self._tried: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
        self._lock = threading.Lock()
        with database.read() as connection:
            self._secret = bytes(connection.execute("SELECT secret FROM cookies").fetchone()["secret"])

    def add(self, name: str, password: str, *, admin: bool = False) -> Person:
        """Lets somebody sign in. Raises `BadRequest` ("name", "password")."""
        name = name.lower()
        if not NAME.fullmatch(name):
            raise BadRequest("name", "must be 1 to 64 letters, digits or _ . @ -, and begin with a letter or digit")
        if not SHORTEST <= len(password) <= LONGEST:
            raise BadRequest("password", f"must have {SHORTEST} to {LONGEST} characters")
        person = Person(name=name, admin=admin, created=time.time())
        row = (person.name, _hashed(password), person.admin, person.created)
        try:
            with self._database.write() as connection:
                connection.execute("INSERT INTO people (name, password, admin, created) VALUES (?, ?, ?, ?)", row)
        except sqlite3.IntegrityError as error:
            raise BadRequest(
                "name", f"there is a {name} already; remove it first to give it another password"
            ) from error
        return person

    def remove(self, name: str) -> None:
        """Signs somebody out everywhere, for good; their clips stay. Raises `BadRequest` ("name")."""
        with self._database.write() as connection:
            if not connection.execute("DELETE FROM people WHERE name = ?", (name.lower(),)).rowcount:
                raise BadRequest("name", f"there is no {name[:64]!r}")

    def list(self) -> list[Person]:
        """Everybody, by name."""
        with self._database.read() as connection:
            rows = connection.execute("SELECT name, admin, created FROM people ORDER BY name").fetchall()
        return [Person(name=row["name"], admin=bool(row["admin"]), created=row["created"]) for row in rows]

    def sign_in(self, name: str, password: str, place: str) -> str:
        """The token of a new visit. `place` is the caller's address, from which only so many passwords can be tried.

        Raises `BadRequest` ("password") without saying whether the name exists, and `Unavailable` after too many.
        """
        name = name.lower()[:64]
        self._count(place, name)
        with self._database.read() as connection:
            row = connection.execute("SELECT password FROM people WHERE name = ?", (name,)).fetchone()
        if not _matches(password[:LONGEST], row["password"] if row else NO_PASSWORD) or row is None:
            raise BadRequest("password", "that name and password do not fit")
        with self._lock:
            self._tried.pop((place, name), None)
        token = secrets.token_urlsafe(32)
        with self._database.write() as connection:
            connection.execute("DELETE FROM visits WHERE expires < ?", (time.time(),))
            connection.execute("INSERT INTO visits VALUES (?, ?, ?)", (_digest(token), name, time.time() + VISIT_S))
        return token

    def sign_out(self, token: str) -> None:
        """Ends one visit."""
        with self._database.write() as connection:
            connection.execute("DELETE FROM visits WHERE token = ?", (_digest(token),))

    def owner(self, cookies: Mapping[str, str]) -> str | None:
        """Who asks with these cookies, if it is somebody that the studio knows."""
        if self.auth == "local":
            person = self.visitor(cookies.get(VISIT, ""))
            return person and person.owner
        token = cookies.get(COOKIE, "")
        if not token:
            return None
        owner, signed = alias("browser", token), self._signed(token.partition(".")[0])
        ours = hmac.compare_digest(signed.encode(), token.encode(errors="replace"))
        return owner if ours or self._keeps(owner) else None

    def newcomer(self) -> str:
        """The cookie of a browser that is new here."""
        return self._signed(secrets.token_urlsafe(32))

    def visitor(self, token: str) -> Person | None:
        """Who signed in with this token, if it is still good."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT name, admin, created FROM visits JOIN people ON name = person WHERE token = ? AND expires > ?",
                (_digest(token), time.time()),
            ).fetchone()
        return Person(name=row["name"], admin=bool(row["admin"]), created=row["created"]) if row else None

    def is_admin(self, owner: str) -> bool:
        """Whether this owner may see the whole machine: its log, and everybody's queue with the prompts left out."""
        if self.auth == "none":
            return self._alone
        return any(person.admin and person.owner == owner for person in self.list())

    def _signed(self, drawn: str) -> str:
        return f"{drawn}.{hmac.new(self._secret, drawn.encode(errors='replace'), hashlib.sha256).hexdigest()[:32]}"

    def _keeps(self, owner: str) -> bool:
        """Whether something is kept for this owner: the first cookies, good for a year, were not signed."""
        with self._database.read() as connection:
            return any(
                connection.execute(f"SELECT 1 FROM {table} WHERE owner = ? LIMIT 1", (owner,)).fetchone()
                for table in ("clips", "jobs", "studies")
            )

    def _count(self, place: str, name: str) -> None:
        """Counts a password before it is looked at, which takes a while: many at once are many."""
        now = time.monotonic()
        with self._lock:
            for key in [key for key, times in self._tried.items() if times[-1] < now - WITHIN_S]:
                del self._tried[key]
            if sum(moment > now - WITHIN_S for moment in self._tried.get((place, name), ())) >= WRONG_PASSWORDS:
                raise Unavailable(f"too many wrong passwords; try again in {WITHIN_S // 60} minutes")
            self._tried[place, name].append(now)


def owner_of(request: Any) -> str:
    """The owner behind a gradio or starlette request: whom the middleware of `studio.ui.web` has found, else NOBODY."""
    plain = getattr(request, "request", None) or request
    return getattr(plain.state, "owner", None) or NOBODY


def alias(kind: str, secret: str) -> str:
    """The name under which whoever knows a secret keeps jobs and clips."""
    return f"{kind}:{_digest(secret)[:32]}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _hashed(password: str) -> str:
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${_scrypt(password, salt).hex()}"


def _matches(password: str, kept: str) -> bool:
    salt, wanted = map(bytes.fromhex, kept.split("$"))
    return hmac.compare_digest(_scrypt(password, salt), wanted)


def _scrypt(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(errors="replace"), salt=salt, **SCRYPT)


NO_PASSWORD = f"{'00' * 16}${'00' * 64}"  # hashed against for a name that does not exist, so that it takes as long
