"""What the durable engine takes for granted of SQLite, for machines whose SQLite is older.

With Python 3.12 and later the engine writes times by ``unixepoch('subsec')``, which SQLite has
since 3.42. Debian 12 and the Python images built on it have 3.40, where the same call gives
NULL and no job can be scheduled. There, each connection is given a function of that name.
"""

import sqlite3
from typing import Any

from sqlalchemy import Engine, event

from bot.engine.clock import SystemClock

SUBSECONDS_SINCE = (3, 42, 0)


def unixepoch(*arguments: object) -> float:
    """Seconds since 1970, with their fraction when asked for ``subsec``.

    Raises:
        ValueError: any other use; SQLite turns it into an error of the statement.
    """
    now = SystemClock().now().timestamp()
    if arguments == ("subsec",):
        return now
    if not arguments:
        return int(now)
    raise ValueError("this SQLite knows unixepoch() and unixepoch('subsec') only")


def teach(connection: Any, record: object = None) -> None:
    """Give one new connection the function; a connection to another database is left alone."""
    del record
    if "sqlite" in type(connection).__module__:
        connection.create_function("unixepoch", -1, unixepoch)


def teach_all() -> None:
    """Give every connection that this process opens the function, if its SQLite needs it."""
    if sqlite3.sqlite_version_info < SUBSECONDS_SINCE and not event.contains(Engine, "connect", teach):
        event.listen(Engine, "connect", teach)
