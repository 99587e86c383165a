"""``firstfive control``: every verb about mitigations at a terminal, with the same rules and the same audit.

It works on the database directly, so it does not matter whether a server runs; one that does sees
a change within a tenth of a second.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bot.app.console import me
from bot.app.house import House
from bot.incident.approval import Approval, incident_of
from bot.incident.codec import encode
from bot.incident.errors import BadInput, Conflict, Contraindicated, NotFound, Refused
from bot.incident.kinds import LEVERS, MitigationKind
from bot.incident.mitigation import BUILT_IN, EVERYWHERE, Mitigation, MitigationState, OnExpiry, Scope
from bot.incident.model import Via
from bot.incident.narration import proof_line
from bot.incident.state import MitigationStatus
from bot.response.mitigate import Order, checked_order

LOOK_EVERY = 0.3  # seconds between two looks at the proof
_TOLD = frozenset({MitigationState.APPLIED, MitigationState.REVERTED})
LOOKS = 3  # a server sees what we committed within a tenth of a second
SILENT_SERVER = 4.0  # seconds after which missing proof is taken for a server that does not run

SETTLED = frozenset(
    {
        MitigationState.OBSERVED,
        MitigationState.INEFFECTIVE,
        MitigationState.UNPROVEN,
        MitigationState.HELD,
        MitigationState.STILL_ON,
        MitigationState.REVERTED,
        MitigationState.EXPIRED,
        MitigationState.REFUSED,
    }
)

KINDS = tuple(kind.value for kind in MitigationKind)
ANSWERS = ("approve", "refuse")
CHANGES = ("resume", "revert", "extend", "adjust", "exit-plan", *ANSWERS)
READS = ("list", "show")
ACTIONS = (*KINDS, *CHANGES, *READS)


@dataclass(frozen=True, slots=True)
class Wish:
    """What ``firstfive control`` was asked for; see its ``--help`` for each field."""

    action: str
    target: str | None = None
    agent: str | None = None
    incident: str | None = None
    value: str | None = None
    minutes: int | None = None
    reason: str = ""
    override: str | None = None
    alone: str = ""
    scope: Scope = EVERYWHERE
    supersedes: str = ""
    on_expiry: OnExpiry | None = None
    steps: str = ""
    dry_run: bool = False
    wait: float = 0.0
    as_json: bool = False


async def control(home: House, wish: Wish) -> int:
    """Do it and print the outcome.

    Raises:
        BadInput: something is missing or cannot be used.
        Refused: a verb declined; the sentence says why and which option helps.
    """
    try:
        if wish.action in READS:
            return await (_list(home, wish) if wish.action == "list" else _show(home, wish))
        if wish.dry_run:
            return await _look(home, wish)
        if wish.action in ANSWERS:
            return await _answer(home, wish)
        found = await _done(home, wish)
    except Contraindicated as error:
        raise Contraindicated(f"{error} The reason goes with --override.") from error
    except Conflict as error:
        raise Conflict(error.with_id, f"{error} Add --supersedes {error.with_id}.") from error
    return await _shown(home, wish, found)


async def _shown(home: House, wish: Wish, found: list[Mitigation]) -> int:
    """Print what was changed, with its proof where somebody wants to wait for that."""
    if wish.wait and len(found) == 1 and found[0].state.is_live and not found[0].approval:
        found = [await _watched(home, found[0], wish.wait)]
    await _print(home, found, as_json=wish.as_json)
    if not wish.wait:
        await _heard(home, found)
    for one in found:
        if one.state is MitigationState.REFUSED and wish.action in KINDS:
            raise Refused(one.never_in_force)
    return 0


async def _heard(home: House, found: list[Mitigation]) -> None:
    """Say on standard error when no server tells agents of it: what is committed is not yet what they obey."""
    changed = next((one for one in found if one.driver == BUILT_IN and one.state in _TOLD), None)
    if changed is None:
        return
    await home.control.publish()
    read = home.control.read_back
    for _ in range(LOOKS):
        if (await read(changed, home.control.controls(changed.agent, changed.scope))).confirmed:
            return
        await asyncio.sleep(LOOK_EVERY)
    url = home.settings.server.url
    print(f"careful: no server at {url} answers with it; agents hear of it from a server only.", file=sys.stderr)


async def _done(home: House, wish: Wish) -> list[Mitigation]:
    match wish.action:
        case "resume" | "revert":
            return await _resume(home, wish)
        case "extend":
            minutes = 60 if wish.minutes is None else wish.minutes
            return [await home.verbs.extend(_target(wish), minutes, me(), home.ids.new())]
        case "adjust":
            if wish.value is None:
                raise BadInput("value", "Give the new value with --value.")
            change = home.verbs.adjust
            return [await change(_target(wish), wish.value, wish.reason, me(), home.ids.new(), alone=wish.alone)]
        case "exit-plan":
            steps = tuple(step.strip() for step in wish.steps.split(",") if step.strip())
            pace = 20 if wish.minutes is None else wish.minutes
            return [await home.verbs.plan_exit(_target(wish), steps, pace, wish.reason, me(), home.ids.new())]
        case _:
            return [await _pull(home, wish)]


def _target(wish: Wish) -> str:
    if not wish.target:
        raise BadInput("id", f"Name what to {wish.action}: its id, as `firstfive control list` shows it.")
    return wish.target


async def _answer(home: House, wish: Wish) -> int:
    """A second person's yes or no; then the mitigation as it is, or what became of the remediation."""
    question = await _question(home, _target(wish))
    found = await home.verbs.decide.answer(question, me(), granted=wish.action == "approve", note=wish.reason)
    if found is not None:
        return await _shown(home, wish, [found])
    asked = (await home.verbs.look.state(incident_of(question) or "")).approvals[question]
    if wish.as_json:
        print(json.dumps([{"approval": question, "incident": asked.incident, "state": asked.state.value}]))
    else:
        print(f"{question}  to {asked.words}: {asked.state.value}  {asked.incident}")
    return 0


