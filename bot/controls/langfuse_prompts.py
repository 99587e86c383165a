"""Langfuse prompt labels: a prompt is pinned by moving its label, "production" if you say no other, to a version.

Two labels of ours remember at Langfuse what undoing needs: LABEL-before-firstfive stands where the label was,
LABEL-by-firstfive where we put it. If it stands anywhere else when undone, somebody moved it meanwhile, and it stays.
Langfuse's clients keep a prompt for 60 seconds and longer, so agents follow later than the label: traces show when.
Checked by contract: requests and answers against Langfuse's own OpenAPI file, on a local stand-in.
"""

from collections.abc import Iterator
from urllib.parse import quote

from bot.controls.entry import Entry, Given, Options, option
from bot.controls.http_driver import HttpDriver
from bot.controls.vendor import Answer, Vendor, client_for
from bot.incident.composition import Controls
from bot.incident.driving import Plan, Receipt
from bot.incident.errors import Unsupported
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation
from bot.incident.proof import ReadBack

NAME = "langfuse"
URL, PUBLIC_KEY, SECRET_KEY = "FIRSTFIVE_LANGFUSE_URL", "FIRSTFIVE_LANGFUSE_PUBLIC_KEY", "FIRSTFIVE_LANGFUSE_SECRET_KEY"
LONGEST_LABEL = 36 - len("-before-firstfive")
NOT_FOUND = 404
LATER = "Langfuse's clients keep a prompt for 60 s and longer, so agents follow later; traces show when"


class LangfusePrompts(HttpDriver):
    """Prompt pins as labels."""

    name = NAME

    def plan(self, mitigation: Mitigation, after: Controls) -> Plan:
        """As :meth:`bot.ports.Driver.plan`."""
        if mitigation.kind is not MitigationKind.PROMPT_PIN:
            raise Unsupported(f"Langfuse labels pin prompts; they cannot do {mitigation.kind.value}.")
        if mitigation.scope.tenant or mitigation.scope.channel or mitigation.scope.version:
            raise Unsupported("A Langfuse label binds every call; it knows no tenants, channels or versions.")
        wanted = _wanted(mitigation, after)
        if wanted is not None:
            _version(wanted)
        words = tuple(
            f"Langfuse: move the label {label} of {prompt} to version {wanted}"
            if wanted is not None
            else f"Langfuse: move the label {label} of {prompt} back to where it was, if it is still where this put it"
            for prompt, label in self._places(mitigation)
        )
        return Plan(mitigation, after, (*words, LATER))

    async def apply(self, plan: Plan, idem: str) -> Receipt:
        """As :meth:`bot.ports.Driver.apply`. A label is where it is, so ``idem`` is not needed."""
        del idem
        wanted = _version(_wanted(plan.mitigation, plan.after) or str(plan.mitigation.value))
        with self._vendor.in_part() as done:
            for prompt, label in self._places(plan.mitigation):
                await self._moved(prompt, label, wanted)
                done.append(f"{label} of {prompt} is on version {wanted}")
        return Receipt(
            "; ".join(done), tuple(f"{prompt} version {wanted}" for prompt, _ in self._places(plan.mitigation))
        )

    async def revert(self, plan: Plan, idem: str) -> Receipt:
        """As :meth:`bot.ports.Driver.revert`. A label that somebody else moved meanwhile stays, and that is said."""
        if _wanted(plan.mitigation, plan.after) is not None:  # another pin is left, or came in its place
            return await self.apply(plan, idem)
        with self._vendor.in_part() as done:
            for prompt, label in self._places(plan.mitigation):
                done.append(await self._moved_back(prompt, label))
        return Receipt("; ".join(done))

    async def _asked_back(self, mitigation: Mitigation, after: Controls) -> ReadBack:
        """As :meth:`HttpDriver.read_back`: asked as Langfuse's SDKs ask, by label."""
        wanted, said = _wanted(mitigation, after), []
        for prompt, label in self._places(mitigation):
            found = await self._labelled(prompt, label)
            held = found is not None and _ours(label) in _labels(found) and not await self._home(prompt, label, found)
            version = found.body.get("version") if found else None
            if held if wanted is None else str(version) != str(_version(wanted)):
                said_now = f"{label} of {prompt} is on version {version}"
                return ReadBack(confirmed=False, detail=said_now, differs=True)
            said.append(f"{label} of {prompt} is on version {version}")
        return ReadBack(confirmed=True, detail=f"{', '.join(said)}. {LATER}.")

    def _places(self, mitigation: Mitigation) -> Iterator[tuple[str, str]]:
        options = self._given.options(mitigation)
        environments = self._given.environments(mitigation)
        yield from dict.fromkeys(
            (option(options, "prompt", one, mitigation.agent), option(options, "label", one, "production"))
            for one in environments
        )

    async def _moved(self, prompt: str, label: str, wanted: int) -> None:
        now = await self._labelled(prompt, label)
        if now is not None and now.body.get("version") == wanted:
            return
        if now is not None and _ours(label) not in _labels(now):
            await self._label(prompt, int(now.body["version"]), _before(label))
        await self._label(prompt, wanted, label, _ours(label))

    async def _moved_back(self, prompt: str, label: str) -> str:
        now = await self._labelled(prompt, label)
        if now is None or _ours(label) not in _labels(now):
            where = f"is on version {now.body.get('version')}" if now else "is nowhere"
            return f"{label} of {prompt} {where}, where somebody else put it, and stays there"
        before = await self._labelled(prompt, _before(label))
        if before is None:
            raise self._vendor.refused(f"does not know where {label} of {prompt} was before; move it there by hand.")
        version = int(before.body["version"])
        if version != now.body.get("version"):
            await self._label(prompt, version, label, _ours(label))
        return f"{label} of {prompt} is on version {version} again"

    async def _home(self, prompt: str, label: str, found: Answer) -> bool:
        """The label stands where it was before any mitigation."""
        before = await self._labelled(prompt, _before(label))
        return before is not None and before.body.get("version") == found.body.get("version")

    async def _labelled(self, prompt: str, label: str) -> Answer | None:
        """The version that carries the label; None when none does."""
        path = f"/api/public/v2/prompts/{quote(prompt, safe='')}"
        answer = await self._vendor.read(path, {"label": label}, telling=(NOT_FOUND,))
        if answer.status == NOT_FOUND:
            return None
        if not isinstance(answer.body, dict) or not isinstance(answer.body.get("version"), int):
            raise self._vendor.refused(f"does not say which version of {prompt} has the label {label}.")
        return answer

    async def _label(self, prompt: str, version: int, *labels: str) -> None:
        path = f"/api/public/v2/prompts/{quote(prompt, safe='')}/versions/{version}"
        await self._vendor.write("PATCH", path, {"newLabels": list(labels)})


