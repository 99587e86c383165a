"""Classify, one question on a screen: what telemetry says, who answered already, three replies, and the way back."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.incident.classification import Answer, Question, Reply
from bot.incident.links import trace_page
from bot.incident.narration import reply_word
from bot.incident.questionnaire import Questionnaire, mark_of
from bot.incident.rules import Taxonomy
from bot.incident.state import IncidentState, Replied
from bot.response.answering import Sent
from bot.slack.blocks import Block, Option, View, actions, button, context, modal, radio, section, select
from bot.slack.text import date_token, link, quote_untrusted, shorten, who
from bot.slack.views.loading import loading
from bot.slack.views.reading import choice_of, key_of, metadata

CALLBACK: Final = "classify_question"
REPLY, THEN = "reply", "then"
GO_ON, BACK, END = "next", "back", "end"
FIGURE_LIMIT = 900
KEPT_FIGURE = 300  # characters of it that travel with the screen
SHOWN_TRACES = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """One submitted screen: the answer on it, and where the person wants to go: "next", "back" or "end"."""

    key: str
    sent: Sent
    then: str
    declared: bool


def skeleton(key: str) -> View:
    """The dialog until telemetry's answers are there. Should it stay, its button asks for the first screen again."""
    return {
        **loading(CALLBACK, f"Classify {key}", key, "Reading telemetry …"),
        "submit": {"type": "plain_text", "text": "Show it"},
    }


def dialog(
    asked: Questionnaire,
    question: Question,
    public_url: str = "",
    *,
    news: str = "",
    declared: bool = False,
) -> View:
    """The screen of one question. ``news`` is what has happened since the last screen, in words of ours.

    ``declared`` says that the person came here from the declaration, outside the incident's channel.
    """
    state, said = asked.state, asked.telemetry(question)
    at, of = asked.place(question)
    standing = asked.standing(question)
    replied = state.replies.get(question)
    mark = f"{question.value}:{mark_of(replied)}"  # Slack keeps what was typed in a field of the same name
    blocks: list[Block] = [
        context(f"Question {at} of {of}" + (", then you confirm the class" if at == of else "")),
        *([section(news)] if news else []),
        section(_asked(asked.words(question).ask, said)),
        context(*_around(asked, said, replied, question, public_url)),
        radio(
            f"{REPLY}:{mark}",
            f"Your answer (untouched: {reply_word(standing)})",
            [(one.value, reply_word(one).capitalize()) for one in Reply],
            initial=standing.value,
            hint=f"Yes means: {asked.words(question).if_yes}.",
        ),
        select(f"{THEN}:{mark}", "And then", _ways(asked, question), initial=GO_ON, placeholder="Go on"),
        *_buttons(asked, question),
        *([context(others)] if (others := answers_so_far(state, asked.taxonomy, but=question)) else []),
    ]
    about = {
        "k": str(state.incident.key),
        "q": question.value,
        "s": standing.value,
        "t": said.reply.value,
        "f": shorten(said.because, KEPT_FIGURE),
        "m": mark_of(replied),
        "d": int(declared),
    }
    return modal(CALLBACK, f"Classify {state.incident.key}", blocks, about, submit="Next")


def read(view: Mapping[str, Any]) -> Turn | None:
    """What was answered; untouched fields keep what they showed. None for a screen without a question."""
    about = metadata(view)
    name, shown, told = (str(about.get(one, "")) for one in ("q", "s", "t"))
    if not name or shown not in set(Reply) or told not in set(Reply):
        return None
    chosen = choice_of(view, REPLY)
    reply = Reply(chosen) if chosen in set(Reply) else Reply(shown)
    figure, mark = str(about.get("f", "")), str(about.get("m", ""))
    sent = Sent(Question(name), reply, Reply(shown), Reply(told), figure, mark)
    return Turn(key_of(view), sent, choice_of(view, THEN) or GO_ON, bool(about.get("d")))


def answers_so_far(state: IncidentState, taxonomy: Taxonomy, but: Question | None = None) -> str:
    """Who answered what, in one line; empty when nobody did."""
    told = [_told(taxonomy.asked(question).title, one) for question, one in state.replies.items() if question != but]
    return "Answered so far: " + " · ".join(told) if told else ""


def _told(title: str, one: Replied) -> str:
    return f"{quote_untrusted(title, 80)}: *{reply_word(one.reply)}* ({who(one.by)} {date_token(one.at)})"


def meanwhile(replied: Replied) -> str:
    """What somebody else answered behind a screen that stood open."""
    return (
        f"*{who(replied.by)} answered {reply_word(replied.reply)}* {date_token(replied.at)}, "
        "while you had this open. Untouched, that stands; change it if you know better."
    )


def replaced(title: str, replied: Replied) -> str:
    """Whose answer the last screen replaced."""
    was = f"{who(replied.by)} had answered *{reply_word(replied.reply)}* {date_token(replied.at)}"
    return f"Your answer counts now. {was}: {quote_untrusted(title, 80)}."


def _asked(words: str, said: Answer) -> str:
    figure = quote_untrusted(said.because, FIGURE_LIMIT)
    return f"*{quote_untrusted(words, 500)}*\nTelemetry says *{reply_word(said.reply)}*: {figure}"


def _around(
    asked: Questionnaire, said: Answer, replied: Replied | None, question: Question, public_url: str
) -> Iterator[str]:
    """One tap to what the answer rests on, and whose answer stands."""
    pages = [trace_page(asked.bundle, trace, public_url) for trace in said.trace_ids]
    links = [link(page, f"trace {at}") for at, page in enumerate([one for one in pages if one][:SHOWN_TRACES], 1)]
    if public_url:
        page = f"{public_url}/incidents/{asked.state.incident.key}#evidence"
        links.append(link(page, "all evidence"))
    if links:
        yield "See " + ", ".join(links)
    if replied:
        yield f"{who(replied.by)} answered *{reply_word(replied.reply)}* {date_token(replied.at)}."
    if question in asked.state.replies or not links:
        yield "A person's answer counts before telemetry's."


def _ways(asked: Questionnaire, question: Question) -> list[Option]:
    ways = [(GO_ON, "Go on")]
    back = asked.back(question)
    if back is not None:
        ways.append((BACK, f"Back to: {asked.words(back).title}"))
    at, of = asked.place(question)
    if at < of:
        ways.append((END, "Leave the other questions: to the last screen"))
    return ways


def _buttons(asked: Questionnaire, question: Question) -> list[Block]:
    """Back, for clients in which buttons of a dialog work; the menu above does the same everywhere."""
    back = asked.back(question)
    if back is None:
        return []
    about = {"k": str(asked.state.incident.key), "q": back.value}
    return [actions("way_back", button("Back", "question", about))]
