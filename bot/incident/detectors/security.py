"""Security: guardrails by kind, and untrusted content followed by power."""

import re
from functools import lru_cache

from bot.incident.telemetry import Span, Trace

_SECURITY_NAMES = re.compile(r"inject|egress|dlp|canary|exfil|jailbreak|secret|credential|pii|leak", re.IGNORECASE)


@lru_cache(1024)  # asked for each guardrail of each task
def is_security(guardrail: str) -> bool:
    """The guardrail watches for attackers or leaks, judged by its name; all others watch for policy."""
    return bool(_SECURITY_NAMES.search(guardrail))


def untrusted_then_privileged(trace: Trace) -> tuple[Span, ...]:
    """The step that read untrusted content and the privileged calls after it; empty when there is no such pair.

    An approved privileged write counts as well: the approver may have been deceived too.
    """
    source: Span | None = None
    after: list[Span] = []
    for span in trace.spans:
        if span.tool is None:
            continue
        if source is not None and span.tool.privileged:
            after.append(span)
        if span.tool.untrusted_content and source is None:
            source = span
    return (source, *after) if source is not None and after else ()
