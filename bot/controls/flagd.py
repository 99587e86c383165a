"""A flagd-compatible ``SyncFlags`` stream over gRPC, for OpenFeature's flagd providers in in-process mode.

They keep every flag in memory and hold the last ones while we are away. Protocol: flagd.sync.v1 of
https://buf.build/open-feature/flagd. The selector says who asks: ``agent=helpdesk-agent,env=production``.
"""

import hmac
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from bot.controls.builtin import BuiltinControl
from bot.controls.flagd_flags import configuration
from bot.incident.composition import Controls
from bot.incident.errors import Misconfigured
from bot.incident.mitigation import Scope
from bot.incident.model import Catalogue
from bot.incident.storable import storable
from bot.ports import Clock

SERVICE = "flagd.sync.v1.FlagSyncService"
ALIVE_EVERY = 15.0  # seconds after which a stream that still stands counts as a sign of life
STOP_WITHIN = 1.0  # seconds
MOST_KEPT = 1000
_STRING = descriptor_pb2.FieldDescriptorProto.TYPE_STRING
_OPTIONAL = descriptor_pb2.FieldDescriptorProto.LABEL_OPTIONAL


def _messages() -> tuple[type[Any], type[Any]]:
    """Request and response of ``SyncFlags``, as far as they matter, in a pool of their own."""
    file = descriptor_pb2.FileDescriptorProto(name="firstfive/sync.proto", package="flagd.sync.v1", syntax="proto3")
    for message, names in (("Request", ("provider_id", "selector")), ("Response", ("flag_configuration",))):
        described = file.message_type.add(name=message)
        for number, name in enumerate(names, start=1):
            described.field.add(name=name, number=number, type=_STRING, label=_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    found = [pool.FindMessageTypeByName(f"flagd.sync.v1.{name}") for name in ("Request", "Response")]
    request, response = (message_factory.GetMessageClass(descriptor) for descriptor in found)
    return request, response


REQUEST, RESPONSE = _messages()


class SyncFlags:
    """The service: a whole configuration at once, then one after every change."""

    def __init__(self, control: BuiltinControl, catalogue: Catalogue, clock: Clock, token: str | None) -> None:
        self._control = control
        self._catalogue = catalogue
        self._clock = clock
        self._token = token
        self._kept: dict[tuple[str, Scope], tuple[Controls, Any]] = {}

    def handlers(self) -> grpc.GenericRpcHandler:
        """What a gRPC server calls."""
        coding = {"request_deserializer": REQUEST.FromString, "response_serializer": RESPONSE.SerializeToString}
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "SyncFlags": grpc.unary_stream_rpc_method_handler(self.sync, **coding),
                "FetchAllFlags": grpc.unary_unary_rpc_method_handler(self.fetch, **coding),
            },
        )

    async def sync(self, request: Any, context: Any) -> AsyncIterator[Any]:
        """The configuration now, and after every change."""
        agent, scope, instance = await self._asker(request, context)
        changes = self._control.changes(agent, scope, ALIVE_EVERY)
        async with aclosing(changes):
            async for controls in changes:
                if controls is not None:
                    yield self._response(agent, scope, controls)
                now = self._control.controls(agent, scope)
                self._control.seen(now, scope, instance, self._clock.now())

    async def fetch(self, request: Any, context: Any) -> Any:
        """The configuration now."""
        agent, scope, _ = await self._asker(request, context)
        return self._response(agent, scope, self._control.controls(agent, scope))

    def _response(self, agent: str, scope: Scope, controls: Controls) -> Any:
        kept = self._kept.get((agent, scope))
        if kept is not None and kept[0] is controls:
            return kept[1]
        flags = configuration(lambda narrower: self._control.controls(agent, narrower), scope)
        response = RESPONSE(flag_configuration=json.dumps(flags, ensure_ascii=False))
        if len(self._kept) >= MOST_KEPT:  # callers choose the scopes freely
            self._kept.clear()
        self._kept[agent, scope] = (controls, response)
        return response

    async def _asker(self, request: Any, context: Any) -> tuple[str, Scope, str]:
        said = _selector(request.selector)
        metadata = {name: value for name, value in context.invocation_metadata() or () if isinstance(value, str)}
        if not _admitted(metadata, said, self._token):
            await context.abort(grpc.StatusCode.UNAUTHENTICATED, "Send the control token: selector agent=…,token=….")
        if not said.get("agent"):
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "Name the agent: selector agent=NAME,env=….")
        scope = Scope(said.get("env", ""), said.get("tenant", ""), said.get("channel", ""), said.get("version", ""))
        instance = said.get("instance") or storable(request.provider_id) or context.peer()
        return self._catalogue.agent(said["agent"]).name, scope, instance


def _selector(text: str) -> Mapping[str, str]:
    """``agent=a,env=b`` as a mapping; a bare name is the agent's."""
    parts = [part.partition("=") for part in storable(text).split(",") if part.strip()]
    return {(name if equals else "agent").strip(): (value if equals else name).strip() for name, equals, value in parts}


def _admitted(metadata: Mapping[str, str], said: Mapping[str, str], token: str | None) -> bool:
    bearer = metadata.get("authorization", "").removeprefix("Bearer ").encode()
    return not token or _same(bearer, token.encode()) or _same(said.get("token", "").encode(), token.encode())


def _same(given: bytes, wanted: bytes) -> bool:
    return hmac.compare_digest(given, wanted)


@asynccontextmanager
async def listening(service: SyncFlags, host: str, port: int) -> AsyncIterator[int]:
    """The stream is served while the block runs; yields the port, chosen by the system where 0 is asked for.

    Raises:
        Misconfigured: the port cannot be used.
    """
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])  # a port that is taken is refused
    server.add_generic_rpc_handlers((service.handlers(),))
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        opened: int = server.add_insecure_port(address)
    except RuntimeError as error:
        raise Misconfigured(
            f"Port {port} on {host} cannot be used for flagd. Set FIRSTFIVE_FLAGD_PORT to another."
        ) from error
    await server.start()
    try:
        yield opened
    finally:
        await server.stop(STOP_WITHIN)
