"""What an entry of our documents is checked by."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """An entry of a document: a field that nobody knows is a mistake, and no value changes."""

    model_config = ConfigDict(extra="forbid", frozen=True)
