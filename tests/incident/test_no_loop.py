"""Ordinary production traces that look like loops at a glance, each a few steps long."""

import json
from collections.abc import Sequence

import pytest

from bot.incident.detectors.failures import reads_as_failure
from bot.incident.detectors.loop import loop_in
from bot.incident.telemetry import Span, SpanKind, ToolCall, Trace
from tests.incident.run_steps import Run, Step, Values, bare, call, say

NAMES = (
    "Ana Silva",
    "Bob Stone",
    "Cara Diaz",
    "Dan Orlov",
    "Eve Adams",
    "Femi Ade",
    "Gita Rao",
    "Hugo Lind",
    "Ida Berg",
)
DOWN = {"error": "Internal server error, please try again later"}


def failures(*errors: str, name: str = "get", preview: str = "") -> Trace:
    """One tool's failures of which the arguments are kept as hashes at most."""
    spans = [
        Span(
            "t",
            f"s{at}",
            "root",
            SpanKind.TOOL,
            "step",
            at,
            at + 1,
            tool=ToolCall(name, arguments_hash=f"{at}" if preview else None),
            error=True,
            error_message=error,
        )
        for at, error in enumerate(errors)
    ]
    return Trace("t", "a", 0, 99, spans=tuple(spans))


def loops(*steps: Step) -> bool:
    return loop_in(Run("a", steps).trace()) is not None


def together(*answers: Step) -> Step:
    """Calls that a model asked for in one answer."""
    parts = [
        {"type": "tool_call", "id": str(at), "name": spans[0][0].removeprefix("execute_tool "), "arguments": {"at": at}}
        for at, spans in enumerate(answers)
    ]
    values: Values = {
        "gen_ai.operation.name": "chat",
        "gen_ai.output.messages": json.dumps([{"role": "assistant", "parts": parts}]),
    }
    return (("chat", values, False), *(span for spans in answers for span in spans))


def test_a_list_goes_on_after_an_outage() -> None:
    known = [bare("geocode", {"address": name}, {"at": f"{name[0]} 52.{at}"}) for at, name in enumerate(NAMES)]
    down = [bare("geocode", {"address": name[::-1]}, DOWN, failed=True) for name in NAMES[:6]]
    assert not loops(*known[:4], *down, *known[4:])
    assert loops(*known[:4], *down)


@pytest.mark.parametrize(
    "error",
    [
        "Customer not found in the database",
        "Fehler: Der Kunde wurde in der Datenbank nicht gefunden",
        "Erreur : le client est introuvable dans la base de données",
        "Error: no se encontró el cliente en la base de datos",
        "Ошибка: клиент не найден в базе данных",
        "错误: 数据库中找不到该客户",
        "エラー: 注文が見つかりません",
        "오류: 고객을 찾을 수 없습니다",
    ],
)
def test_what_is_not_there_is_another_thing_each_time_in_any_language(error: str) -> None:
    assert not loops(*(bare("find", {"name": name}, error, failed=True) for name in NAMES))
    assert not loops(*(bare("find", {"id": 1000 + at}, error, failed=True) for at in range(9)))


def test_an_empty_answer_for_each_day_is_no_error_of_one_line_after_another() -> None:
    assert not loops(*(bare("free_slots", {"month": 3, "day": day}, {"slots": []}) for day in range(1, 12)))
    assert not loops(*(bare("free_slots", {"day": f"2026-03-{day:02}"}, "[]") for day in range(1, 12)))


@pytest.mark.parametrize("preview", ["", "kept"])
def test_failures_of_calls_whose_arguments_nobody_sees_are_no_loop(preview: str) -> None:
    assert loop_in(failures(*[""] * 8, preview=preview)) is None
    assert loop_in(failures(*["upstream connect error or disconnect before headers"] * 8, preview=preview)) is None


def test_each_agent_of_a_team_meets_an_outage_for_itself() -> None:
    fan_out = [call("search", {"q": name}, DOWN, failed=True, agent=f"worker-{name}")[1:] for name in NAMES]
    assert not loops(*fan_out)
    assert loops(*(call("search", {"q": name}, DOWN, failed=True, agent="worker")[1:] for name in NAMES))


def test_calls_of_one_answer_that_fail_for_one_reason_are_one_attempt() -> None:
    expired = {"error": "401 token expired, please sign in again"}
    tools = ("get_user", "get_orders", "get_cart", "get_coupons", "get_points")
    assert not loops(together(*(bare(tool, {"id": 7}, expired, failed=True) for tool in tools)))


@pytest.mark.parametrize("failures", [2, 3, 4])
def test_up_to_four_failures_are_retries_if_the_call_then_works(failures: int) -> None:
    failing = call("charge", {"order": "A-1009"}, {"error": "503 Service Unavailable"}, failed=True)
    wait = call("sleep", {"seconds": 30}, "")
    works = call("charge", {"order": "A-1009"}, {"id": "ch_1"})
    assert not loops(*[failing] * failures, works)
    assert not loops(*[step for _ in range(failures) for step in (failing, wait)], works)
    assert loops(*[failing] * 5, works)


@pytest.mark.parametrize(
    "result",
    [
        {"errors": [], "data": {"rows": 0, "of": "the table that is loaded into the warehouse"}},
        {"error": None, "result": {"rows": 0, "state": "loading the table into the warehouse"}},
        {"errors": 0, "rows": 0, "note": "loading the table into the warehouse"},
    ],
    ids=["GraphQL", "JSON-RPC", "counted"],
)
def test_a_result_that_says_there_is_no_error_is_none(result: dict[str, object]) -> None:
    told = json.dumps(result)
    assert not loops(*(bare("job", {"id": 7}, told.replace('rows": 0', f'rows": {rows}')) for rows in range(9, 90, 9)))


