"""Our own controls, read as agents read them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

    from bot.controls.public_read import OfrepRead
    from bot.incident.mitigation import Scope


class PublicReads:
    """Reads a control as an agent does: over HTTP, through the public path."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._token = token
        self._opened: tuple[OfrepRead, httpx.AsyncClient] | None = None

    async def __call__(self, agent: str, scope: "Scope", key: str) -> object:
        """The value of one flag.

        Raises:
            Unavailable: the public path does not answer.
        """
        if self._opened is None:
            import httpx  # noqa: PLC0415 - 0.1 s, only once something is to be proven

            from bot.controls.public_read import OfrepRead  # noqa: PLC0415 - as above

            client = httpx.AsyncClient(timeout=1.5, trust_env=False)
            self._opened = OfrepRead(client, self._url, self._token or None), client
        return await self._opened[0](agent, scope, key)

    async def close(self) -> None:
        """Close its connections."""
        if self._opened is not None:
            await self._opened[1].aclose()
