"""One try to carry a mitigation out at its control plane, and the job behind the next one."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.incident.composition import Controls
from bot.incident.driving import Receipt
from bot.incident.errors import FirstfiveError, Misconfigured, Refused, Unavailable
from bot.incident.mitigation import Mitigation
from bot.incident.proof import ReadBack
from bot.incident.quantities import duration
from bot.ports import Clock, Driver, Job, JobName
from bot.response.driving import Drivers

PATIENCE = 8.0  # seconds one try may take
PATIENCE_OF_PEOPLE = 2.0  # seconds somebody who clicked waits for it; the job goes on
PAUSES = (2, 5, 10, 20, 40, 60)  # seconds before the next try; the last one again and again


@dataclass(frozen=True, slots=True)
class Tried:
    """What one try came to. ``declined``: the control plane said no for good. ``why`` is for people."""

    read: ReadBack
    receipt: Receipt | None = None
    declined: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Try:
    """Write and read back, without the database: what is recorded of it is decided afterwards."""

    drivers: Drivers

    async def __call__(self, mitigation: Mitigation, after: Controls, patience: float, *, first: bool) -> Tried:
        """Tell it what has to be in force, and read back; what came of it, whatever went wrong."""
        try:
            driver = self.drivers.of(mitigation)
        except Misconfigured as error:
            return Tried(ReadBack(confirmed=False, detail=str(error)), why=str(error))
        if not first:  # the last try may have done it without our hearing of it, or died before it could say so
            read = await read_back(driver, mitigation, after)
            if read.confirmed:
                return Tried(read)
        receipt, declined, why = await self._write(driver, mitigation, after, patience)
        read = await read_back(driver, mitigation, after)
        if receipt is not None and not read.confirmed:
            said = f" ({receipt.detail})" if receipt.detail else ""
            why = f"{driver.name} answered the write{said} and does not confirm it: {read.detail}"
        return Tried(read, receipt, declined=declined, why=why)

    async def _write(
        self, driver: Driver, mitigation: Mitigation, after: Controls, patience: float
    ) -> tuple[Receipt | None, bool, str]:
        lifting = mitigation.ending is not None
        key = f"{mitigation.id}:{'revert' if lifting else 'apply'}:{mitigation.asked[:12]}"
        try:
            plan = driver.plan(mitigation, after)
            if mitigation.ending:
                plan = replace(plan, asked_by=mitigation.ending.by)
            async with asyncio.timeout(patience):
                return await (driver.revert(plan, key) if lifting else driver.apply(plan, key)), False, ""
        except TimeoutError:
            return None, False, f"{driver.name} did not answer within {duration(patience)}; the write may have happened"
        except Refused as error:
            return None, True, str(error)
        except Unavailable as error:
            return None, False, f"nothing was written to {driver.name}: {error}"
        except FirstfiveError as error:
            return None, False, str(error)


async def read_back(driver: Driver, mitigation: Mitigation, after: Controls) -> ReadBack:
    """What the control plane reads; one that does not answer in time is not confirmed."""
    try:
        async with asyncio.timeout(PATIENCE):
            return await driver.read_back(mitigation, after)
    except (TimeoutError, FirstfiveError) as error:
        return ReadBack(confirmed=False, detail=str(error) or f"{driver.name} did not answer in time")


def drive_of(m: Mitigation, seconds: float, clock: Clock) -> Job:
    """The durable job that tries again, or resolves what a crash left open."""
    name = f"drive:{m.id}:{m.state.value}:{m.asked[:12]}:{m.tried}"
    return Job(JobName.MITIGATION_DRIVE, name, m.id, clock.now() + timedelta(seconds=seconds))
