"""Vega-Lite specs to PNG and SVG, in a short-lived process of its own.

The renderer costs about 75 MB and half a second to start, so the bot never loads it: a child
process draws what is asked and ends.
"""

import asyncio
import base64
import json
import sys
from collections.abc import Mapping, Sequence

from bot.incident.errors import Unavailable
from bot.ports import Charts

DRAW_WITHIN = 20.0  # seconds for one batch, start of the process included


class DrawnCharts(Charts):
    """Draws by ``python -m bot.documents.charts``."""

    async def draw(self, spec: Mapping[str, object], form: str) -> bytes:
        """A spec as "png" or "svg" bytes.

        Raises:
            Unavailable: the drawing process failed or took longer than 20 s.
        """
        return (await self.draw_all([spec], form))[0]

    async def draw_all(self, specs: Sequence[Mapping[str, object]], form: str) -> list[bytes]:
        """Several specs in one process, in their order.

        Raises:
            Unavailable: as :meth:`draw`.
        """
        if not specs:
            return []
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "bot.documents.charts",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        wish = json.dumps({"form": form, "specs": list(specs)}).encode()
        try:
            async with asyncio.timeout(DRAW_WITHIN):
                answer, _ = await process.communicate(wish)
        except TimeoutError as error:
            process.kill()
            await process.wait()
            raise Unavailable("The charts could not be drawn in time; the figures stand in the text.") from error
        if process.returncode != 0:
            raise Unavailable("The charts could not be drawn; the figures stand in the text.")
        return [base64.b64decode(picture) for picture in json.loads(answer)]


def draw_here(form: str, specs: Sequence[Mapping[str, object]]) -> list[bytes]:
    """Draw within this process; PNG at twice the size, for phones."""
    import vl_convert  # noqa: PLC0415  75 MB, only ever loaded by the drawing process

    if form == "png":
        return [vl_convert.vegalite_to_png(dict(spec), scale=2) for spec in specs]
    return [vl_convert.vegalite_to_svg(dict(spec)).encode() for spec in specs]


def main() -> None:
    """Read one wish from standard input, write base64 pictures to standard output."""
    wish = json.load(sys.stdin)
    pictures = draw_here(wish["form"], wish["specs"])
    json.dump([base64.b64encode(picture).decode() for picture in pictures], sys.stdout)


if __name__ == "__main__":
    main()
