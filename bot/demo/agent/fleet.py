"""Who the simulated agents are: their providers, tools and kinds of task."""

import hashlib
from dataclasses import dataclass

STEP_LIMIT = 25
"""Tool calls that a task may make before the agent gives up by itself."""


@dataclass(frozen=True, slots=True)
class Tool:
    """What an agent can call, as it is declared to the model."""

    name: str
    purpose: str
    writes: bool = False
    privileged: bool = False
    destination: str | None = None
    untrusted: bool = False

    @property
    def manifest_hash(self) -> str:
        """First 16 hex digits of the SHA-256 of the declaration."""
        return hashlib.sha256(f"{self.name}\n{self.purpose}".encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class TaskKind:
    """A kind of task: its share of the traffic and the calls that settle it."""

    name: str
    weight: float
    plan: tuple[str, ...]
    subjects: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Profile:
    """One agent."""

    name: str
    provider: str
    model: str
    rate: float  # share of the fleet's tasks per minute
    kinds: tuple[TaskKind, ...]


TOOLS: dict[str, Tool] = {
    tool.name: tool
    for tool in (
        Tool("search_knowledge_base", "Find the article that answers a question."),
        Tool("lookup_user", "Read a person's directory entry."),
        Tool("check_vpn_status", "Read the state of a person's VPN session."),
        Tool("find_ticket", "Read a ticket and its state."),
        Tool("read_attachment", "Read a file that somebody attached to a ticket.", untrusted=True),
        Tool("verify_identity", "Check who is asking and open an approval."),
        Tool("reset_password", "Set a one-time password.", writes=True, privileged=True),
        Tool("grant_access", "Add a person to an access group.", writes=True, privileged=True),
        Tool("create_ticket", "Open a ticket for the second level.", writes=True),
        Tool("send_summary", "Mail the outcome.", writes=True, destination="staff.example.com"),
        Tool("transfer_to_human", "Hand the conversation to a colleague.", writes=True),
        Tool("export_directory", "Export the staff directory to an address.", privileged=True),
        Tool("get_account", "Read a customer's account."),
        Tool("get_invoice", "Read an invoice."),
        Tool("issue_credit", "Credit an amount to an account.", writes=True, privileged=True),
        Tool("get_site", "Read a site's address and access notes."),
        Tool("find_slot", "Find a free visit slot."),
        Tool("book_visit", "Book a visit.", writes=True),
    )
}

_ACCOUNTS = ("account-unlock", "one-time-password", "password-expiry", "second-factor")
_VPN = ("vpn-certificate", "vpn-split-tunnel", "vpn-client-update", "vpn-mfa-prompt")
_SOFTWARE = ("licence-pool", "group-owner", "software-centre", "contractor-access")
_HOW_TO = ("shared-mailbox", "printer-setup", "calendar-delegate", "disk-encryption")
_TICKETS = ("waiting-for-parts", "with-second-level", "scheduled", "closed")

HELPDESK = Profile(
    name="helpdesk-agent",
    provider="orion",
    model="orion-large-2",
    rate=0.8,
    kinds=(
        TaskKind(
            "password_reset",
            0.30,
            ("lookup_user", "search_knowledge_base", "verify_identity", "reset_password", "send_summary"),
            _ACCOUNTS,
        ),
        TaskKind("vpn_trouble", 0.25, ("lookup_user", "check_vpn_status", "search_knowledge_base"), _VPN),
        TaskKind(
            "access_request",
            0.15,
            ("lookup_user", "search_knowledge_base", "verify_identity", "grant_access"),
            _SOFTWARE,
        ),
        TaskKind("how_to", 0.15, ("search_knowledge_base",), _HOW_TO),
        TaskKind("ticket_status", 0.08, ("find_ticket",), _TICKETS),
        TaskKind("attachment_case", 0.07, ("find_ticket", "read_attachment", "create_ticket"), _TICKETS),
    ),
)
BILLING = Profile(
    name="billing-agent",
    provider="orion",
    model="orion-large-2",
    rate=0.13,
    kinds=(
        TaskKind("invoice_question", 0.7, ("get_account", "get_invoice"), ("due", "paid", "disputed")),
        TaskKind(
            "credit_request",
            0.3,
            ("get_account", "get_invoice", "verify_identity", "issue_credit"),
            ("goodwill", "double-charge", "returned-goods"),
        ),
    ),
)
FIELD = Profile(
    name="field-agent",
    provider="vega",
    model="vega-chat-3",
    rate=0.07,
    kinds=(
        TaskKind(
            "visit_schedule",
            1.0,
            ("get_site", "find_slot", "verify_identity", "book_visit"),
            ("monday", "tuesday", "wednesday"),
        ),
    ),
)
FLEET: tuple[Profile, ...] = (HELPDESK, BILLING, FIELD)
