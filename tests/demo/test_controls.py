"""The agent obeys, through the real OpenFeature SDK and a control plane on loopback."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from bot.demo.agent.clock import SimulatedClock
from bot.demo.agent.faults import Fault
from bot.demo.agent.fleet import HELPDESK
from bot.demo.agent.history import KeptRecords, KeptSpans
from bot.demo.agent.outcome import Finished, Outcome
from bot.demo.agent.remote_controls import RemoteControls, connect
from bot.demo.agent.telemetry import Telemetry
from bot.demo.agent.world import World
from tests.demo.bot_stub import BotStub, bot_stub
from tests.demo.past_spans import END_NS


@pytest.fixture
def plane() -> Iterator[BotStub]:
    with bot_stub() as stub:
        yield stub


@dataclass
class HaltingClock(SimulatedClock):
    """Somebody pulls the kill switch at a moment of simulated time."""

    plane: BotStub
    halt_after: float
    halted_at_ns: int = 0
    _now_ns: int = field(default=END_NS)

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        if not self.halted_at_ns and self.now_ns() > END_NS + self.halt_after * 1e9:
            self.plane.flags["agent.halt"] = True
            self.halted_at_ns = self.now_ns()


def controls(plane: BotStub, clock: SimulatedClock) -> RemoteControls:
    return RemoteControls(connect(plane.url), clock)


def serve(
    remote: RemoteControls, fault: Fault, clock: SimulatedClock, number: str = "live-1"
) -> tuple[Finished, KeptSpans]:
    spans = KeptSpans()
    world = World(Telemetry(spans, KeptRecords(), "helpdesk-test"), remote, "helpdesk-test", seed=7)
    return world.serve(HELPDESK, number, fault, clock), spans


def looping_task() -> str:
    """A task number whose task loops under this seed."""
    clock = SimulatedClock(END_NS)
    with bot_stub() as stub:
        for number in range(20):
            finished, _ = serve(controls(stub, clock), Fault.LOOP, clock, f"live-{number}")
            if finished.outcome is Outcome.STEP_LIMIT:
                return f"live-{number}"
    raise AssertionError("no task loops")


def test_a_halted_agent_refuses_with_one_span_and_calls_nothing(plane: BotStub) -> None:
    plane.flags["agent.halt"] = True
    clock = SimulatedClock(END_NS)
    finished, spans = serve(controls(plane, clock), Fault.NONE, clock)
    assert finished.outcome is Outcome.HALTED
    (root,) = spans.take()
    assert (root.attributes or {})["task.outcome"] == "halted"
    assert root.status.is_unset


def test_a_halt_stops_a_looping_task_within_a_second(plane: BotStub) -> None:
    number = looping_task()
    clock = HaltingClock(plane, halt_after=1.5)
    finished, _ = serve(controls(plane, clock), Fault.LOOP, clock, number)
    assert finished.outcome is Outcome.HALTED
    assert clock.halted_at_ns
    assert finished.end_ns - clock.halted_at_ns < 1_000_000_000


def test_a_halt_stops_retries_against_a_broken_provider(plane: BotStub) -> None:
    for number in range(30):
        plane.flags["agent.halt"] = False
        clock = HaltingClock(plane, halt_after=0.3)
        finished, _ = serve(controls(plane, clock), Fault.PROVIDER, clock, f"live-{number}")
        if clock.halted_at_ns:
            assert finished.outcome in {Outcome.HALTED, Outcome.COMPLETED, Outcome.FAILED}
            assert finished.end_ns - clock.halted_at_ns < 1_000_000_000


def test_a_turn_limit_caps_a_loop_and_hands_over_to_a_person(plane: BotStub) -> None:
    plane.flags["agent.max_turns"] = 5
    clock = SimulatedClock(END_NS)
    finished, spans = serve(controls(plane, clock), Fault.LOOP, clock, looping_task())
    assert finished.outcome is Outcome.ESCALATED
    assert finished.turns == 5
    kept = spans.take()
    assert len([span for span in kept if span.name.startswith("chat")]) == 5
    assert (kept[-1].attributes or {})["task.limited"] is True


def test_no_order_can_raise_the_limit_above_the_agents_own(plane: BotStub) -> None:
    plane.flags["agent.max_turns"] = 2_147_483_647
    clock = SimulatedClock(END_NS)
    finished, _ = serve(controls(plane, clock), Fault.LOOP, clock, looping_task())
    assert finished.outcome is Outcome.STEP_LIMIT


@pytest.mark.parametrize("answer", [["search_knowledge_base"], {"tools": ["search_knowledge_base"]}])
def test_a_tool_that_is_switched_off_is_not_called(plane: BotStub, answer: object) -> None:
    plane.flags["agent.disabled_tools"] = answer
    clock = SimulatedClock(END_NS)
    remote = controls(plane, clock)
    for number in range(8):
        _, spans = serve(remote, Fault.NONE, clock, f"live-{number}")
        assert "execute_tool search_knowledge_base" not in {span.name for span in spans.take()}


def test_a_pinned_model_is_asked(plane: BotStub) -> None:
    plane.flags["agent.model"] = "orion-large-1"
    clock = SimulatedClock(END_NS)
    _, spans = serve(controls(plane, clock), Fault.NONE, clock)
    assert "chat orion-large-1" in {span.name for span in spans.take()}


def wrote(spans: KeptSpans) -> set[str]:
    named = [(span.name, dict(span.attributes or {})) for span in spans.take()]
    return {name for name, about in named if about.get("tool.side_effect") == "write"}


def test_a_read_only_agent_writes_nothing_and_hands_over(plane: BotStub) -> None:
    plane.flags["agent.read_only"] = True
    clock = SimulatedClock(END_NS)
    for number in range(8):
        _, spans = serve(controls(plane, clock), Fault.NONE, clock, f"live-{number}")
        assert wrote(spans) == set()


def test_with_egress_cut_nothing_is_sent_out(plane: BotStub) -> None:
    plane.flags["agent.egress_cut"] = True
    clock = SimulatedClock(END_NS)
    for number in range(12):
        _, spans = serve(controls(plane, clock), Fault.SECURITY, clock, f"live-{number}")
        assert not [span for span in spans.take() if "tool.destination" in (span.attributes or {})]


@pytest.mark.parametrize(
    ("flag", "value", "outcome"),
    [
        ("agent.drain", True, Outcome.HALTED),
        ("agent.queue_paused", True, Outcome.HALTED),
        ("agent.handoff", "new", Outcome.ESCALATED),
        ("agent.handoff", "all", Outcome.ESCALATED),
    ],
)
def test_a_new_task_is_not_begun(plane: BotStub, flag: str, value: object, outcome: Outcome) -> None:
    plane.flags[flag] = value
    clock = SimulatedClock(END_NS)
    finished, spans = serve(controls(plane, clock), Fault.NONE, clock)
    assert finished.outcome is outcome
    assert len(spans.take()) == 1


def test_a_step_cap_ends_a_loop_early(plane: BotStub) -> None:
    plane.flags["agent.max_steps"] = 4
    clock = SimulatedClock(END_NS)
    finished, spans = serve(controls(plane, clock), Fault.LOOP, clock, looping_task())
    assert finished.outcome is Outcome.ESCALATED
    assert len([span for span in spans.take() if span.name.startswith("execute_tool")]) == 4


def test_the_prompt_before_does_not_loop(plane: BotStub) -> None:
    number = looping_task()
    plane.flags["agent.prompt_version"] = "p-118"
    clock = SimulatedClock(END_NS)
    finished, spans = serve(controls(plane, clock), Fault.LOOP, clock, number)
    assert finished.outcome is not Outcome.STEP_LIMIT
    assert (spans.take()[-1].attributes or {})["agent.prompt.version"] == "p-118"


def test_the_agent_says_who_asks(plane: BotStub) -> None:
    clock = SimulatedClock(END_NS)
    serve(controls(plane, clock), Fault.NONE, clock)
    assert set(plane.contexts[0]) == {"targetingKey", "agent", "env", "tenant", "version", "channel", "instance"}
    assert plane.contexts[0]["agent"] == "helpdesk-agent"


def test_a_halt_outlives_the_control_plane(plane: BotStub) -> None:
    clock = SimulatedClock(END_NS)
    remote = controls(plane, clock)
    plane.flags["agent.halt"] = True
    assert serve(remote, Fault.NONE, clock)[0].outcome is Outcome.HALTED
    plane.broken = True
    assert serve(remote, Fault.NONE, clock)[0].outcome is Outcome.HALTED
    assert not remote.reachable()
    plane.broken = False
    plane.flags["agent.halt"] = False
    clock.sleep(1.0)
    assert serve(remote, Fault.NONE, clock)[0].outcome is not Outcome.HALTED
    assert remote.reachable()


def test_without_any_control_plane_the_agent_works_on_its_defaults() -> None:
    clock = SimulatedClock(END_NS)
    remote = RemoteControls(connect("http://127.0.0.1:9"), clock)
    assert serve(remote, Fault.NONE, clock)[0].outcome is Outcome.COMPLETED
