"""``firstfive control``: every verb about mitigations at a terminal, with the same rules and the same audit.

It works on the database directly, so it does not matter whether a server runs; one that does sees
a change within a tenth of a second.
"""

import json

from bot.app.console import me
from bot.app.control_showing import live_for, print_found, print_list, print_one, warned_unheard, watched
from bot.app.house import House
from bot.app.wish import ANSWERS, KINDS, READS, Wish, target_of
from bot.incident.approval import incident_of
from bot.incident.errors import BadInput, Conflict, Contraindicated, NotFound, Refused
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation, MitigationState
from bot.incident.model import Via
from bot.response.orders import Order, checked_order


async def control(home: House, wish: Wish) -> int:
    """Do it and print the outcome.

    Raises:
        BadInput: something is missing or cannot be used.
        Refused: a verb declined; the sentence says why and which option helps.
    """
    try:
        if wish.action in READS:
            return await (print_list(home, wish) if wish.action == "list" else print_one(home, wish))
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
        found = [await watched(home, found[0], wish.wait)]
    await print_found(home, found, as_json=wish.as_json)
    if not wish.wait:
        await warned_unheard(home, found)
    for one in found:
        if one.state is MitigationState.REFUSED and wish.action in KINDS:
            raise Refused(one.never_in_force)
    return 0


async def _done(home: House, wish: Wish) -> list[Mitigation]:
    match wish.action:
        case "resume" | "revert":
            return await _resume(home, wish)
        case "extend":
            minutes = 60 if wish.minutes is None else wish.minutes
            return [await home.verbs.extend(target_of(wish), minutes, me(), home.ids.new())]
        case "adjust":
            if wish.value is None:
                raise BadInput("value", "Give the new value with --value.")
            change = home.verbs.adjust
            return [await change(target_of(wish), wish.value, wish.reason, me(), home.ids.new(), alone=wish.alone)]
        case "exit-plan":
            steps = tuple(step.strip() for step in wish.steps.split(",") if step.strip())
            pace = 20 if wish.minutes is None else wish.minutes
            return [await home.verbs.plan_exit(target_of(wish), steps, pace, wish.reason, me(), home.ids.new())]
        case _:
            return [await _pull(home, wish)]


async def _answer(home: House, wish: Wish) -> int:
    """A second person's yes or no; then the mitigation as it is, or what became of the remediation."""
    question = await _question(home, target_of(wish))
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
    found = [one for one in await live_for(home, wish) if one.state.is_live]
    if not found:
        raise NotFound(
            f"Nothing is in force for {wish.agent or wish.incident}; `firstfive control list` shows what is."
        )
    revert = home.verbs.revert
    return [await revert(one.id, wish.reason, me(), home.ids.new(), alone=wish.alone) for one in found]
