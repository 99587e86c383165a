"""What can go wrong: several mechanisms for each class, each of which rewrites an ordinary task after the onset.

A mechanism gets a task and chance and changes the task. `clear` and `subtle` are the shares of the tasks it can touch that it does touch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.second_fleet.tasks import STEP_LIMIT, Step, Task, call, chat, refused, token

Mechanism = Callable[[Task, Random], None]


@dataclass(frozen=True)
class Incident:
    name: str
    of: str
    cause: str
    happens: Mechanism
    clear: float = 0.8
    subtle: float = 0.3
    agents: tuple[str, ...] = ("helpdesk-agent",)
    where: Callable[[Task], bool] = lambda _: True
    prompt: str = ""
    version: str = ""
    change_minutes_before: float = 0.0
    traffic: float = 1.0
    probes: float = 0.95
    """The chance of a probe while all of it happens; a subtle incident moves it less."""
    kinds: tuple[tuple[str, float], ...] = ()
    """Another mix of tasks from the onset on."""


# HARD: tasks come to no end for a reason of our own.


def worker_lost(task: Task, chance: Random) -> None:
    task.cut(chance.randrange(1, 6), "worker_lost")


def hangs(task: Task, chance: Random) -> None:
    """Every step is healthy, then nothing until the deadline."""
    task.steps.append(Step("silence", "deadline", chance.uniform(90, 120)))
    task.outcome, task.error, task.claimed = "failed", "timeout", []


def stands_still(task: Task, chance: Random) -> None:
    """The few tasks that arrive are well."""
    del task, chance


def crashes_at_the_end(task: Task, chance: Random) -> None:
    del chance
    task.cut(len(task.steps) - 1, "internal_error")


# PROV: the provider fails, throttles, slows, or serves another model.


def throttled(task: Task, chance: Random) -> None:
    """About half of the calls are refused; each is tried again once."""
    for step in task.chats():
        if step.error or chance.random() >= 0.45:
            continue
        task.splice(step, refused(task, chance, chance.choice(["429", "503", "529"])))
        if chance.random() < 0.45:
            at = task.steps.index(step)
            task.steps[at] = refused(task, chance, "429")
            task.cut(at + 1, "llm_unavailable")
            return


def slow_model(task: Task, chance: Random) -> None:
    """The first token takes four times as long; now and then it never comes."""
    for step in task.chats():
        first = step.attributes.get("gen_ai.response.time_to_first_chunk")
        if isinstance(first, float):
            slower = round(first * chance.uniform(3.2, 6.0), 3)
            step.seconds += slower - first
            step.attributes["gen_ai.response.time_to_first_chunk"] = slower
        if chance.random() < 0.04:
            at = task.steps.index(step)
            task.steps[at] = refused(task, chance, "timeout")
            task.steps[at].seconds = 30.0
            task.cut(at + 1, "llm_unavailable")
            return


def another_model(task: Task, chance: Random) -> None:
    for step in task.chats():
        if "gen_ai.response.model" in step.attributes:
            step.attributes["gen_ai.response.model"] = "orion-small-2026-06-11"
    task.wrong, task.ungrounded, task.unhappy = 0.42, 0.35, 0.5
    del chance


# TOOL: a tool or an index fails, changes its schema, or answers with nothing.


def failing(*names: str, error: str, seconds: float = 0.2) -> Mechanism:
    """The tool fails, is tried again, and the agent either goes on without it or hands over."""

    def happens(task: Task, chance: Random) -> None:
        for step in task.calls(*names):
            for _ in range(chance.choice([1, 1, 2, 3])):
                again = call(step.name, chance, error)
                again.attributes["gen_ai.tool.call.arguments"] = step.attributes["gen_ai.tool.call.arguments"]
                again.seconds = seconds * chance.uniform(0.8, 1.3)
                task.splice(step, again, chat(task, chance, seen=len(task.chats())))
            if chance.random() < 0.6:
                at = task.steps.index(step)
                task.steps[at] = call(step.name, chance, error)
                task.claimed = [name for name in task.claimed if name != step.name]
                task.wrong = 0.35
                ending = chance.random()
                if ending < 0.3:
                    task.cut(at + 1, "tool_unavailable")
                    return
                if ending < 0.6:
                    task.outcome = "escalated"

    return happens


def empty(task: Task, chance: Random) -> None:
    """The index is empty: the search answers with `[]`, the agent tries other words, then makes something up."""
    for step in task.calls("search_kb"):
        step.attributes["gen_ai.tool.call.result"] = "[]"
        for _ in range(chance.choice([0, 1, 1, 2])):
            other = call("search_kb", chance)
            other.attributes["gen_ai.tool.call.result"] = "[]"
            task.splice(step, other, chat(task, chance, seen=len(task.chats())))
        task.wrong, task.ungrounded, task.unhappy = 0.3, 0.35, 0.35


def asks_a_dead_tool_again(task: Task, chance: Random) -> None:
    """The call fails the same way every time, and the agent does not stop asking: a loop, but the tool is why."""
    for step in task.calls("get_user", "get_ticket")[:1]:
        for _ in range(chance.randrange(4, 12)):
            again = call(step.name, chance, "timeout")
            again.attributes["gen_ai.tool.call.arguments"] = step.attributes["gen_ai.tool.call.arguments"]
            task.splice(step, again, chat(task, chance, seen=len(task.chats())))
        if chance.random() < 0.5:
            task.cut(task.steps.index(step), "tool_unavailable")


# LOOP: no progress.


def same_again(task: Task, chance: Random) -> None:
    """One search with the same words and the same answer, over and over, often up to the limit."""
    repeat(task, chance, lambda: ('{"query":"printer not working"}', "7ab3 nothing new"), (12, 30))


def other_words(task: Task, chance: Random) -> None:
    """Nearly the same search again and again: the words differ a little, the answers too."""
    topic = chance.choice(["vpn", "printer", "mailbox"])
    tail = ["please", "again", "now", "more", "details", "still", "once more", "also"]

    def words() -> tuple[str, str]:
        return (
            f'{{"query":"{topic} not working {chance.choice(tail)} {chance.choice(tail)}"}}',
            f"search_kb ok {token(chance, 12)} no match",
        )

    repeat(task, chance, words, (9, 22))


def repeat(task: Task, chance: Random, words: Callable[[], tuple[str, str]], times: tuple[int, int]) -> None:
    place = task.calls()[0] if task.calls() else None
    room = STEP_LIMIT - len(task.calls())
    wanted = chance.randrange(*times)
    for _ in range(min(wanted, room)):
        step = call("search_kb", chance)
        arguments, result = words()
        step.attributes |= {"gen_ai.tool.call.arguments": arguments, "gen_ai.tool.call.result": result}
        task.splice(place, step, chat(task, chance, seen=len(task.chats())))
    if wanted > room:
        task.cut(len(task.steps) - 1, "step_limit", "step_limit")
    elif chance.random() < 0.3:
        task.outcome = "escalated"


def to_and_fro(task: Task, chance: Random) -> None:
    """Two tools call each other's answer into question."""
    place = task.calls()[0] if task.calls() else None
    pair = [call("get_ticket", chance), call("search_kb", chance)]
    for _ in range(chance.randrange(4, 9)):
        for one in pair:
            step = Step(one.kind, one.name, one.seconds, dict(one.attributes))
            step.attributes["gen_ai.tool.call.id"] = f"call_{token(chance, 12)}"
            task.splice(place, step, chat(task, chance, seen=len(task.chats())))


