"""Words, names and keys of the Slack edge: small pure stories."""

from datetime import timedelta

import pytest

from bot.incident.errors import Unavailable
from bot.incident.model import Incident, Person
from bot.slack.channel import channel_name, slug
from bot.slack.convergence import wait_before
from bot.slack.manifest import manifest
from bot.slack.phrase import Phrase, Word, key_in_channel_name, nearest, read_phrase, unescaped
from bot.slack.requests import Payload, key_of, kind_of, parsed
from tests.fakes.clock import START


def incident(title: str, agent: str = "helpdesk-agent", number: int = 7) -> Incident:
    return Incident(number, title, agent, "production", START, Person("U1", "ana"))


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("", Phrase(None)),
        ("INC-7", Phrase(None, "INC-7")),
        ("note rolled  back", Phrase(Word.NOTE, "", "rolled  back")),
        ("inc-07 note rolled back", Phrase(Word.NOTE, "INC-7", "rolled back")),
        ("postmortem INC-7", Phrase(Word.POSTMORTEM, "INC-7")),
        ("Role commander <@U2|ben>", Phrase(Word.ROLE, "", "commander <@U2|ben>")),
        ("drill list", Phrase(None, "", "drill list", unknown="drill")),
    ],
)
def test_a_command_is_read_with_its_key_before_or_after_the_verb(typed: str, read: Phrase) -> None:
    assert read_phrase(typed) == read


def test_words_are_kept_as_they_were_typed() -> None:
    assert unescaped("a &lt; b &amp; c, ask <@U2|ben> in <#C1|ops>") == "a < b & c, ask @ben in #ops"
    assert unescaped("<https://x.test/a|the page> and <!here>") == "the page and @here"


def test_an_unknown_word_gets_the_nearest_verb() -> None:
    assert nearest("clasify") == "classify"
    assert nearest("xyzzy") is None


def test_a_channel_is_named_for_incident_agent_and_title() -> None:
    assert channel_name(incident("Answers are nonsense!")) == "inc-7-helpdesk-agent-answers-are-nonsense"
    assert channel_name(incident("Déjà vu"), 2) == "inc-7-helpdesk-agent-deja-vu-2"


@pytest.mark.parametrize("title", ["x" * 10_000, "🔥🔥🔥", "الوكيل يعيد نفسه", "a - _ - b", "-"])
def test_any_title_makes_a_name_that_slack_takes(title: str) -> None:
    for attempt in (1, 2):
        name = channel_name(incident(title), attempt)
        assert len(name) <= 80
        assert name.startswith("inc-7-helpdesk-agent")
        assert name == slug(name)


def test_a_channels_name_tells_its_incident() -> None:
    assert key_in_channel_name("inc-12-helpdesk-agent-loops") == "INC-12"
    assert key_in_channel_name("incidents") == ""


def test_each_kind_of_request_is_named_so_that_it_counts_once() -> None:
    command: Payload = {"command": "/incident", "trigger_id": "t1"}
    click: Payload = {
        "type": "block_actions",
        "container": {"message_ts": "1.2"},
        "actions": [{"action_id": "extend", "action_ts": "3.4"}],
    }
    event: Payload = {"type": "event_callback", "event_id": "Ev1"}
    assert [key_of(one) for one in (command, click, event)] == ["command:t1", "action:1.2:extend:3.4", "event:Ev1"]


def test_a_corrected_dialog_is_another_request_and_a_repeated_one_is_not() -> None:
    def submission(title: str) -> Payload:
        state = {"values": {"title": {"title": {"value": title}}}}
        return {"type": "view_submission", "view": {"id": "V1", "hash": "h", "state": state}}

    assert key_of(submission("a")) == key_of(submission("a"))
    assert key_of(submission("a")) != key_of(submission("b"))


def test_bodies_are_read_as_json_form_or_json_within_a_form() -> None:
    assert parsed(b'{"type":"url_verification"}', "application/json; charset=utf-8") == {"type": "url_verification"}
    assert parsed(b"command=%2Fincident&text=", "application/x-www-form-urlencoded")["command"] == "/incident"
    assert kind_of(parsed(b"payload=%7B%22type%22%3A%22block_actions%22%7D", "")) == "block_actions"
    with pytest.raises(ValueError, match="Expecting"):
        parsed(b"payload=%7B", "")


def test_waiting_doubles_heeds_slack_and_never_exceeds_five_minutes() -> None:
    assert wait_before(1, ValueError()) == timedelta(seconds=1)
    assert wait_before(4, ValueError()) == timedelta(seconds=8)
    assert wait_before(1, Unavailable("busy", timedelta(seconds=30))) == timedelta(seconds=30)
    assert wait_before(99, Unavailable("busy", timedelta(hours=1))) == timedelta(minutes=5)


def test_the_manifest_names_an_address_only_where_slack_calls_us() -> None:
    http, socket = manifest("https://bot.example/", socket_mode=False), manifest(None, socket_mode=True)
    assert http["features"]["slash_commands"][0]["url"] == "https://bot.example/slack/events"
    assert "url" not in socket["features"]["slash_commands"][0]
    assert socket["settings"]["socket_mode_enabled"]
    assert "reaction_added" in http["settings"]["event_subscriptions"]["bot_events"]
