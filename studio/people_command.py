"""`python -m studio people`: who may sign in where RUSHES_AUTH is local. Passwords never stand on a command line."""

import argparse
import getpass
import sys
from typing import Any

from pipelines.errors import BadRequest
from studio.db import Database, existing
from studio.gallery_command import folder
from studio.people import People
from studio.settings import Settings

ACTIONS = ("list", "add", "remove")
Result = dict[str, Any]


def people(options: argparse.Namespace, settings: Settings) -> Result:
    """Lists who may sign in, adds and removes people; a password is asked for, or read from stdin."""
    data = options.data or settings.data
    database = Database(data / "rushes.db") if options.action == "add" else existing(data)
    try:
        return _done(People(database), options)
    finally:
        database.close()


def options(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument(
        "action", nargs="?", choices=ACTIONS, default="list", metavar="ACTION", help=", ".join(ACTIONS)
    )
    command.add_argument("what", nargs="?", metavar="NAME", help="who")
    command.add_argument("--admin", action="store_true", help="add: may see the whole machine")
    folder(command)


def show(result: Result) -> str:
    """The result in words."""
    rows = result.get("people", [result])
    return "\n".join(f"{row['name']}{'  admin' if row.get('admin') else ''}" for row in rows) or "nobody yet"


def _done(everybody: People, options: argparse.Namespace) -> Result:
    if options.action == "list":
        return {"people": [{"name": person.name, "admin": person.admin} for person in everybody.list()]}
    if not options.what:
        raise BadRequest("NAME", f"is missing: python -m studio people {options.action} ada")
    if options.action == "remove":
        everybody.remove(options.what)
        return {"name": options.what, "removed": True}
    person = everybody.add(options.what, _password(), admin=options.admin)
    return {"name": person.name, "admin": person.admin}


def _password() -> str:
    """Typed without being shown, or the first line of stdin."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if password != getpass.getpass("The same again: "):
        raise BadRequest("password", "the two do not match")
    return password
