"""What must not be kept is replaced by a mark; what people need to work with passes."""

import json
import time
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.documents.redaction import read_redaction
from bot.incident.errors import Misconfigured
from bot.incident.telemetry import Span
from bot.sources.otlp import JSON, Rules, decode
from bot.sources.redaction import DEFAULT, Privacy, Redaction
from tests.sources.requests import Json, logs, span, traces


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("write to bob.smith+x@exa-mple.co.uk now", "write to [e-mail] now"),
        ("call +49 89 1234567", "call [phone]"),
        ("call (212) 555-0199 at once", "call [phone] at once"),
        ("call 212-555-0199", "call [phone]"),
        ("card 4111 1111 1111 1111, please", "card [card], please"),
        ("card 378282246310005", "card [card]"),
        ("use sk-proj-abcdefghijklmnop1234", "use [key]"),
        ("AKIAIOSFODNN7EXAMPLE", "[key]"),
        ("ghp_abcdefghijklmnopqrst0123", "[key]"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0.abc", "[key]"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- after", "[key] after"),
        ("Authorization: Bearer abcdef1234567890", "Authorization: Bearer [secret]"),
        ('{"password": "hunter22", "user": "bob"}', '{"password": "[secret]", "user": "bob"}'),
        ("api_key=abcdefg12&x=1", "api_key=[secret]&x=1"),
        (r"{\"token\": \"abcdefgh\"}", r"{\"token\": \"[secret]\"}"),
        ("ASIAIOSFODNN7EXAMPLE and İ, password=hunter22", "[key] and İ, password=[secret]"),
        ("client_secret=abcdef12 access-key: abcdef12", "client_secret=[secret] access-key: [secret]"),
        ("bob@a.example,ann@b.example", "[e-mail],[e-mail]"),
    ],
)
def test_what_must_not_be_seen_is_replaced(text: str, kept: str) -> None:
    assert DEFAULT.text(text) == kept
    assert DEFAULT.text(kept) == kept


@pytest.mark.parametrize(
    "text",
    [
        "0af7651916cd43dd8448eb211c80319c",
        "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
        "gpt-4o-2024-08-06",
        "claude-3-7-sonnet-20250219",
        "2026-11-23T04:18:15.123456Z",
        "1793584800000000000",
        "1793584800123",
        "$1,234.56 for 5000 units",
        "order #W2611340, item 4231-6610",
        "4111-1111-1111-1112",
        "192.168.100.200:8080",
        "max_tokens: 4096",
        "the token budget is exceeded",
        "token: 1234567",
        "the bearer certificate was shown",
        "plan: basic: premium",
        "the monkey: likes_bananas",
        "call me @ noon, see @firstfive/core",
        "flight HAT136 on 2024-05-20",
        "v1.2.3-rc.4",
    ],
)
def test_what_people_work_with_passes(text: str) -> None:
    assert DEFAULT.text(text) == text


@given(st.binary(min_size=16, max_size=16), st.dates(date(1900, 1, 1)), st.integers(0, 10**12), st.floats(0, 1e6))
def test_ids_dates_and_amounts_always_pass(raw: bytes, day: object, count: int, amount: float) -> None:
    for text in (raw.hex(), raw.hex()[:16], f"{day}", f"1{count:018d}", f"{amount:.2f} EUR"):
        assert DEFAULT.text(text) == text


@given(st.text(), st.emails())
def test_an_address_is_found_in_any_text(around: str, address: str) -> None:
    found = DEFAULT.text(f"{around} mail someone.else@example.com {around}")
    assert "someone.else@example.com" not in found
    del address


def test_a_secret_at_the_cut_is_not_cut_in_two() -> None:
    text = "x " * 145 + "bob.smith@example.com and more " + "y" * 100
    shown = DEFAULT.cut(text, 300)
    assert len(shown) <= 300
    assert "bob.smith" not in shown


SECRETS = (
    "bob.smith@example.com",
    "sk-proj-" + "aB3" * 40,
    "password=hunter2222",
    "4111 1111 1111 1111",
    "+49 89 1234567",
    "eyJ" + "aB3" * 60 + "." + "cD4" * 150 + ".sig",
    "bob.smith@example.com " * 20,
)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([*SECRETS, "hello", "x" * 40, "y " * 30, "z" * 100]), max_size=14), st.integers(10, 400)
)
def test_wherever_a_text_is_cut_no_part_of_a_secret_shows(parts: list[str], most: int) -> None:
    text = " ".join(parts)
    for shown in (DEFAULT.cut(text, most), DEFAULT.end(text, most)):
        assert len(shown) <= most
        assert not [part for part in ("bob", "smith", "aB3a", "cD4c", "hunter", "4111", "12345") if part in shown]


