"""Troubles for the simulated fleet: every class by several mechanisms, each clear, subtle and beside a red herring.

Synthetic, made from the definitions of the classes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from bot.incident.taxonomy import IncidentClass
from tests.incident.agents_at_work import ORDINARY, Fault, Fleet, Pace, World, work
from tests.incident.faults import HERRINGS, ONSET, B, C, H, both, healthy, kind, on, orion, ramp, thin, where

AFTER = 13.0  # minutes of it


class Level(StrEnum):
    CLEAR = "clear"
    SUBTLE = "subtle"
    HERRING = "red herring"


@dataclass(frozen=True)
class Trouble:
    """One mechanism of a class. ``needs`` names what telemetry must tell for anybody to see it."""

    name: str
    expected: IncidentClass
    clear: Fault
    subtle: Fault
    agent: str = H
    paces: tuple[float, float] | None = None  # shares of the traffic that still arrive: clear, subtle
    needs: frozenset[str] = frozenset()
    not_beside: frozenset[str] = frozenset()  # herrings that would be part of this trouble

    def pace(self, level: Level) -> Pace | None:
        if self.paces is None:
            return None
        return thin(self.paces[level is Level.SUBTLE], self.agent)


@dataclass(frozen=True)
class Story:
    """One simulated incident with its truth."""

    trouble: Trouble
    level: Level
    seed: int
    world: World = ORDINARY
    herring: str | None = None

    @property
    def name(self) -> str:
        beside = f" beside {self.herring}" if self.herring else ""
        return f"{self.trouble.expected.value} {self.trouble.name}, {self.level.value}{beside} #{self.seed}"

    @property
    def fault(self) -> Fault:
        fault = self.trouble.subtle if self.level is Level.SUBTLE else self.trouble.clear
        return both(HERRINGS[self.herring][1], fault) if self.herring else fault

    def fleet(self) -> Fleet:
        pace = self.trouble.pace(self.level)
        if pace is None and self.herring == "fewer users":
            pace = thin(0.7)
        return work(self.seed, ONSET + AFTER, ONSET, self.fault, pace, self.world)


def _needs(*what: str) -> frozenset[str]:
    return frozenset(what)


_SHIFTY = {"search_kb": "m-search_kb-2", "send_email": "m-send_email-2"}
_OTHER = {"search_kb": "m-search_kb-2"}

TROUBLES: tuple[Trouble, ...] = (
    # HARD
    Trouble("workers die", C.HARD, on(H, crash=0.45), on(H, crash=0.2)),
    Trouble("tasks time out", C.HARD, on(H, 0.5, crash=1.0, crash_type="timeout", stalls=60.0), on(H, 0.22, crash=1.0, crash_type="timeout", stalls=45.0)),
    Trouble("tasks never end", C.HARD, on(H, 0.5, hangs=True), on(H, 0.3, hangs=True)),
    Trouble("hardly any task arrives", C.HARD, healthy, healthy, paces=(0.05, 0.2), not_beside=_needs("more resets")),
    Trouble("a release breaks the start", C.HARD, on(H, 0.6, crash=1.0, early_crash=True, crash_type="internal_error", version="4.13.0"), both(on(H, version="4.13.0"), on(H, 0.2, crash=1.0, early_crash=True, crash_type="internal_error"))),
    Trouble("one kind of task crashes", C.HARD, both(kind("how_to", crash=0.9), kind("ticket_status", crash=0.6)), kind("how_to", crash=0.65)),
    Trouble("more and more crash", C.HARD, ramp(on(H, crash=0.6), 5), ramp(on(H, crash=0.35), 5)),
    # PROV
    Trouble("the provider errs", C.PROV, orion(model_error=0.4, model_error_types=("429", "503", "529")), orion(model_error=0.06, model_error_types=("429",))),
    Trouble("the provider throttles", C.PROV, orion(model_error=0.3, model_error_types=("429",)), ramp(orion(model_error=0.1, model_error_types=("rate_limit",)), 4)),
    Trouble("the provider is slow", C.PROV, orion(slow=6.0), orion(0.5, slow=3.5), needs=_needs("first_chunk")),
    Trouble("the provider is slow and gives up", C.PROV, orion(slow=5.0, model_error=0.2, model_error_types=("timeout",)), orion(slow=2.5, model_error=0.03, model_error_types=("timeout",))),
    Trouble("the provider serves another model", C.PROV, orion(answering="orion-mini", wrong=0.5), orion(0.8, answering="orion-mini-2026-05-01", wrong=0.35), needs=_needs("answering"), not_beside=_needs("new prompt")),
    Trouble("the provider errs for half of the calls to billing too", C.PROV, orion(model_error=0.5, model_error_types=("500",)), orion(model_error=0.08, model_error_types=("500", "502")), agent=B),
    # TOOL
    Trouble("a tool fails", C.TOOL, on(H, tool_error={"search_kb": 0.7}), on(H, tool_error={"search_kb": 0.25})),
    Trouble("a tool's schema changed", C.TOOL, on(H, tool_error={"get_user": 0.9}, tool_error_type="schema_validation"), on(H, tool_error={"get_user": 0.4}, tool_error_type="schema_validation")),
    Trouble("the index answers nothing", C.TOOL, on(H, tool_empty={"search_kb": 0.8}, wrong=0.3), on(H, tool_empty={"search_kb": 0.35}, wrong=0.15), needs=_needs("results")),
    Trouble("a failing tool is called again and again", C.TOOL, on(H, tool_error={"search_kb": 0.85}, retries=6), on(H, tool_error={"search_kb": 0.4}, retries=5)),
    Trouble("a failing tool ends tasks", C.TOOL, on(H, tool_error={"get_ticket": 0.8}, fatal_tool=True), on(H, tool_error={"get_ticket": 0.45}, fatal_tool=True)),
    Trouble("a tool is slow", C.TOOL, on(H, tool_slow={"search_kb": 40.0}), on(H, tool_slow={"search_kb": 12.0})),
    Trouble("a tool is slow and times out", C.TOOL, on(H, tool_slow={"get_user": 30.0}, tool_error={"get_user": 0.5}, tool_error_type="timeout"), on(H, tool_slow={"get_user": 15.0}, tool_error={"get_user": 0.25}, tool_error_type="timeout")),
    Trouble("billing's tool fails", C.TOOL, on(B, tool_error={"get_invoice": 0.8}), on(B, tool_error={"get_invoice": 0.5}), agent=B),
    # LOOP
    Trouble("tasks repeat one call", C.LOOP, on(H, 0.5, repeats=12), on(H, 0.22, repeats=6)),
    Trouble("tasks loop into their limit", C.LOOP, on(H, 0.5, repeats=25), on(H, 0.15, repeats=25)),
    Trouble("tasks go in a circle", C.LOOP, on(H, 0.5, repeats=12, cycle=("search_kb", "get_ticket")), on(H, 0.2, repeats=8, cycle=("search_kb", "get_ticket", "get_user"))),
    Trouble("tasks reword one question", C.LOOP, on(H, 0.5, repeats=12, reworded=True), on(H, 0.25, repeats=8, reworded=True)),
    Trouble("tasks wander", C.LOOP, on(H, 0.5, wanders=14), on(H, 0.25, wanders=8)),
    Trouble("contexts swell", C.LOOP, on(H, token_factor=6.0), on(H, 0.5, token_factor=4.0), needs=_needs("tokens")),
    Trouble("tasks loop and a tool fails at times", C.LOOP, on(H, 0.5, repeats=10, tool_noise=0.05), on(H, 0.2, repeats=8, tool_noise=0.04)),
    # QUAL
    Trouble("answers get worse with a prompt", C.QUAL, on(H, wrong=0.5, prompt="p-119"), on(H, wrong=0.38, prompt="p-119")),
    Trouble("answers get worse", C.QUAL, on(H, wrong=0.55), ramp(on(H, wrong=0.45), 3)),
    Trouble("one kind of answers gets worse", C.QUAL, kind("how_to", wrong=0.9), kind("how_to", wrong=0.75)),
    Trouble("only probes notice", C.QUAL, on(H, probe_fails=0.6), on(H, probe_fails=0.45), needs=_needs("probes")),
    Trouble("only users notice", C.QUAL, on(H, unhappy=0.85), on(H, unhappy=0.6), needs=_needs("user_feedback"), not_beside=_needs("grumpy users")),
    Trouble("answers lose their grounds", C.QUAL, on(H, wrong=0.5, ungrounded=1.0), on(H, wrong=0.38, ungrounded=1.0)),
    Trouble("a requested model answers worse", C.QUAL, on(H, asked="orion-small", wrong=0.5), on(H, asked="orion-small", wrong=0.4)),
    Trouble("billing answers worse", C.QUAL, on(B, wrong=0.85), on(B, wrong=0.65), agent=B),
    # BEHV
    Trouble("it speaks out of policy", C.BEHV, on(H, policy=0.45), on(H, policy=0.2)),
    Trouble("long talks go out of policy", C.BEHV, where(lambda draft: draft.turn >= 6, policy=0.9), where(lambda draft: draft.turn >= 7, policy=0.7)),
    Trouble("one language goes out of policy", C.BEHV, where(lambda draft: draft.locale == "de-DE", policy=0.9), where(lambda draft: draft.locale == "de-DE", policy=0.6)),
    Trouble("only the judge of policy notices", C.BEHV, on(H, unseen_policy=0.6), on(H, unseen_policy=0.35), needs=_needs("policy_adherence")),
    Trouble("a prompt made it rude", C.BEHV, on(H, policy=0.4, prompt="p-119"), on(H, policy=0.2, prompt="p-119")),
    Trouble("rude, and answers are a little worse", C.BEHV, on(H, policy=0.5, wrong=0.15), on(H, policy=0.25, wrong=0.1)),
    # ACTN
    Trouble("writes without approval", C.ACTN, on(H, unapproved=0.5), on(H, unapproved=0.12), needs=_needs("approval")),
    Trouble("it claims what it did not do", C.ACTN, on(H, false_claim=0.4), on(H, false_claim=0.1), needs=_needs("claims")),
    Trouble("credits are far too large", C.ACTN, on(B, amount=15.0), on(B, 0.6, amount=8.0), agent=B, needs=_needs("many credits")),
    Trouble("it writes far too much", C.ACTN, on(H, 0.25, extra_writes=("update_ticket",) * 7), on(H, 0.08, extra_writes=("update_ticket",) * 5)),
    Trouble("it grants what nobody asked for", C.ACTN, on(H, 0.25, extra_writes=("grant_access",), unapproved=1.0), on(H, 0.08, extra_writes=("grant_access",), unapproved=1.0), needs=_needs("approval")),
    Trouble("unapproved with a new version", C.ACTN, on(H, version="4.13.0", unapproved=0.6), on(H, version="4.13.0", unapproved=0.15), needs=_needs("approval")),
    # SECU
    Trouble("an attachment takes over", C.SECU, kind("attachment_case", 0.9, led_astray=True, destination="drop.invalid"), kind("attachment_case", 0.6, led_astray=True), needs=_needs("trust")),
    Trouble("injection alarms", C.SECU, on(H, 0.35, injection=1.0), on(H, 0.16, injection=1.0), needs=_needs("guardrails"), not_beside=_needs("injection alarms")),
    Trouble("mail leaves to a new place", C.SECU, on(H, 0.5, destination="drop.invalid"), on(H, 0.3, destination="drop.invalid"), needs=_needs("destination")),
    Trouble("a tool's description changes", C.SECU, on(H, manifests=_OTHER), on(H, 0.6, manifests=_OTHER), needs=_needs("manifest"), not_beside=_needs("new version")),
    Trouble("data is stopped on its way out", C.SECU, on(H, leak=0.6), on(H, leak=0.3), needs=_needs("guardrails")),
    Trouble("poisoned search leads to power", C.SECU, on(H, 0.3, led_astray=True, untrusted=frozenset({"search_kb", "read_attachment"}), injection=0.3), kind("attachment_case", 0.7, led_astray=True, injection=0.3), needs=_needs("trust")),
    Trouble("description and destination change", C.SECU, both(on(H, manifests=_SHIFTY), on(H, 0.2, destination="drop.invalid")), both(on(H, manifests={"send_email": "m-2"}), on(H, 0.1, destination="drop.invalid")), needs=_needs("manifest"), not_beside=_needs("new version")),
)  # fmt: skip


def stories(seeds: range, world: World = ORDINARY) -> Iterator[Story]:
    """Each mechanism clear, subtle and beside a red herring of another class, once per seed."""
    for trouble in TROUBLES:
        if trouble.needs & world.untold or not visible(trouble, world):
            continue
        for seed in seeds:
            for level in Level:
                herring = herring_for(trouble, seed) if level is Level.HERRING else None
                yield Story(trouble, level, seed, world, herring)


def visible(trouble: Trouble, world: World) -> bool:
    """Somebody who measures could see it in this world."""
    judged = {
        "probes": world.probes,
        **{name: name in world.evaluations for name in ("user_feedback", "policy_adherence")},
    }
    if trouble.expected is C.QUAL and not ({"answer_correctness", "groundedness"} & set(world.evaluations)):
        return False
    return trouble.agent in world.shares and all(judged.get(need, True) for need in trouble.needs)


def herring_for(trouble: Trouble, seed: int) -> str:
    """A misleading sign of another class."""
    names = [
        name
        for name, (looks_like, _) in HERRINGS.items()
        if looks_like is not trouble.expected and name not in trouble.not_beside
    ]
    return Random(f"{trouble.name}/{seed}").choice(names)  # noqa: S311  reproducible on purpose
