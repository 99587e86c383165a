"""Forms of pages: small, and only plain fields."""

from urllib.parse import parse_qsl

from starlette.requests import Request

from bot.incident.errors import BadInput
from bot.incident.storable import storable
from bot.web.bodies import TooLargeError, whole

MOST_BYTES = 256 * 1024
MOST_FIELDS = 40


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a posted form; the last one of a name counts.

    Raises:
        BadInput: it is too large or no form.
    """
    try:
        body = await whole(request, MOST_BYTES)
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS)
        return {storable(name): storable(text) for name, text in fields}
    except TooLargeError as error:
        raise BadInput("form", "The text is too long. Shorten it and send it again.") from error
    except ValueError as error:
        raise BadInput("form", "The form cannot be read. Go back and send it again.") from error
