"""A strict Slack in the test's own process; start with README.md."""

from tests.strict_slack.actor import Actor
from tests.strict_slack.delivery import Delivery, NotAcknowledged
from tests.strict_slack.refusal import BadAck, CannotDo
from tests.strict_slack.server import StrictSlack
from tests.strict_slack.views import OpenView
from tests.strict_slack.world import Channel, Message

__all__ = [
    "Actor",
    "BadAck",
    "CannotDo",
    "Channel",
    "Delivery",
    "Message",
    "NotAcknowledged",
    "OpenView",
    "StrictSlack",
]
