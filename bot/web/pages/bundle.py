"""The script that draws charts on pages, made from the same library that draws Slack's pictures."""

import asyncio
import gzip
import logging
import sys
from importlib.metadata import version
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

log = logging.getLogger(__name__)

MAKE = """
import sys, vl_convert
sys.stdout.buffer.write(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;").encode())
"""
WITHIN = 60.0  # seconds


class VegaBundle:
    """Made once, in a process of its own: it would keep 75 MB in ours. Then it lies in the cache folder."""

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._making = asyncio.Lock()

    async def script(self, request: Request) -> Response:
        """The script, or 503; pages then show the figures in words."""
        path = self._cache / f"vega-bundle-{version('vl-convert-python')}.js.gz"
        try:
            async with self._making:
                if not path.exists():
                    await self._make(path)
        except (OSError, TimeoutError, RuntimeError) as error:
            log.warning("The chart script could not be made: %s", error)
            return PlainTextResponse("The chart script is not available.", 503, {"Retry-After": "60"})
        headers = {"Cache-Control": "max-age=86400", "Vary": "Accept-Encoding"}
        if "gzip" in request.headers.get("accept-encoding", ""):
            return FileResponse(path, headers=headers | {"Content-Encoding": "gzip"}, media_type="text/javascript")
        plain = await asyncio.to_thread(lambda: gzip.decompress(path.read_bytes()))
        return Response(plain, headers=headers, media_type="text/javascript")

    async def _make(self, path: Path) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", MAKE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        try:
            async with asyncio.timeout(WITHIN):
                script, complaint = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode != 0:
            raise RuntimeError(complaint.decode(errors="replace")[-300:])
        await asyncio.to_thread(_keep, path, script)


def _keep(path: Path, script: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    unfinished.write_bytes(gzip.compress(script, 6))
    unfinished.replace(path)
