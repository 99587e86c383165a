"""What each fault really does, read from the spans and scores it leaves."""

from collections import Counter
from functools import cache
from statistics import mean

import pytest

from bot.demo.agent.faults import Fault
from tests.demo.past_spans import Lived, lived, share


@cache
def under(fault: Fault) -> Lived:
    return lived(fault)


def failed(story: Lived, agent: str = "helpdesk-agent") -> float:
    return share([trace.outcome in {"failed", "step_limit"} for trace in story.of(agent)])


def mean_turns(story: Lived) -> float:
    return mean(len(trace.calls) for trace in story.helpdesk)


def test_without_a_fault_nearly_everything_works() -> None:
    story = under(Fault.NONE)
    assert failed(story) < 0.02
    assert 0.02 < share([trace.outcome == "escalated" for trace in story.helpdesk]) < 0.15
    assert story.passed("answer_correctness") > 0.82
    assert story.passed("synthetic_task_success") > 0.85
    assert all(trace.longest_repetition() <= 2 for trace in story.traces)
    writes = [step for trace in story.traces for step in trace.tools if step.attributes["tool.side_effect"] == "write"]
    assert writes
    assert all("tool.approval.id" in step.attributes for step in writes)


def test_the_same_seed_tells_the_same_story() -> None:
    first, second = lived(Fault.NONE, 1.0), lived(Fault.NONE, 1.0)
    assert [trace.root.attributes for trace in first.traces] == [trace.root.attributes for trace in second.traces]


def test_a_loop_repeats_one_call_with_one_result_up_to_the_step_limit() -> None:
    story = under(Fault.LOOP)
    looping = [trace for trace in story.helpdesk if trace.outcome == "step_limit"]
    assert 0.4 < len(looping) / len(story.helpdesk) < 0.8
    assert all(trace.longest_repetition() >= 20 for trace in looping)
    assert all(trace.root.attributes["agent.step.limit"] == 25 for trace in looping)
    assert failed(story, "billing-agent") < 0.1


def test_broken_tools_fail_most_calls_and_are_tried_again_before_the_task_fails() -> None:
    story = under(Fault.TOOL)
    failures = Counter(
        step.attributes["gen_ai.tool.name"] for trace in story.helpdesk for step in trace.tools if step.error
    )
    assert failures["search_knowledge_base"] + failures["check_vpn_status"] > 0.9 * failures.total()
    assert failed(story) > 0.3
    unavailable = [trace for trace in story.helpdesk if trace.root.error == "tool_unavailable"]
    assert all(len([step for step in trace.tools if step.error]) >= 3 for trace in unavailable)


def test_a_failing_provider_hits_both_agents_on_it_and_no_other() -> None:
    story = under(Fault.PROVIDER)
    assert failed(story) > 0.2
    assert failed(story, "billing-agent") > 0.2
    assert failed(story, "field-agent") == 0
    errors = {step.error for trace in story.helpdesk for step in trace.calls if step.error}
    assert errors == {"429", "503"}
    first_chunk = "gen_ai.response.time_to_first_chunk"
    slow, usual = (
        mean(
            float(str(step.attributes[first_chunk]))
            for trace in lived_through.helpdesk
            for step in trace.calls
            if first_chunk in step.attributes
        )
        for lived_through in (story, under(Fault.NONE))
    )
    assert slow > 3 * usual


def test_a_swapped_model_shows_in_the_answering_model_and_in_quality_only() -> None:
    story = under(Fault.MODEL_SWAP)
    answering = {step.attributes.get("gen_ai.response.model") for trace in story.helpdesk for step in trace.calls}
    assert "orion-mini-2" in answering
    assert {step.attributes["gen_ai.request.model"] for t in story.helpdesk for step in t.calls} == {"orion-large-2"}
    assert story.passed("answer_correctness") < 0.75
    assert failed(story) < 0.02


def test_a_bad_prompt_lowers_quality_and_nothing_else() -> None:
    story, usual = under(Fault.QUALITY), under(Fault.NONE)
    assert {trace.root.attributes["agent.prompt.version"] for trace in story.helpdesk} == {"p-119"}
    assert story.passed("answer_correctness") < usual.passed("answer_correctness") - 0.15
    assert story.passed("synthetic_task_success") < usual.passed("synthetic_task_success") - 0.15
    assert failed(story) < 0.02
    assert mean_turns(story) == pytest.approx(mean_turns(usual), rel=0.1)


def test_a_bad_release_fails_before_any_model_call() -> None:
    story = under(Fault.HARD)
    crashed = [trace for trace in story.helpdesk if trace.outcome == "failed"]
    assert len(crashed) / len(story.helpdesk) > 0.5
    assert all(trace.steps == [] for trace in crashed)
    assert {trace.root.error for trace in crashed} == {"timeout", "worker_lost"}
    assert {trace.root.attributes["gen_ai.agent.version"] for trace in story.helpdesk} == {"4.13.0"}


def test_bad_behaviour_grows_with_the_depth_of_the_conversation() -> None:
    story = under(Fault.BEHAVIOUR)

    def hits(*, deep: bool) -> float:
        return share(
            [
                bool(step.attributes["guardrail.triggered"])
                for trace in story.helpdesk
                if (int(str(trace.root.attributes["session.turn"])) > 4) is deep
                for step in trace.of("guardrail")
                if step.attributes["guardrail.name"] == "output_policy"
            ]
        )

    assert hits(deep=True) > hits(deep=False) + 0.2
    assert hits(deep=False) > 0.05
    assert failed(story) < 0.02


def test_bad_actions_lack_approval_or_were_never_taken() -> None:
    story = under(Fault.ACTION)
    unapproved = [
        trace
        for trace in story.helpdesk
        if any(
            step.attributes["tool.side_effect"] == "write" and "tool.approval.id" not in step.attributes
            for step in trace.tools
        )
    ]
    invented = [
        trace
        for trace in story.helpdesk
        if set(map(str, _claims(trace.root.attributes.get("task.claimed_actions"))))
        - {str(step.attributes["gen_ai.tool.name"]) for step in trace.tools if not step.error}
    ]
    assert len(unapproved) > 5
    assert len(invented) > 5
    assert failed(story) < 0.02


def test_an_attack_goes_from_an_attachment_to_a_privileged_call_to_a_new_destination() -> None:
    story = under(Fault.SECURITY)
    robbed = []
    for trace in story.helpdesk:
        names = [str(step.attributes["gen_ai.tool.name"]) for step in trace.tools]
        if "export_directory" in names:
            robbed.append(trace)
            assert names.index("read_attachment") < names.index("export_directory")
            export = trace.tools[names.index("export_directory")]
            assert export.attributes["tool.privileged"] is True
            assert export.attributes["tool.destination"] == "drop.unlisted.example.net"
    assert len(robbed) > 5
    alarms = [
        bool(step.attributes["guardrail.triggered"])
        for trace in story.helpdesk
        for step in trace.of("guardrail")
        if step.attributes["guardrail.name"] == "prompt_injection"
    ]
    assert share(alarms) > 0.05


def _claims(value: object) -> list[object]:
    return list(value) if isinstance(value, tuple | list) else []
