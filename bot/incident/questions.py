"""How the questions of the tree are put to people, and which still need asking."""

from dataclasses import dataclass

from bot.incident.classification import Classification, Question, Reply


@dataclass(frozen=True, slots=True)
class Wording:
    """One question: a short title for buttons and lists, the question itself, and what a yes means."""

    title: str
    ask: str
    if_yes: str


WORDINGS: dict[Question, Wording] = {
    Question.FRESH: Wording(
        "Telemetry is fresh",
        "Do spans and scores still arrive?",
        "figures can be trusted; otherwise nothing counts as flat",
    ),
    Question.HARM_NOW: Wording(
        "Harm is happening now",
        "Is an irreversible write, leaking data or unsafe output still going on?",
        "containment comes first, classification goes on beside it",
    ),
    Question.SECURITY: Wording(
        "Somebody steers it, or data leaves",
        "Is there an injection or leak alarm, a destination or tool description never seen before, "
        "or untrusted content followed by a privileged call?",
        "SECU",
    ),
    Question.ACTION: Wording(
        "Wrong or unapproved action",
        "Did it change something without approval or beyond its limits, or claim an action that it did not do?",
        "ACTN",
    ),
    Question.BEHAVIOUR: Wording(
        "Behaviour against policy",
        "Do policy guardrails trip more often than usual, in long conversations or for one group of users, "
        "or does somebody outside report bad behaviour?",
        "BEHV",
    ),
    Question.LOUD: Wording(
        "Tasks, models or tools fail",
        "Do tasks end in errors or timeouts, do models or tools fail, or do hardly any tasks arrive?",
        "PROV, TOOL or HARD",
    ),
    Question.PROVIDER: Wording(
        "The model provider is the cause",
        "Do model calls fail or wait, and does another agent on the same provider have the same trouble?",
        "PROV",
    ),
    Question.ONE_TOOL: Wording(
        "One or two tools are the cause",
        "Do most failing or empty calls fall on one or two tools?",
        "TOOL",
    ),
    Question.LOOPING: Wording(
        "Tasks loop or grow",
        "Do tasks repeat themselves, take far more steps or tokens than usual, or hit their step limit?",
        "LOOP, or TOOL when a failing tool drives it",
    ),
    Question.LOOP_BY_TOOL: Wording(
        "A failing tool drives the loop",
        "Does the call that repeats fail or answer nothing?",
        "TOOL",
    ),
    Question.QUALITY: Wording(
        "Answers get worse",
        "Do answers get worse while errors, latency and steps stay flat?",
        "QUAL",
    ),
    Question.MODEL_CHANGED: Wording(
        "Another model answers",
        "Does another model answer than before, or does the provider announce a change?",
        "the provider is the suspected cause; PROV when other agents have it too",
    ),
}


def open_questions(classification: Classification) -> tuple[Question, ...]:
    """The questions worth a person's time, in order: those telemetry cannot tell, and the yes it rests on.

    A question somebody has already answered is not asked again.
    """
    asked = []
    for answer in classification.answers:
        if answer.by != "telemetry":
            continue
        if (
            answer.reply is Reply.CANT_TELL
            or answer.question is Question.HARM_NOW
            or (answer.reply is Reply.YES and answer.question is not Question.FRESH)
        ):
            asked.append(answer.question)
    return tuple(asked)
