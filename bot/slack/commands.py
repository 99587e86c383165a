"""``/incident``: read the words, then act, answer, or open a dialog."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from bot.incident.errors import BadInput, FirstfiveError
from bot.incident.model import Role
from bot.incident.taxonomy import Severity
from bot.slack import messages
from bot.slack.blocks import Card, View, section
from bot.slack.desk import Desk
from bot.slack.dialogs import Dialogs, Step, skeleton
from bot.slack.people import actor
from bot.slack.phrase import Phrase, Word, key_in_channel_name, nearest, read_phrase, unescaped
from bot.slack.requests import Payload, key_of
from bot.slack.text import who
from bot.slack.views import declare, evidence
from bot.slack.views.loading import loading

Direct = Callable[[Phrase, Payload], Awaitable[Card]]
_STEPS = {
    Word.CLASSIFY: Step.CLASSIFY,
    Word.EVIDENCE: Step.EVIDENCE,
    Word.MITIGATE: Step.CONTAIN,
    Word.UPDATE: Step.UPDATE,
    Word.ROLE: Step.ROLE,
    Word.SEVERITY: Step.SEVERITY,
    Word.NOTE: Step.NOTE,
    Word.RESOLVE: Step.RESOLVE,
    Word.POSTMORTEM: Step.POSTMORTEM,
}
LISTED = 50


@dataclass(frozen=True, slots=True)
class Commands:
    """Answers the command. Every way through it ends in something the person can see."""

    desk: Desk
    dialogs: Dialogs
    _with_text: Mapping[Word, Direct] = field(init=False)

    def __post_init__(self) -> None:
        direct = {
            Word.NOTE: self._note,
            Word.UPDATE: self._update,
            Word.ROLE: self._role,
            Word.SEVERITY: self._severity,
        }
        object.__setattr__(self, "_with_text", direct)

    async def __call__(self, payload: Payload) -> None:
        """One command as Slack sent it."""
        phrase = read_phrase(str(payload.get("text") or ""))
        try:
            await self._do(phrase, payload)
        except FirstfiveError as error:
            await self.desk.answers.tell(payload, str(error))

    async def _do(self, phrase: Phrase, payload: Payload) -> None:
        if phrase.unknown:
            await self.desk.answers.tell(payload, messages.unknown_verb(phrase.unknown, nearest(phrase.unknown)))
        elif phrase.word is None:
            await self._menu_or_declare(phrase, payload)
        elif phrase.word is Word.DECLARE:
            await self._declare(phrase, payload)
        elif phrase.word is Word.LINK:
            await self._link(phrase, payload)
        elif phrase.word in self._with_text and phrase.rest:
            card = await self._with_text[phrase.word](phrase, payload)
            self.desk.wake()
            await self.desk.answers.tell(payload, card)
        elif phrase.word is Word.EVIDENCE and phrase.rest and not phrase.key:
            await self._evidence_of(unescaped(phrase.rest), payload)
        elif phrase.word in _STEPS:
            await self._open(_STEPS[phrase.word], phrase, payload)
        else:
            await self._show(phrase, payload)

    async def _menu_or_declare(self, phrase: Phrase, payload: Payload) -> None:
        """The menu where an incident is meant, else the declare dialog.

        What opens first follows from the channel's name, since a look would cost the trigger; the look corrects it.
        """
        channel = str(payload.get("channel_id", ""))
        if phrase.key:
            await self._open(Step.MENU, phrase, payload)
            return
        guess = key_in_channel_name(str(payload.get("channel_name", "")))
        nonce = self.desk.ids.new()

        async def gather() -> View:
            if await self.desk.verbs.look.in_channel(channel) is not None:
                return await self.dialogs.view(Step.MENU, "", channel)
            return await self._declare_view(nonce, channel)

        first = skeleton(Step.MENU, guess) if guess else declare.skeleton(nonce, channel)
        await self.desk.opening.open(payload, first, gather)

    async def _declare(self, phrase: Phrase, payload: Payload) -> None:
        """Open the declare dialog. Its nonce makes a doubled submission one incident."""
        nonce, channel = self.desk.ids.new(), str(payload.get("channel_id", ""))
        title = unescaped(phrase.rest)
        first = declare.skeleton(nonce, channel, title)
        await self.desk.opening.open(payload, first, lambda: self._declare_view(nonce, channel, title))

    async def _declare_view(self, nonce: str, channel: str, title: str = "") -> View:
        agents, environments = await self.desk.agents(), self.desk.environments
        return declare.dialog(nonce, channel, agents, prefill_title=title, environments=environments)

    async def _evidence_of(self, name: str, payload: Payload) -> None:
        """The evidence of an agent, for those who want to look before they declare."""

        async def gather() -> View:
            agent = await self.desk.known_agent(name)
            bundle, _ = await self.desk.verbs.suggest(agent)
            return evidence.of_agent(bundle, self.desk.public_url, self.desk.clock.now())

        first = loading(evidence.CALLBACK, "Evidence", "", "Reading the evidence …")
        await self.desk.opening.open(payload, first, gather)

    async def _open(self, step: Step, phrase: Phrase, payload: Payload) -> None:
        channel = str(payload.get("channel_id", ""))
        guess = phrase.key or key_in_channel_name(str(payload.get("channel_name", "")))
        first = skeleton(step, guess)
        await self.desk.opening.open(payload, first, lambda: self.dialogs.view(step, phrase.key, channel))

    async def _show(self, phrase: Phrase, payload: Payload) -> None:
        tell, now, url = self.desk.answers.tell, self.desk.clock.now(), self.desk.public_url
        if phrase.word is Word.HELP:
            await tell(payload, messages.help_text())
        elif phrase.word is Word.LIST:
            await tell(payload, messages.incident_list(await self.desk.verbs.look.recent(LISTED), now, url))
        else:
            await self.timeline(phrase.key, payload)

    async def timeline(self, key: str, payload: Payload, channel: str = "") -> None:
        """The timeline so far, for one person."""
        state = await self.desk.incident(key, channel or str(payload.get("channel_id", "")))
        events = await self.desk.verbs.look.timeline(state.incident.key)
        for card in messages.timeline_messages(state, events, self.desk.public_url)[:4]:  # an answer's address takes 5
            await self.desk.answers.tell(payload, card, channel)

    async def _key(self, phrase: Phrase, payload: Payload) -> str:
        state = await self.desk.incident(phrase.key, str(payload.get("channel_id", "")))
        return state.incident.key

    async def _link(self, phrase: Phrase, payload: Payload) -> None:
        """Private links for owners, shown to whoever asked; owners in Slack get theirs directly."""
        state = await self.desk.incident(phrase.key, str(payload.get("channel_id", "")))
        key, agent, by = state.incident.key, state.incident.agent, actor(payload)
        made = await self.desk.verbs.invite(key, by, key_of(payload), unescaped(phrase.rest))
        shown = [(one.owner, f"{self.desk.public_url}{one.path}", one.expires_at) for one in made]
        for one in shown:
            user = await self.desk.people.owner(one[0])
            if user and user != by.id:
                await self.desk.answers.tell_person(user, "", messages.private_links(key, agent, [one]))
        self.desk.wake()
        await self.desk.answers.tell(payload, messages.private_links(key, agent, shown))

    async def _note(self, phrase: Phrase, payload: Payload) -> Card:
        key, by = await self._key(phrase, payload), actor(payload)
        await self.desk.verbs.note(key, unescaped(phrase.rest), "command", by, by, key_of(payload))
        return messages.answer(f"Noted on {key}.")

    async def _update(self, phrase: Phrase, payload: Payload) -> Card:
        key = await self._key(phrase, payload)
        await self.desk.verbs.update(key, unescaped(phrase.rest), actor(payload), key_of(payload))
        return messages.answer(f"Posted in {key} and kept on its timeline.")

    async def _role(self, phrase: Phrase, payload: Payload) -> Card:
        """``commander @ana``; without a name whoever types takes the role."""
        word, _, name = phrase.rest.partition(" ")
        role = _role_of(word)
        person = await self.desk.people.mentioned(name) if name.strip() else actor(payload)
        key = await self._key(phrase, payload)
        await self.desk.verbs.take_role(key, role, person, actor(payload), key_of(payload))
        return _role_card(key, role, who(person))

    async def _severity(self, phrase: Phrase, payload: Payload) -> Card:
        word, _, reason = phrase.rest.partition(" ")
        severity = severity_of(word)
        key = await self._key(phrase, payload)
        await self.desk.verbs.change_severity(key, severity, unescaped(reason), actor(payload), key_of(payload))
        return messages.answer(f"{key} is {severity.value} now.")


def _role_of(word: str) -> Role:
    matches = [role for role in Role if word and role.value.startswith(word.lower())]
    if len(matches) != 1:
        names = ", ".join(role.value for role in Role)
        raise BadInput("role", f"The roles are {names}. Type for example `/incident role commander @ana`.")
    return matches[0]


def severity_of(word: str) -> Severity:
    """The severity meant by ``SEV2``, ``sev-2`` or ``2``.

    Raises:
        BadInput: none is meant.
    """
    digit = word.upper().removeprefix("SEV").lstrip("-")
    if f"SEV{digit}" not in set(Severity):
        raise BadInput(
            "severity",
            "Severities are SEV1 (worst) to SEV4. Type for example `/incident severity SEV2 12 customers called`.",
        )
    return Severity(f"SEV{digit}")


def _role_card(key: str, role: Role, name: str) -> Card:
    text = f"{name} is {role.value} of {key} now."
    return Card([section(text)], text)
