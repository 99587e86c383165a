"""Made-up runs that look like loops and are work, in the shapes of recorded ones, some of them beside the loop they look like."""

import json
from collections.abc import Sequence
from random import Random

from tests.incident.ordinary_runs import CITIES, THINGS, page
from tests.incident.run_steps import Family, Step, Values, act, ask, call

Found = tuple[Sequence[Step], int | None]

_CAMEL = "Documentation Generator"
_METRICS = ("CPU usage", "memory usage", "request latency", "workload")
_PARTS = ("a navigation menu", "a table of contents", "CSS styling", "a search box", "a list of functions")


def _turns(chance: Random, fewest: int) -> range:
    return range(chance.randrange(fewest, fewest + 6))


def scrolled_in_vain(chance: Random) -> Found:
    wish = (
        f"The page has not changed. I scroll down once more to find the {chance.choice(THINGS)}, which was asked for."
    )
    return [ask("scroll", {"to": "down"}, wish) for _ in _turns(chance, 4)], 2


def waiting_for_a_call_in_chinese(chance: Random) -> Found:
    city = chance.choice(CITIES)
    asked = (
        f"请等待与{city}供应商协商安排适当的运输资源, 以确保在10天内将产品交付给客户。",
        f"请确认是否已与{city}供应商协商安排适当的运输资源, 以确保在10天内将产品交付给客户。",
        f"请尽快与{city}供应商取得联系, 并与他协商安排适当的运输资源, 以确保在10天内将产品交付给客户。",
    )
    steps: list[Step] = []
    for turn in _turns(chance, 5):
        steps += [act("Manager", asked[turn % 3], "-> Planner"), act("Planner", f"我将{asked[turn % 3][1:]}")]
    return steps, 4


def handed_back_and_forth(chance: Random) -> Found:
    desks = ("transfer_to_orders", "transfer_to_triage")
    return [call(desks[turn % 2], {}, "Transferred.") for turn in _turns(chance, 6)], 4


def one_figure_with_other_labels(chance: Random) -> Found:
    mean = f"{chance.random():.12f}"
    labels = (
        "mean of speed",
        "the mean of all speed",
        "speed, its mean",
        "mean speed of it all",
        "speed mean",
        "a mean",
    )
    return [
        call("python", f"print('{labels[turn % 6]}', df['speed'].mean())", f"{labels[turn % 6]} {mean}")
        for turn in _turns(chance, 3)
    ], 2


LOOK_ALIKE_LOOPING: tuple[Family, ...] = (
    scrolled_in_vain,
    waiting_for_a_call_in_chinese,
    handed_back_and_forth,
    one_figure_with_other_labels,
)


def scrolled_and_seen(chance: Random) -> Found:
    wish = "The page has scrolled down and more skills are now visible, so my last action was successful. I scroll on."
    return [ask("scroll", {"to": "down"}, wish) for _ in _turns(chance, 6)] + [ask("done", {}, "The end.")], None


def one_check_for_each_field(chance: Random) -> Found:
    fields = chance.sample(THINGS, 6)
    return [
        ask("answer", {"value": "true"}, f"Does the field labeled '{field}' hold what was asked for? It does.")
        for field in fields
    ], None


def asked_for_in_chinese_one_by_one(chance: Random) -> Found:
    steps: list[Step] = []
    for wish in (
        "请确认仓库中的库存是否足够。",
        "请安排运输车辆和司机。",
        "请把发票寄给客户的会计部门。",
        "请通知生产线下周的计划。",
    ):
        steps += [act("Manager", wish, "-> Planner"), act("Planner", page(chance, 12))]
    return steps, None


def handed_over_as_the_plan_goes_on(chance: Random) -> Found:
    steps: list[Step] = []
    for part in chance.sample(THINGS, 4):
        steps += [
            call("plan", {"task": f"code for the {part}", "status": "next"}, page(chance, 12)),
            call("transfer_to_coder", {}, "Transferred to coder."),
            call("transfer_back_to_supervisor", {}, "Transferred back to supervisor."),
        ]
    return steps, None


def one_include_in_every_file(chance: Random) -> Found:
    return [
        call("edit", f"app/povray/build/unix/{thing}.c", f"Changed the file app/povray/build/unix/{thing}.c (1 place).")
        for thing in chance.sample(THINGS, 7)
    ], None


