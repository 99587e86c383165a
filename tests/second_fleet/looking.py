"""What is said of a simulated hour at some minute, from its OTLP requests alone."""

from collections import defaultdict
from dataclasses import dataclass
from random import Random

from bot.incident.classification import Classification
from bot.incident.evidence import EvidenceBundle
from bot.incident.gathering import Gathered, gather
from bot.incident.reading import Reading, read
from bot.incident.telemetry import EvalScore
from bot.incident.tree import classify
from bot.incident.windows import LOOKBACK
from tests.incident.otlp_fixture import scores_of, trace_of
from tests.second_fleet.folders import Hour, requests
from tests.taxonomies import TAXONOMY

MINUTE = 60 * 1_000_000_000


@dataclass(frozen=True)
class Received:
    """Tasks and scores by agent, as they arrived."""

    onset_ns: int
    tasks: dict[str, list[Reading]]
    scores: dict[str, list[EvalScore]]

    def look(self, agent: str, minute: float) -> tuple[EvidenceBundle, Classification]:
        """The evidence and the class at a minute after the onset; nothing later is known."""
        at_ns = self.onset_ns + int(minute * MINUTE)
        since = at_ns - int(LOOKBACK.total_seconds()) * 1_000_000_000

        def known(tasks: list[Reading]) -> tuple[Reading, ...]:
            return tuple(task for task in tasks if since <= task.at_ns and task.end_ns <= at_ns)

        scores = tuple(score for score in self.scores.get(agent, []) if since <= score.at_ns <= at_ns)
        others = {name: known(tasks) for name, tasks in self.tasks.items() if name != agent}
        bundle = gather(agent, at_ns, Gathered(known(self.tasks.get(agent, [])), scores, others), TAXONOMY)
        return bundle, classify(bundle, TAXONOMY)

    def off(self, bundle: EvidenceBundle) -> float | None:
        """Minutes by which the onset found is late; None where none was found."""
        return None if bundle.onset is None else (bundle.onset.at_ns - self.onset_ns) / MINUTE


def received(hour: Hour, chance: Random) -> Received:
    """The hour, sent and read."""
    traces, logs = requests(hour, chance)
    found = Received(
        int(hour.onset.timestamp()) * 1_000_000_000 + hour.onset.microsecond * 1000,
        defaultdict(list),
        defaultdict(list),
    )
    for request in traces:
        trace = trace_of(request)
        found.tasks[trace.agent].append(read(trace))
    for request in logs:
        for score in scores_of(request):
            found.scores[score.agent or ""].append(score)
    return found
