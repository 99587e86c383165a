"""Arguments of an API call, from query, form or JSON body, as the method wants them."""

import json
from collections.abc import Mapping
from typing import Any

from tests.strict_slack.catalogue import Method
from tests.strict_slack.refusal import Refused, invalid
from tests.strict_slack.shapes import Json

JSON_ARGUMENTS = frozenset({"blocks", "view", "metadata", "attachments", "files", "document_content", "unfurls"})
SENT_WITH_EVERYTHING = frozenset({"team_id"})  # Bolt's client adds it to each call


class Arguments:
    """Typed access to one call's arguments; JSON given as text in a form is read on arrival."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self.given: Json = {key: self._read(key, value) for key, value in given.items() if value is not None}

    @staticmethod
    def _read(key: str, value: Any) -> Any:
        if key not in JSON_ARGUMENTS or not isinstance(value, str):
            return value
        try:
            return json.loads(value) if value else None
        except ValueError:
            raise invalid("invalid_arguments", [f"{key} is not JSON"]) from None

    def check(self, method: Method) -> None:
        """Raises `Refused` invalid_arguments for a missing or an unknown argument."""
        problems = [
            f"missing required field: {key}" for key in sorted(method.required) if self.given.get(key) in (None, "")
        ]
        problems += [
            f"unknown argument: {key}"
            for key in sorted(self.given)
            if key not in method.required | method.optional | SENT_WITH_EVERYTHING
        ]
        if problems:
            raise invalid("invalid_arguments", problems)

    def __contains__(self, key: str) -> bool:
        return key in self.given

    def raw(self, key: str) -> Any:
        return self.given.get(key)

    def text(self, key: str) -> str:
        return str(self.given.get(key, ""))

    def flag(self, key: str) -> bool:
        return str(self.given.get(key, "")).lower() in {"1", "true"}

    def whole(self, key: str, otherwise: int, most: int) -> int:
        value = str(self.given.get(key, otherwise))
        if not value.isdigit() or not 1 <= int(value) <= most:
            raise Refused("invalid_limit" if key == "limit" else "invalid_arguments")
        return int(value)

    def words(self, key: str) -> list[str]:
        value = self.given.get(key, "")
        return [str(word) for word in value] if isinstance(value, list) else [w for w in str(value).split(",") if w]
