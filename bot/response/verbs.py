"""All verbs in one value, as the edges are given them."""

from dataclasses import dataclass

from bot.incident.rules import Taxonomy
from bot.response.answering import SendAnswer
from bot.response.classify import Classify
from bot.response.contain import Contain, InForce
from bot.response.declare import Declare
from bot.response.evaluate import EvaluateVersion
from bot.response.gather import Gather
from bot.response.invite import Invite
from bot.response.look import Look
from bot.response.loosen import Adjust, Extend, PlanExit, Revert
from bot.response.mitigate import Apply, Offers
from bot.response.preview import PreviewOrder
from bot.response.remediate import Remediate
from bot.response.resolve import LookAhead, Resolve
from bot.response.review import AcceptReview, DraftPostmortem, WriteSection
from bot.response.runbooks import PullStep, ReadRunbook, TickStep
from bot.response.second_person import Decide
from bot.response.suggest import Suggest
from bot.response.update import AddNote, ChangeSeverity, DraftUpdate, PostUpdate, TakeRole
from bot.response.weigh_remediation import WeighRemediation


@dataclass(frozen=True, slots=True)
class Verbs:
    """What can be done, in the order of an incident."""

    declare: Declare
    look: Look
    gather: Gather
    suggest: Suggest
    classify: Classify
    answer: SendAnswer
    invite: Invite
    offers: Offers
    preview: PreviewOrder
    apply: Apply
    revert: Revert
    extend: Extend
    adjust: Adjust
    plan_exit: PlanExit
    decide: Decide
    contain: Contain
    in_force: InForce
    note: AddNote
    update: PostUpdate
    draft_update: DraftUpdate
    take_role: TakeRole
    change_severity: ChangeSeverity
    outlook: LookAhead
    resolve: Resolve
    postmortem: DraftPostmortem
    write_section: WriteSection
    accept_review: AcceptReview
    runbook: ReadRunbook
    tick: TickStep
    pull: PullStep
    remediations: WeighRemediation
    remediate: Remediate
    evaluate: EvaluateVersion

    @property
    def taxonomy(self) -> Taxonomy:
        """The classes and questions that everything goes by."""
        return self.suggest.taxonomy
