"""Evaluations of a version that somebody wants back: asked for now, or reported."""

from dataclasses import dataclass

from bot.incident.errors import BadInput
from bot.incident.model import Person
from bot.incident.remediation import EvaluationAsked, VersionEvaluated
from bot.incident.state import IncidentState
from bot.ports import Clock, Records
from bot.response.recording import open_state_of, post, record, state_of

MOST_VERDICTS = 1_000_000


@dataclass(frozen=True, slots=True)
class EvaluateVersion:
    """Ask for an evaluation of a version now, or report one that ran elsewhere."""

    records: Records
    clock: Clock

    async def ask(self, key: str, version: str, by: Person, idem: str) -> IncidentState:
        """The state with the version asked for; the room is told once how its result gets here.

        Raises:
            NotFound, Closed: no such incident, or not open.
            BadInput: the version is empty or too long.
        """
        wanted = named_version(version)
        async with self.records.begin() as work:
            state = await open_state_of(work, key, "evaluation")
            if wanted not in state.evaluations_asked:
                await record(
                    work, state.incident.key, EvaluationAsked(wanted), by, self.clock.now(), f"evaluation:{idem}"
                )
                text = (
                    f"{by.name} asks for an evaluation of {wanted} now. Run your evaluations against it: verdicts on tasks "
                    f"that carry the version count as they arrive, or report them on the incident's page."
                )
                await post(work, state.incident.key, f"evaluation:{wanted}", text)
            return await state_of(work, key)

    async def report(self, key: str, version: str, passed: int, n: int, by: Person, idem: str) -> IncidentState:
        """The state with a result: ``passed`` of ``n`` verdicts.

        Raises:
            NotFound, Closed: no such incident, or not open.
            BadInput: the counts do not fit together, or the version is empty or too long.
        """
        if not 0 <= passed <= n <= MOST_VERDICTS or n == 0:
            raise BadInput("passed", "Give how many verdicts there were, and how many of them passed.")
        async with self.records.begin() as work:
            state = await open_state_of(work, key, "evaluation")
            fact = VersionEvaluated(named_version(version), passed, n)
            await record(work, state.incident.key, fact, by, self.clock.now(), f"evaluated:{idem}")
            return await state_of(work, key)


def named_version(text: str) -> str:
    """The version in what people type.

    Raises:
        BadInput: there is none, or it is too long.
    """
    if not text.strip() or len(text) > 200:  # noqa: PLR2004  as long as any version is
        raise BadInput("target", "Name the version, as your telemetry calls it.")
    return text.strip()
