"""What drivers have in common whose control plane is asked over HTTP."""

from abc import abstractmethod

from bot.controls.entry import Given
from bot.controls.vendor import Vendor
from bot.incident.composition import Controls
from bot.incident.errors import FirstfiveError
from bot.incident.mitigation import Mitigation
from bot.incident.proof import Delivery, ReadBack
from bot.ports import Driver


class HttpDriver(Driver):
    """A driver with what it was ``given`` and its ``vendor``, which does not tell which instance has what."""

    def __init__(self, given: Given, vendor: Vendor) -> None:
        self._given = given
        self._vendor = vendor

    async def read_back(self, mitigation: Mitigation, after: Controls) -> ReadBack:
        """As :meth:`bot.ports.Driver.read_back`."""
        try:
            return await self._asked_back(mitigation, after)
        except FirstfiveError as error:
            return ReadBack(confirmed=False, detail=str(error))

    @abstractmethod
    async def _asked_back(self, mitigation: Mitigation, after: Controls) -> ReadBack:
        """What the vendor answers about it; a failure becomes the reason why it is not confirmed."""

    async def delivery(self, mitigation: Mitigation) -> Delivery:
        """As :meth:`bot.ports.Driver.delivery`: no instance is known; traces show where it works."""
        del mitigation
        return Delivery(instances=0, reached=0)

    async def close(self) -> None:
        """Close the connections."""
        await self._vendor.close()
