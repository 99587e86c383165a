"""Readings as compact JSON, kept beside their trace. Written by hand: a look at evidence reads thousands of them.

Fields stand in a fixed order; what is absent or ordinary at the end of a list is left out.
"""

from sys import intern
from typing import Any

from bot.incident.evidence import Finding, FindingKind
from bot.incident.reading import ModelStep, Reading, Repetition, ToolStep
from bot.storage.compact_json import parsed, written

_FINDINGS = {kind.value: kind for kind in FindingKind}


def reading_to_json(reading: Reading) -> str:
    """The reading without its id and its start, which the row holds."""
    flags = (
        reading.finished,
        reading.failed,
        reading.at_limit,
        reading.escalated,
        reading.claims,
        reading.led_astray,
        reading.reads_untrusted,
        reading.mismatched,
    )
    fields = [
        reading.end_ns - reading.at_ns,
        _bits(flags),
        list(reading.loop) if reading.loop else None,
        [_tool(step, reading.at_ns) for step in reading.tools],
        [_trimmed(list(step)) for step in reading.models],
        [reading.steps, reading.model_errors, reading.tool_errors],
        reading.tokens,
        reading.cost,
        reading.first_chunk,
        reading.security_hits,
        reading.policy_hits,
        reading.guarded,
        reading.unbacked,
        reading.agent_version,
        reading.prompt_version,
        reading.provider,
        reading.task_type,
        reading.turn,
        reading.locale,
        reading.spent,
        [[finding.kind.value, finding.span_ids, finding.detail] for finding in reading.findings],
        reading.session,
        reading.tenant,
        reading.user,
        reading.environment,
    ]
    return written(_trimmed(fields))


def reading_from_json(trace_id: str, at_ns: int, text: str) -> Reading:
    """The reading that :func:`reading_to_json` wrote."""
    fields = _fields(text)
    lasted, flags, loop, tools, models, steps, tokens, cost, chunk, security, policy, guarded, unbacked = fields[:13]
    version, prompt, provider, kind, turn, locale, spent, findings, session, tenant, user, place = fields[13:25]
    return Reading(
        id=trace_id,
        at_ns=at_ns,
        end_ns=at_ns + lasted,
        finished=bool(flags & 1),
        failed=bool(flags & 2),
        at_limit=bool(flags & 4),
        escalated=bool(flags & 8),
        loop=Repetition(*loop) if loop else None,
        tools=_tool_steps(tools, at_ns) if tools else (),
        models=_model_steps(models),
        steps=steps[0],
        model_errors=steps[1],
        tool_errors=steps[2],
        tokens=tokens,
        cost=cost,
        first_chunk=chunk,
        security_hits=_names(security) if security else (),
        policy_hits=_names(policy) if policy else (),
        guarded=_names(guarded),
        claims=bool(flags & 16),
        unbacked=tuple(unbacked),
        led_astray=bool(flags & 32),
        reads_untrusted=bool(flags & 64),
        mismatched=bool(flags & 128),
        agent_version=_shared(version),
        prompt_version=_shared(prompt),
        provider=_shared(provider),
        task_type=_shared(kind),
        turn=turn,
        locale=_shared(locale),
        spent=tuple([(intern(name), seconds) for name, seconds in spent]),
        findings=tuple([Finding(_FINDINGS[kind], trace_id, tuple(ids), detail) for kind, ids, detail in findings]),
        session=_shared(session),
        tenant=_shared(tenant),
        user=user,
        environment=_shared(place),
    )


def models_from_json(trace_id: str, at_ns: int, text: str) -> Reading:
    """Of the reading only what its models did, when and where: a third of the work, enough for a neighbour."""
    fields = _fields(text)
    return Reading(
        id=trace_id,
        at_ns=at_ns,
        end_ns=at_ns + fields[0],
        models=_model_steps(fields[4]),
        model_errors=fields[5][1],
        first_chunk=fields[8],
        mismatched=bool(fields[1] & 128),
        provider=_shared(fields[15]),
        environment=_shared(fields[24]),
    )


def _fields(text: str) -> list[Any]:
    fields: list[Any] = parsed(text)
    return fields + _NOTHING[len(fields) :]


_NOTHING: list[Any] = [
    0,
    0,
    None,
    [],
    [],
    [0, 0, 0],
    0,
    None,
    None,
    [],
    [],
    [],
    [],
    None,
    None,
    None,
    None,
    None,
    None,
    [],
    [],
    None,
    None,
    None,
    None,
]


def _bits(flags: tuple[bool, ...]) -> int:
    return sum(1 << place for place, flag in enumerate(flags) if flag)


def _trimmed(fields: list[Any]) -> list[Any]:
    """Without what is absent at the end."""
    while fields and fields[-1] in (None, False, 0, (), []):
        fields.pop()
    return fields


def _tool(step: ToolStep, at_ns: int) -> list[Any]:
    flags = _bits((step.error, step.empty, step.wrote, step.approved))
    rest = [step.destination, step.manifest, step.arguments, step.amounts]
    return _trimmed([step.span_id, step.name, step.at_ns - at_ns, flags, *rest])


def _tool_steps(written: list[list[Any]], at_ns: int) -> tuple[ToolStep, ...]:
    found = []
    for fields in written:
        span_id, name, after, flags, destination, manifest, arguments, amounts = fields + _NO_TOOL[len(fields) :]
        error, empty, wrote, approved = _TOOL_FLAGS[flags]
        told = tuple([(field, amount) for field, amount in amounts]) if amounts else ()
        names = _shared(destination), _shared(manifest)
        step = (span_id, intern(name), at_ns + after, error, empty, wrote, approved, *names, arguments, told)
        found.append(tuple.__new__(ToolStep, step))
    return tuple(found)


_NO_TOOL: list[Any] = [None, "", 0, 0, None, None, None, []]
_TOOL_FLAGS = [(bool(bits & 1), bool(bits & 2), bool(bits & 4), bool(bits & 8)) for bits in range(16)]


def _model_steps(written: list[list[Any]]) -> tuple[ModelStep, ...]:
    found = []
    for fields in written:
        requested, answering, provider, seconds, error = fields + _NO_MODEL[len(fields) :]
        step = _shared(requested), _shared(answering), _shared(provider), seconds, bool(error)
        found.append(tuple.__new__(ModelStep, step))
    return tuple(found)


_NO_MODEL: list[Any] = [None, None, None, 0.0, False]


def _names(written: list[str]) -> tuple[str, ...]:
    return tuple([intern(name) for name in written])


def _shared(text: str | None) -> str | None:
    """The same names come thousands of times; one copy of each is kept."""
    return None if text is None else intern(text)
