"""A task as a list of steps: its tool calls with their outcomes, and words that lead to no call."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bot.incident.detectors.alike import plain
from bot.incident.detectors.failures import reads_as_failure
from bot.incident.detectors.masks import only_masks
from bot.incident.detectors.written_actions import action_in, parts_of
from bot.incident.telemetry import CALL_MARK, SideEffect, Span, SpanKind, ToldResult, Trace

_BEFORE = r"\W*(?:\w+\W+){0,2}?(?:\w+_|(?-i:[a-z]+(?=[A-Z])))?"  # what may stand before a verb: ``await page.``, ``mouse_``, ``agent``
_WAIT = re.compile(_BEFORE + r"(?:sleep|wait|noop)(?![a-z]|_(?!for|until|m?s\b|sec))", re.IGNORECASE)
_MOVE = re.compile(_BEFORE + r"(?:scroll|page_?(?:down|up)|next)(?![a-z])", re.IGNORECASE)
_HAND_OVER = re.compile(
    r"(?:transfer|hand|route|switch|go|pass|return)[_ ]?(?:it|off|over|back|control)?[_ ]?to(?![a-z])", re.IGNORECASE
)
_UNDER_WAY = re.compile(
    r"(?:status|state)\W{1,6}(?:running|pending|in[ _-]?progress|queued|processing|started|building|creating|provisioning|deploying)\b"
    r"|\bstill (?:running|pending|processing|building)\b|\b(?:ContainerCreating|in_progress)\b",
    re.IGNORECASE,
)
# What a model says of its last action where nobody recorded what came of it
_WORKED = re.compile(
    r"\b(?:was|is|were) (?:successful|completed|done)\b|\bsuccessfully\b"
    r"|\b(?:is|are|am|has) now (?:\w+ )?(?:visible|shown|open(?:ed)?|expanded|closed|filled|populated|selected|displayed|on)\b"
    r"|^(?:当前|现在|目前)?已(?!.{0,8}(?:失败|错误|无法))",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"\b(?:un|not )success|\b(?:did|has|have|does|was|is|were)(?: not|n't)\b|\b(?:fail|wrong|incorrect|error|again|still)",
    re.IGNORECASE,
)
_IN_VAIN = re.compile(
    r"\b(?:not|un)[ -]?success|\b(?:page|screen|state|window|form|view|content)\b.{0,30}?\b(?:has|have|did|does|was|is)(?: not|n't) (?:yet )?(?:chang|mov|shift)"
    r"|\b(?:previous|last|prior|my) (?:\w+ ){0,3}?(?:attempt|action|edit|change|click|call|command|try|step)s?\b.{0,60}?"
    r"\b(?:(?:did|has|have|was|were)(?: not|n't)|fail|incorrect|wrong|(?:no|without) effect|unsuccess|reject)"
    r"|\bapologi[sz]e for the (?:\w+ ){0,3}?(?:error|issue|failure|attempt)|\bverdict: fail"
    r"|(?:没有|未)(?:成功|生效|变化|改变)|うまくい(?:か|って(?:い)?)(?:な|ませ)|(?:反映|更新|適用)され(?:て(?:い)?)?(?:な|ませ)|失敗し(?:た|まし)"
    r"|\b(?:nicht|pas|no|não|non) (?:h?a )?(?:funktioniert|geklappt|fonctionné|marché|funcion(?:ó|ado|ou)|funzionato)\b|не сработал",
    re.IGNORECASE,
)
CUT = "…"  # how the preview of a longer text ends


@dataclass(slots=True, eq=False)
class Step:
    """One step as loops see it. ``name`` is empty for words, ``words`` for calls."""

    span_id: str
    name: str
    given: str | None  # hash or text of the arguments
    given_text: str
    outcome: str | None  # hash of the result
    outcome_text: str
    failing: bool = False
    writes: bool = False
    wrote: bool = False  # a write that succeeded
    words: str = ""
    agent: str | None = None  # whose call it is
    thought: str = ""  # what the model said before it made the call
    short: bool = False  # so few words that it may be a courtesy
    vague: bool = False  # of a long result only the beginning is known to be the same
    guessed: bool = (
        False  # it is like another as far as is known: the model thought the same, or its words were redacted
    )
    subject: str = ""  # the one message that it answers, as far as that began a conversation
    worked: bool = False  # nobody recorded what came of it, but the model says next that it worked
    in_vain: bool = False  # the same, but it says that it did not work
    _writing: str | None = None

    @property
    def known(self) -> bool:
        """How it came out is known; words are their own outcome."""
        return bool(self.words) or (self.outcome is not None and not self.vague)

    @property
    def writing(self) -> str:
        """The arguments without regard to case, spaces and quotes."""
        if self._writing is None:
            self._writing = plain(self.given_text)
        return self._writing

    @property
    def waits(self) -> bool:
        """It does nothing but let time pass; an error is more than that."""
        return not (self.words or (self.failing and self.outcome_text)) and bool(_WAIT.match(self._done))

    @property
    def patient(self) -> bool:
        """Once more is no sign of a loop for some time: it waits, or turns a page whose content is not recorded."""
        return self.waits or (not self.words and not self.known and bool(_MOVE.match(self._done)))

    @property
    def hands_over(self) -> bool:
        """It lets another agent go on, without a word; what that one does is what counts."""
        return bool(_HAND_OVER.match(self.name)) and not self.given_text.strip("{} ")

    @property
    def under_way(self) -> bool:
        """Its outcome says that something else goes on."""
        return not self.failing and bool(_UNDER_WAY.search(self.outcome_text))

    @property
    def _done(self) -> str:
        return f"{self.name} {self.given_text[:60]}"


def steps_of(trace: Trace) -> list[Step]:
    """The calls of a task in order, and the words that led to no call."""
    spans = [span for span in trace.spans if span.tool is not None or span.model is not None]
    called = any(span.tool is not None for span in spans)
    if not any(span.model is not None for span in spans):  # only the agents' own steps are recorded
        spans = [span for span in trace.spans if span.tool is not None or _own_step(span)]
    by_id = {span.span_id: span for span in spans}
    spans = [span for span in spans if span.parent_id not in by_id or not _same_again(span, by_id[span.parent_id])]
    teams = several_agents(trace)
    found: list[Step] = []
    thought, turn = "", _Turn()
    for place, span in enumerate(spans):
        if span.tool is not None:
            step = _call(span, thought)
            if turn.brings_new(step):
                found.append(step)
            continue
        turn = _Turn(len(span.model.asked) if span.model else 0)
        if found and span.model and span.model.told and not called:
            _came_of(found[-1], span.model.told[-1])
        thought = text_of(span).partition(CALL_MARK)[0]
        if found and found[-1].outcome is None and found[-1].name:
            told = _WORKED.search(thought)
            found[-1].worked = told is not None and not _FAILED.search(thought, 0, told.end())
            found[-1].in_vain = not found[-1].worked and _IN_VAIN.search(thought) is not None
        if not teams or not called:
            follows = spans[place + 1].tool is not None if place + 1 < len(spans) else False
            words = None if called and follows else _words(span, called=called, teams=teams)
            if words is not None:
                found.append(words)
    return found


class _Turn:
    """The calls that a model asked for in one answer: doing one thing twice there, or failing alike, is no repetition."""

    def __init__(self, asked: int = 0) -> None:
        self._asked = asked if asked > 1 else 0
        self._calls: list[Step] = []

    def brings_new(self, step: Step) -> bool:
        """The call is not the same as another of its turn, and not one more failure of the same tool or for the same reason."""
        if len(self._calls) >= self._asked:
            return True
        again = any(
            (step.failing and other.failing and (step.name == other.name or step.outcome_text == other.outcome_text))
            or (step.name == other.name and step.given == other.given)
            for other in self._calls
        )
        self._calls.append(step)
        return not again


def _same_again(span: Span, parent: Span) -> bool:
    """Two instruments record one call: a framework's span around a client's."""
    if span.tool is not None and parent.tool is not None:
        return span.tool.arguments_hash == parent.tool.arguments_hash
    return span.model is not None and parent.model is not None and span.said == parent.said


def several_agents(trace: Trace) -> bool:
    """The steps below the root belong to more than one agent."""
    first = None
    for span in trace.spans:
        if span.parent_id is not None and span.agent:
            if first is None:
                first = span.agent
            elif span.agent != first:
                return True
    return False


def text_of(span: Span) -> str:
    """What the step said; of spans that do not carry it, the preview of the model's output."""
    return span.said or (span.model.output_preview if span.model else "")


