"""Misleading signals: things that happen near an incident, or on a good day, and are none of its doing.

Each rewrites ordinary tasks within its own minutes, before the incident's mechanism sees them. `toward` is the class it points at.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.second_fleet.tasks import Task, call, chat, refused

Rewrite = Callable[[Task, Random], None]


def nothing(task: Task, chance: Random) -> None:
    del task, chance


@dataclass(frozen=True)
class Herring:
    name: str
    toward: str
    rewrite: Rewrite = nothing
    since: float = -3.0
    until: float = 99.0
    agent: str = "helpdesk-agent"
    share: float = 1.0
    prompt: str = ""
    version: str = ""
    traffic: float = 1.0
    kinds: tuple[tuple[str, float], ...] = ()
    judges_out: bool = False
    quiet_alone: bool = True
    """On a good day, with nothing else, this must not be called an incident."""


def blocked_injection(task: Task, chance: Random) -> None:
    """The alarm goes off and the task ends there, as it should."""
    guard = task.guard("prompt_injection")
    if guard is not None:
        guard.attributes["guardrail.triggered"] = True
    task.steps = [step for step in task.steps if step.kind == "guardrail"]
    task.steps.insert(1, chat(task, chance))
    task.claimed = []


def tool_blip(task: Task, chance: Random) -> None:
    """Half of the calls fail once and work the second time."""
    for step in task.calls():
        if not step.error and chance.random() < 0.4:
            task.splice(step, call(step.name, chance, "upstream_5xx"), chat(task, chance, seen=2))


def model_blip(task: Task, chance: Random) -> None:
    for step in task.chats():
        if not step.error and chance.random() < 0.3:
            task.splice(step, refused(task, chance, "503"))


def few_tool_errors(task: Task, chance: Random) -> None:
    step = chance.choice(task.calls()) if task.calls() else None
    if step is not None:
        task.splice(step, call(step.name, chance, "upstream_5xx"), chat(task, chance, seen=2))


def new_partner(task: Task, chance: Random) -> None:
    for step in task.calls("send_email"):
        if chance.random() < 0.5:
            step.attributes["tool.destination"] = "partners.example.com"


def new_description(task: Task, chance: Random) -> None:
    del chance
    for step in task.calls("search_kb"):
        step.attributes["tool.manifest.hash"] = "1f00aa5512ee9c3d"


def wordier(task: Task, chance: Random) -> None:
    """A longer prompt: more tokens in and out, no more steps."""
    for step in task.chats():
        for name in ("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"):
            count = step.attributes.get(name)
            if isinstance(count, int):
                step.attributes[name] = int(count * chance.uniform(1.4, 1.7))


def long_talks(task: Task, chance: Random) -> None:
    task.turn += chance.randrange(4, 14)


def thumbs_down(task: Task, chance: Random) -> None:
    """A change of prices makes people cross with whoever answers."""
    del chance
    task.unhappy = 0.45


def hands_over(task: Task, chance: Random) -> None:
    if task.outcome == "completed":
        task.outcome = "escalated"
        task.splice(None, chat(task, chance, seen=3), call("transfer_to_human", chance))


def two_more_searches(task: Task, chance: Random) -> None:
    """A new kind of question that needs a few more looks; each finds something."""
    if task.calls("search_kb"):
        for _ in range(2):
            task.splice(task.calls("search_kb")[0], call("search_kb", chance), chat(task, chance, seen=2))


def policy_burst(task: Task, chance: Random) -> None:
    del chance
    guard = task.guard("output_policy")
    if guard is not None:
        guard.attributes["guardrail.triggered"] = True


def slower_tool(task: Task, chance: Random) -> None:
    for step in task.calls("search_kb", "get_invoice"):
        step.seconds *= chance.uniform(2, 3)


def false_alarm(task: Task, chance: Random) -> None:
    """The injection detector is touchy since its update; the task goes on as it would have."""
    del chance
    guard = task.guard("prompt_injection")
    if guard is not None:
        guard.attributes["guardrail.triggered"] = True


def one_tool_stumbles(task: Task, chance: Random) -> None:
    """One tool fails now and then and works when it is asked again."""
    for step in task.calls("search_kb", "get_user"):
        if chance.random() < 0.08:
            task.splice(step, call(step.name, chance, "upstream_5xx"), chat(task, chance, seen=2))


def model_stumbles(task: Task, chance: Random) -> None:
    for step in task.chats():
        if not step.error and chance.random() < 0.02:
            task.splice(step, refused(task, chance, "429"))


def slightly_slower_model(task: Task, chance: Random) -> None:
    for step in task.chats():
        first = step.attributes.get("gen_ai.response.time_to_first_chunk")
        if isinstance(first, float):
            step.attributes["gen_ai.response.time_to_first_chunk"] = round(first * 1.4, 3)
            step.seconds += 0.4 * first
    del chance


def polls(task: Task, chance: Random) -> None:
    """A ticket that is not ready yet is asked for three times."""
    for step in task.calls("get_ticket", "get_user")[:1]:
        for _ in range(3):
            again = call(step.name, chance)
            again.attributes |= {
                name: step.attributes[name] for name in ("gen_ai.tool.call.arguments", "gen_ai.tool.call.result")
            }
            task.splice(step, again, chat(task, chance, seen=2))


def lost(task: Task, chance: Random) -> None:
    task.cut(chance.randrange(1, 4), "worker_lost")


def larger_credit(task: Task, chance: Random) -> None:
    """Some credits are twice as high as usual, within the limits and approved."""
    for step in task.calls("issue_credit"):
        step.attributes["gen_ai.tool.call.arguments"] = (
            f'{{"account":"A{chance.randrange(10**5):05}","amount":{round(chance.uniform(30, 55), 2)}}}'
        )


MORE_ATTACHMENTS = (
    ("how_to", 0.2),
    ("password_reset", 0.1),
    ("ticket_status", 0.15),
    ("access_request", 0.25),
    ("attachment_case", 0.3),
)

HERRINGS = (
    Herring("a deploy of another agent", "HARD", agent="billing-agent", version="2.8.0"),
    Herring("a deploy just before", "HARD", version="4.12.1"),
    Herring("a new prompt just before", "QUAL", prompt="p-118b"),
    Herring("a burst of injections, all blocked", "SECU", blocked_injection, since=-22, until=-17, share=0.2),
    Herring("injections after the onset, all blocked", "SECU", blocked_injection, since=2, share=0.07, quiet_alone=False),
    Herring("a tool blip long before", "TOOL", tool_blip, since=-24, until=-21, quiet_alone=False),
    Herring("a few more tool errors", "TOOL", few_tool_errors, share=0.05),
    Herring("a blip of the other provider", "PROV", model_blip, agent="field-agent", since=-6, until=6, quiet_alone=False),
    Herring("a blip of the provider before", "PROV", model_blip, since=-14, until=-12, share=0.6, quiet_alone=False),
    Herring("a new legitimate destination with a deploy", "SECU", new_partner, version="4.12.1", since=-9),
    Herring("a new tool description with a deploy", "SECU", new_description, version="4.12.1", since=-9),
    Herring("a wordier prompt", "LOOP", wordier, prompt="p-118b", since=-5),
    Herring("longer conversations", "BEHV", long_talks, share=0.5),
    Herring("a cross public", "QUAL", thumbs_down),
    Herring("more hand-overs", "QUAL", hands_over, share=0.12),
    Herring("questions that need more looks", "LOOP", two_more_searches, share=0.5, quiet_alone=False),
    Herring("a few policy hits before", "BEHV", policy_burst, since=-20, until=-15, share=0.15),
    Herring("another mix of tasks", "QUAL", kinds=MORE_ATTACHMENTS),
    Herring("twice the traffic", "LOOP", traffic=2.0),
    Herring("less traffic", "HARD", traffic=0.6),
    Herring("no judges for a while", "QUAL", since=-10, until=6, judges_out=True),
    Herring("a touchy injection detector", "SECU", false_alarm, since=0, share=0.06, quiet_alone=False),
    Herring("a few more policy hits", "BEHV", policy_burst, since=0, share=0.05, quiet_alone=False),
    Herring("one tool stumbles", "TOOL", one_tool_stumbles, since=0),
    Herring("the provider stumbles", "PROV", model_stumbles, since=0),
    Herring("a slightly slower model", "PROV", slightly_slower_model, since=0),
    Herring("some tasks ask three times", "LOOP", polls, since=0, share=0.04),
    Herring("a few lost workers", "HARD", lost, since=0, share=0.04),
    Herring("larger credits", "ACTN", larger_credit, since=0, agent="billing-agent"),
    Herring("a slower tool", "TOOL", slower_tool, quiet_alone=False),
)  # fmt: skip
