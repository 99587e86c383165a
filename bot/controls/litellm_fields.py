"""Fields of LiteLLM's keys and deployments, each with our record of what was there before, kept beside it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote

from bot.controls.vendor import Vendor

OURS = "firstfive"  # in metadata and model_info: per field, what we set, what it was, and for which mitigations
NOT_FOUND = 404
Record = Mapping[str, Any]  # by: mitigation ids, before: the value that was there, set: ours


class Place(Protocol):
    """Something at LiteLLM that has fields and a corner for our records."""

    async def look(self, name: str) -> tuple[Any, Record]:
        """The value of a field now, and our record of it; an empty one when we hold nothing."""
        ...

    async def put(self, name: str, value: object, record: Record) -> None:
        """Set the field, and keep the record beside it; an empty one forgets."""
        ...


@dataclass(frozen=True, slots=True)
class Key:
    """A virtual key, by its hash."""

    vendor: Vendor
    hash: str
    headers: Mapping[str, str] = field(default_factory=dict)

    async def look(self, name: str) -> tuple[Any, Record]:
        """As :meth:`Place.look`."""
        info = await self._info()
        metadata = table(info.get("metadata"))
        record = table(table(metadata.get(OURS)).get(name))
        if name == "max_iterations":
            return metadata.get(name), record
        if name.startswith("fallback."):
            return await self._fallbacks(name.partition(".")[2]), record
        return info.get(name), record

    async def put(self, name: str, value: object, record: Record) -> None:
        """As :meth:`Place.put`."""
        metadata = dict(table((await self._info()).get("metadata")))
        records = _with(metadata.pop(OURS, None), name, record)
        metadata |= {OURS: records} if records else {}
        body: dict[str, Any] = {"key": self.hash, "metadata": metadata}
        if name == "max_iterations":
            metadata.pop(name, None)
            metadata |= {} if value is None else {name: value}
        elif name in {"rpm_limit", "aliases"}:
            body[name] = value
        await self._post("/key/update", body)
        if name == "blocked":
            await self._post("/key/block" if value else "/key/unblock", {"key": self.hash})
        if name.startswith("fallback."):
            await self._fall_back(name.partition(".")[2], value)

    async def _info(self) -> Mapping[str, Any]:
        answer = await self.vendor.read("/key/info", {"key": self.hash})
        return table(table(answer.body).get("info"))

    async def _fallbacks(self, model: str) -> list[str] | None:
        answer = await self.vendor.read(f"/fallback/{quote(model, safe='')}", telling=(NOT_FOUND,))
        return None if answer.status == NOT_FOUND else list(table(answer.body).get("fallback_models") or ())

    async def _fall_back(self, model: str, value: object) -> None:
        if value:
            await self._post("/fallback", {"model": model, "fallback_models": value, "fallback_type": "general"})
        else:
            await self.vendor.write(
                "DELETE", f"/fallback/{quote(model, safe='')}", headers=self.headers, telling=(NOT_FOUND,)
            )

    async def _post(self, path: str, body: object) -> None:
        await self.vendor.write("POST", path, body, headers=self.headers)

    def __str__(self) -> str:
        return f"key {self.hash[:8]}…"


@dataclass(frozen=True, slots=True)
class Deployment:
    """A model deployment that LiteLLM keeps in its database, by its id."""

    vendor: Vendor
    id: str
    headers: Mapping[str, str] = field(default_factory=dict)

    async def look(self, name: str) -> tuple[Any, Record]:
        """As :meth:`Place.look`."""
        row = await self._row()
        info = table(row.get("model_info"))
        held = info if name == "blocked" else table(row.get("litellm_params"))
        return held.get(name), table(table(info.get(OURS)).get(name))

    async def put(self, name: str, value: object, record: Record) -> None:
        """As :meth:`Place.put`. The id goes along, or LiteLLM would make up another one."""
        records = _with(table((await self._row()).get("model_info")).get(OURS), name, record)
        body: dict[str, Any] = {"model_info": {"id": self.id, OURS: records}}
        if name == "model":
            body["litellm_params"] = {"model": value}
        await self.vendor.write("PATCH", f"/model/{quote(self.id, safe='')}/update", body, headers=self.headers)
        if name == "blocked":
            path = "/model/block" if value else "/model/unblock"
            await self.vendor.write("POST", path, {"model_id": self.id}, headers=self.headers)

    async def _row(self) -> Mapping[str, Any]:
        rows = table((await self.vendor.read("/model/info", {"litellm_model_id": self.id})).body).get("data")
        row = table(rows[0]) if isinstance(rows, list) and rows else {}
        if not row.get("model_info"):
            raise self.vendor.refused(f"has no deployment {self.id}; check the catalogue's deployments.")
        return row

    def __str__(self) -> str:
        return f"deployment {self.id}"


@dataclass(frozen=True, slots=True)
class Setting:
    """One field of one place, and what a mitigation wants there."""

    place: Place
    name: str
    value: Any

    def over(self, before: object) -> Any:
        """What to set, given what was there: never less safe than that."""
        if isinstance(self.value, dict):
            return {**table(before), **self.value}
        if isinstance(self.value, int) and isinstance(before, int) and not isinstance(self.value, bool):
            return min(self.value, before)
        return self.value

    def stands(self, now: object) -> bool:
        """What is there now is what is wanted, or safer."""
        return bool(self.over(now) == now)

    def __str__(self) -> str:
        return f"{self.name} {self.value} on {self.place}"


def _with(records: object, name: str, record: Record) -> dict[str, Record]:
    """Our records with this one in it; an empty one is forgotten."""
    return {kept: one for kept, one in {**table(records), name: record}.items() if one}


def table(value: object) -> Mapping[str, Any]:
    """The value where it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}
