"""Every family of made-up runs: those that loop and those that do not."""

from collections.abc import Sequence

from tests.incident.heard_runs import HEARD_LOOPING, HEARD_ORDINARY
from tests.incident.look_alike_runs import LOOK_ALIKE_LOOPING, LOOK_ALIKE_ORDINARY
from tests.incident.looping_runs import LOOPING
from tests.incident.ordinary_runs import ORDINARY
from tests.incident.refused_runs import REFUSED_LOOPING, REFUSED_ORDINARY
from tests.incident.room_and_screen_runs import ROOM_AND_SCREEN_LOOPING, ROOM_AND_SCREEN_ORDINARY
from tests.incident.run_steps import Family
from tests.incident.stubborn_runs import STUBBORN_LOOPING, STUBBORN_ORDINARY
from tests.incident.team_runs import TEAMS_LOOPING, TEAMS_ORDINARY
from tests.incident.web_and_code_runs import WEB_AND_CODE_LOOPING, WEB_AND_CODE_ORDINARY

MADE_LOOPING: Sequence[Family] = (
    *LOOPING,
    *TEAMS_LOOPING,
    *WEB_AND_CODE_LOOPING,
    *STUBBORN_LOOPING,
    *REFUSED_LOOPING,
    *LOOK_ALIKE_LOOPING,
    *HEARD_LOOPING,
    *ROOM_AND_SCREEN_LOOPING,
)
MADE_ORDINARY: Sequence[Family] = (
    *ORDINARY,
    *TEAMS_ORDINARY,
    *WEB_AND_CODE_ORDINARY,
    *STUBBORN_ORDINARY,
    *REFUSED_ORDINARY,
    *LOOK_ALIKE_ORDINARY,
    *HEARD_ORDINARY,
    *ROOM_AND_SCREEN_ORDINARY,
)
