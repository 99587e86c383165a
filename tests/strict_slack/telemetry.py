"""Sample telemetry as an agent's exporter would send it, moved so that it ends now."""

import gzip
import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parents[1] / "data" / "scenarios"
MOMENT = re.compile(r'("[A-Za-z]*[uU]nixNano":")(\d{19})"')
BATCH = 60


def requests(scenario: str) -> Iterator[tuple[str, Any]]:
    """(path, body) of every OTLP request of a sample incident."""
    folder = SAMPLES / scenario
    traces, evaluations = _text(folder / "traces.otlp.jsonl.gz"), _text(folder / "evals.otlp.jsonl.gz")
    shift = time.time_ns() - max(int(found[2]) for found in MOMENT.finditer(traces))
    for path, text, name in (("/v1/traces", traces, "resourceSpans"), ("/v1/logs", evaluations, "resourceLogs")):
        lines = _moved(text, shift).splitlines()
        for at in range(0, len(lines), BATCH):
            parts = [part for line in lines[at : at + BATCH] for part in json.loads(line)[name]]
            yield path, {name: parts}


def _text(file: Path) -> str:
    return gzip.decompress(file.read_bytes()).decode()


def _moved(text: str, shift: int) -> str:
    return MOMENT.sub(lambda found: f'{found[1]}{int(found[2]) + shift}"', text)
