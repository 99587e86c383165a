"""One incident, from /incident to the postmortem, in the browser, on the embedded default."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PICTURES, Demo, until
from tests.browser.workspace_page import WorkspacePage

MOST_CLICKS = 8
pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]


def test_a_looping_agent_is_declared_classified_contained_and_reviewed(
    demo: Demo, page: Page, phone: Page, picture: Callable[[str], None], measured: Callable[[str], None]
) -> None:
    demo.fail("loop")
    until(lambda: telemetry_says(demo) == ("LOOP", "our-prompt"), 180, "telemetry shows the loops and the new prompt")
    people = WorkspacePage(page, demo.workspace)

    to_a_class(people, picture, measured)
    tick(people, picture)
    contain(demo, people, picture)
    answer_by_private_link(demo, phone, measured)
    keep_informed(demo, people)
    resolve(people, picture)
    approve(demo, people)
    review(demo, people, page, picture)

    told = [event["kind"] for event in demo.api("incidents/INC-1/timeline")["events"]]
    for step in (
        "declared",
        "evidence_frozen",
        "room_prepared",
        "classified",
        "mitigation_applied",
        "mitigation_proven",
    ):
        assert step in told
    for step in ("role_taken", "note_added", "update_posted", "mitigation_reverted", "resolved", "postmortem_drafted"):
        assert step in told


def telemetry_says(demo: Demo) -> tuple[str | None, str]:
    found = demo.api("agents/helpdesk-agent/classification")
    return found["class"], found["cause"]


def to_a_class(people: WorkspacePage, picture: Callable[[str], None], measured: Callable[[str], None]) -> None:
    """From the command to the confirmed class, counted and timed as a hand would do it without reading."""
    people.open_channel("general")
    people.clicks, begun = 0, time.monotonic()
    people.type("/incident")
    expect(people.field("Which agent").locator("option", has_text="looks like LOOP")).to_have_count(1)
    people.fill("What is going wrong", "Helpdesk goes in circles 🔁 since lunch")
    people.choose("Which agent", "helpdesk-agent")
    picture("01-declare")
    people.submit("Declare")
    expect(people.dialog).to_contain_text("INC-1 declared")
    people.submit("Classify")
    screens = answer(people, picture)
    people.submit("Confirm LOOP")
    expect(people.dialog).to_contain_text("INC-1 is LOOP")
    seconds = time.monotonic() - begun
    measured(
        f"/incident to a confirmed class: {people.clicks} clicks (goal: at most {MOST_CLICKS}), "
        f"{screens} question screens, {seconds:.1f} s without time to read"
    )
    assert people.clicks <= MOST_CLICKS
    picture("04-confirmed")
    people.close_dialog()
    people.open_channel("inc-1-helpdesk-agent")
    expect(people.card).to_contain_text("suspected cause: our prompt")
    picture("05-classified")


def answer(people: WorkspacePage, picture: Callable[[str], None]) -> int:
    """Every question as telemetry answers it, once back and forth; how many screens there were."""
    clicks, screens = people.clicks, 1
    expect(people.dialog).to_contain_text("Question 1 of")
    people.submit("Next")
    expect(people.dialog).to_contain_text("Question 2 of")
    picture("02-question")
    went_forth = people.clicks
    people.choose("And then", "back")
    people.submit("Next")
    expect(people.dialog).to_contain_text("Question 1 of")
    expect(people.dialog).to_contain_text("answered no")
    people.submit("Next")
    expect(people.dialog).to_contain_text("Question 2 of")
    people.clicks = went_forth  # looking back is not part of the way
    assert people.clicks == clicks + 1
    while people.dialog.get_by_text("Do not").count() == 0:
        screens += 1
        expect(people.dialog).to_contain_text(re.compile(f"Question {screens} of|Do not"))
        people.submit("Next")
        expect(people.dialog).to_contain_text(re.compile(f"Question {screens + 1} of|Do not"))
    expect(people.dialog).to_contain_text("LOOP: loop without progress")
    picture("03-class")
    return screens


def tick(people: WorkspacePage, picture: Callable[[str], None]) -> None:
    runbook = people.messages().filter(has=people.page.get_by_role("button", name="Tick"))
    expect(runbook).to_have_count(1)
    expect(runbook).to_contain_text("Do not")
    runbook.get_by_role("button", name="Tick").nth(1).click()
    expect(runbook).to_contain_text("1 of ")
    expect(runbook).to_contain_text("Done: ")
    picture("05-runbook")


def answer_by_private_link(demo: Demo, phone: Page, measured: Callable[[str], None]) -> None:
    """An owner without Slack: on a phone, by keyboard, without scripts."""
    demo.post("incidents", {"title": "Seen by a customer", "agent": "helpdesk-agent"}, "ana")
    made = demo.post("incidents/INC-2/links", {"owner": "ben"}, "ana")["links"]
    phone.goto(made[0]["url"])
    taps = 0
    while phone.get_by_role("button", name="Confirm LOOP").count() == 0:
        press(phone, "Next")
        taps += 1
        assert taps <= MOST_CLICKS
    PICTURES.mkdir(parents=True, exist_ok=True)
    phone.screenshot(path=PICTURES / "06-owner-phone.png")
    press(phone, "Confirm LOOP")
    expect(phone.get_by_role("heading", level=1)).to_contain_text("INC-2 is LOOP")
    measured(f"an owner's private link to a confirmed class: {taps + 1} buttons, by keyboard, without scripts")
    assert demo.api("incidents/INC-2")["class"] == "LOOP"


def press(phone: Page, name: str) -> None:
    """A button by keyboard, and the page it leads to."""
    phone.get_by_role("button", name=name, exact=True).focus()
    with phone.expect_navigation():
        phone.keyboard.press("Enter")


def contain(demo: Demo, people: WorkspacePage, picture: Callable[[str], None]) -> None:
    assert not demo.state()["max_turns"]
    people.press("Turn limit")
    until(lambda: demo.state()["max_turns"], 5, "the agent obeys the limit")  # how fast: benchmarks/controls.py
    expect(people.card).to_contain_text("read back ✔")
    expect(people.card).to_contain_text("observed ✔", timeout=60_000)
    picture("06-proven")
    another_with_a_preview(demo, people, picture)


def another_with_a_preview(demo: Demo, people: WorkspacePage, picture: Callable[[str], None]) -> None:
    """A lever that the card has no button for: previewed, applied, proven, and undone by a second person."""
    people.press("Contain…")
    people.choose("Which one", "read-only")
    people.submit("Preview")
    expect(people.dialog).to_contain_text("In force now: turn limit")
    expect(people.dialog).to_contain_text("95 % CI")
    picture("06b-preview")
    people.submit("Apply read-only mode")
    obeyed = "helpdesk-agent agent.read_only"
    until(lambda: demo.state()["controls"].get(obeyed), 10, "the agent writes no more")
    expect(people.card).to_contain_text(
        "observed ✔ 3 of 3 tasks started since obey: no successful write", timeout=60_000
    )
    picture("06c-two-in-force")
    people.press("Undo read-only mode")
    people.submit("Ask for it")
    expect(people.card).to_contain_text("asks: undo Read-only mode")
    people.press("Approve: undo Read-only mode")
    expect(people.messages().filter(has_text="somebody else has to approve it")).to_have_count(1)
    people.act_as("Ben")
    people.press("Approve: undo Read-only mode")
    until(lambda: not demo.state()["controls"].get(obeyed), 10, "the agent writes again")
    people.act_as("Ana")
    expect(people.card).not_to_contain_text("In force, proven: Read-only mode")
    picture("06d-undone")


def keep_informed(demo: Demo, people: WorkspacePage) -> None:
    people.press("Take command")
    expect(people.card).to_contain_text("Commander: @")
    people.type("/incident note two users called back")
    people.type("/incident update We limit each task while we look at the prompt.")
    expect(people.messages().filter(has_text="Update on INC-1")).to_have_count(1)
    people.type("The branch in Lyon cannot log in at all")
    people.react("The branch in Lyon", "pushpin")
    until(lambda: "branch in Lyon" in str(demo.api("incidents/INC-1/timeline")), 10, "the pinned message is a note")


def resolve(people: WorkspacePage, picture: Callable[[str], None]) -> None:
    people.press("Resolve")
    expect(people.dialog).to_contain_text("Telemetry")
    picture("07-resolve")
    people.dialog.locator("input.bk-plain-input, textarea").first.fill(
        "Limited to ordinary length; the prompt goes back tomorrow."
    )
    people.submit("Resolve")
    expect(people.page.locator(".modal")).to_have_count(0)
    expect(people.card).to_contain_text("resolved")
    expect(people.page.locator(".file-card", has_text="postmortem")).to_have_count(1, timeout=40_000)
    picture("08-resolved")


def approve(demo: Demo, people: WorkspacePage) -> None:
    """A second person lets the agent do more again; resolving alone does not."""
    expect(people.card.get_by_role("button", name="Approve")).to_have_count(1)
    (question,) = demo.api("approvals")["approvals"]
    demo.post(f"approvals/{question['id']}/approve", {}, "ben")
    expect(people.card.get_by_role("button", name="Approve")).to_have_count(0)  # a click while it changes is lost


def review(demo: Demo, people: WorkspacePage, page: Page, picture: Callable[[str], None]) -> None:
    people.press("Postmortem")
    people.fill("onitoring gap", "A repeat monitor on tool calls; it does not exist yet.")
    people.submit("Save")
    until(lambda: "monitoring_gap" in str(demo.api("incidents/INC-1/timeline")), 10, "the gap is written")
    page.goto(f"{demo.pages}/incidents/INC-1/postmortem")
    expect(page.locator("body")).to_contain_text("TODO(human)")
    expect(page.locator("body")).to_contain_text("A repeat monitor on tool calls")
    picture("09-postmortem")
    page.goto(f"{demo.pages}/incidents/INC-1")
    expect(page.locator("body")).to_contain_text("Turn limit")
    page.wait_for_timeout(2500)
    picture("10-incident-page")
