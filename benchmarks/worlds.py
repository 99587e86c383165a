"""The worlds in which incidents and ordinary hours are simulated."""

import math
from collections.abc import Mapping

from tests.incident.agents_at_work import Release, World

BARE = frozenset(
    [
        "outcome",
        "step_limit",
        "guardrails",
        "manifest",
        "claims",
        "approval",
        "destination",
        "turn",
        "locale",
        "versions",
        "side_effect",
        "trust",
    ]
)
ORDINARY: Mapping[str, World] = {
    "as published": World(),
    "three times the noise": World(
        noise={"tool_noise": 3, "model_error": 3, "escalates": 2, "policy": 3, "injection": 3, "wrong": 2, "crash": 3}
    ),
    "hardly any noise": World(noise={"tool_noise": 0.2, "model_error": 0.2, "policy": 0.2, "wrong": 0.3, "crash": 0.2}),
    "12 tasks a minute": World(per_minute=12),
    "1.5 tasks a minute": World(per_minute=1.5),
    "day and night": World(pace=lambda minute, _: 1 + 0.8 * math.sin(minute / 40)),
    "releases without effect": World(
        releases=(
            Release(45, "helpdesk-agent", "version", "4.13.0"),
            Release(60, "helpdesk-agent", "prompt", "p-119"),
            Release(70, "helpdesk-agent", "asked", "orion-large-2026-10-01"),
        )
    ),
    "one agent only": World(per_minute=4, shares={"helpdesk-agent": 1.0}),
    "nothing is judged": World(evaluations={}, probes=False),
    "plain spans only": World(untold=BARE, probes=False),
}
OTHER_WORLDS: Mapping[str, World] = {
    "10 tasks a minute": World(per_minute=10),
    "2.5 tasks a minute": World(per_minute=2.5),
    "one agent only": World(per_minute=4, shares={"helpdesk-agent": 1.0}),
    "three times the noise": ORDINARY["three times the noise"],
    "nothing is judged": ORDINARY["nothing is judged"],
    "plain spans only": ORDINARY["plain spans only"],
}
