"""A process that changes controls and dies: between a control plane's write and its answer, and with glass broken.

``python -m tests.scenarios.mortal_control declare|resume URL FILE``; FILE is what the control plane holds.
"""

import asyncio
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.engine.clock import SystemClock
from bot.engine.jobs import DurableJobs, prepare
from bot.incident.composition import Controls
from bot.incident.driving import Plan, Receipt
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation, MitigationState
from bot.incident.model import Agent, Catalogue, IncidentKey, Person, Via, Wiring
from bot.incident.proof import Delivery, ReadBack
from bot.ports import Driver, JobName
from bot.response import changes, deciding, in_force, performing
from bot.response.deciding import lapse
from bot.response.orders import Order
from bot.response.verbs import Verbs
from bot.storage.database import Database
from bot.storage.records import SqlRecords
from tests.fakes.verbs import KeptTraces, ObeyedControl, Tasks, verbs_over

KEY = IncidentKey("INC-1")
ANA = Person("U1", "ana")
SOON = {"BREAK_GLASS_TTL": timedelta(seconds=1.5), "DRIVE_SOON": 1.0, "PATIENCE_OF_PEOPLE": 60.0}
CATALOGUE = Catalogue((Agent("helpdesk", controls={MitigationKind.TURN_LIMIT.value: Wiring("vendor")}),))


class FileVendor(Driver):
    """A control plane in a file; it keeps the key of every write. With ``dies`` nobody hears its answer."""

    def __init__(self, file: Path, *, dies: bool = False) -> None:
        self._file = file
        self._dies = dies

    @property
    def name(self) -> str:
        return "vendor"

    @property
    def held(self) -> dict[str, Any]:
        if not self._file.exists():
            return {"limit": None, "keys": []}
        found: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        return found

    def plan(self, mitigation: Mitigation, after: Controls) -> Plan:
        return Plan(mitigation, after, ("Vendor: write it.",))

    async def apply(self, plan: Plan, idem: str) -> Receipt:
        kept: dict[str, Any] = {"limit": plan.after.max_turns, "keys": [*self.held["keys"], idem]}
        self._file.write_text(json.dumps(kept), encoding="utf-8")
        if self._dies:
            sys.stdout.write("READY\n")
            sys.stdout.flush()
            await asyncio.sleep(60)
        return Receipt("written", (f"w{len(kept['keys'])}",))

    async def revert(self, plan: Plan, idem: str) -> Receipt:
        return await self.apply(plan, idem)

    async def read_back(self, mitigation: Mitigation, after: Controls) -> ReadBack:
        del mitigation
        return ReadBack(self.held["limit"] == after.max_turns, f"limit reads {self.held['limit']}")

    async def delivery(self, mitigation: Mitigation) -> Delivery:
        del mitigation
        return Delivery(0, 0)

    async def close(self) -> None:
        pass


def verbs(records: SqlRecords, vendor: FileVendor) -> Verbs:
    return verbs_over(
        records,
        SystemClock(),
        traces=KeptTraces(),
        background=Tasks(),
        control=ObeyedControl(),
        catalogue=CATALOGUE,
        others={"vendor": vendor},
    )


async def declare(records: SqlRecords, vendor: FileVendor) -> None:
    """A halt undone alone, then a turn limit whose write is made and never heard of."""
    known = verbs(records, vendor)
    halt = await known.contain("helpdesk", Order(MitigationKind.HALT), ANA, "k1", Via.CLI)
    await known.revert(halt.id, "", ANA, "u1", alone="nobody is awake")
    await known.apply(KEY, Order(MitigationKind.TURN_LIMIT, 5), ANA, "k2")


async def resume(records: SqlRecords, jobs: DurableJobs, vendor: FileVendor) -> None:
    """Run what is due until both mitigations are in a known state again."""
    known = verbs(records, vendor)
    carry_out = known.revert.changes.carry_out

    async def run(name: JobName, argument: str) -> None:
        if name is JobName.MITIGATION_DRIVE:
            await carry_out(argument)
        if name is JobName.APPROVAL_EXPIRY:
            async with records.begin() as work:
                (question,) = [one for one in await _pending(known) if one.id == argument]
                await lapse(work, question, SystemClock())

    await jobs.start(run)
    for _ in range(900):
        found, _revisions = await known.in_force()
        if len(found) == 2 and all(one.state is MitigationState.APPLIED for one in found):
            break
        await asyncio.sleep(0.05)
    await jobs.stop()


async def _pending(known: Verbs) -> tuple[Any, ...]:
    return (await known.look.state(KEY)).pending_approvals


async def main(part: str, url: str, file: Path) -> None:
    for module in (changes, performing, deciding, in_force):
        for name in SOON.keys() & vars(module).keys():
            setattr(module, name, SOON[name])
    database = Database(url)
    await database.upgrade()
    await asyncio.to_thread(prepare, url)
    jobs = DurableJobs(url, SystemClock(), poll_seconds=0.1)
    records = SqlRecords(database, jobs)
    if part == "declare":
        await declare(records, FileVendor(file, dies=True))
    else:
        await resume(records, jobs, FileVendor(file))
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3])))
