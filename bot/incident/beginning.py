"""When the trouble began that gave an incident its class, where the first look found none or that of another one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.incident.detectors.onset import SECOND, Pace, Series, onset_of
from bot.incident.evidence import EvidenceBundle
from bot.incident.look import look_at
from bot.incident.rules import Taxonomy
from bot.incident.tree import decide

FAINT = 1.5  # nats: the class is settled already, only its beginning is asked for
LONGEST = 20 * 60 * SECOND  # how far back a faint beginning is looked for; further back noise looks like one


def with_beginning(
    bundle: EvidenceBundle, troubles: Mapping[str, Sequence[Series | Pace]], at_ns: int, taxonomy: Taxonomy
) -> EvidenceBundle:
    """The bundle with the onset of its own class, where one can be found and is not there yet."""
    chosen = decide(look_at(bundle, taxonomy), {}).chosen
    shown = taxonomy.facts(chosen).onset if chosen else ()
    if not shown or (bundle.onset and bundle.onset.signal.startswith(shown)):
        return bundle
    own = {name: series for name, series in troubles.items() if name.startswith(shown)}
    found = onset_of(own, at_ns, {}, FAINT, LONGEST)
    return bundle if found is None else replace(bundle, onset=found)