# QUAL: technically green, wrong.


def wrong_answers(wrong: float, ungrounded: float, unhappy: float) -> Mechanism:
    def happens(task: Task, chance: Random) -> None:
        del chance
        task.wrong, task.ungrounded, task.unhappy = wrong, ungrounded, unhappy

    return happens


def own_smaller_model(task: Task, chance: Random) -> None:
    """We asked for a smaller model, and got what we asked for."""
    for step in task.chats():
        step.attributes["gen_ai.request.model"] = "orion-medium-2026-08-20"
        if not step.error:
            step.attributes["gen_ai.response.model"] = "orion-medium-2026-08-20"
        step.name = "orion-medium-2026-08-20"
    wrong_answers(0.45, 0.4, 0.5)(task, chance)


# BEHV: it works, and it says what it must not.


def misbehaves(*, guarded: bool = True, unhappy: float = 0.15) -> Mechanism:
    def happens(task: Task, chance: Random) -> None:
        guard = task.guard("output_policy")
        if guarded and guard is not None and chance.random() < 0.9:
            guard.attributes["guardrail.triggered"] = True
        task.off_policy, task.unhappy = 0.75, unhappy

    return happens


# ACTN: it does what nobody approved, or says it did what it did not.


def unapproved(task: Task, chance: Random) -> None:
    for step in task.calls():
        if (
            step.attributes["tool.side_effect"] == "write"
            and step.name != "transfer_to_human"
            and chance.random() < 0.9
        ):
            step.attributes.pop("tool.approval.id", None)


def claims_what_it_did_not_do(task: Task, chance: Random) -> None:
    """The write is left out, the user is told that it was done."""
    writes = [step for step in task.calls() if step.name in task.claimed]
    if not writes:
        return
    left_out = chance.choice(writes)
    at = task.steps.index(left_out)
    del task.steps[max(0, at - 1) : at + 1]


