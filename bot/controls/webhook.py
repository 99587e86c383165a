"""A signed webhook, for every control plane that has no driver of its own.

Requests are signed as Standard Webhooks says (webhook-id, webhook-timestamp, webhook-signature: HMAC-SHA256 over
``id.timestamp.body``) and carry an Idempotency-Key. The receiver answers ``{"applied", "state", "revision"}``, and
answers the same to a GET of ``state_url``, which is how a mitigation is read back. docs/write-a-driver.md has one.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from bot.controls.entry import Entry, Given, Options, option
from bot.controls.http_driver import HttpDriver
from bot.controls.vendor import Answer, Vendor, client_for
from bot.controls.webhook_signing import SECRETS, entries_of, secrets_in, settled, signature
from bot.incident.composition import Controls
from bot.incident.control_values import at_least_as_safe, figure_of
from bot.incident.driving import Plan, Receipt
from bot.incident.errors import Unavailable, Uncertain
from bot.incident.kinds import LEVERS, MitigationKind, Value
from bot.incident.mitigation import Mitigation
from bot.incident.proof import ReadBack

NAME = "webhook"
ATTEMPTS, SHORT_WAIT = 3, 0.5  # of a request that was not taken, and seconds that are waited in between at most
ACCEPTED, CONFLICT = 202, 409  # in force later; the same key is being worked on


class Webhook(HttpDriver):
    """Mitigations as signed requests; ``secrets`` are the keys by name, "" the one without a name."""

    name = NAME

    def __init__(self, given: Given, vendor: Vendor, secrets: Mapping[str, tuple[bytes, ...]]) -> None:
        super().__init__(given, vendor)
        self._secrets = secrets

    def plan(self, mitigation: Mitigation, after: Controls) -> Plan:
        """As :meth:`bot.ports.Driver.plan`."""
        done = "undone" if mitigation.id not in after.mitigations else "in force"
        left = after.value(mitigation.kind)
        rest = f", {figure_of(left)} is left" if done == "undone" and left is not None else ""
        hosts = [urlsplit(url).netloc for url in self._addresses(mitigation, "url")]
        return Plan(
            mitigation, after, tuple(f"Webhook: tell {host} that {mitigation.label} is {done}{rest}" for host in hosts)
        )

    async def apply(self, plan: Plan, idem: str) -> Receipt:
        """As :meth:`bot.ports.Driver.apply`."""
        body = json.dumps(_message(plan, self._vendor.clock.now().isoformat()), separators=(",", ":")).encode()
        said, requests = [], []
        with self._vendor.in_part() as done:
            for url in self._addresses(plan.mitigation, "url"):
                answer = await self._told(url, body, idem, self._keys(plan.mitigation))
                detail, request = self._taken(answer)
                said.append(detail)
                requests += [request] if request else []
                done.append(urlsplit(url).netloc)
        return Receipt("; ".join(said), tuple(requests))

    async def revert(self, plan: Plan, idem: str) -> Receipt:
        """As :meth:`bot.ports.Driver.revert`: the message says that it is undone, and what is left in force."""
        return await self.apply(plan, idem)

    async def _asked_back(self, mitigation: Mitigation, after: Controls) -> ReadBack:
        """As :meth:`HttpDriver.read_back`, where the catalogue names a ``state_url``."""
        addresses, said = list(self._addresses(mitigation, "state_url")), []
        if not addresses:
            return ReadBack(
                confirmed=False, detail="the webhook has no state_url to be asked at; traces have to show it"
            )
        for url in addresses:
            headers = self._headers(f"read:{mitigation.id}", b"", self._keys(mitigation))
            answer = await self._vendor.read(url, _asked(mitigation), headers)
            state = _state(mitigation.kind, answer)
            wrong = _wrong(answer, state, mitigation, after)
            if wrong:
                return ReadBack(confirmed=False, detail=wrong, differs=True)
            said.append(f"state {'unknown' if state is None else figure_of(state)}")
        return ReadBack(confirmed=True, detail=", ".join(said))

    def _addresses(self, mitigation: Mitigation, name: str) -> Iterator[str]:
        options = self._given.options(mitigation)
        environments = self._given.environments(mitigation)
        yield from filter(None, dict.fromkeys(option(options, name, one) for one in environments))

    def _keys(self, mitigation: Mitigation) -> tuple[bytes, ...]:
        name = self._given.options(mitigation).get("secret", "")
        keys = self._secrets.get(name, ())
        if not keys:
            raise self._vendor.refused(
                f"has no secret {f'named {name!r} ' if name else ''}to sign with; check {SECRETS}."
            )
        return keys

    async def _told(self, url: str, body: bytes, idem: str, keys: tuple[bytes, ...]) -> Answer:
        """The answer; what was surely not taken is sent again, with the same key and another signature."""
        for attempt in range(1, ATTEMPTS + 1):
            headers = {**self._headers(idem, body, keys), "content-type": "application/json", "idempotency-key": idem}
            try:
                answer = await self._vendor.write("POST", url, body, headers=headers, telling=(CONFLICT,))
            except Unavailable as error:
                if attempt == ATTEMPTS or error.retry_after.total_seconds() > SHORT_WAIT:
                    raise
                await asyncio.sleep(error.retry_after.total_seconds())
                continue
            if answer.status != CONFLICT:
                return answer
            if attempt < ATTEMPTS:
                await asyncio.sleep(SHORT_WAIT / 2)
        raise Uncertain("The webhook is still working on this request: the change may or may not have happened.")

    def _headers(self, idem: str, body: bytes, keys: tuple[bytes, ...]) -> dict[str, str]:
        message_id = f"msg_{sha256(idem.encode()).hexdigest()[:32]}"
        at = int(self._vendor.clock.now().timestamp())
        signatures = " ".join(signature(key, message_id, at, body) for key in keys)
        return {"webhook-id": message_id, "webhook-timestamp": str(at), "webhook-signature": signatures}

    def _taken(self, answer: Answer) -> tuple[str, str]:
        applied = answer.body.get("applied") if isinstance(answer.body, dict) else None
        revision = f"revision {said}" if (said := answer.text("revision")) else ""
        if applied is True:
            return f"the webhook says state {answer.text('state') or answer.body.get('state')}", revision
        if applied is False and answer.status == ACCEPTED:
            return "the webhook has accepted it and puts it in force later", revision
        if applied is False:
            raise self._vendor.refused(f"did not apply it: {answer.text('state') or 'it gave no reason'}.")
        raise self._vendor.uncertain("answers without saying whether it is applied")


def _message(plan: Plan, at: str) -> dict[str, Any]:
    mitigation = plan.mitigation
    return {
        "type": "mitigation.revert" if plan.lifts else "mitigation.apply",
        "timestamp": at,
        "data": {
            **_asked(mitigation),
            "incident": mitigation.incident,
            "value": mitigation.value,
            "in_force": plan.after.value(mitigation.kind),
            "reason": mitigation.reason,
            "actor": {"id": plan.by.id, "name": plan.by.name},
            "expires_at": mitigation.expires_at.isoformat(),
        },
    }


def _asked(mitigation: Mitigation) -> dict[str, str]:
    scope = mitigation.scope
    return {
        "agent": mitigation.agent,
        "kind": mitigation.kind.value,
        "environment": scope.environment,
        "tenant": scope.tenant,
        "channel": scope.channel,
        "version": scope.version,
        "mitigation": mitigation.id,
    }


def _state(kind: MitigationKind, answer: Answer) -> Value | None:
    """The value in force at the receiver, in the type of the kind; None where it says none that fits."""
    said = answer.body.get("state") if isinstance(answer.body, dict) else None
    rest = LEVERS[kind].at_rest
    if isinstance(said, list) and isinstance(rest, tuple):
        return tuple(sorted(str(one) for one in said))
    if isinstance(said, bool) or isinstance(rest, bool):
        return said if isinstance(said, bool) and isinstance(rest, bool) else None
    if isinstance(said, int | float):
        return said if isinstance(rest, int | float) else str(said)
    return said if isinstance(said, str) and isinstance(rest, str) else None


def _wrong(answer: Answer, state: Value | None, mitigation: Mitigation, after: Controls) -> str:
    """Why what the receiver says is not as planned; empty when it is."""
    applied = answer.body.get("applied") if isinstance(answer.body, dict) else None
    shown = "no state that fits" if state is None else f"state {figure_of(state)}"
    if not isinstance(applied, bool):
        return f"the webhook says {shown}, and not whether the mitigation is applied"
    if mitigation.id not in after.mitigations:
        left = state is not None and state == after.read(mitigation.kind)
        return "" if not applied or left else f"the webhook still says {shown}"
    safe = state is not None and at_least_as_safe(mitigation.kind, state, mitigation.value)
    return (
        ""
        if applied and safe
        else f"the webhook says {shown}, and that the mitigation is {'' if applied else 'not '}applied"
    )


def open_driver(given: Given) -> Webhook:
    """The webhook with the secrets of the settings."""
    text = given.settings[SECRETS]
    vendor = Vendor("The webhook", f"its url and {SECRETS}", client_for(""), given.clock, entries_of(text))
    return Webhook(given, vendor, secrets_in(text))


def _check(_: MitigationKind, options: Options) -> str:
    for name, value in options.items():
        if name.partition(".")[0] in {"url", "state_url"} and value and urlsplit(value).scheme not in {"http", "https"}:
            return f"{name} is {value!r}; write an address that starts with https:// or http://."
    return (
        ""
        if any(value and name.partition(".")[0] == "url" for name, value in options.items())
        else "webhook needs url: where it is sent."
    )


DRIVER = Entry(
    NAME,
    frozenset(MitigationKind),
    open_driver,
    settings=(SECRETS,),
    options={
        "url": "where signed requests are sent",
        "state_url": "where the state in force is asked for, to read back",
        "secret": "name of the secret in the settings to sign with",
    },
    check=_check,
    settled=settled,
)
