"""How the strict Slack says no."""

from tests.strict_slack.shapes import Json


class Refused(Exception):
    """An API call is refused with Slack's own error word; `extra` joins the answer's body."""

    def __init__(self, error: str, *, status: int = 200, retry_after: float | None = None, **extra: object) -> None:
        super().__init__(error)
        self.error = error
        self.status = status
        self.retry_after = retry_after
        self.extra = extra

    def body(self) -> Json:
        return {"ok": False, "error": self.error, **self.extra}


class CannotDo(AssertionError):
    """The person cannot do this in Slack's client: no such button, a required field is empty, the text is too long."""


class BadAck(AssertionError):
    """The app acknowledged in a form that Slack does not understand."""


def invalid(error: str, problems: list[str]) -> Refused:
    """A refusal that carries every problem, as Slack does in `response_metadata.messages`."""
    return Refused(error, response_metadata={"messages": [f"[ERROR] {line}" for line in problems]})
