"""LiteLLM proxy, over its admin API: block an agent's key, cap its rate or turns, pin its model.

What a field held before is kept beside it at LiteLLM, in the key's metadata or the deployment's info, so that undoing
needs no memory of ours and does not overwrite what somebody else set meanwhile. Writes need a proxy with a database.
Checked by contract: the routes of LiteLLM 1.106.2's own OpenAPI description, on a local stand-in.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from bot.controls.entry import Entry, Given, Options, option
from bot.controls.http_driver import HttpDriver
from bot.controls.litellm_fields import Deployment, Key, Setting
from bot.controls.vendor import Vendor, client_for
from bot.incident.composition import Controls
from bot.incident.driving import Plan, Receipt
from bot.incident.errors import Unsupported
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation
from bot.incident.proof import ReadBack

NAME = "litellm"
URL, KEY = "FIRSTFIVE_LITELLM_URL", "FIRSTFIVE_LITELLM_MASTER_KEY"
PINS = ("alias", "deployment", "fallback")
_HASH = re.compile(r"[0-9a-fA-F]{64}")
_KINDS = frozenset({MitigationKind.HALT, MitigationKind.RATE_CAP, MitigationKind.TURN_LIMIT, MitigationKind.MODEL_PIN})


class LiteLlm(HttpDriver):
    """Mitigations as fields of keys and deployments."""

    name = NAME

    def plan(self, mitigation: Mitigation, after: Controls) -> Plan:
        """As :meth:`bot.ports.Driver.plan`."""
        if mitigation.kind not in _KINDS:
            raise Unsupported(f"LiteLLM cannot do {mitigation.kind.value}; it can {', '.join(sorted(_KINDS))}.")
        if mitigation.scope.tenant or mitigation.scope.channel or mitigation.scope.version:
            raise Unsupported("LiteLLM knows keys and deployments, not tenants, channels or versions; leave them out.")
        lifts = mitigation.id not in after.mitigations
        words = [
            f"LiteLLM: give {one.name} on {one.place} back what it was" if lifts else f"LiteLLM: set {one}"
            for one in self._settings(mitigation, after, {})
        ]
        if mitigation.kind is MitigationKind.RATE_CAP and not lifts:
            words.append("LiteLLM counts model calls a minute, so tasks are capped lower than that")
        if any(isinstance(one.place, Deployment) for one in self._settings(mitigation, after, {})) and not lifts:
            words.append("Everybody who uses the deployment is bound, not this agent only")
        return Plan(mitigation, after, tuple(words))

    async def apply(self, plan: Plan, idem: str) -> Receipt:
        """As :meth:`bot.ports.Driver.apply`. Settings are known by the mitigation's id, so ``idem`` is not needed."""
        del idem
        with self._vendor.in_part() as done:
            for one in self._settings(plan.mitigation, plan.after, _changed_by(plan)):
                await self._held(one, plan.mitigation.id)
                done.append(str(one))
        return Receipt(f"set {', '.join(done)}", tuple(done))

    async def revert(self, plan: Plan, idem: str) -> Receipt:
        """As :meth:`bot.ports.Driver.revert`. What somebody else has set meanwhile stays, and is said."""
        del idem
        with self._vendor.in_part() as done:
            for one in self._settings(plan.mitigation, plan.after, _changed_by(plan)):
                done.append(await self._released(one, plan.mitigation.id))
        return Receipt("; ".join(done), tuple(done))

    async def _asked_back(self, mitigation: Mitigation, after: Controls) -> ReadBack:
        """As :meth:`HttpDriver.read_back`, through the admin API: other workers may keep a key for a minute."""
        lifts, said = mitigation.id not in after.mitigations, []
        for one in self._settings(mitigation, after, {}):
            now, record = await one.place.look(one.name)
            held = mitigation.id in record.get("by", ())
            if held if lifts else not one.stands(now):
                still = "is still held for this mitigation" if lifts else f"is {now}"
                return ReadBack(confirmed=False, detail=f"{one.name} on {one.place} {still}", differs=True)
            said.append(f"{one.name} on {one.place} is {now}")
        return ReadBack(confirmed=True, detail=", ".join(said))

    def _settings(self, mitigation: Mitigation, after: Controls, headers: Mapping[str, str]) -> Iterator[Setting]:
        options, kind = self._given.options(mitigation), mitigation.kind
        left = after.value(kind)
        value = mitigation.value if left is None else left
        environments = self._given.environments(mitigation)
        hashes = dict.fromkeys(found for one in environments if (found := option(options, "key", one)))
        ids = dict.fromkeys(part for one in environments for part in _list(option(options, "deployments", one)))
        keys = [Key(self._vendor, one, headers) for one in hashes]
        deployments = [Deployment(self._vendor, one, headers) for one in ids]
        match kind:
            case MitigationKind.HALT:
                yield from (Setting(key, "blocked", value=True) for key in keys)
                yield from (Setting(deployment, "blocked", value=True) for deployment in deployments)
            case MitigationKind.MODEL_PIN:
                yield from _pinned(options, keys, deployments, value)
            case _:
                name = "rpm_limit" if kind is MitigationKind.RATE_CAP else "max_iterations"
                yield from (Setting(key, name, value) for key in keys)

    async def _held(self, one: Setting, mitigation_id: str) -> None:
        now, record = await one.place.look(one.name)
        before = record.get("before") if record else now
        by = [*(other for other in record.get("by", ()) if other != mitigation_id), mitigation_id]
        wanted = one.over(before)
        if now != wanted or record.get("by") != by:
            await one.place.put(one.name, wanted, {"by": by, "before": before, "set": wanted})

    async def _released(self, one: Setting, mitigation_id: str) -> str:
        now, record = await one.place.look(one.name)
        if mitigation_id not in record.get("by", ()):
            return f"{one.name} on {one.place} was not held for this mitigation and stays {now}"
        by = [other for other in record["by"] if other != mitigation_id]
        if now != record.get("set"):
            await one.place.put(one.name, now, {**record, "by": by, "set": now} if by else {})
            return f"{one.name} on {one.place} was set to {now} by somebody else meanwhile and stays so"
        value = one.over(record.get("before")) if by else record.get("before")
        await one.place.put(one.name, value, {**record, "by": by, "set": value} if by else {})
        return f"{one.name} on {one.place} is {value} again" if not by else f"{one.name} on {one.place} is {value}"