def _call(span: Span, thought: str) -> Step:
    tool = span.tool
    if tool is None:
        raise ValueError("only a span that called a tool is a call")
    failing = span.error or tool.empty_result
    writes = tool.side_effect is SideEffect.WRITE
    outcome = tool.result_hash or (f"error {span.error_type}" if span.error else None)
    text = tool.result_preview or span.error_message
    return Step(
        span.span_id,
        tool.name,
        None if only_masks(tool.arguments_preview) else tool.arguments_hash,
        tool.arguments_preview,
        outcome,
        text,
        failing or reads_as_failure(text, cut=text.endswith(CUT)),
        writes,
        writes and not span.error,
        agent=span.agent,
        thought=thought,
    )


def _words(span: Span, *, called: bool, teams: bool) -> Step | None:
    text = text_of(span)
    if not text:
        return None
    action = None if called else action_in(text)
    if action is not None:
        tool, given = parts_of(action)
        seen, cut, _ = given.partition(CUT)  # of a long one the middle is not kept
        thought = " ".join(text.split()).replace(action, " ")
        return Step(
            span.span_id, tool, given, seen + cut, None, "", span.error, thought=thought, subject=_subject(span)
        )
    if teams:
        return None  # who says what to whom is judged agent by agent
    return Step(span.span_id, "", None, "", None, "", span.error, words=text, subject=_subject(span))


def _subject(span: Span) -> str:
    """The one message that an answer is about, where a conversation begins with it; empty where it goes on."""
    heard = span.model.heard if span.model else None
    return heard.digest if heard and heard.alone and heard.framed else ""


def said_by_agents(trace: Trace) -> Iterator[tuple[Span, str]]:
    """What the agents of a team said, step by step. A single agent's words are steps of its task, unless it names phases."""
    if several_agents(trace) or any(span.said[:1] == "[" and _own_step(span) for span in trace.spans):
        for span in trace.spans:
            if span.said and (span.model is not None or _own_step(span)):
                yield span, span.said


def _came_of(step: Step, told: ToldResult) -> None:
    """The model hears next what came of the action that its text ended in."""
    if step.name and step.outcome is None:
        text = told.result_preview
        if step.given_text.endswith(CUT):
            step.given = told.call_id or step.given
        step.outcome, step.outcome_text = told.result_hash, text
        step.failing = step.failing or told.error or told.empty or reads_as_failure(text, cut=text.endswith(CUT))


def _own_step(span: Span) -> bool:
    return span.kind is SpanKind.AGENT and span.parent_id is not None
