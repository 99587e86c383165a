"""What a dialog shows for the moment until its figures are there: it opens at once."""

from bot.slack.blocks import View, context, modal
from bot.slack.text import quote_untrusted


def loading(callback_id: str, title: str, key: str, what: str = "Reading the incident and its telemetry …") -> View:
    """A dialog without fields, to be replaced by the real one."""
    return modal(callback_id, title, [context(what)], {"k": key}, close="Close")


def notice(title: str, sentence: str) -> View:
    """A dialog that says one thing, for instance why there is nothing to fill in."""
    return modal("notice", title, [context(quote_untrusted(sentence, 1500, code=True))], {}, close="Close")