def _pinned(options: Options, keys: list[Key], deployments: list[Deployment], value: Any) -> Iterator[Setting]:
    models = _list(options.get("models", ""))
    match options.get("pin", PINS[0]):
        case "alias":
            yield from (Setting(key, "aliases", dict.fromkeys(models, value)) for key in keys)
        case "deployment":
            yield from (Setting(deployment, "model", value) for deployment in deployments)
        case _:
            yield from (Setting(key, f"fallback.{model}", [value]) for key in keys[:1] for model in models)
            yield from (Setting(deployment, "blocked", value=True) for deployment in deployments)


def _changed_by(plan: Plan) -> dict[str, str]:
    """LiteLLM's own header for whom a change is made for. Headers are ASCII."""
    said = f"{plan.by.name} ({plan.by.id}), {plan.mitigation.incident}, firstfive {plan.mitigation.id}"
    return {"litellm-changed-by": said.encode("ascii", "replace").decode()}


def _list(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def open_driver(given: Given) -> LiteLlm:
    """LiteLLM as the settings name it."""
    key = given.settings[KEY]
    client = client_for(given.settings[URL], {"authorization": f"Bearer {key}"})
    return LiteLlm(given, Vendor("LiteLLM", f"{URL} and {KEY}", client, given.clock, (key,)))


def _check(kind: MitigationKind, options: Options) -> str:
    keys = [value for name, value in options.items() if name.partition(".")[0] == "key"]
    deployments = any(name.partition(".")[0] == "deployments" for name in options)
    pin = options.get("pin", PINS[0])
    if any(not _HASH.fullmatch(key) for key in keys):
        return "litellm wants the key's hash (64 hex digits, as /key/info and the key's page show it), never the key itself."
    if pin not in PINS:
        return f"pin is {pin!r}; use one of {', '.join(PINS)}."
    needs_deployments = kind is MitigationKind.MODEL_PIN and pin != "alias"
    if needs_deployments and not deployments:
        return f"litellm needs deployments for pin {pin}: the ids of the model deployments."
    needs_models = kind is MitigationKind.MODEL_PIN and pin != "deployment"
    if needs_models and not options.get("models"):
        return "litellm needs models: the model names that the agent asks for."
    if not keys and not (deployments and (kind is MitigationKind.HALT or pin == "deployment")):
        return "litellm needs key: the hash of the agent's virtual key."
    return ""


DRIVER = Entry(
    NAME,
    _KINDS,
    open_driver,
    settings=(URL, KEY),
    options={
        "key": "hash of the agent's virtual key, never the key itself",
        "deployments": "ids of model deployments kept in LiteLLM's database, with commas",
        "models": "model names that the agent asks for, with commas",
        "pin": "how a model is pinned: alias (this key only), deployment (change it for all), fallback (block it, fall back)",
    },
    check=_check,
)
