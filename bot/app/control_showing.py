"""Print what is in force, and what became of a change: its proof, and whether anybody hears of it."""

import asyncio
import json
import sys
from collections.abc import Callable

from bot.app.control_lines import _waiting, asked_line, line, row, standing
from bot.app.house import House
from bot.app.wish import Wish, target_of
from bot.incident.codec import encode
from bot.incident.control_words import NONE_IN_FORCE, proof_line
from bot.incident.mitigation import BUILT_IN, Mitigation, MitigationState

LOOK_EVERY = 0.3  # seconds between two looks at the proof
LOOKS = 3  # a server sees what we committed within a tenth of a second
SILENT_SERVER = 4.0  # seconds after which missing proof is taken for a server that does not run
_TOLD = frozenset({MitigationState.APPLIED, MitigationState.REVERTED})
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


async def live_for(home: House, wish: Wish) -> list[Mitigation]:
    """What is in force of the agent or the incident of the wish; without either, everything."""
    key = await _key_of(home, wish)
    found, _ = await home.verbs.in_force(wish.agent)
    return [mitigation for mitigation in found if key in {None, mitigation.incident}]


async def print_list(home: House, wish: Wish) -> int:
    """Print what is in force and what waits for a second person."""
    found, key = await live_for(home, wish), await _key_of(home, wish)
    asked = [
        one
        for one in await home.verbs.in_force.questions()
        if wish.agent in {None, one.agent} and key in {None, one.incident}
    ]
    if wish.as_json:
        print(json.dumps([row(one) for one in found]))
        return 0
    for one in found:
        print(line(one))
    for question in asked:
        print(asked_line(question))
    if not found:
        print(NONE_IN_FORCE if key else f"No mitigation is in force{f' on {wish.agent}' if wish.agent else ''}.")
    return 0


async def _key_of(home: House, wish: Wish) -> str | None:
    """The key of the incident that is meant, however it was typed."""
    return (await home.verbs.look.state(wish.incident)).incident.key if wish.incident else None


async def print_one(home: House, wish: Wish) -> int:
    """Print everything about one mitigation."""
    found, status = await home.verbs.in_force.one(target_of(wish))
    if wish.as_json:
        proof = encode(status.proof) if status and status.proof else None
        print(json.dumps({**row(found), "proof": proof, "times": encode(status.first) if status else {}}))
        return 0
    print(line(found))
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


async def print_found(home: House, found: list[Mitigation], *, as_json: bool) -> None:
    """Print mitigations, with what may keep them from working and the questions open about them."""
    if as_json:
        print(json.dumps([row(one) for one in found]))
        return
    for one in found:
        print(line(one))
        _, status = await home.verbs.in_force.one(one.id)
        for warning in status.warnings if status and one.state.is_live else ():
            print(f"careful: {warning}.", file=sys.stderr)
        if one.approval:
            state = await home.verbs.look.state(one.incident)
            if one.approval in state.approvals and state.approvals[one.approval].is_pending:
                print(asked_line(state.approvals[one.approval]))


async def watched(home: House, mitigation: Mitigation, seconds: float) -> Mitigation:
    """Say on standard error what proof there is, as it comes, until it is settled or the time is over."""
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True)  # noqa: E731
    said, waited = "", 0.0
    while True:
        found, status = await home.verbs.in_force.one(mitigation.id)
        now = standing(found, status)
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


async def warned_unheard(home: House, found: list[Mitigation]) -> None:
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
