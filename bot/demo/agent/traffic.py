"""Live traffic: people come, a few at a time, and the agents serve them in threads."""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from bot.demo.agent.clock import Clock
from bot.demo.agent.evaluation import ScoreQueue, evaluate, probe_score
from bot.demo.agent.faults import FaultSwitch
from bot.demo.agent.fleet import FLEET, HELPDESK, Profile
from bot.demo.agent.history import PROBE_EVERY_SECONDS, PROBES
from bot.demo.agent.tally import Tally
from bot.demo.agent.world import World

log = logging.getLogger(__name__)

_WORKERS = 12
_MOST_WAITING = 24
_SCORE_PAUSE_SECONDS = 0.2


@dataclass(slots=True)
class Traffic:
    """Keeps the agents busy from `start` to `stop`. Rate in tasks per minute."""

    world: World
    switch: FaultSwitch
    clock: Clock
    rate: float
    tally: Tally
    scores: ScoreQueue
    _ended: threading.Event = field(default_factory=threading.Event)
    _places: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(_MOST_WAITING))
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(_WORKERS, thread_name_prefix="task"))
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        """Begin."""
        for work in (self._arrive, self._probe, self._score):
            thread = threading.Thread(target=work, name=work.__name__.strip("_"), daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self) -> None:
        """Take no more tasks, wait for those running and send the scores that are due."""
        self._ended.set()
        for thread in self._threads:
            thread.join(timeout=2.0)
        self._pool.shutdown(wait=True, cancel_futures=True)
        self.scores.emit_due()

    @property
    def running(self) -> bool:
        """Whether tasks are being taken."""
        return bool(self._threads) and not self._ended.is_set()

    def _arrive(self) -> None:
        number = 0
        chance = self.world.chance(f"live {self.clock.now_ns()}")
        while not self._ended.wait(chance.uniform(0.5, 1.5) * 60 / self.rate):
            profile = chance.choices(FLEET, [profile.rate for profile in FLEET])[0]
            number += 1
            # Nobody queues for ever: when all places are taken, the visitor leaves.
            if self._places.acquire(blocking=False):
                self._pool.submit(self._serve, profile, f"live-{self.clock.now_ns()}-{number}")

    def _serve(self, profile: Profile, number: str) -> None:
        try:
            finished = self.world.serve(profile, number, self.switch.current, self.clock)
            self.tally.add(finished)
            self.scores.add(evaluate(finished, self.world.chance(f"judge {number}")))
        except Exception:
            log.exception("task %s of %s broke", number, profile.name)
        finally:
            self._places.release()

    def _probe(self) -> None:
        round_number = self.clock.now_ns()
        while not self._ended.wait(PROBE_EVERY_SECONDS):
            round_number += 1
            for probe in range(PROBES):
                self._pool.submit(self._serve_probe, probe, round_number)

    def _serve_probe(self, probe: int, round_number: int) -> None:
        try:
            finished = self.world.probe(HELPDESK, probe, round_number, self.switch.current, self.clock)
            score = probe_score(finished, probe, self.clock.now_ns())
            self.scores.add([score] if score else [])
        except Exception:
            log.exception("probe %d broke", probe)

    def _score(self) -> None:
        while not self._ended.wait(_SCORE_PAUSE_SECONDS):
            self.scores.emit_due()
