"""Ordinary work: three agents, their tasks, the steps of each task and the noise of a good day."""

from dataclasses import dataclass, field
from hashlib import sha256
from random import Random

Value = str | bool | int | float | list[str]

STEP_LIMIT = 25
LOCALES = (("en-US", 0.62), ("de-DE", 0.2), ("fr-FR", 0.18))
ADDRESSES = ("example.com", "staff.example.com", "north.example.com", "south.example.com")
TOPICS = ("vpn", "printer", "mailbox quota", "shared drive", "wifi guest", "calendar sync", "laptop sleep", "mfa token")
WORDS = ("setup", "reset", "error", "help")


@dataclass(frozen=True)
class Tool:
    write: bool = False
    privileged: bool = False
    untrusted: bool = False
    sends: bool = False


TOOLS = {
    "search_kb": Tool(),
    "get_user": Tool(),
    "get_ticket": Tool(),
    "check_policy": Tool(),
    "read_attachment": Tool(untrusted=True),
    "get_account": Tool(),
    "get_invoice": Tool(),
    "get_site": Tool(),
    "find_slot": Tool(),
    "reset_password": Tool(write=True, privileged=True),
    "grant_access": Tool(write=True, privileged=True),
    "issue_credit": Tool(write=True, privileged=True),
    "update_ticket": Tool(write=True),
    "send_email": Tool(write=True, sends=True),
    "book_visit": Tool(write=True),
    "transfer_to_human": Tool(write=True),
    "export_users": Tool(privileged=True),
}


@dataclass(frozen=True)
class Agent:
    name: str
    share: float
    provider: str
    model: str
    version: str
    prompt: str
    kinds: tuple[tuple[str, float], ...]


HELPDESK = Agent(
    "helpdesk-agent",
    0.7,
    "orion",
    "orion-large-2026-08-20",
    "4.12.0",
    "p-118",
    (
        ("how_to", 0.3),
        ("password_reset", 0.2),
        ("ticket_status", 0.2),
        ("access_request", 0.15),
        ("attachment_case", 0.15),
    ),
)
BILLING = Agent(
    "billing-agent",
    0.2,
    "orion",
    "orion-large-2026-08-20",
    "2.7.3",
    "p-52",
    (("invoice_question", 0.6), ("credit_request", 0.4)),
)
FIELD = Agent("field-agent", 0.1, "vega", "vega-pro-3.1", "1.9.1", "p-17", (("visit_schedule", 1.0),))
FLEET = (HELPDESK, BILLING, FIELD)


@dataclass
class Step:
    kind: str  # guardrail, chat or execute_tool
    name: str
    seconds: float
    attributes: dict[str, Value] = field(default_factory=dict)
    error: str = ""


@dataclass
class Task:
    """One conversation turn; `minute` counts from the onset. The chances at the end are what the judges will go by."""

    agent: Agent
    kind: str
    minute: float
    turn: int
    locale: str
    prompt: str
    version: str
    steps: list[Step] = field(default_factory=list)
    outcome: str = "completed"
    error: str = ""
    claimed: list[str] = field(default_factory=list)
    wrong: float = 0.07
    ungrounded: float = 0.045
    off_policy: float = 0.03
    unhappy: float = 0.2

    def calls(self, *names: str) -> list[Step]:
        return [step for step in self.steps if step.kind == "execute_tool" and (not names or step.name in names)]

    def chats(self) -> list[Step]:
        return [step for step in self.steps if step.kind == "chat"]

    def guard(self, name: str) -> Step | None:
        return next((step for step in self.steps if step.kind == "guardrail" and step.name == name), None)

    def cut(self, after: int, error: str, outcome: str = "failed") -> None:
        """The task ends `after` so many steps; what it would have claimed or checked at the end never happens."""
        self.steps = self.steps[:after]
        self.outcome, self.error, self.claimed = outcome, error, []

    def splice(self, before: Step | None, *new: Step) -> None:
        """Put steps before another one, or where the task's last model call begins; at the end of one cut short."""
        place = before or next(reversed(self.chats()), None)
        at = self.steps.index(place) if place is not None else len(self.steps)
        self.steps[at:at] = new


def token(chance: Random, size: int) -> str:
    return f"{chance.getrandbits(4 * size):0{size}x}"


def drawn(chance: Random, odds: tuple[tuple[str, float], ...]) -> str:
    names, weights = zip(*odds, strict=True)
    return str(chance.choices(names, weights)[0])


def manifest(name: str) -> str:
    return sha256(name.encode()).hexdigest()[:16]


def chat(task: Task, chance: Random, *, seen: int = 0) -> Step:
    """A good model call; `seen` is how many came before it in this task."""
    first = chance.lognormvariate(-0.79, 0.3)
    return Step(
        "chat",
        task.agent.model,
        first + chance.lognormvariate(-0.1, 0.45),
        {
            "gen_ai.provider.name": task.agent.provider,
            "gen_ai.request.model": task.agent.model,
            "gen_ai.request.stream": True,
            "gen_ai.response.model": task.agent.model,
            "gen_ai.response.time_to_first_chunk": round(first, 3),
            "gen_ai.usage.input_tokens": int(chance.gauss(1150, 190) + seen * chance.uniform(230, 420)),
            "gen_ai.usage.output_tokens": max(20, int(chance.lognormvariate(4.7, 0.4))),
        },
    )


