"""LaunchDarkly: each mitigation is a targeting rule of its own, and a kill switch for everybody turns the flag off.

One semantic patch changes the whole flag or nothing. The rule's description carries our id and whether the flag was on
before, so that undoing needs no memory of ours. Where an environment wants approvals, a request is made and named; the
mitigation counts as in force only once somebody has approved it there and it reads back.
Checked by contract: the API's documented shapes, on a local stand-in.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from urllib.parse import quote

from bot.controls.entry import Entry, Given, Options, account, option
from bot.controls.http_driver import HttpDriver
from bot.controls.launchdarkly_flags import Flag, Json, shown
from bot.controls.launchdarkly_rules import Rule
from bot.controls.vendor import Answer, Vendor, client_for
from bot.incident.composition import Controls
from bot.incident.driving import Plan, Receipt
from bot.incident.errors import Unavailable, Unsupported
from bot.incident.kinds import LEVERS, MitigationKind
from bot.incident.mitigation import Mitigation
from bot.incident.model import Person
from bot.incident.proof import ReadBack

NAME = "launchdarkly"
URL, TOKEN = "FIRSTFIVE_LAUNCHDARKLY_URL", "FIRSTFIVE_LAUNCHDARKLY_TOKEN"
API_VERSION = "20240415"
SEMANTIC_PATCH = "application/json; domain-model=launchdarkly.semanticpatch"
NOT_ALLOWED, CONFLICT = 405, 409  # approvals are required; another change came at the same moment
_KINDS = frozenset(MitigationKind) - {MitigationKind.DISABLE_TOOLS}


class LaunchDarkly(HttpDriver):
    """Mitigations as targeting rules of flags."""

    name = NAME

    def plan(self, mitigation: Mitigation, after: Controls) -> Plan:
        """As :meth:`bot.ports.Driver.plan`."""
        if mitigation.kind not in _KINDS:
            raise Unsupported("LaunchDarkly serves one value a flag, so tools cannot be switched off one by one there.")
        lifts = mitigation.id not in after.mitigations
        rule = self._rule(mitigation)
        served = f"the variation {shown(rule.wanted)}"
        words = tuple(
            f"LaunchDarkly: remove this mitigation's rule from {key} in {environment}, and set the flag as it was"
            if lifts
            else f"LaunchDarkly: serve {served} of {key} in {environment} to {rule.who}"
            for _, key, environment in self._places(mitigation)
        )
        return Plan(mitigation, after, words)

    async def apply(self, plan: Plan, idem: str) -> Receipt:
        """As :meth:`bot.ports.Driver.apply`. The rule is known by the mitigation's id, so ``idem`` is not needed."""
        del idem
        return await self._changed(plan, self._rule(plan.mitigation).to_apply)

    async def revert(self, plan: Plan, idem: str) -> Receipt:
        """As :meth:`bot.ports.Driver.revert`."""
        del idem
        return await self._changed(plan, self._rule(plan.mitigation).to_revert)

    async def _asked_back(self, mitigation: Mitigation, after: Controls) -> ReadBack:
        """As :meth:`HttpDriver.read_back`, through the API: SDKs get the same flag within seconds."""
        said = []
        for flag in [await self._flag(*place) for place in self._places(mitigation)]:
            wrong = self._rule(mitigation).wrong(flag, lifts=mitigation.id not in after.mitigations)
            if wrong:
                return ReadBack(confirmed=False, detail=f"{flag}: {wrong}", differs=True)
            said.append(f"{flag} is as planned, version {flag.here.get('version')}")
        return ReadBack(confirmed=True, detail=", ".join(said))

    def _rule(self, mitigation: Mitigation) -> Rule:
        return Rule(mitigation, self._given.options(mitigation), self._vendor.refused)

    def _places(self, mitigation: Mitigation) -> Iterator[tuple[str, str, str]]:
        options = self._given.options(mitigation)
        for environment in self._given.environments(mitigation):
            yield (
                option(options, "project", environment, "default"),
                option(options, "flag", environment, f"{mitigation.agent}.{mitigation.kind.control}"),
                option(options, "environment", environment, environment),
            )

    async def _flag(self, project: str, key: str, environment: str) -> Flag:
        answer = await self._vendor.read(_path(project, key), {"env": environment})
        flag = Flag(project, key, environment, answer.body if isinstance(answer.body, dict) else {})
        if not flag.here:
            raise self._vendor.refused(
                f"has no environment {environment!r} for {key}; check the catalogue's environment."
            )
        return flag

    async def _changed(self, plan: Plan, to_do: Callable[[Flag, Person], list[Json]]) -> Receipt:
        said, requests = [], []
        with self._vendor.in_part() as done:
            for place in self._places(plan.mitigation):
                flag = await self._flag(*place)
                instructions = to_do(flag, plan.by)
                if not instructions:
                    said.append(f"{flag} was as planned already")
                    continue
                detail, request = await self._patched(flag, plan, instructions)
                said.append(detail)
                requests.append(request)
                done.append(str(flag))
        return Receipt("; ".join(said), tuple(requests))

    async def _patched(self, flag: Flag, plan: Plan, instructions: Sequence[Json]) -> tuple[str, str]:
        body = {
            "environmentKey": flag.environment,
            "comment": account(plan.mitigation, plan.by, lifts=plan.lifts),
            "instructions": list(instructions),
        }
        answer = await self._vendor.write(
            "PATCH",
            _path(flag.project, flag.key),
            body,
            headers={"content-type": SEMANTIC_PATCH},
            telling=(NOT_ALLOWED, CONFLICT),
        )
        if answer.status == CONFLICT:
            raise Unavailable(f"LaunchDarkly changes {flag} for somebody else just now.", timedelta(seconds=1))
        if answer.status == NOT_ALLOWED:
            return await self._requested(flag, body)
        version = answer.body["environments"][flag.environment].get("version") if _told(answer, flag) else ""
        return f"{flag} changed", f"{flag.key} version {version}" if version else flag.key

    async def _requested(self, flag: Flag, body: Json) -> tuple[str, str]:
        """Ask for the approval that the environment wants; a request that waits already is not made twice."""
        path = f"/api/v2/projects/{quote(flag.project, safe='')}/flags/{quote(flag.key, safe='')}"
        path += f"/environments/{quote(flag.environment, safe='')}/approval-requests"
        comment = str(body["comment"])
        waiting = (await self._vendor.read(path)).body
        items = waiting.get("items") if isinstance(waiting, dict) else None
        found = next(
            (one for one in items or () if one.get("description") == comment and one.get("status") == "pending"), None
        )
        if found is None:
            wanted = {"description": comment, "comment": comment, "instructions": body["instructions"]}
            found = (await self._vendor.write("POST", path, wanted)).body
        request = f"approval request {found.get('_id', '') if isinstance(found, dict) else ''}".strip()
        return (
            f"{flag} wants an approval in LaunchDarkly first: {request} waits there, and nothing is in force yet",
            request,
        )