def calls_sent_together(chance: Random) -> Found:
    queries = chance.sample(CITIES, 4)
    error = "MCP error -32602: Invalid arguments for tool search: expected array, received null"
    parts = [{"type": "tool_call", "name": "search", "arguments": {"query": query}} for query in queries]
    message = json.dumps([{"role": "assistant", "parts": parts}])
    asked: Values = {"gen_ai.operation.name": "chat", "gen_ai.output.messages": message}
    failed = [call("search", {"query": query}, error, failed=True)[1] for query in queries]
    mended = [call("search", {"query": query, "languages": ["c"]}, page(chance, 30)) for query in queries]
    return [(("chat", asked, False), *failed), *mended], None


def bisected_program(chance: Random) -> Found:
    facts = [f"fact({thing}, {page(chance, 8)})." for thing in chance.sample(THINGS, 6)]
    bad = "Error: end of file with 1 unclosed bracket; add 1 closing bracket before the program can run"
    tries = ((6, False), (1, True), (4, False), (2, True), (3, False), (3, True))
    return [
        call("prolog", {"program": "\n".join(facts[:size])}, "CONSISTENT" if works else bad, failed=not works)
        for size, works in tries
    ], None


def manager_with_a_part_for_each(chance: Random) -> Found:
    desks = ("Titles Agent", "Texts Agent", "Pictures Agent", "Checks Agent", "Prices Agent")
    parts = (
        "a title and a short text",
        "long texts for all chapters",
        "drawings of every scene",
        "checks and questions",
    )
    idea = {"value": chance.choice(THINGS)}
    steps = [act("Manager", "I start with the idea, which I delegate to the Ideas Agent.")]
    for turn, part in enumerate(parts):
        steps += [
            act(
                "Manager",
                f"With {parts[turn - 1]} created, the next step in the workflow is to create {part} for the prompt. "
                f"I will delegate this task to the {desks[turn]}.",
            ),
            call("get_idea", idea, "an idea", agent=desks[turn])[1:],
            act(desks[turn], f"{part} stand ready now: {page(chance, 12)}"),
        ]
    return steps, None


def one_metric_after_another(chance: Random) -> Found:
    steps: list[Step] = []
    for metric in _METRICS:
        steps += [
            call("python", {"query": f"{metric} of shop"}, page(chance, 20))[1:],
            act(
                "maintainer",
                f"The latest {metric} data of the shop service has been successfully retrieved. Now, I will proceed to the next step.",
                "-> maintenance-manager",
            ),
            act("runner", page(chance, 4)),
        ]
    return steps, None


def role_play_part_by_part(chance: Random) -> Found:
    steps: list[Step] = []
    for part in chance.sample(_PARTS, 5):
        steps += [
            act(
                f"{_CAMEL} (AI User)",
                f"Instruction:\nAdd {part} to the documentation template.\nInput:\nNone",
                "-> him",
            ),
            act(
                f"{_CAMEL} (AI Assistant)", f"Solution: to add {part}, I take these steps: {page(chance, 30)}", "-> me"
            ),
        ]
    return steps, None


def pods_that_start_after_a_while(chance: Random) -> Found:
    ages = [f"{turn + 2}m{chance.randrange(10, 60)}s" for turn in range(5)]
    states = ["0/1 Pending"] * 4 + ["1/1 Running"]
    return [
        call("shell", "kubectl get pods -n shop", f"NAME READY STATUS AGE\nshop-0 {state} {age}")
        for state, age in zip(states, ages, strict=True)
    ], None


def one_figure_for_each_column(chance: Random) -> Found:
    return [
        call("python", f"print('mean of {thing}', df['{thing}'].mean())", f"mean of {thing} {chance.random():.12f}")
        for thing in chance.sample(THINGS, 5)
    ], None


LOOK_ALIKE_ORDINARY: tuple[Family, ...] = (
    scrolled_and_seen,
    one_check_for_each_field,
    asked_for_in_chinese_one_by_one,
    handed_over_as_the_plan_goes_on,
    one_include_in_every_file,
    calls_sent_together,
    bisected_program,
    manager_with_a_part_for_each,
    one_metric_after_another,
    role_play_part_by_part,
    one_figure_for_each_column,
    pods_that_start_after_a_while,
)
