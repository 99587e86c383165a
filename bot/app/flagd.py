"""The flagd stream beside the HTTP server, where it is asked for."""

import asyncio

from bot.app.house import House
from bot.incident.errors import Misconfigured


async def flagd(home: House) -> None:
    """Serve it until cancelled.

    Raises:
        Misconfigured: the extra is not installed, or the port is taken.
    """
    try:
        from bot.controls.flagd import SyncFlags, listening  # noqa: PLC0415 - gRPC costs 20 MB, only where it is used
    except ImportError as error:
        raise Misconfigured(
            "FIRSTFIVE_FLAGD_PORT is set, but gRPC is not installed. Install it: pip install 'firstfive[flagd]'."
        ) from error
    server = home.settings.server
    service = SyncFlags(home.control, home.documents.catalogue, home.clock, server.control_token or None)
    async with listening(service, server.host, server.flagd_port):
        await asyncio.Event().wait()