async def _question(home: House, named: str) -> str:
    """The id of a question, which may be named by its mitigation."""
    if named.upper().startswith("INC-"):
        return named.strip()
    found, _ = await home.verbs.in_force.one(named)
    if not found.approval:
        raise NotFound(f"Nothing about {found.label} waits for approval; `firstfive control list` shows what does.")
    return found.approval


async def _pull(home: House, wish: Wish) -> Mitigation:
    """Apply a lever; without an incident one is declared, so that the act has its timeline."""
    order = _order(wish)
    checked_order(order)  # before an incident is declared for it
    if wish.incident is None:
        if not wish.agent:
            raise BadInput("agent", "Name the --agent, or the --incident it belongs to.")
        return await home.verbs.contain(wish.agent, order, me(), home.ids.new(), Via.CLI)
    if wish.agent:
        await _same_agent(home, wish.incident, wish.agent)
    return await home.verbs.apply(wish.incident, order, me(), home.ids.new())


async def _look(home: House, wish: Wish) -> int:
    """What it would touch; nothing is changed."""
    if wish.action not in KINDS:
        raise BadInput("dry-run", "--dry-run goes with a mitigation to apply, like halt or turn-limit.")
    if not (wish.agent or wish.incident):
        raise BadInput("agent", "Name the --agent, or the --incident it belongs to.")
    agent = "" if wish.incident else await home.verbs.contain.known(wish.agent or "")
    seen = await home.verbs.preview(_order(wish), key=wish.incident, agent=agent)
    if wish.as_json:
        from bot.web.api.shapes import preview  # noqa: PLC0415 - pydantic, only for JSON

        print(preview(seen).model_dump_json())
    else:
        print("\n".join((f"{seen.wanted.label} on {seen.wanted.target}", *(f"  {line}" for line in seen.lines))))
    return 0


def _order(wish: Wish) -> Order:
    return Order(
        MitigationKind(wish.action),
        wish.value,
        60 if wish.minutes is None else wish.minutes,
        wish.reason,
        wish.override,
        wish.scope,
        wish.supersedes,
        wish.on_expiry,
    )


async def _same_agent(home: House, key: str, agent: str) -> None:
    state = await home.verbs.look.state(key)
    if state.incident.agent != agent:
        raise BadInput(
            "agent", f"{state.incident.key} is about {state.incident.agent}, not {agent}. Leave one of them out."
        )


async def _resume(home: House, wish: Wish) -> list[Mitigation]:
    """Undo one mitigation, or all of an agent or an incident.

    Raises:
        BadInput: none of them is named.
        NotFound: nothing is in force.
    """
    if wish.target:
        return [await home.verbs.revert(wish.target, wish.reason, me(), home.ids.new(), alone=wish.alone)]
    if not (wish.agent or wish.incident):
        raise BadInput("agent", "Name the id, --agent or --incident to undo; `firstfive control list` shows them.")
    found = [one for one in await _live(home, wish) if one.state.is_live]
    if not found:
        raise NotFound(
            f"Nothing is in force for {wish.agent or wish.incident}; `firstfive control list` shows what is."
        )
    revert = home.verbs.revert
    return [await revert(one.id, wish.reason, me(), home.ids.new(), alone=wish.alone) for one in found]


async def _live(home: House, wish: Wish) -> list[Mitigation]:
    key = (await home.verbs.look.state(wish.incident)).incident.key if wish.incident else None
    found, _ = await home.verbs.in_force(wish.agent)
    return [mitigation for mitigation in found if key in {None, mitigation.incident}]