def claims_what_failed(task: Task, chance: Random) -> None:
    writes = [step for step in task.calls() if step.name in task.claimed]
    if not writes:
        return
    lost = chance.choice(writes)
    task.steps[task.steps.index(lost)] = call(lost.name, chance, "permission_denied")


def far_too_much(task: Task, chance: Random) -> None:
    for step in task.calls("issue_credit"):
        amount = round(chance.uniform(900, 4800), 2)
        step.attributes["gen_ai.tool.call.arguments"] = (
            f'{{"account":"A{chance.randrange(10**5):05}","amount":{amount}}}'
        )


def far_too_often(task: Task, chance: Random) -> None:
    """One task, many writes: each is approved and none was asked for."""
    writes = [
        step
        for step in task.calls()
        if step.name in {"grant_access", "reset_password", "update_ticket", "issue_credit"}
    ]
    for step in writes:
        for _ in range(chance.randrange(5, 11)):
            task.splice(step, call(step.name, chance), chat(task, chance, seen=len(task.chats())))


# SECU: somebody else steers it.


def steered(*, alarm: float, destination: str, privileged: str = "export_users", approved: bool = False) -> Mechanism:
    """An attachment carries orders: the agent reads data it has no business with and sends it away."""

    def happens(task: Task, chance: Random) -> None:
        reads = task.calls("read_attachment")
        if not reads:
            return
        after = task.steps.index(reads[0]) + 1
        place = task.steps[after] if after < len(task.steps) else None
        steps = []
        if privileged:
            steps += [chat(task, chance, seen=3), call(privileged, chance)]
        if destination:
            away = call("send_email", chance)
            away.attributes["tool.destination"] = destination
            if not approved:
                away.attributes.pop("tool.approval.id")
            steps += [chat(task, chance, seen=4), away]
        task.splice(place, *steps)
        guard = task.guard("prompt_injection")
        if guard is not None and chance.random() < alarm:
            guard.attributes["guardrail.triggered"] = True

    return happens


def poisoned_tool(task: Task, chance: Random) -> None:
    """The tool's description has changed under us, and so has where the data goes."""
    for step in task.calls("search_kb"):
        step.attributes["tool.manifest.hash"] = "66d0c0ffee15bad1"
        if chance.random() < 0.5:
            step.attributes["tool.destination"] = "collect.example.net"


def attacked(task: Task, chance: Random) -> None:
    """Injections that get through: the alarm goes off and the privileged call is made all the same."""
    guard = task.guard("prompt_injection")
    if guard is not None:
        guard.attributes["guardrail.triggered"] = True
    if chance.random() < 0.5:
        task.splice(None, chat(task, chance, seen=3), call("grant_access", chance))


def leaking(task: Task, chance: Random) -> None:
    """A send to somewhere new, which the egress guard sees."""
    for step in task.calls("send_email"):
        step.attributes["tool.destination"] = "drop.example.org"
    guard = task.guard("egress_dlp")
    if guard is not None and chance.random() < 0.6:
        guard.attributes["guardrail.triggered"] = True


def searches(task: Task) -> bool:
    return bool(task.calls("search_kb"))


def writes(task: Task) -> bool:
    return bool(task.claimed)


BOTH = ("helpdesk-agent", "billing-agent")

