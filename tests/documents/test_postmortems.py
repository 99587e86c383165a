"""The postmortem as a document: the same facts in Markdown and HTML, and strangers' words harmless in both."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bot.documents.postmortems import JinjaRenderer, embedded, markdown_text
from bot.incident.facts.closing import ReviewWritten
from bot.incident.facts.declaring import Declared
from bot.incident.facts.people import NoteAdded
from bot.incident.model import Person
from bot.incident.postmortem import REVIEW_QUESTIONS, Postmortem, Section
from bot.incident.review import draft
from bot.incident.summary import worst_first
from bot.incident.timeline import Event, Fact
from tests.incident import stories
from tests.incident.stories import ANA, BEN, WHOLE, told
from tests.taxonomies import TAXONOMY

NOW = stories.DECLARED_AT + timedelta(hours=3)
HOSTILE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "&lt;b&gt; &amp;",
    "**bold** _it_ `code` [x](javascript:alert(1)) ![y](http://tracker.example/p.png)",
    "| a | b |",
    "# Heading",
    "- - list",
    "1. first",
    "<!channel> @here <@U01ANA>",
    "}} {{ 7*7 }} {% raw %}",
    "---\n## Timeline (UTC)\n\nall is well",
    "abc\u202egnp.exe\u2066x",
    "שלום עולם مرحبا",
    "👩🏽‍🚒 🇨🇭 ﷽",
    "a\x00b\x1b[31m",
    "\\",
    "[INC-7#99]: http://elsewhere.example",
)


class Page(HTMLParser):
    """What a browser makes of a page: its tags with attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def document(facts: tuple[tuple[Person, Fact], ...] = WHOLE, title: str = stories.TITLE) -> Postmortem:
    events = told(facts)
    return draft(stories.state(events, title), events, stories.bundle(), NOW, TAXONOMY)


def hostile_story(text: str) -> Postmortem:
    """The story with ``text`` wherever strangers have a say; people's own sections stay as they were."""
    first, second = WHOLE[0], (Person("U09", text or "nobody"), NoteAdded(text, "command", BEN))
    said = first[1]
    assert isinstance(said, Declared)
    facts = ((first[0], replace(said, title=text, detection=text)), *WHOLE[1:24], second)
    return document(facts, title=text)


def test_both_forms_tell_who_agreed_how_soon_it_worked_and_what_is_left_to_do() -> None:
    for form in ("md", "html"):
        text = " ".join(in_a_browser(document(), form).text.split())
        assert "From the click to the effect" in text
        assert "delivered to 2 of 2 instances after 400 ms; observed after 2 min (31 of 31 tasks)" in text
        assert "Second persons and broken glass" in text
        assert "Broke the glass to undo Turn limit 6 on helpdesk-agent (nobody is awake)" in text
        assert "50 tasks exported to snapshot s2" in text
        assert "Find out why nobody could approve in time to undo Turn limit 6" in text.split("Actions", 1)[1]


def render(written: Postmortem, form: str) -> str:
    return JinjaRenderer().postmortem(written, form)


def in_a_browser(written: Postmortem, form: str) -> Page:
    text = render(written, form)
    return Page(text if form == "html" else MarkdownIt("commonmark").enable("table").render(text))


@pytest.mark.parametrize("form", ["md", "html"])
def test_the_whole_story_is_told_in_order(form: str) -> None:
    text = in_a_browser(document(), form).text
    headings = (
        "Summary",
        "Impact",
        "Detection",
        "Classification story",
        "Mitigations and their proof",
        "Contributing factors",
        "Monitoring gap",
        "Actions",
        "Timeline (UTC)",
        "Evidence at the declaration",
    )
    places = [text.index(f"\n{heading}\n") for heading in headings]
    assert places == sorted(places)
    assert "No gaps are open." in text
    assert "QUAL: silent quality degradation" in text
    assert "Missing: other did not answer" in text


@pytest.mark.parametrize("form", ["md", "html"])
def test_every_event_stands_in_the_timeline_and_every_citation_leads_to_one(form: str) -> None:
    text = in_a_browser(document(), form).text
    numbers = range(1, len(WHOLE) + 1)
    assert all(f"INC-7#{number}" in text for number in numbers)
    assert {int(number) for number in re.findall(r"INC-7#(\d+)", text)} == set(numbers)


@pytest.mark.parametrize("form", ["md", "html"])
def test_every_sentence_of_the_document_is_in_the_page(form: str) -> None:
    written = document()
    text = " ".join(in_a_browser(written, form).text.split())
    for said in (*written.sections.values(), written.classification_story, written.mitigations):
        for statement in said:
            assert " ".join(statement.text.split()) in text


@pytest.mark.parametrize("form", ["md", "html"])
def test_gaps_are_asked_and_not_hidden(form: str) -> None:
    text = in_a_browser(document(WHOLE[:1]), form).text
    assert text.count("TODO(human):") == 4
    assert "4 gaps are open" in text
    for section in (Section.MONITORING_GAP, Section.ACTIONS, Section.CONTRIBUTING_FACTORS, Section.IMPACT):
        assert REVIEW_QUESTIONS[section] in text
    assert "not classified" in text
    assert "not resolved" in text


@pytest.mark.parametrize("form", ["md", "html"])
def test_what_people_wrote_stands_in_its_section(form: str) -> None:
    text = in_a_browser(document(), form).text
    for section in Section:
        assert f"What people say about {section.value}." in text
    assert "TODO(human)" not in text


