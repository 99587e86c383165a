"""What all answers share."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict


class Shape(BaseModel):
    """What all answers share: frozen, and infinities never leave."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="null", populate_by_name=True)


class IntervalShape(Shape):
    """A 95 % interval."""

    low: float | None
    high: float | None


class SpanOfTime(Shape):
    """Half-open: start is in it, end is not."""

    start: datetime
    end: datetime


class PersonShape(Shape):
    """Who acted."""

    id: str
    name: str
