"""Unleash: each mitigation is a strategy of its own on a kill-switch feature, so that overlapping ones compose there.

Unleash joins strategies by "or" and takes values from the first that matches, so the safest is put first. The
strategy carries our id in its parameters, which is how it is found again, at the admin API and on the path that
agents read. Undoing removes it, and turns the feature off once none of ours is left, if we turned it on.
Checked against unleash-server 7.5.1.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from bot.controls.entry import Entry, Given, Options, option, scope_of
from bot.controls.http_driver import HttpDriver
from bot.controls.unleash_strategies import Place, before_of, mark_of, serving, strategy_for, wrong_with
from bot.controls.vendor import Vendor, client_for
from bot.incident.composition import Controls
from bot.incident.driving import Plan, Receipt
from bot.incident.errors import FirstfiveError, Refused, Unsupported
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation, Scope
from bot.incident.proof import ReadBack

NAME = "unleash"
URL, TOKEN, READ_TOKENS = "FIRSTFIVE_UNLEASH_URL", "FIRSTFIVE_UNLEASH_TOKEN", "FIRSTFIVE_UNLEASH_CLIENT_TOKENS"
LOOKS, BETWEEN_LOOKS = 5, 0.25  # a replica of Unleash reads its database again within a second
NOT_FOUND, CONFLICT = 404, 409


class Unleash(HttpDriver):
    """Mitigations as strategies; ``readers`` are the agents' own tokens, one for each environment."""

    name = NAME

    def __init__(self, given: Given, vendor: Vendor, readers: Mapping[str, str]) -> None:
        super().__init__(given, vendor)
        self._readers = readers

    def plan(self, mitigation: Mitigation, after: Controls) -> Plan:
        """As :meth:`bot.ports.Driver.plan`."""
        lifts = mitigation.id not in after.mitigations
        who = f" for {said}" if (said := Scope("", *scope_of(mitigation)).in_words) else ""
        words = tuple(
            f"Unleash: remove this mitigation's strategy from {place}, and turn it off if firstfive turned it on"
            if lifts
            else f"Unleash: turn {place} on{who}{serving(mitigation)}"
            for place in self._places(mitigation)
        )
        unsaid = (
            (f"A call that does not say its {who.split()[1]} is not bound in Unleash",) if who and not lifts else ()
        )
        return Plan(mitigation, after, (*words, *unsaid))

    async def apply(self, plan: Plan, idem: str) -> Receipt:
        """As :meth:`bot.ports.Driver.apply`. The strategy is known by the mitigation's id, so ``idem`` is not needed."""
        del idem
        places = tuple(self._places(plan.mitigation))
        with self._vendor.in_part() as done:
            for place in places:
                await self._applied(place, plan)
                done.append(str(place))
        return Receipt(f"on: {', '.join(map(str, places))}", await self._events(places))

    async def revert(self, plan: Plan, idem: str) -> Receipt:
        """As :meth:`bot.ports.Driver.revert`."""
        del idem
        places = tuple(self._places(plan.mitigation))
        with self._vendor.in_part() as done:
            for place in places:
                done.append(await self._lifted(place, plan.mitigation))
        return Receipt("; ".join(done), await self._events(places))

    async def _asked_back(self, mitigation: Mitigation, after: Controls) -> ReadBack:
        """As :meth:`HttpDriver.read_back`: through ``/api/client/features``, with the agents' own token."""
        found = ReadBack(confirmed=False, detail="Unleash was not asked")
        for look in range(LOOKS):
            await asyncio.sleep(BETWEEN_LOOKS if look else 0)
            found = await self._looked(mitigation, after)
            if found.confirmed:
                break
        return found

    def _places(self, mitigation: Mitigation) -> Iterator[Place]:
        options = self._given.options(mitigation)
        tools = mitigation.value if isinstance(mitigation.value, tuple) else ("",)
        for environment in self._given.environments(mitigation):
            there = option(options, "environment", environment, environment)
            pattern = option(options, "feature", environment, f"{mitigation.agent}.{mitigation.kind.control}")
            if tools != ("",) and "{tool}" not in pattern:
                raise Unsupported(
                    f"Unleash switches tools off one by one; write {{tool}} into the feature {pattern!r}."
                )
            for tool in tools:
                project = option(options, "project", environment, "default")
                yield Place(project, pattern.replace("{tool}", tool), there)

    async def _applied(self, place: Place, plan: Plan) -> None:
        mitigation = plan.mitigation
        await self._exists(place, mitigation)
        now = await self._state(place)
        strategies = now["strategies"]
        if not any(mark_of(one) == mitigation.id for one in strategies):
            others = [one for one in strategies if not mark_of(one) and not one.get("disabled")]
            if others and not now["enabled"] and any(scope_of(mitigation)):
                raise self._vendor.refused(
                    f"has {place} turned off with strategies of its own, which turning it on would set in force too; "
                    "apply it without a scope, or remove them."
                )
            before = next((before_of(one) for one in strategies if mark_of(one)), "on" if now["enabled"] else "off")
            strategy = strategy_for(place, plan, before, self._given.options(mitigation))
            await self._vendor.write("POST", f"{place.at}/strategies", strategy)
        if now["enabled"]:
            return
        try:  # with a strategy there Unleash adds none of its own
            await self._vendor.write("POST", f"{place.at}/on")
        except Refused:  # a strategy left behind would come into force with somebody else's click
            await self._lifted(place, mitigation)
            raise

    async def _lifted(self, place: Place, mitigation: Mitigation) -> str:
        now = await self._state(place)
        mine = [one for one in now["strategies"] if mark_of(one) == mitigation.id]
        others = [one for one in now["strategies"] if mark_of(one) not in {"", mitigation.id}]
        off = bool(mine) and not others and before_of(mine[0]) == "off"
        if off and now["enabled"]:  # first: a feature that is on without strategies is on for everybody
            await self._vendor.write("POST", f"{place.at}/off")
        for one in mine:
            await self._vendor.write("DELETE", f"{place.at}/strategies/{one['id']}", telling=(NOT_FOUND,))
        left = await self._state(place)
        if mine and left["enabled"] and not left["strategies"]:  # another one left at the same moment
            await self._vendor.write("POST", f"{place.at}/off")
            left["enabled"] = False
        if not left["enabled"]:
            return f"{place} is off"
        return f"{place} stays on for {'other mitigations' if others else 'what was on there before'}"

    async def _exists(self, place: Place, mitigation: Mitigation) -> None:
        here = f"{place.features}/{quote(place.feature, safe='')}"
        answer = await self._vendor.read(here, telling=(NOT_FOUND,))
        if answer.status != NOT_FOUND:
            return
        body = {"name": place.feature, "type": "kill-switch", "description": f"{mitigation.kind.label} of firstfive"}
        made = await self._vendor.write("POST", place.features, body, telling=(CONFLICT,))
        if made.status == CONFLICT and (await self._vendor.read(here, telling=(NOT_FOUND,))).status == NOT_FOUND:
            raise self._vendor.refused(f"cannot create {place.feature}: {made.text('message') or 'it is archived'}.")

    async def _state(self, place: Place) -> dict[str, Any]:
        body = (await self._vendor.read(place.at)).body
        if not isinstance(body, dict):
            raise self._vendor.refused(f"does not say how {place} stands.")
        strategies = [one for one in body.get("strategies") or () if isinstance(one, dict)]
        return {"enabled": body.get("enabled") is True, "strategies": strategies}

    async def _events(self, places: Sequence[Place]) -> tuple[str, ...]:
        """The newest event of each feature, for the audit. Nothing is lost without them."""
        found = []
        for feature in dict.fromkeys(place.feature for place in places):
            try:
                params = {"feature": f"IS:{feature}", "limit": "1"}
                body = (await self._vendor.read("/api/admin/search/events", params)).body
                found += [f"event {one['id']}" for one in body["events"]]
            except (FirstfiveError, KeyError, TypeError):
                continue
        return tuple(found)

    async def _looked(self, mitigation: Mitigation, after: Controls) -> ReadBack:
        said = []
        for place in self._places(mitigation):
            token = self._readers.get(place.environment, "")
            if not token:
                return ReadBack(
                    confirmed=False, detail=f"no token in {READ_TOKENS} reads {place.environment} as agents do"
                )
            params = {"namePrefix": place.feature}
            body = (await self._vendor.read("/api/client/features", params, {"authorization": token})).body
            features = body.get("features") if isinstance(body, dict) else None
            feature: dict[str, Any] = next((one for one in features or () if one.get("name") == place.feature), {})
            wrong = wrong_with(feature, mitigation, after)
            if wrong:
                return ReadBack(confirmed=False, detail=f"{place}: {wrong}", differs=True)
            said.append(f"{place} is {'on' if feature.get('enabled') else 'off'}")
        return ReadBack(confirmed=True, detail=", ".join(said))


