"""Everything this project raises on purpose. Each message is a sentence for a person.

StudioError
    BadRequest     what was asked cannot be done; says what would work
    Unavailable    a package, weights or a device is missing; says how to get it
    Cancelled      the person pressed stop
"""

import importlib.util


class StudioError(Exception):
    """Base class. `str(error)` is shown to people as it is."""


class BadRequest(StudioError):
    """The request is wrong. `field` names the part of it that has to change."""

    def __init__(self, field: str, message: str):
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.field, self.message)


class Unavailable(StudioError):
    """Something needed is not here; the sentence says which command gets it."""


class Cancelled(StudioError):
    """Work was stopped on purpose, by raising this from a Progress."""


def need(package: str, pip: str) -> None:
    """Raises `Unavailable` with the pip line if `package` cannot be imported here. Nothing is imported."""
    if importlib.util.find_spec(package) is None:
        raise Unavailable(f"{package} is not installed here; get it with: pip install {pip}")


def first_line(error: Exception, most: int) -> str:
    """What another library's error says, in one line of at most so many characters; its kind if it says nothing."""
    return next(iter(str(error).splitlines()), type(error).__name__)[:most]
