"""One set of agents with what they run on: it turns a task into a finished task."""

from dataclasses import dataclass
from random import Random

from bot.demo.agent.clock import Clock
from bot.demo.agent.controls import Caller, Controls
from bot.demo.agent.faults import Deployment, Fault, deployed, felt, with_prompt
from bot.demo.agent.fleet import Profile
from bot.demo.agent.loop import TaskRun
from bot.demo.agent.outcome import Finished
from bot.demo.agent.tasks import Task, draw_task, probe_task
from bot.demo.agent.telemetry import ENVIRONMENT, Telemetry, unrecorded


@dataclass(frozen=True, slots=True)
class World:
    """The simulated company. The same seed and number give the same task and the same chance."""

    telemetry: Telemetry
    controls: Controls
    instance: str
    seed: int

    def chance(self, what: str) -> Random:
        """Return the chance that belongs to one named thing."""
        return Random(f"{self.seed} {what}")

    def serve(self, profile: Profile, number: str, fault: Fault, clock: Clock) -> Finished:
        """Draw task `number` and serve it to its end."""
        chance = self.chance(f"{profile.name} {number}")
        fault = felt(profile.name, profile.provider, fault)
        task = draw_task(profile, fault, number, chance)
        deployment = deployed(profile.name, fault)
        caller = self._caller(profile, deployment, task)
        pinned = self.controls.prompt(caller, deployment.prompt_version)
        fault, deployment = with_prompt(fault, deployment, pinned)
        return TaskRun(
            profile=profile,
            deployment=deployment,
            fault=fault,
            task=task,
            controls=self.controls,
            caller=caller,
            clock=clock,
            chance=chance,
            tracer=self.telemetry.tracer(profile.name, deployment.version),
        ).serve()

    def probe(self, profile: Profile, probe: int, round_number: int, fault: Fault, clock: Clock) -> Finished:
        """Serve one synthetic probe; it runs the same loop and leaves no trace."""
        task = probe_task(profile, probe)
        deployment = deployed(profile.name, fault)
        return TaskRun(
            profile=profile,
            deployment=deployment,
            fault=fault,
            task=task,
            controls=self.controls,
            caller=self._caller(profile, deployment, task),
            clock=clock,
            chance=self.chance(f"probe {probe} {round_number}"),
            tracer=unrecorded(),
        ).serve()

    def _caller(self, profile: Profile, deployment: Deployment, task: Task) -> Caller:
        return Caller(
            session=task.session,
            agent=profile.name,
            environment=ENVIRONMENT,
            tenant=task.tenant,
            version=deployment.version,
            channel=task.channel,
            instance=self.instance,
        )