def _path(project: str, key: str) -> str:
    return f"/api/v2/flags/{quote(project, safe='')}/{quote(key, safe='')}"


def _told(answer: Answer, flag: Flag) -> bool:
    body = answer.body
    return isinstance(body, dict) and isinstance((body.get("environments") or {}).get(flag.environment), dict)


def open_driver(given: Given) -> LaunchDarkly:
    """LaunchDarkly as the settings name it."""
    token = given.settings[TOKEN]
    client = client_for(given.settings[URL], {"authorization": token, "ld-api-version": API_VERSION})
    return LaunchDarkly(given, Vendor("LaunchDarkly", f"{URL} and {TOKEN}", client, given.clock, (token,)))


def _check(kind: MitigationKind, options: Options) -> str:
    said = options.get("in_force", "")
    if said and (said.lower() not in {"true", "false"} or not LEVERS[kind].is_switch):
        return 'in_force is "true" or "false", the variation that means in force, and goes with switches only.'
    return ""


DRIVER = Entry(
    NAME,
    _KINDS,
    open_driver,
    settings=(TOKEN,),
    optional=(URL,),
    options={
        "flag": "key of the flag; AGENT.CONTROL where it is left out",
        "project": "project key; default",
        "environment": "environment key; the agent's own name for it where it is left out",
        "in_force": "the variation of a boolean flag that means the mitigation is in force; false",
        "context_kind": "the kind of context that agents evaluate with; user",
        "tenant": "attribute that holds the tenant",
        "channel": "attribute that holds the channel",
        "version": "attribute that holds the version",
    },
    check=_check,
)