def _wanted(mitigation: Mitigation, after: Controls) -> str | None:
    """The version that must be served; None when no pin is left."""
    value = after.value(mitigation.kind)
    return None if value is None else str(value)


def _version(value: str) -> int:
    digits = value.removeprefix("v")
    if not digits.isascii() or not digits.isdigit():
        raise Unsupported(f"Langfuse numbers the versions of a prompt; {value!r} is no number.")
    return int(digits)


def _ours(label: str) -> str:
    return f"{label}-by-firstfive"


def _before(label: str) -> str:
    return f"{label}-before-firstfive"


def _labels(answer: Answer) -> list[str]:
    return list(answer.body.get("labels") or ())


def open_driver(given: Given) -> LangfusePrompts:
    """Langfuse as the settings name it, the same project that traces are read from."""
    public, secret = given.settings[PUBLIC_KEY], given.settings[SECRET_KEY]
    vendor = Vendor(
        "Langfuse",
        f"{URL} and its keys",
        client_for(given.settings[URL], auth=(public, secret)),
        given.clock,
        (secret,),
    )
    return LangfusePrompts(given, vendor)


def _check(_: MitigationKind, options: Options) -> str:
    labels = [value for name, value in options.items() if name.partition(".")[0] == "label"]
    if any(len(label) > LONGEST_LABEL or label == "latest" for label in labels):
        return f"a label has {LONGEST_LABEL} characters at most, and is not latest, which Langfuse moves itself."
    return ""


DRIVER = Entry(
    NAME,
    frozenset({MitigationKind.PROMPT_PIN}),
    open_driver,
    settings=(URL, PUBLIC_KEY, SECRET_KEY),
    options={
        "prompt": "name of the prompt; the agent's name where it is left out",
        "label": "label that agents ask for; production",
    },
    check=_check,
)