@pytest.mark.parametrize("text", HOSTILE)
def test_html_shows_strangers_words_and_does_nothing_with_them(text: str) -> None:
    ordinary, page = in_a_browser(document(WHOLE[:25]), "html"), in_a_browser(hostile_story(text), "html")
    assert {tag for tag, _ in page.tags} == {tag for tag, _ in ordinary.tags}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", page.text)


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_strangers_words_and_does_nothing_with_them(text: str) -> None:
    ordinary, page = in_a_browser(document(WHOLE[:25]), "md"), in_a_browser(hostile_story(text), "md")
    assert [tag for tag, _ in page.tags if tag in {"h1", "h2", "table", "ul", "ol", "a", "img", "hr", "script"}] == [
        tag for tag, _ in ordinary.tags if tag in {"h1", "h2", "table", "ul", "ol", "a", "img", "hr", "script"}
    ]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00\x1b]", page.text)
    shown = " ".join(re.sub("[\u202a-\u202e\u2066-\u2069\x00\x1b]", "", text).split())
    assert shown in " ".join(page.text.split())


@settings(deadline=None, max_examples=60)
@given(st.text(max_size=60))
def test_markdown_shows_any_text_as_it_is(text: str) -> None:
    page = Page(MarkdownIt("commonmark").enable("table").render(f"- {markdown_text(text)}\n"))
    assert {tag for tag, _ in page.tags} <= {"ul", "li"}


@pytest.mark.parametrize("form", ["md", "html"])
def test_ten_thousand_characters_are_kept(form: str) -> None:
    long = "nonsense " * 1111
    assert long.strip() in " ".join(in_a_browser(hostile_story(long), form).text.split())


@pytest.mark.parametrize("form", ["md", "html"])
def test_people_may_not_bring_html(form: str) -> None:
    facts = (WHOLE[0], (BEN, ReviewWritten("summary", "**Two** sentences. <script>alert(1)</script>")))
    page = in_a_browser(document(facts), form)
    assert "script" not in {tag for tag, _ in page.tags}
    assert "alert(1)" in page.text


def test_people_s_markdown_stays_in_markdown() -> None:
    facts = (WHOLE[0], (BEN, ReviewWritten("actions", "- detect: alert on pass rate\n- owner: *platform*")))
    assert "- detect: alert on pass rate\n- owner: *platform*" in render(document(facts), "md")


def test_charts_stand_in_the_page_with_their_figures_in_words() -> None:
    written = document()
    pictures = {chart.name: embedded(b"<svg xmlns='http://www.w3.org/2000/svg'/>") for chart in written.charts}
    page = Page(JinjaRenderer().postmortem(written, "html", pictures))
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 2
    assert all((image["src"] or "").startswith("data:image/svg+xml;base64,") for image in images)
    assert {image["alt"] for image in images} == {chart.alt for chart in written.charts}


def test_pictures_stand_at_the_end_of_markdown_and_the_text_stays_readable() -> None:
    written = document()
    pictures = {chart.name: f"https://pages.example/{chart.name}.svg" for chart in written.charts}
    markdown = JinjaRenderer().postmortem(written, "md", pictures)
    assert markdown.endswith(
        "\n\n[chart-course]: https://pages.example/course.svg\n\n[chart-shares]: https://pages.example/shares.svg\n"
    )
    images = [attributes for tag, attributes in Page(MarkdownIt("commonmark").render(markdown)).tags if tag == "img"]
    assert {image["src"] for image in images} == set(pictures.values())


@pytest.mark.parametrize("form", ["md", "html"])
def test_a_chart_that_was_not_drawn_leaves_its_figures(form: str) -> None:
    written = document()
    text = " ".join(in_a_browser(written, form).text.split())
    for chart in written.charts:
        assert " ".join(chart.alt.split()) in text
    assert "<img" not in render(written, form)


def test_the_page_needs_nothing_from_elsewhere() -> None:
    html = render(document(), "html")
    assert "<script" not in html
    assert not re.search(r"(?:src|href)=.https?:", html)
    assert "@import" not in html


def test_a_test_incident_says_so() -> None:
    written = document()
    test = replace(written, state=replace(written.state, incident=replace(written.state.incident, test=True)))
    for form in ("md", "html"):
        assert "This was a test incident." in render(test, form)
        assert "This was a test incident." not in render(written, form)


@pytest.mark.parametrize("form", ["md", "html"])
def test_a_story_without_mitigations_says_so_and_figures_stand_worst_first(form: str) -> None:
    text = in_a_browser(document(WHOLE[:2]), form).text
    assert "No mitigation was applied." in text
    assert "No mitigation was applied." not in in_a_browser(document(), form).text
    figures = text[text.index("Evidence at the declaration") :]
    places = [figures.index(signal.label) for signal in worst_first(stories.bundle()) if signal.value is not None]
    assert places == sorted(places)


def test_without_evidence_there_is_no_table_of_figures() -> None:
    events: tuple[Event, ...] = told(WHOLE[:1])
    bare = draft(stories.state(events), events, None, NOW, TAXONOMY)
    for form in ("md", "html"):
        assert "Evidence at the declaration" not in render(bare, form)


def test_the_packaged_templates_have_no_mistake() -> None:
    assert JinjaRenderer().mistakes() == ()


def test_a_broken_template_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "postmortem.md.j2").write_text("# {{ incident.key }}\n{% if %}\n", encoding="utf-8")
    broken, missing = JinjaRenderer(tmp_path).mistakes()
    assert str(broken).startswith(f"{tmp_path}/postmortem.md.j2:2: the template cannot be used")
    assert missing.file.name == "postmortem.html.j2"


def test_a_name_with_marks_is_a_name() -> None:
    facts = ((Person("U1", "Ana | <b>Ferreira</b>"), WHOLE[0][1]), (ANA, WHOLE[3][1]))
    for form in ("md", "html"):
        assert "Ana | <b>Ferreira</b>" in in_a_browser(document(facts), form).text
