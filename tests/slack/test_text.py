"""Words for Slack: harmless, whole, and readable."""

import re
from datetime import UTC, datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.incident.model import Person
from bot.slack.requests import kept
from bot.slack.text import (
    bold_untrusted,
    date_token,
    escape,
    for_plain_workspace,
    plain_untrusted,
    quote_untrusted,
    sentence,
    shorten,
    who,
    without_buttons,
)

FAMILY = "👨‍👩‍👧"
CUT_ENTITY = re.compile(r"&(?!(?:amp|lt|gt);)")


def test_a_time_is_read_in_everyones_own_zone() -> None:
    at = datetime(2026, 11, 20, 14, 31, tzinfo=UTC)
    assert date_token(at) == f"<!date^{int(at.timestamp())}^{{time}}|14:31 UTC>"
    assert for_plain_workspace([{"text": f"since {date_token(at)} &amp; later"}]) == [
        {"text": "since 14:31 UTC & later"}
    ]


def test_hostile_words_lose_their_power_and_keep_their_meaning() -> None:
    quoted = quote_untrusted("<!channel> @here <https://evil.example|click> `rm` \u202egnp.exe", 300)
    assert "<" not in quoted
    assert "@here" not in quoted
    assert "https://" not in quoted
    assert "`" not in quoted
    assert "\u202e" not in quoted
    assert "channel" in quoted
    assert "evil.example" in quoted


def test_our_own_sentences_keep_their_code_marks() -> None:
    assert quote_untrusted("`/incident list` shows <them>", 100, code=True) == "`/incident list` shows &lt;them&gt;"


def test_emoji_and_right_to_left_text_stay_readable() -> None:
    assert quote_untrusted(f"on fire {FAMILY} 🇩🇪", 100) == f"on fire {FAMILY} 🇩🇪"
    syriac = quote_untrusted("\u0712\u0713 \u0714", 100)
    assert syriac == "\u2068\u0712\u0713 \u0714\u2069"


def test_nothing_is_cut_in_the_middle_of_a_character() -> None:
    assert shorten(f"ab{FAMILY}cd", 6) == "ab…"
    assert shorten("a &amp; b", 6) == "a…"
    assert shorten("🇩🇪🇫🇷🇮🇹", 4) == "🇩🇪…"
    assert shorten("whole", 5) == "whole"


def test_stacked_accents_do_not_smear_the_screen() -> None:
    assert len(quote_untrusted("a" + "\u0301" * 500, 300)) == 5


@given(st.text(max_size=400), st.integers(3, 120))
@example("\u0712\u0713", 3)  # right-to-left text in bold, with room for one character
@example("**", 3)
def test_any_text_fits_and_holds_no_control_of_slacks(text: str, limit: int) -> None:
    quoted = quote_untrusted(text, limit)
    assert len(quoted) <= limit
    assert not set("<>`") & set(quoted)
    assert not CUT_ENTITY.search(quoted)
    assert len(bold_untrusted(text, limit)) <= limit
    assert len(plain_untrusted(text, limit)) <= limit
    quoted.encode("utf-8")


@given(st.text(max_size=400))
def test_escaping_is_undone_by_reading(text: str) -> None:
    back = escape(text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert back == text


def test_people_slack_does_not_know_go_by_name() -> None:
    assert who(Person("U0ANA", "ana")) == "<@U0ANA>"
    assert who(Person("cli:ana", "ana <!here>")) == "ana &lt;!here&gt;"


@pytest.mark.parametrize(
    ("words", "said"), [("not LOOP", "Not LOOP."), ("it ends.", "It ends."), ("it was cut…", "It was cut…"), ("", "")]
)
def test_a_sentence_ends_once(words: str, said: str) -> None:
    assert sentence(words) == said


def test_only_rows_of_buttons_in_dialogs_are_left_out_where_their_clicks_get_lost() -> None:
    row, words = {"type": "actions"}, {"type": "section"}
    view = {"type": "modal", "blocks": [row, words]}
    assert without_buttons(view)["blocks"] == [words]
    assert without_buttons({"response_action": "update", "view": view})["view"]["blocks"] == [words]
    assert without_buttons({"blocks": [row]}) == {"blocks": [row]}


def test_a_payload_loses_what_no_database_keeps_and_nothing_else() -> None:
    said = {"a\0": ["b\0c", {"d": "\ud83d"}, 7, None, True], "e": "grüße 🔁"}
    assert kept(said) == {"a": ["bc", {"d": ""}, 7, None, True], "e": "grüße 🔁"}