@pytest.mark.parametrize(
    "piece",
    ["eyJ-aaaa-", "eyJ", "sk-", "token ", "bearer ", "1 ", "1-(", "a.a@", "@a.", "AKIA", "-----BEGIN ", "ghp_", "key="],
)
def test_a_text_made_to_be_slow_is_not(piece: str) -> None:
    started = time.process_time()
    DEFAULT.text(piece * (400_000 // len(piece)))
    assert time.process_time() - started < 1.5


def test_of_an_address_that_was_written_to_the_domain_stays() -> None:
    assert DEFAULT.address("bob@evil.example") == "[e-mail]@evil.example"
    assert DEFAULT.address("storage.example.com") == "storage.example.com"


def one(raw: Json, rules: Rules | None = None) -> Span:
    (found,) = decode(traces(raw), JSON, "", "traces", rules or Rules()).spans
    return found


def everything(found: object) -> str:
    return repr(found)


def test_nothing_that_is_stored_of_a_span_holds_it() -> None:
    address, key = "bob.smith@example.com", "sk-abcdefghijklmnop1234"
    tool = one(
        span(
            {
                "gen_ai.operation.name": "execute_tool",
                "gen_ai.tool.name": "mail",
                "gen_ai.tool.call.arguments": json.dumps({"to": address, "key": key}),
                "gen_ai.tool.call.result": f"sent to {address}",
                "team.note": f"for {address}",
                "team.list": [address, {"deep": [key]}],
                "tool.destination": address,
            },
            name=f"mail {address}",
            status={"code": 2, "message": f"refused by {address}"},
            parentSpanId="ef" * 8,
        )
    )
    message = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": f"I wrote to {address}"}]}])
    model = one(span({"gen_ai.operation.name": "chat", "gen_ai.output.messages": message}, parentSpanId="ef" * 8))
    assert address not in everything(tool)
    assert key not in everything(tool)
    assert tool.tool is not None
    assert tool.tool.destination == "[e-mail]@example.com"
    assert address not in everything(model)
    assert model.said == "I wrote to [e-mail]"


def test_the_same_secret_arguments_are_still_recognised_as_the_same() -> None:
    def call(address: str) -> Span:
        return one(
            span({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": f'{{"to":"{address}"}}'})
        )

    bob, again, ann = call("bob@example.com").tool, call("bob@example.com").tool, call("ann@example.com").tool
    assert bob is not None
    assert again is not None
    assert ann is not None
    assert bob.arguments_preview == ann.arguments_preview
    assert bob.arguments_hash == again.arguments_hash != ann.arguments_hash


def test_explanations_of_judges_are_redacted_too() -> None:
    record = {
        "eventName": "gen_ai.evaluation.result",
        "timeUnixNano": "1793584800000000000",
        "attributes": [
            {"key": "gen_ai.evaluation.name", "value": {"stringValue": "correct"}},
            {"key": "gen_ai.evaluation.explanation", "value": {"stringValue": "It told bob@example.com the total."}},
        ],
    }
    (score,) = decode(logs(record), JSON, "", "logs").scores
    assert score.explanation == "It told [e-mail] the total."


def test_only_agents_of_the_catalogue_that_allow_it_keep_their_text() -> None:
    raw = span(
        {
            "gen_ai.operation.name": "chat",
            "gen_ai.agent.name": "helpdesk",
            "gen_ai.output.messages": "The answer is 42. Ask bob@example.com. " + "x" * 5000,
        },
        parentSpanId="ef" * 8,
    )
    assert "gen_ai.output.messages" not in one(raw).attributes
    told = str(one(raw, Rules(privacy=Privacy(DEFAULT, frozenset({"helpdesk"})))).attributes["gen_ai.output.messages"])
    assert told.startswith("The answer is 42. Ask [e-mail].")
    assert 4000 < len(told) <= 4096
    assert told.endswith("… (cut)")
    assert "gen_ai.output.messages" not in one(raw, Rules(privacy=Privacy(DEFAULT, frozenset({"other"})))).attributes


def test_a_team_adds_patterns_of_its_own(tmp_path: Path) -> None:
    file = tmp_path / "redaction.yaml"
    file.write_text("patterns:\n  - mark: customer\n    pattern: 'C-\\d{6}'\n", encoding="utf-8")
    patterns, mistakes = read_redaction(file)
    assert mistakes == ()
    assert Redaction(patterns).text("for C-123456, bob@example.com") == "for [customer], [e-mail]"


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("patterns:\n  - mark: a\n    pattern: '('\n", "3: patterns.0.pattern: this is no regular expression"),
        ("patterns:\n  - mark: a\n    pattern: 'x*'\n", "3: patterns.0.pattern: this matches nothing at all"),
        ("patterns:\n  - mark: a\n", "2: patterns.0.pattern is missing"),
        ("pattern: x\n", "1: patterns is missing"),
    ],
)
def test_a_mistake_in_them_is_named_with_its_line(tmp_path: Path, written: str, said: str) -> None:
    file = tmp_path / "redaction.yaml"
    file.write_text(written, encoding="utf-8")
    _, mistakes = read_redaction(file)
    assert str(mistakes[0]).startswith(f"{file}:{said}")
    assert read_redaction(tmp_path / "absent.yaml")[1][0].sentence.startswith("does not exist")
    with pytest.raises(Misconfigured, match="no regular expression"):
        Redaction((("a", "("),))
