"""An orchestrator's ledger: the JSON in which it judges the task before it says who goes on, and with what.

The shape is that of Magentic-One (AutoGen): for ``is_request_satisfied``, ``is_in_loop``, ``is_progress_being_made``,
``next_speaker`` and ``instruction_or_question`` a reason and an answer.
"""

import json
import re

LOOP = '"is_in_loop"'
TOLD = '"instruction_or_question"'

_LOOP = re.compile(LOOP + r'\s*:\s*(?:\{[^{}]*?"answer"\s*:\s*)?(true|false)', re.IGNORECASE)
_TOLD = re.compile(TOLD + r'\s*:\s*(?:\{(?:[^{}]*?,)?\s*"answer"\s*:\s*)?("(?:[^"\\]|\\.)*")', re.DOTALL)


def is_ledger(text: str) -> bool:
    """The text holds the orchestrator's verdict on whether the task goes in circles."""
    return LOOP in text


def admits_loop(text: str) -> bool:
    """The verdict is that it does."""
    found = _LOOP.search(text)
    return found is not None and found[1].lower() == "true"


def instruction_in(text: str) -> str:
    """What is asked of the next speaker, empty where the ledger does not say."""
    found = _TOLD.search(text)
    if found is None:
        return ""
    try:
        return str(json.loads(found[1], strict=False))
    except ValueError:
        return found[1].strip('"')


def brief(text: str) -> str:
    """The verdict and the instruction of a long ledger in one short JSON object, to stand before what is left of it."""
    found, told = _LOOP.search(text), instruction_in(text)
    parts = [f"{LOOP}: {found[1].lower()}"] if found else []
    if told:
        parts.append(f"{TOLD}: {json.dumps(told, ensure_ascii=False)}")
    return f"{{{', '.join(parts)}}}" if parts else ""
