"""A snapshot as the file that its hash is of."""

import json
from collections.abc import Mapping

from starlette.responses import Response

from bot.incident.timeline import Event


def snapshot_file(event: Event, name: str, body: Mapping[str, object]) -> Response:
    """The snapshot ``name`` that ``event`` tells of, in canonical JSON: its SHA-256 is the one on the timeline."""
    content = json.dumps(body, sort_keys=True, separators=(",", ":"), allow_nan=False)
    headers = {"Content-Disposition": f'attachment; filename="{event.incident.lower()}-snapshot-{name}.json"'}
    return Response(content, media_type="application/json", headers=headers)
