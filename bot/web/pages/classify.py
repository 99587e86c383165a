"""The classification dialog as pages: one question each, for those who are signed in and for owners with a private link.

Everything is plain forms and links: it works without scripts, with a keyboard and with a screen reader.
"""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.incident.classification import Question, Reply
from bot.incident.errors import BadInput, Closed, NotAdmitted, Overtaken
from bot.incident.evidence import EvidenceBundle
from bot.incident.model import Person
from bot.incident.narration import reply_word
from bot.incident.questionnaire import Questionnaire, mark_of
from bot.incident.rules import QuestionRole
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.response.answering import Sent
from bot.response.choosing import Choice, Seen, named_class, named_question
from bot.web.pages.forms import form_of
from bot.web.pages.people import person_in
from bot.web.pages.rendering import Rendering
from bot.web.pages.words import Row, row
from bot.web.parts import Parts

COOKIE: Final = "firstfive_answer"
NAME: Final = "firstfive_name"
PRIVATE: Final = ("/link/", "/answer/")
CLASS: Final = "class"  # the screen behind the questions, as ``?q=class``
DONE: Final = "done"
NOT_KEPT = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who looks at the dialog, and under which address. ``by`` is None for one who still has to give a name."""

    key: str
    path: str
    by: Person | None
    name: str = ""  # given on an earlier screen

    @property
    def is_owner(self) -> bool:
        """They came with a private link and may see this dialog only."""
        return self.by is not None

    def at(self, screen: str, **more: str) -> str:
        """The address of one screen."""
        return f"{self.path}?{urlencode({'q': screen, **more})}"


@dataclass(frozen=True, slots=True)
class ClassifyPages:
    """``/incidents/{key}/classify``; ``/link/{token}`` and ``/answer/{key}`` for owners."""

    parts: Parts
    rendering: Rendering

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/incidents/{key}/classify", self.look),
            Route("/incidents/{key}/classify", self.send, methods=["POST"]),
            Route("/link/{token}", self.enter),
            Route("/answer/{key}", self.look),
            Route("/answer/{key}", self.send, methods=["POST"]),
        ]

    async def enter(self, request: Request) -> Response:
        """Take the token out of the address: from here on a cookie carries it, sent to this dialog alone."""
        token = request.path_params["token"]
        try:
            invitation = self.parts.verbs.invite.admitted(token)
        except NotAdmitted as error:
            return self._kept(self.rendering.page("not_admitted", 403, sentence=str(error)))
        path = f"/answer/{invitation.incident}"
        answer = RedirectResponse(path, 303, headers={**NOT_KEPT, "Referrer-Policy": "no-referrer"})
        seconds = int((invitation.expires_at - self.parts.clock.now()).total_seconds())
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, token, max_age=seconds, path=path, httponly=True, samesite="lax", secure=secure)
        return answer

    async def look(self, request: Request) -> Response:
        """One screen: a question, the class to confirm, or that it is done."""
        try:
            visitor = self._visitor(request)
            asked = await self.parts.verbs.classify.questions(visitor.key)
        except NotAdmitted as error:
            return self._kept(self.rendering.page("not_admitted", 403, sentence=str(error)))
        except Closed as error:
            return self._kept(self.rendering.page("not_admitted", 409, sentence=str(error)))
        screen = request.query_params.get("q", "")
        if screen == DONE and asked.state.classified:
            return self._kept(self.rendering.page("classified", **self._values(visitor, asked)))
        question = asked.taxonomy.question_named(screen) or (None if screen == CLASS else asked.first())
        if question is not None:
            return self._question(visitor, asked, question, meanwhile=bool(request.query_params.get("meanwhile")))
        return self._verdict(visitor, asked, asked.taxonomy.class_named(request.query_params.get("class")))

    async def send(self, request: Request) -> Response:
        """Take one screen, and go where its button says."""
        try:
            visitor = self._visitor(request)
            filled = await form_of(request)
            return await self._taken(visitor, filled)
        except NotAdmitted as error:
            return self._kept(self.rendering.page("not_admitted", 403, sentence=str(error)))

    async def _taken(self, visitor: Visitor, filled: dict[str, str]) -> Response:
        sent = _sent(filled, named_question(self.parts.taxonomy, filled["question"])) if "question" in filled else None
        if sent and filled.get("then") == "back" and sent.reply is sent.shown:  # answers nothing
            asked = await self.parts.verbs.classify.questions(visitor.key)
            return self._onwards(visitor.at((asked.back(sent.question) or sent.question).value))
        by = visitor.by or person_in(filled)
        idem = f"page:{filled.get('click') or self.parts.ids.new()}"
        if sent is None:
            answer = await self._confirmed(visitor, filled, by, idem)
        else:
            answer = self._onwards(await self._answered(visitor, sent, filled.get("then", ""), by, idem))
        if not visitor.is_owner:  # so that the next screen need not ask again
            answer.set_cookie(NAME, quote(by.name), path="/incidents", httponly=True, samesite="lax")
        return answer

    async def _answered(self, visitor: Visitor, sent: Sent, then: str, by: Person, idem: str) -> str:
        """The address after one question."""
        answer = await self.parts.verbs.answer(visitor.key, sent, by, idem)
        asked = answer.questions
        if answer.meanwhile is not None:
            return visitor.at(sent.question.value, meanwhile="1")
        if then == "back":
            return visitor.at((asked.back(sent.question) or sent.question).value)
        following = None if then == "end" else asked.after(sent.question)
        return visitor.at(following.value if following else CLASS)

    async def _confirmed(self, visitor: Visitor, filled: dict[str, str], by: Person, idem: str) -> Response:
        """Set the class, or show the screen again with what stands in the way."""
        taxonomy = self.parts.taxonomy
        named, shown = (named_class(taxonomy, filled.get(one, "")) for one in ("class", "shown"))
        if named is not shown or filled.get("then") == "show":  # what not to do is read before it is set
            return self._onwards(visitor.at(CLASS, **{"class": named.value}))
        asked = await self.parts.verbs.classify.questions(visitor.key)
        try:
            choice = Choice(named, _cause(filled), _severity(filled, asked, named), (), filled.get("comment", ""))
            await self.parts.verbs.classify(visitor.key, choice, by, idem, Seen.since(filled.get("seen", "")))
        except (BadInput, Overtaken) as error:
            again = await self.parts.verbs.classify.questions(visitor.key)
            return self._verdict(visitor, again, named, str(error), filled)
        return self._onwards(visitor.at(DONE) if visitor.is_owner else f"/incidents/{asked.state.incident.key}#runbook")

    def _visitor(self, request: Request) -> Visitor:
        """Who it is; a private link opens its own incident and no other.

        Raises:
            NotAdmitted: there is no private link for this incident, or it has ended.
        """
        key = request.path_params["key"]
        if not request.url.path.startswith("/answer/"):
            return Visitor(key, f"/incidents/{key}/classify", None, unquote(request.cookies.get(NAME, ""))[:80])
        invitation = self.parts.verbs.invite.admitted(request.cookies.get(COOKIE, ""))
        if invitation.incident != key:
            raise NotAdmitted("This link is for another incident. Ask whoever sent it for a new one.")
        return Visitor(key, f"/answer/{key}", invitation.person)

    def _question(self, visitor: Visitor, asked: Questionnaire, question: Question, *, meanwhile: bool) -> Response:
        at, of = asked.place(question)
        said, replied = asked.telemetry(question), asked.state.replies.get(question)
        page = self.rendering.page(
            "question",
            **self._values(visitor, asked),
            question=question,
            facts=asked.words(question),
            at=at,
            of=of,
            said=said,
            replied=replied,
            meanwhile=meanwhile and replied is not None,
            standing=asked.standing(question),
            replies=tuple(Reply),
            seen=mark_of(replied),
            back=asked.back(question),
            rows=_rows(asked.bundle, said.signals),
            traces=() if visitor.is_owner else said.trace_ids[:5],
        )
        return self._kept(page)

    def _verdict(
        self,
        visitor: Visitor,
        asked: Questionnaire,
        named: IncidentClass | None = None,
        error: str = "",
        filled: dict[str, str] | None = None,
    ) -> Response:
        shown = named or asked.suggested
        lowest, why = asked.floor_of(shown)
        runbook = self.parts.verbs.runbook.runbooks.get(shown)
        facts = asked.taxonomy.facts(shown)
        cause = asked.cause_of(shown)
        page = self.rendering.page(
            "verdict",
            422 if error else 200,
            **self._values(visitor, asked),
            shown=shown,
            facts=facts,
            tree=asked.tree,
            do_not=[(one.text, one.because) for one in runbook.do_not] if runbook else [(w, "") for w in facts.do_not],
            classes=[(one, asked.taxonomy.facts(one).name) for one in asked.taxonomy.classes],
            cause=cause,
            causes=tuple(Cause),
            floor=lowest,
            floor_reason=why,
            level=asked.state.severity.at_least(lowest),
            levels=[one for one in Severity if one.rank <= lowest.rank],
            error=error,
            comment=(filled or {}).get("comment", ""),
            back=asked.back(None),
            answers=_answers(asked),
        )
        return self._kept(page)

    def _values(self, visitor: Visitor, asked: Questionnaire) -> dict[str, Any]:
        return {
            "visitor": visitor,
            "asked": asked,
            "state": asked.state,
            "incident": asked.state.incident,
            "reply_word": reply_word,
            "words": asked.words,
            "click": self.parts.ids.new(),
        }

    def _onwards(self, address: str) -> Response:
        return RedirectResponse(address, 303, headers=NOT_KEPT)

    def _kept(self, page: Response) -> Response:
        """Nothing that lies between us and the browser keeps these pages."""
        page.headers.update(NOT_KEPT)
        return page


def _sent(filled: dict[str, str], question: Question) -> Sent:
    """The answer in a form; what nobody touched is as it was shown."""
    shown = _reply(filled.get("shown", ""), Reply.CANT_TELL)
    return Sent(
        question,
        _reply(filled.get("reply", ""), shown),
        shown,
        _reply(filled.get("telemetry", ""), Reply.CANT_TELL),
        filled.get("figure", "")[:600],
        filled.get("seen", ""),
    )


def _reply(text: str, otherwise: Reply) -> Reply:
    return Reply(text) if text in set(Reply) else otherwise


def _cause(filled: dict[str, str]) -> Cause:
    text = filled.get("cause", "")
    if text not in set(Cause):
        raise BadInput("cause", "Choose a suspected cause, or unknown.")
    return Cause(text)


def _severity(filled: dict[str, str], asked: Questionnaire, named: IncidentClass) -> Severity:
    """The chosen one; one that nobody chose follows its floor, which may have risen since the page was made."""
    text = filled.get("severity", "")
    if text not in set(Severity):
        raise BadInput("severity", "Choose a severity.")
    untouched = text == filled.get("level")
    return Severity(text).at_least(asked.floor_of(named)[0]) if untouched else Severity(text)


def _rows(bundle: EvidenceBundle, names: tuple[str, ...]) -> list[Row]:
    """The figures behind one answer."""
    found = [bundle.signal(name) for name in dict.fromkeys(names)]
    return [row(signal, bundle) for signal in found if signal is not None][:6]


def _answers(asked: Questionnaire) -> list[tuple[Question, Reply, Person | None]]:
    """Every question with the answer that stands and whose it is, None for telemetry's, in the order of the tree."""
    return [
        (one, asked.standing(one), asked.state.replies[one].by if one in asked.state.replies else None)
        for one in asked.taxonomy.questions
        if asked.words(one).role is not QuestionRole.FRESHNESS
    ]
