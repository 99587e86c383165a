"""``firstfive remediate``: what repairs an incident, from a terminal, behind the same gate as everywhere."""

import json
from dataclasses import dataclass

from bot.app.console import me
from bot.app.house import House
from bot.incident.approval import Approval
from bot.incident.errors import BadInput, Locked
from bot.incident.remediation import Outcome, RemediationOffer, Wish
from bot.incident.rules import RemediationKind
from bot.incident.state import IncidentState, RemediationStatus
from bot.response.override import waiting, waiting_for

KINDS = tuple(kind.value for kind in RemediationKind)
OUTCOMES = tuple(outcome.value for outcome in Outcome)


@dataclass(frozen=True, slots=True)
class Repair:
    """What ``firstfive remediate`` was asked for; see its ``--help`` for each field."""

    incident: str
    action: str
    target: str = ""  # a version, or the id of a remediation for its outcome
    reason: str = ""
    override: str | None = None
    alone: str = ""
    passed: int | None = None
    of: int | None = None
    as_json: bool = False


async def remediate(home: House, wanted: Repair) -> int:
    """Do it and print how the incident's remediations stand.

    Raises:
        BadInput: something is missing or cannot be used.
        Refused: a verb declined; the sentence says why and which option helps.
    """
    verbs, key, idem = home.verbs, wanted.incident, home.ids.new()
    if wanted.action == "list":
        return await _shown(home, await verbs.look.state(key), wanted)
    if wanted.action == "evaluate":
        return await _shown(home, await _evaluated(home, wanted, idem), wanted)
    if wanted.action in OUTCOMES:
        outcome = Outcome(wanted.action)
        state = await verbs.remediate.end(key, _named(wanted), outcome, wanted.reason, me(), idem)
        return await _shown(home, state, wanted)
    wish = Wish(RemediationKind(wanted.action), wanted.target.strip())
    try:
        state = await verbs.remediate(key, wish, wanted.reason, me(), idem, wanted.override, wanted.alone)
    except Locked as error:
        raise Locked(f"{error} The reason goes with --override.") from error
    asked = waiting_for(state, wish)
    if asked is not None and not wanted.as_json:
        print(_asked(asked))
    return await _shown(home, state, wanted)


def _named(wanted: Repair) -> str:
    if not wanted.target:
        raise BadInput("id", f"Name the remediation that {wanted.action}: its id, as `list` shows it.")
    return wanted.target


async def _evaluated(home: House, wanted: Repair, idem: str) -> IncidentState:
    evaluate = home.verbs.evaluate
    if wanted.passed is None and wanted.of is None:
        return await evaluate.ask(wanted.incident, wanted.target, me(), idem)
    if wanted.passed is None or wanted.of is None:
        raise BadInput("passed", "Give both --passed and --of, or neither to ask for an evaluation.")
    return await evaluate.report(wanted.incident, wanted.target, wanted.passed, wanted.of, me(), idem)


async def _shown(home: House, state: IncidentState, wanted: Repair) -> int:
    offers = await home.verbs.remediations(state.incident.key) if state.status.is_open else ()
    if wanted.as_json:
        from bot.web.api.remediating import shape_of  # noqa: PLC0415 - pydantic, only for JSON

        print(json.dumps(shape_of(state, offers).model_dump(mode="json")))
        return 0
    for one in state.remediations.values():
        print(_started(one))
    if wanted.action == "list":
        for question in waiting(state):
            print(_asked(question))
        for offer in offers:
            print(_offered(offer))
    return 0


def _started(one: RemediationStatus) -> str:
    how = one.ended.outcome.value if one.ended else "under way"
    lock = " in spite of its lock" if one.fact.override else ""
    return f"{one.fact.remediation}  {one.fact.wish.label}: {how}{lock}  {one.by.name} {one.at:%Y-%m-%d %H:%M} UTC"


def _offered(offer: RemediationOffer) -> str:
    return f"{'open  ' if offer.permission.granted else 'locked'}  {offer.wish.label}: {offer.permission.reason}"


def _asked(question: Approval) -> str:
    return (
        f"  {question.asked_by.name} asks: {question.words}. A second person answers until "
        f"{question.expires_at:%H:%M} UTC: firstfive control approve {question.id}"
    )
