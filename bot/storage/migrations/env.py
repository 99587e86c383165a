"""Alembic's entry: it is handed a connection and runs in its transaction."""

from alembic import context

from bot.storage.tables import incidents, metadata, telemetry


def _ours(_: object, name: str | None, kind: str, reflected: bool, __: object) -> bool:  # noqa: FBT001 - Alembic's signature
    """Tables of the durable engine live in the same database and are none of ours."""
    return kind != "table" or not reflected or name in metadata.tables


__all__ = ["incidents", "telemetry"]  # imported for the tables they define
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_object=_ours,
    render_as_batch=True,
)
context.run_migrations()
