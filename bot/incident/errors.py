"""What can go wrong, as one small tree.

    FirstfiveError
    +-- Refused             understood and declined; the sentence says why and what to do
    |   +-- NotFound        no such incident, agent or mitigation
    |   +-- BadInput        a field holds something we cannot use
    |   +-- Overtaken       somebody else decided meanwhile
    |   +-- Closed          the incident is resolved or reviewed
    |   +-- Contraindicated the mitigation would make this class worse
    |   +-- Locked          remediation before class and cause
    |   +-- NotAdmitted     a private link that is not ours, was changed, or has ended
    |   +-- NeedsSecondPerson  the riskier direction wants another pair of eyes
    |   +-- Conflict        another one is in force and none of the two is safer; name what it supersedes
    |   +-- Stale           it has changed since it was read; read it again
    |   +-- KeyReused       an idempotency key came with another order
    |   +-- NotAllowed      this person may not decide that
    |   +-- Unsupported     this control plane cannot do that; another lever or driver can
    +-- Unavailable         the other side is busy or down; ask again after ``retry_after``
    +-- Uncertain           a write may or may not have happened; reading back decides
    +-- Misconfigured       settings, catalogue or runbooks are wrong; nothing was started

Every message is one sentence for the person who acted.
"""

from datetime import timedelta


class FirstfiveError(Exception):
    """Anything we raise on purpose."""


class Refused(FirstfiveError):
    """Understood and declined. Nothing was changed."""


class NotFound(Refused):
    """There is no such thing here."""


class BadInput(Refused):
    """A field holds something we cannot use; ``field`` names it for dialogs and the API."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class Overtaken(Refused):
    """Somebody else decided meanwhile; look at that first."""


class Closed(Refused):
    """The incident is resolved or reviewed and takes no such step any more."""


class Contraindicated(Refused):
    """The mitigation would make this class of incident worse; an explicit override is needed."""


class Locked(Refused):
    """Remediation waits until class and suspected cause are set."""


class NotAdmitted(Refused):
    """A private link that is not ours, was changed, or has ended."""


class NeedsSecondPerson(Refused):
    """The riskier direction needs a second person, or a reason for going alone."""


class Conflict(Refused):
    """Another mitigation is in force and neither value is safer; ``with_id`` names the one to supersede."""

    def __init__(self, with_id: str, sentence: str) -> None:
        super().__init__(sentence)
        self.with_id = with_id


class Stale(Refused):
    """It has changed since it was read, so the change is not made on an old picture."""


class KeyReused(Refused):
    """The idempotency key was used for another order before."""


class NotAllowed(Refused):
    """This person may not decide that; the sentence says who may."""


class Unsupported(Refused):
    """This control plane cannot do that. Nothing was written; the sentence says what it can do."""


class Uncertain(FirstfiveError):
    """A write was sent and its outcome is unknown: it may be in force. Reading back decides."""


class Unavailable(FirstfiveError):
    """The other side is busy or down; ask again after ``retry_after``."""

    def __init__(self, sentence: str, retry_after: timedelta = timedelta(seconds=1)) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


class Misconfigured(FirstfiveError):
    """Settings, catalogue, runbooks or templates are wrong; the message names file and line where there is one."""
