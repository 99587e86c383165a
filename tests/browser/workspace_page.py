"""The local workspace as people use it: channels, the composer, dialogs, buttons."""

from playwright.sync_api import Locator, Page, expect

PATIENCE = 15_000  # milliseconds


class WorkspacePage:
    """One person at the workspace's window."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.clicks = 0  # what a hand does: opening a menu and choosing from it are two
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page.goto(url)

    def open_channel(self, name: str) -> None:
        """Click a channel in the sidebar; part of its name is enough."""
        self.clicks += 1
        self.page.locator(".sidebar-item", has_text=name).first.click()

    def type(self, text: str) -> None:
        """Say something, or type a command, in the open channel."""
        composer = self.page.locator("textarea.composer-input").first
        composer.fill(text)
        composer.press("Enter")

    @property
    def dialog(self) -> Locator:
        """The dialog on top."""
        return self.page.locator(".modal").last

    def field(self, label: str) -> Locator:
        """An input of the dialog by its label."""
        return self.dialog.locator(".bk-input", has_text=label).first

    def fill(self, label: str, text: str) -> None:
        """Type into a field."""
        self.field(label).locator("input.bk-plain-input, textarea").first.fill(text)

    def choose(self, label: str, value: str) -> None:
        """Choose an option by its value."""
        self.clicks += 2
        self.field(label).locator("select").select_option(value=value)

    def submit(self, name: str) -> None:
        """Press the dialog's coloured button."""
        self.clicks += 1
        self.dialog.get_by_role("button", name=name).click()

    def close_dialog(self) -> None:
        """Close the dialog."""
        self.clicks += 1
        self.dialog.locator(".modal-x").click()
        expect(self.page.locator(".modal")).to_have_count(0)

    @property
    def card(self) -> Locator:
        """The first message of the open channel: the incident card."""
        return self.page.locator(".messages .msg").first

    def press(self, name: str) -> None:
        """Press a button of the card."""
        self.clicks += 1
        self.card.get_by_role("button", name=name).first.click()

    def act_as(self, name: str) -> None:
        """Become another person of the workspace."""
        people = self.page.locator("select").filter(has=self.page.locator("option", has_text=name)).first
        people.select_option(label=people.locator("option", has_text=name).first.inner_text())

    def messages(self) -> Locator:
        """All messages of the open channel."""
        return self.page.locator(".messages .msg")

    def react(self, text: str, emoji: str) -> None:
        """Put an emoji, by its name, on the message that says ``text``."""
        message = self.messages().filter(has_text=text).last
        message.hover()
        message.get_by_title("Add reaction").click()
        name = self.page.locator(".emoji-custom-input")
        name.fill(emoji)
        name.press("Enter")
