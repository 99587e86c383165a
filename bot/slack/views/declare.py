"""Declare: what is going wrong, with which agent, and is harm happening now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.incident.taxonomy import Severity
from bot.slack.blocks import OPTIONS_LIMIT, Block, View, checkboxes, context, modal, radio, select, text_input
from bot.slack.text import plain_untrusted
from bot.slack.views.reading import InputErrors, choice_of, choices_of, has_block, metadata, text_of, too_long

CALLBACK: Final = "declare"
TITLE, AGENT, AGENT_NAME, SEEN = "title", "agent", "agent_name", "what_you_see"
ENVIRONMENT: Final = "environment"
HARM, SEVERITY, OPTIONS = "harm_now", "severity", "options"
AS_SUGGESTED, AS_LISTED = "suggested", "(as listed)"
TITLE_CHARACTERS = 200
SEEN_CHARACTERS = 1000
LONGEST_VALUE = 150  # characters, of an option in Slack

SEVERITY_WORDS: Final[Mapping[Severity, str]] = {
    Severity.SEV1: "SEV1: irreversible or outside harm, or over 25 % of tasks",
    Severity.SEV2: "SEV2: 5 % of tasks or more, or wrong writes",
    Severity.SEV3: "SEV3: under 5 % of tasks, a way around exists",
    Severity.SEV4: "SEV4: near miss",
}


@dataclass(frozen=True, slots=True)
class AgentChoice:
    """An agent to choose, with its health in a few words: ``eval pass rate 22 of 40``."""

    name: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class DeclareForm:
    """What the declarer said. ``severity`` is None when the suggestion was left standing, ``environment`` empty when none was chosen."""

    title: str
    agent: str
    what_you_see: str
    harm_now: bool
    severity: Severity | None
    test: bool
    private: bool
    nonce: str
    channel: str
    suggested: Severity | None = None
    environment: str = ""

    @property
    def chosen(self) -> Severity:
        """The severity to declare with: chosen, else suggested; harm happening now is SEV2 at least."""
        if self.severity is not None:
            return self.severity
        suggested = self.suggested or Severity.SEV3
        return suggested.at_least(Severity.SEV2) if self.harm_now else suggested


def skeleton(nonce: str, channel: str = "", prefill_title: str = "") -> View:
    """The dialog before agents and figures are known; typing can start at once."""
    loading = context("Reading agents and their health …")
    return _view(nonce, channel, None, [_title(prefill_title), loading, *_rest(None)])


def dialog(
    nonce: str,
    channel: str,
    agents: Sequence[AgentChoice],
    suggested: Severity | None = None,
    prefill_title: str = "",
    environments: Sequence[str] = (),
) -> View:
    """The whole dialog. ``agents`` come worst health first; beyond 100 and for unlisted ones a name can be typed.

    ``environments`` are those to choose from; with fewer than two there is nothing to choose.
    """
    asked = [_title(prefill_title), *_agent(agents), *_environment(environments), *_rest(suggested)]
    return _view(nonce, channel, suggested, asked)


def read(view: Mapping[str, Any]) -> DeclareForm | InputErrors:
    """The declaration, or one sentence for each field that needs another look."""
    about = metadata(view)
    title, agent = text_of(view, TITLE), text_of(view, AGENT_NAME) or choice_of(view, AGENT)
    seen = text_of(view, SEEN)
    errors = _errors(view, title, agent, seen)
    if errors:
        return errors
    chosen, ticked = choice_of(view, SEVERITY), choices_of(view, OPTIONS)
    environment = choice_of(view, ENVIRONMENT)
    return DeclareForm(
        title=title,
        agent=agent,
        what_you_see=seen,
        harm_now=choice_of(view, HARM) == "yes",
        severity=Severity(chosen) if chosen in set(Severity) else None,
        test="test" in ticked,
        private="private" in ticked,
        nonce=str(about.get("n", "")),
        channel=str(about.get("c", "")),
        suggested=Severity(about["s"]) if about.get("s") in set(Severity) else None,
        environment="" if environment == AS_LISTED else environment,
    )


def _errors(view: Mapping[str, Any], title: str, agent: str, seen: str) -> InputErrors:
    errors: InputErrors = {}
    if not title:
        errors[TITLE] = "Say in a few words what is going wrong."
    elif said := too_long(title, TITLE_CHARACTERS):
        errors[TITLE] = said
    if said := too_long(seen, SEEN_CHARACTERS):
        errors[SEEN] = said
    if not agent:
        if has_block(view, AGENT):
            errors[AGENT] = "Choose the agent that is in trouble."
        elif has_block(view, AGENT_NAME):
            errors[AGENT_NAME] = "Type the name of the agent that is in trouble."
        else:
            errors[TITLE] = "The agents are still being read. Press Declare again in a moment."
    elif len(agent) > TITLE_CHARACTERS:
        errors[AGENT_NAME] = f"An agent's name has at most {TITLE_CHARACTERS} characters."
    return errors


def _view(nonce: str, channel: str, suggested: Severity | None, blocks: list[Block]) -> View:
    about = {"n": nonce, "c": channel, **({"s": suggested.value} if suggested else {})}
    return modal(CALLBACK, "Declare an incident", blocks, about, submit="Declare")


def _title(prefill: str) -> Block:
    return text_input(
        TITLE,
        "What is going wrong?",
        initial=plain_untrusted(prefill, TITLE_CHARACTERS),
        placeholder="helpdesk answers are nonsense since lunch",
        limit=TITLE_CHARACTERS,
    )


def _agent(agents: Sequence[AgentChoice]) -> list[Block]:
    usable = [agent for agent in agents if 0 < len(agent.name) <= LONGEST_VALUE]
    if not usable:
        none = "No agent is listed and none has sent telemetry yet."
        return [text_input(AGENT_NAME, "Which agent?", hint="" if agents else none)]
    options = [(agent.name, _agent_words(agent)) for agent in usable[:OPTIONS_LIMIT]]
    chosen = select(AGENT, "Which agent?", options, placeholder="Choose an agent: worst health first")
    left = len(agents) - len(options)
    if not left:
        return [chosen]
    more = f"{left} more {'agents do' if left > 1 else 'agent does'} not fit the list above."
    return [chosen, text_input(AGENT_NAME, "Or type its name", hint=more, optional=True)]


def _environment(names: Sequence[str]) -> list[Block]:
    usable = [name for name in dict.fromkeys(names) if 0 < len(name) <= LONGEST_VALUE and name != AS_LISTED]
    if len(usable) < 2:  # noqa: PLR2004 - nothing to choose
        return []
    usual = "The agent's usual one, the first in the catalogue"
    options = [(AS_LISTED, usual), *((name, plain_untrusted(name, 72)) for name in usable)]
    return [select(ENVIRONMENT, "Which environment?", options, initial=AS_LISTED, placeholder=usual)]


def _agent_words(agent: AgentChoice) -> str:
    name = plain_untrusted(agent.name, 45)
    return f"{name} · {plain_untrusted(agent.hint, 72 - len(name))}" if agent.hint else name


def _rest(suggested: Severity | None) -> list[Block]:
    level = (suggested or Severity.SEV3).value
    as_suggested = f"Suggested: {level}, can be raised later"
    severities = [(AS_SUGGESTED, as_suggested), *((one.value, words) for one, words in SEVERITY_WORDS.items())]
    return [
        radio(
            HARM,
            "Is harm happening now?",
            [("yes", "Yes: data leaving, wrong writes, unsafe output"), ("no", "No, or don't know")],
            initial="no",
            hint="Untouched means no. With yes, containment comes first and the severity is SEV2 at least.",
        ),
        text_input(
            SEEN,
            "How was it noticed?",
            placeholder="A user told us; an alert fired; I saw it myself",
            optional=True,
            multiline=True,
            limit=SEEN_CHARACTERS,
        ),
        select(SEVERITY, "Severity", severities, initial=AS_SUGGESTED, placeholder=as_suggested),
        checkboxes(
            OPTIONS,
            "Options",
            [("test", "Test incident: nobody is paged, marked TEST"), ("private", "Private channel")],
        ),
    ]