def refused(task: Task, chance: Random, error: str) -> Step:
    """A model call that the provider did not answer."""
    attributes: dict[str, Value] = {
        "gen_ai.provider.name": task.agent.provider,
        "gen_ai.request.model": task.agent.model,
        "gen_ai.request.stream": True,
    }
    return Step("chat", task.agent.model, chance.uniform(0.2, 0.5), attributes, error)


def call(name: str, chance: Random, error: str = "") -> Step:
    tool = TOOLS[name]
    arguments = f'{{"id":"{name[:2].upper()}{chance.randrange(10**6):06}"}}'
    if name == "search_kb":
        arguments = f'{{"query":"{chance.choice(TOPICS)} {chance.choice(WORDS)}"}}'
    if name == "issue_credit":
        arguments = (
            f'{{"account":"A{chance.randrange(10**5):05}","amount":{round(chance.lognormvariate(2.9, 0.5), 2)}}}'
        )
    result = f"{name} ok {token(chance, 12)} " + "lorem " * chance.randrange(20, 62)
    if name == "search_kb" and chance.random() < 0.014:
        result = "[]"
    attributes: dict[str, Value] = {
        "gen_ai.tool.name": name,
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": f"call_{token(chance, 12)}",
        "gen_ai.tool.call.arguments": arguments,
        "gen_ai.tool.call.result": f"error: {error}" if error else result,
        "tool.side_effect": "write" if tool.write else "read",
        "tool.privileged": tool.privileged,
        "tool.manifest.hash": manifest(name),
    }
    if tool.write:
        attributes["tool.approval.id"] = f"apr-{token(chance, 8)}"
    if tool.sends:
        attributes["tool.destination"] = chance.choice(ADDRESSES)
    if tool.untrusted:
        attributes["content.trust"] = "untrusted"
    return Step("execute_tool", name, chance.lognormvariate(-1.75, 0.45), attributes, error)


def guardrail(name: str, chance: Random, share: float) -> Step:
    return Step(
        "guardrail",
        name,
        chance.uniform(0.02, 0.05),
        {"guardrail.name": name, "guardrail.triggered": chance.random() < share},
    )


def plan(kind: str, chance: Random) -> list[str]:
    """The tools that a task of this kind uses, in order."""
    coin = chance.random() < 0.5
    other = chance.random() < 0.45
    return {
        "how_to": ["search_kb"] * (2 if coin else 1),
        "password_reset": ["get_user", "reset_password", "send_email"],
        "ticket_status": ["get_ticket"] + ["search_kb"] * coin + ["update_ticket"] * other,
        "access_request": ["get_user", "check_policy", "grant_access", "send_email"],
        "attachment_case": ["get_ticket", "read_attachment", "search_kb", "update_ticket"],
        "invoice_question": ["get_account", "get_invoice"] + ["search_kb"] * coin,
        "credit_request": ["get_account", "get_invoice", "issue_credit", "send_email"],
        "visit_schedule": ["get_site", "find_slot", "book_visit"],
    }[kind]


def ordinary(agent: Agent, minute: float, chance: Random, kinds: tuple[tuple[str, float], ...] | None = None) -> Task:
    """One task of a good day, with its small troubles: a retried call, an escalation, a lost worker."""
    task = Task(
        agent,
        drawn(chance, kinds or agent.kinds),
        minute,
        min(30, 1 + int(chance.expovariate(0.27))),
        drawn(chance, LOCALES),
        agent.prompt,
        agent.version,
    )
    task.steps.append(guardrail("prompt_injection", chance, 0.004))
    names = plan(task.kind, chance)
    if chance.random() < 0.07:
        task.outcome = "escalated"
        names.append("transfer_to_human")
    for name in names:
        task.steps.append(chat(task, chance, seen=len(task.chats())))
        if chance.random() < 0.015:
            task.steps += [call(name, chance, "upstream_5xx"), chat(task, chance, seen=len(task.chats()))]
        task.steps.append(call(name, chance))
    task.steps.append(chat(task, chance, seen=len(task.chats())))
    task.claimed = [name for name in names if TOOLS[name].write and name != "transfer_to_human"]
    for step in task.chats():
        if chance.random() < 0.004:
            task.splice(step, refused(task, chance, "503"))
    task.steps.append(guardrail("output_policy", chance, 0.01))
    if any(TOOLS[name].sends for name in names):
        task.steps.append(guardrail("egress_dlp", chance, 0.0))
    if chance.random() < 0.003:
        task.cut(chance.randrange(1, 4), "worker_lost")
    return task
