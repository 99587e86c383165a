"""The client's state without threads, sockets or clocks."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from control_server import rule
from hypothesis import given
from hypothesis import strategies as st

from firstfive_client.core import LONGEST_WAIT, Core, Identity
from firstfive_client.events import MOST_BYTES, Event, EventParser, TooLong
from firstfive_client.keeping import LastKnownGood
from firstfive_client.wire import NotControls, read_snapshot

STREAM = b': hello\r\n\r\nid: 7\nevent: controls\ndata: {"a":\ndata: 1}\n\ndata: x\r\rretry: 5\n\n: \xc3\xa9\n\ndata: \xc3\xa9\n\n'
EVENTS = [Event("controls", '{"a":\n1}', "7"), Event("message", "x", "7"), Event("message", "é", "7")]


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_a_stream_means_the_same_however_it_is_cut(cuts: list[int]) -> None:
    parser, marks = EventParser(), [0, *sorted(cuts), len(STREAM)]
    found = [event for a, b in pairwise(marks) for event in parser.feed(STREAM[a:b])]
    assert found == EVENTS


def test_an_event_without_end_is_no_reason_to_run_out_of_memory() -> None:
    parser = EventParser()
    for _ in range(MOST_BYTES // 65536 - 1):
        parser.feed(b"data: " + b"x" * 65536 + b"\n")
    with pytest.raises(TooLong):
        parser.feed(b"data: " + b"x" * 131072 + b"\n")


@dataclass
class Bench:
    """A core with its clock in hand."""

    now: float = 100.0
    changes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.core = Core(on_change=self._changed, chance=lambda: 0.5)

    def _changed(self) -> None:
        assert self.core.snapshot is not None
        self.changes.append(self.core.snapshot.revision)

    def receive(self, revision: int, *rules: dict[str, Any]) -> None:
        self.core.received(json.dumps({"revision": revision, "rules": rules}), self.now)

    @property
    def applied(self) -> Sequence[str]:
        assert self.core.snapshot is not None
        return self.core.snapshot.applied


def test_what_is_new_is_told_once() -> None:
    bench = Bench()
    bench.receive(1)
    bench.receive(1)
    bench.receive(2, rule("halt"))
    assert bench.changes == [1, 2]


def test_a_replica_that_lags_does_not_lift_a_halt_for_a_moment() -> None:
    bench = Bench()
    bench.receive(42, rule("halt"))
    bench.receive(41)
    doubts = [bench.core.in_doubt]
    assert bench.applied == ("m1",)
    bench.now += 0.5
    bench.receive(42, rule("halt"))
    doubts.append(bench.core.in_doubt)
    assert (doubts, bench.changes) == ([True, False], [42])


def test_a_database_that_was_restored_is_believed_after_a_while() -> None:
    bench = Bench()
    bench.receive(42, rule("halt"))
    bench.receive(3)
    bench.now += 2.1
    bench.receive(3)
    assert (bench.applied, bench.changes) == ((), [42, 3])


def test_nonsense_changes_nothing() -> None:
    bench = Bench()
    bench.receive(1, rule("halt"))
    for data in ("", "{", "[]", '{"revision": 2}', "[" * 100_000):
        with pytest.raises(NotControls):
            bench.core.event(Event("controls", data, ""), bench.now)
    bench.core.event(Event("message", '{"type":"refetchEvaluation"}', ""), bench.now)
    assert (bench.applied, bench.changes) == (("m1",), [1])


def test_a_change_is_reported_at_once_and_presence_every_fifteen_seconds() -> None:
    bench = Bench()
    assert bench.core.heartbeat(bench.now) is None
    bench.receive(1, rule("halt"))
    assert bench.core.heartbeat_in(bench.now) <= 0.1
    bench.now += 0.1
    beat = bench.core.heartbeat(bench.now)
    assert beat is not None
    body = json.loads(beat.body(Identity("helpdesk-agent", instance="i1")))
    assert body == {
        "agent": "helpdesk-agent",
        "instance": "i1",
        "revision": 1,
        "applied": ["m1"],
        "age_seconds": 0.1,
    }
    bench.core.heartbeat_answered({"instances": 14}, bench.now)
    assert bench.core.instances == 14
    assert bench.core.heartbeat(bench.now + 14.9) is None
    assert bench.core.heartbeat(bench.now + 15.1) is not None


def test_a_heartbeat_nobody_took_is_sent_again_soon() -> None:
    bench = Bench()
    bench.receive(1)
    bench.now += 0.1
    assert bench.core.heartbeat(bench.now)
    bench.core.heartbeat_answered(None, bench.now)
    assert bench.core.heartbeat(bench.now + 2.1)


def test_a_process_that_knows_only_the_file_reports_nothing() -> None:
    bench = Bench()
    bench.core.remembered(read_snapshot({"revision": 9, "rules": [rule("halt")]}), bench.now)
    assert bench.core.heartbeat(bench.now + 60) is None
    bench.receive(9, rule("halt"))
    assert bench.core.heartbeat(bench.now + 1) is not None


def test_waiting_for_the_server_is_bounded() -> None:
    bench = Bench()
    waits = [bench.core.lost() for _ in range(40)]
    assert waits[0] <= 0.1
    assert waits == sorted(waits)
    assert waits[-1] <= LONGEST_WAIT
    bench.receive(1)
    assert bench.core.lost() <= 0.1


SNAPSHOT = read_snapshot({"revision": 5, "rules": [rule("turn-limit", 3)]})


def test_the_last_known_controls_come_back_as_they_were(tmp_path: Path) -> None:
    file = LastKnownGood(tmp_path / "deep" / "kept.json", b"key")
    assert file.load() is None
    file.save(SNAPSHOT)
    assert file.load() == SNAPSHOT
    assert [path.name for path in file.path.parent.iterdir()] == ["kept.json"]
    assert file.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"format": 1, "mac": "", "controls": {}}', b"[" * 100_000])
def test_a_damaged_file_is_as_good_as_none_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: bytes
) -> None:
    file = LastKnownGood(tmp_path / "kept.json", b"key")
    file.path.write_bytes(damage)
    assert file.load() is None
    assert "are not used" in caplog.text


def test_a_file_that_somebody_changed_or_signed_with_another_key_is_not_trusted(tmp_path: Path) -> None:
    file = LastKnownGood(tmp_path / "kept.json", b"key")
    file.save(SNAPSHOT)
    assert LastKnownGood(file.path, b"other").load() is None
    assert LastKnownGood(file.path).load() is None
    file.path.write_text(file.path.read_text().replace("turn-limit", "step-cap"))
    assert file.load() is None


def test_a_folder_that_cannot_be_written_stops_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "taken").write_text("")
    LastKnownGood(tmp_path / "taken" / "kept.json").save(SNAPSHOT)
    assert "could not be kept" in caplog.text
