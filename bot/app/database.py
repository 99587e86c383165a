"""The database of the settings, opened and brought to this version."""

from sqlalchemy.exc import DatabaseError

from bot.incident.errors import Misconfigured
from bot.settings.concerns import Settings
from bot.storage.database import Database


def open_database(settings: Settings) -> Database:
    """The database of these settings.

    Raises:
        Misconfigured: the URL is wrong, or the folder of an SQLite file cannot be made.
    """
    try:
        return Database(settings.home.database)
    except OSError as error:
        where = "FIRSTFIVE_DATABASE_URL" if settings.home.database_url else "FIRSTFIVE_HOME"
        reason = (error.strerror or str(error)).lower()
        raise Misconfigured(
            f"The folder of the database cannot be made ({reason}: {error.filename}). Set {where} to one you can write."
        ) from error


async def upgraded(database: Database) -> None:
    """Bring the database to this version.

    Raises:
        Unavailable: it does not answer.
        Misconfigured: it is no database.
    """
    try:
        await database.upgrade()
    except DatabaseError as error:
        reason = str(error.orig).partition("\n")[0]
        named = database.sqlite_path or "The database"
        raise Misconfigured(
            f"{named} cannot be used ({reason}). Set FIRSTFIVE_DATABASE_URL to another one, or restore it from a backup."
        ) from error