def read_tokens(text: str) -> dict[str, str]:
    """Environment -> client token. Unleash writes the environment into the token: ``project:environment.secret``."""
    tokens = [token for line in text.splitlines() for token in (part.strip() for part in line.split(",")) if token]
    return {token.partition(":")[2].partition(".")[0]: token for token in tokens}


def open_driver(given: Given) -> Unleash:
    """Unleash as the settings name it."""
    token, readers = given.settings[TOKEN], read_tokens(given.settings[READ_TOKENS])
    client = client_for(given.settings[URL], {"authorization": token})
    vendor = Vendor("Unleash", f"{URL} and {TOKEN}", client, given.clock, (token, *readers.values()))
    return Unleash(given, vendor, readers)


def _check(kind: MitigationKind, options: Options) -> str:
    feature = options.get("feature", "")
    if kind is MitigationKind.DISABLE_TOOLS and "{tool}" not in feature:
        return "unleash switches tools off one by one; write {tool} into feature, like helpdesk.tool.{tool}.off."
    return ""


def _settled(settings: Mapping[str, str]) -> str:
    if all(read_tokens(settings.get(READ_TOKENS, ""))):
        return ""
    return f"{READ_TOKENS} holds a token that names no environment; write them as Unleash does, project:environment.secret."


DRIVER = Entry(
    NAME,
    frozenset(MitigationKind),
    open_driver,
    settings=(URL, TOKEN, READ_TOKENS),
    options={
        "feature": "name of the feature; AGENT.CONTROL where it is left out",
        "project": "project in Unleash; default",
        "environment": "environment in Unleash; the agent's own name for it where it is left out",
        "tenant": "context field that holds the tenant",
        "channel": "context field that holds the channel",
        "version": "context field that holds the version",
    },
    check=_check,
    settled=_settled,
)