@pytest.mark.parametrize(
    "told",
    [
        "{left} failed, 3 passed in 0.4{left}s",
        "a.py:1{left}: error: Incompatible types in assignment\nFound {left} errors in 4 files (checked 20 source files)",
        "✖ {left} problems ({left} errors, 0 warnings)",
        "error[E040{left}]: cannot find `{name}` in this scope\n --> src/main.rs:{left}:5",
    ],
    ids=["tests", "types", "lint", "compiler"],
)
def test_checks_that_find_less_or_something_else_each_time_are_progress(told: str) -> None:
    def checked(left: Sequence[int]) -> list[Step]:
        return [
            step
            for at, number in enumerate(left)
            for step in (
                call("edit", {"line": 10 * at}, "File updated"),
                call("bash", {"command": "check"}, told.format(left=number, name=NAMES[number][:3]), failed=True),
            )
        ]

    assert not loops(*checked(range(8, 0, -1)))
    assert loops(*checked([3] * 8))


def test_a_key_of_the_result_is_not_what_was_done_to_something() -> None:
    assert not loops(*(bare("update", {"id": at, "status": "active"}, {"success": True}) for at in range(30)))


def test_another_agent_may_have_the_same_call_refused() -> None:
    assert not loops(
        *(
            call("read", {"at": 1}, error, failed=True, agent=agent)[1:]
            for agent, error in zip("abc", NAMES, strict=False)
        )
    )


def test_the_remark_that_a_call_repeats_others_may_begin_a_sentence() -> None:
    remark = "Already tried this action, choose another."
    assert loops(*(bare("open", {"page": name}, f"{remark} {name}") for name in NAMES[:2]), bare("end", {}, "ok"))


def test_a_poll_that_is_told_of_a_container_waits() -> None:
    seen = [
        step
        for at in range(4)
        for step in (
            call("bash", {"command": "kubectl get pods"}, f"web-1 0/1 ContainerCreating 0 {at * 20}s"),
            call("bash", {"command": "sleep 20"}, ""),
        )
    ]
    assert not loops(*seen)


NOTHING = "No results were found for your search. Please try other words or check the spelling of your query."


@pytest.mark.parametrize(
    ("text", "things", "result"),
    [
        ("weather in {} today", ("Rome", "Oslo", "Lima", "Cairo"), NOTHING),
        ("price of the {} at the store", ("red kettle", "blue lamp", "oak table", "steel pan"), NOTHING),
        ("select count(*) from {} where deleted is true", ("orders", "sales", "returns", "users"), "0"),
        ("Dear {}, your appointment is confirmed for tomorrow", NAMES, "sent"),
    ],
)
def test_one_thing_after_another_in_the_same_sentence_is_a_list(text: str, things: Sequence[str], result: str) -> None:
    assert not loops(*(call("tell", {"text": text.format(thing)}, result) for thing in things))


def test_edits_that_are_refused_line_after_line_are_a_loop() -> None:
    refused = "No match found for replacement. Please check the text and try again."
    edits = [call("edit", {"path": "a.py", "old": f"def f(x): #{at}"}, refused, failed=True) for at in range(5)]
    assert loops(*edits)


@pytest.mark.parametrize(
    "result", ["Error: no such file", "error: None of them is there", "Errors: 3", "KeyError: 0 is no key"]
)
def test_an_error_that_begins_with_no_or_none_is_one(result: str) -> None:
    assert reads_as_failure(result, cut=False)


@pytest.mark.parametrize(
    "result", ['{"errors": [], "data": {}}', '{"error": null}', "errors: 0, rows: 3", '{"error":"","ok":true}']
)
def test_none_and_no_errors_are_no_failure(result: str) -> None:
    assert not reads_as_failure(result, cut=False)


def test_words_that_differed_before_they_were_redacted_are_many_mails() -> None:
    sent = "I have sent the invoice and the delivery note to {} as you asked."
    mails = [say(sent.format(f"{name.split()[0].lower()}@example.com")) for name in NAMES]
    assert not loops(*mails[:4])
    assert loops(*mails)


@pytest.mark.parametrize("mark", ["[REDACTED]", "********", "<PERSON>"])
def test_arguments_of_which_only_marks_arrive_tell_nothing(mark: str) -> None:
    assert not loops(*[bare("lookup", {"name": mark, "born": mark}, {"record": mark})] * 6)
    assert loops(*[bare("lookup", {"name": mark, "ward": "B"}, {"record": mark})] * 6)


def test_one_verdict_on_each_of_many_texts_is_no_loop() -> None:
    assert not loops(*[say('{"sentiment": "neutral", "language": "en", "toxic": false, "topics": []}')] * 8)


def test_a_job_that_is_queued_for_a_while_and_then_done_was_waited_for() -> None:
    polls = [call("get_job", {"id": "j1"}, {"status": state}) for state in ("queued", "queued", "queued", "done")]
    assert not loops(*polls)
    assert loops(*polls[:3])


@pytest.mark.parametrize(
    "answer",
    [
        "{name} has already called with a question about order {at}",
        "Port {at} of {name}: loop detected, the port is blocked",
        "FAQ of {name}: my phone is stuck in a loop, what now? " + "Take it to a shop near you. " * 20,
    ],
    ids=["ticket", "log", "page"],
)
def test_what_is_read_about_others_that_repeat_themselves_is_no_refusal(answer: str) -> None:
    assert not loops(
        *(bare("read", {"id": 4000 + at}, answer.format(name=name, at=at * 7)) for at, name in enumerate(NAMES))
    )


def test_a_tool_that_says_so_of_the_call_refuses_it() -> None:
    again = "You have already called this tool with the same arguments."
    assert loops(*(bare("search", {"query": name}, f"{again} {f'{name} is known. ' * 20}") for name in NAMES[:3]))
