"""A NUL in any text that comes in is left out or refused in one sentence, on every database; nothing breaks by it."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.controls.builtin import BuiltinControl
from bot.incident.errors import BadInput
from bot.incident.mitigation import Scope
from bot.storage.database import Database
from bot.storage.records import SqlRecords
from bot.storage.sightings import SqlSightings
from tests.fakes.scheduler import NoJobs
from tests.web.fakes import World

NUL = "a\0b"
FIELD = re.compile(r'<(?:input|textarea|select)[^>]* name="([^"]+)"')
BODIES: dict[str, Any] = {
    "title": "It loops", "agent": "helpdesk-agent", "kind": "turn-limit", "value": 5, "class": "LOOP",
    "cause": "our-prompt", "severity": "SEV2", "text": "words", "minutes": 30, "reason": "why", "role": "commander",
}  # fmt: skip


@pytest.fixture
async def world(database: Database, tmp_path: Path) -> World:
    """The HTTP edge over this database, with an incident and a control in it."""
    made = World(tmp_path, records=SqlRecords(database, NoJobs()))  # type: ignore[arg-type]
    sightings = SqlSightings(database, "one")
    made.control = BuiltinControl(made.records, made.clock, nobody_reads, sightings=sightings)
    made.app = made.build()
    key = await made.declared()
    async with made.client() as client:
        applied = await client.post(f"/api/v1/incidents/{key}/mitigations", json={"kind": "turn-limit", "value": 5})
        assert applied.status_code < 300, applied.text
    return made


async def nobody_reads(agent: str, scope: Scope, key: str) -> object:
    raise NotImplementedError(agent, scope, key)


def operations(spec: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any], list[str]]]:
    """Every operation of the API: method, path, properties of its body, names of its query."""
    schemas = spec["components"]["schemas"]
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            named = content.get("schema", {}).get("$ref", "").rpartition("/")[2]
            query = [one["name"] for one in operation.get("parameters", []) if one["in"] == "query"]
            yield method, f"/api{path}", schemas.get(named, {}).get("properties", {}), query


async def test_no_text_of_the_api_breaks_it(world: World) -> None:
    asked = 0
    async with world.client(**{"Firstfive-Actor": "ana"}) as client:
        for method, path, properties, query in operations((await client.get("/api/openapi.json")).json()):
            plain = re.sub(r"\{[^}]+\}", "INC-1", path)
            calls: list[dict[str, Any]] = [{"url": re.sub(r"\{[^}]+\}", "a%00b", path), "json": BODIES}]
            calls += [{"url": plain, "params": {name: NUL}} for name in query]
            for name in properties:
                known = {one: said for one, said in BODIES.items() if one in properties}
                calls += [{"url": plain, "json": {**known, name: odd}} for odd in (NUL, [NUL], {"tenant": NUL})]
            for call in calls:
                if method == "get":
                    call.pop("json", None)
                answer = await client.request(method, **call)
                assert answer.status_code != 500, (method, call, answer.text)
                asked += 1
    assert asked > 100


async def test_no_form_of_a_page_breaks_it(world: World) -> None:
    pages = ["/", "/incidents/INC-1", "/incidents/INC-1/levers", "/incidents/INC-1/levers/turn-limit", "/incidents/INC-1/remediation",
             "/incidents/INC-1/classify", "/incidents/INC-1/postmortem", "/agents/helpdesk-agent"]  # fmt: skip
    asked = 0
    async with world.client() as client:
        for page in pages:
            shown = await client.get(page)
            assert shown.status_code < 500, (page, shown.text)
            names = sorted(set(FIELD.findall(shown.text)) | {"name"})
            for name in names:
                form = {**dict.fromkeys(names, "1"), name: NUL}
                answer = await client.post(page, data=form)
                assert answer.status_code < 500, (page, name, answer.text)
                asked += 1
        for path in (
            "/agents/a%00b",
            "/incidents/a%00b",
            "/traces/a%00b",
            "/incidents/INC-1/levers/a%00b",
            "/?before=%00",
        ):
            refused = await client.get(path)
            assert refused.status_code in {400, 404}, path
    assert asked > 20


async def test_no_name_of_an_instance_breaks_the_counting(world: World) -> None:
    async with world.client() as client:
        said = {"agent": "helpdesk-agent", "instance": NUL, "tenant": NUL, "applied": [NUL], "age_seconds": 1}
        assert (await client.post("/controls/v1/heartbeat", json=said)).json() == {"instances": 1}
        context = {"targetingKey": NUL, "agent": "helpdesk-agent", "instance": NUL, "env": NUL}
        assert (await client.post("/ofrep/v1/evaluate/flags", json={"context": context})).status_code == 200
        assert (await client.get("/controls/v1/snapshot", params={"agent": NUL})).status_code == 200
    await world.control.readers.share()
    other = SqlSightings(world.records._database, "other")  # type: ignore[attr-defined]
    heard = await other.of_others("helpdesk-agent", "ab", world.clock.now() - timedelta(minutes=1))
    assert {one.instance for one in heard} == {"ab"}
    assert heard[0].since


async def test_what_slips_through_is_refused_and_not_broken(database: Database) -> None:
    records = SqlRecords(database, NoJobs())
    if database.dialect == "postgresql":
        with pytest.raises(BadInput, match="no text that can be kept"):
            async with records.look() as work:
                await work.mitigations.get(NUL)
    else:
        async with records.look() as work:
            assert await work.mitigations.get(NUL) is None