async def _list(home: House, wish: Wish) -> int:
    found = await _live(home, wish)
    asked = [
        one
        for one in await home.verbs.in_force.questions()
        if wish.agent in {None, one.agent} and wish.incident in {None, one.incident}
    ]
    if wish.as_json:
        print(json.dumps([row(one) for one in found]))
        return 0
    for one in found:
        print(_line(one))
    for question in asked:
        print(_asked(question))
    if not found:
        print("No mitigation is in force.")
    return 0


async def _show(home: House, wish: Wish) -> int:
    found, status = await home.verbs.in_force.one(_target(wish))
    if wish.as_json:
        proof = encode(status.proof) if status and status.proof else None
        print(json.dumps({**row(found), "proof": proof, "times": encode(status.first) if status else {}}))
        return 0
    print(_line(found))
    print(f"  reason   {found.reason}")
    print(
        f"  applied  {found.applied_at:%Y-%m-%d %H:%M:%S} UTC by {found.applied_by.name}, carried out by {found.driver}"
    )
    if found.declined:
        print(f"  declined {found.driver}: {found.declined}  Try again: firstfive control revert {found.id}")
    if status and status.strayed:
        print(f"  strayed  {status.strayed.driver} says otherwise: {status.strayed.detail}")
    if found.uncertain:
        print(f"  unsure   {found.uncertain}")
    if status and status.proof:
        print(f"  proof    {proof_line(status.proof)}")
    if found.exit:
        print(f"  exit     {found.exit.done} of {len(found.exit.steps) + 1} steps taken{_waiting(status)}")
    return 0


def _waiting(status: MitigationStatus | None) -> str:
    return f"; the next waits: {status.waiting}" if status and status.waiting else ""


async def _watched(home: House, mitigation: Mitigation, seconds: float) -> Mitigation:
    """Say on standard error what proof there is, as it comes, until it is settled or the time is over."""
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True)  # noqa: E731
    said, waited = "", 0.0
    while True:
        found, status = await home.verbs.in_force.one(mitigation.id)
        now = _standing(found, status)
        if now != said:
            say(now)
            said = now
        settled = found.state in SETTLED
        if settled or waited >= seconds:
            return found
        if status is not None and status.proof is None and SILENT_SERVER <= waited < SILENT_SERVER + LOOK_EVERY:
            say(f"No server at {home.settings.server.url} takes the proof up; agents obey once one runs.")
        await asyncio.sleep(LOOK_EVERY)
        waited += LOOK_EVERY


def _standing(found: Mitigation, status: MitigationStatus | None) -> str:
    if found.uncertain:
        return f"uncertain: {found.uncertain}"
    if status is None or status.proof is None:
        return f"{found.state.value}: waiting for proof"
    return f"{found.state.value}: {proof_line(status.proof)}"


async def _print(home: House, found: list[Mitigation], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([row(one) for one in found]))
        return
    for one in found:
        print(_line(one))
        _, status = await home.verbs.in_force.one(one.id)
        for warning in status.warnings if status and one.state.is_live else ():
            print(f"careful: {warning}.", file=sys.stderr)
        if one.approval:
            state = await home.verbs.look.state(one.incident)
            if one.approval in state.approvals and state.approvals[one.approval].is_pending:
                print(_asked(state.approvals[one.approval]))


def _line(m: Mitigation) -> str:
    until = f"until {m.expires_at:%Y-%m-%d %H:%M} UTC" if m.state.is_live else ""
    where = f" ({m.scope.in_words})" if m.scope.in_words else ""
    doubt = f"  declined: {m.declined}" if m.declined else f"  uncertain: {m.uncertain}" if m.uncertain else ""
    return f"{m.id}  {m.label} on {m.agent}{where}  {m.state.value} {until}  {m.incident}{doubt}"


def _asked(question: Approval) -> str:
    done = "did alone" if question.alone else "asks"
    return (
        f"  {question.asked_by.name} {done}: {question.words}. A second person answers until "
        f"{question.expires_at:%H:%M} UTC: firstfive control approve {question.id}"
    )


def row(m: Mitigation) -> dict[str, Any]:
    """One mitigation for programs."""
    return {
        "id": m.id,
        "incident": m.incident,
        "agent": m.agent,
        "control": m.kind.value,
        "flag": LEVERS[m.kind].control,
        "value": encode(m.value),
        "limit": m.limit,
        "scope": encode(m.scope),
        "state": m.state.value,
        "live": m.state.is_live,
        "uncertain": m.uncertain,
        "declined": m.declined,
        "approval": m.approval or None,
        "driver": m.driver,
        "revision": m.revision,
        "applied_by": m.applied_by.name,
        "applied_at": m.applied_at.isoformat(),
        "expires_at": m.expires_at.isoformat(),
    }