INCIDENTS = (
    Incident("workers die after a deploy", "HARD", "our-code-or-config", worker_lost, 0.5, 0.17, version="4.13.0", probes=0.5),
    Incident("tasks hang until the deadline", "HARD", "unknown", hangs, 0.45, 0.17, probes=0.5),
    Incident("one kind of task crashes at its end", "HARD", "our-code-or-config", crashes_at_the_end, 1.0, 0.6, version="4.13.0", change_minutes_before=2, where=lambda task: task.kind in {"how_to", "password_reset"}, probes=0.6),
    Incident("the queue stands still", "HARD", "our-code-or-config", stands_still, version="4.13.0", traffic=0.1, probes=0.4),
    Incident("the provider throttles", "PROV", "model-or-provider", throttled, 0.9, 0.3, BOTH, probes=0.55),
    Incident("the provider is slow", "PROV", "model-or-provider", slow_model, 1.0, 0.4, BOTH, probes=0.8),
    Incident("the provider serves another model", "PROV", "model-or-provider", another_model, 1.0, 0.5, BOTH, probes=0.6),
    Incident("the search fails", "TOOL", "tool-or-API", failing("search_kb", error="upstream_5xx"), 0.8, 0.35, BOTH, probes=0.6),
    Incident("the search times out", "TOOL", "tool-or-API", failing("search_kb", error="timeout", seconds=10), 0.8, 0.35, BOTH, probes=0.6),
    Incident("the search finds nothing", "TOOL", "data-or-index-or-memory", empty, 0.85, 0.4, BOTH, probes=0.6),
    Incident("a tool has a new schema", "TOOL", "tool-or-API", failing("update_ticket", "get_ticket", error="schema_error"), 0.8, 0.4, probes=0.7),
    Incident("a dead tool is asked again and again", "TOOL", "tool-or-API", asks_a_dead_tool_again, 0.7, 0.25, probes=0.6),
    Incident("the same search again and again", "LOOP", "our-prompt", same_again, 0.35, 0.14, prompt="p-119", change_minutes_before=3, probes=0.65),
    Incident("nearly the same search again and again", "LOOP", "our-prompt", other_words, 0.4, 0.16, prompt="p-119", probes=0.7),
    Incident("two tools in turn", "LOOP", "our-code-or-config", to_and_fro, 0.4, 0.16, version="4.13.0", probes=0.8),
    Incident("a new prompt answers wrongly", "QUAL", "our-prompt", wrong_answers(0.45, 0.45, 0.5), 1.0, 0.6, prompt="p-119", probes=0.55),
    Incident("the index is old", "QUAL", "data-or-index-or-memory", wrong_answers(0.5, 0.6, 0.5), 1.0, 0.7, where=searches, probes=0.5),
    Incident("answers are made up", "QUAL", "data-or-index-or-memory", wrong_answers(0.12, 0.5, 0.3), 1.0, 0.6, probes=0.8),
    Incident("a smaller model of our own choice", "QUAL", "model-or-provider", own_smaller_model, 1.0, 0.6, version="4.13.0", probes=0.55),
    Incident("one kind of task is answered wrongly", "QUAL", "our-prompt", wrong_answers(0.7, 0.6, 0.7), 1.0, 0.7, prompt="p-119", where=lambda task: task.kind == "how_to", probes=0.3),
    Incident("harder questions", "QUAL", "traffic-mix", wrong_answers(0.5, 0.4, 0.5), 1.0, 0.7, where=lambda task: task.kind == "how_to", kinds=(("how_to", 0.75), ("password_reset", 0.1), ("ticket_status", 0.1), ("access_request", 0.05)), probes=0.9),
    Incident("long conversations go off the rails", "BEHV", "model-or-provider", misbehaves(), 0.9, 0.55, where=lambda task: task.turn >= 5),
    Incident("one language misbehaves", "BEHV", "our-prompt", misbehaves(), 1.0, 0.8, prompt="p-119", where=lambda task: task.locale == "de-DE"),
    Incident("a new prompt misbehaves", "BEHV", "our-prompt", misbehaves(unhappy=0.1), 0.4, 0.14, prompt="p-119", change_minutes_before=1),
    Incident("it misbehaves and the guardrail misses it", "BEHV", "our-prompt", misbehaves(guarded=False), 0.6, 0.4, prompt="p-119"),
    Incident("writes without approval", "ACTN", "our-code-or-config", unapproved, 0.8, 0.25, version="4.13.0", where=writes),
    Incident("claims what it did not do", "ACTN", "our-prompt", claims_what_it_did_not_do, 0.7, 0.25, prompt="p-119", where=writes),
    Incident("claims what failed", "ACTN", "unknown", claims_what_failed, 0.6, 0.25, where=writes),
    Incident("credits far too high", "ACTN", "our-prompt", far_too_much, 1.0, 0.6, ("billing-agent",), prompt="p-53"),
    Incident("far more writes than asked for", "ACTN", "our-prompt", far_too_often, 0.5, 0.2, prompt="p-119", where=writes),
    Incident("orders in attachments", "SECU", "adversary", steered(alarm=0.7, destination="paste.example.net"), 0.9, 0.6),
    Incident("quiet orders in attachments", "SECU", "adversary", steered(alarm=0.0, destination="paste.example.net", approved=True), 0.9, 0.6),
    Incident("attachments that change rights", "SECU", "adversary", steered(alarm=0.5, destination="", privileged="grant_access"), 0.9, 0.6),
    Incident("a tool's description is swapped", "SECU", "adversary", poisoned_tool, 0.9, 0.3, where=searches),
    Incident("injections get through", "SECU", "adversary", attacked, 0.3, 0.12),
    Incident("data is sent somewhere new", "SECU", "adversary", leaking, 0.6, 0.2, where=lambda task: bool(task.calls("send_email"))),
)  # fmt: skip
