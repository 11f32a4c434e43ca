"""Every letter, rendered from its sample: whole, in both languages, and safe whatever was typed."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from app.domain.errors import RenderFailed
from app.mail.letters import ALL_CONTEXTS, AnswerContext, LessonContext, LetterContext
from app.mail.templates import PLACEHOLDERS, Templates
from app.wiring import LETTERS

LANGUAGES = ("fr", "en")
VALUES = dict.fromkeys(PLACEHOLDERS, "x")
PAYLOAD = "<script>alert(1)</script> {{ 7*7 }} {% if %}"


class Outline(HTMLParser):
    """The links, the tags and the visible words of an HTML letter."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")


@pytest.fixture(params=ALL_CONTEXTS, ids=lambda context: context.kind)
def context(request: pytest.FixtureRequest) -> LetterContext:
    return request.param.sample()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_letter_renders_whole(course_templates: Templates, context, language):
    letter = course_templates.render(context, language)
    for part in (letter.subject, letter.text, letter.html):
        assert part.strip()
        assert not re.search(r"\{\{|\}\}|\{%|%\(", part)
    assert f'lang="{language}"' in letter.html
    assert len(letter.subject) <= 60


def test_the_english_letters_are_english(course_templates: Templates, context):
    letter = course_templates.render(context, "en")
    written = (line for line in letter.text.splitlines() if not line.startswith(">"))
    assert not re.search("Bonjour|Répondez|Vous recevez|a écrit", "\n".join(written))


def test_the_text_has_every_link_of_the_html(course_templates: Templates, context):
    letter = course_templates.render(context, "fr")
    assert [link for link in Outline(letter.html).links if link not in letter.text] == []


def test_the_essential_style_stands_in_the_elements(course_templates: Templates, context):
    letter = course_templates.render(context, "fr")
    for block in re.findall(r"<style[^>]*>(.*?)</style>", letter.html, re.DOTALL):
        assert block.strip().startswith("@media")
    for tag, attributes in Outline(letter.html).tags:
        if tag == "table":
            assert attributes["role"] == "presentation"
        assert tag not in ("script", "img", "form", "svg", "video")


def test_a_letter_is_light(course_templates: Templates, context):
    assert len(course_templates.render(context, "fr").html.encode()) < 80_000


def test_what_a_learner_wrote_stays_words(course_templates: Templates):
    letter = course_templates.render(replace(AnswerContext.sample(), quoted=PAYLOAD), "fr")
    assert f"> {PAYLOAD}" in letter.text
    assert "<script>" not in letter.html
    assert "{{ 7*7 }}" in letter.html


def test_an_answer_keeps_its_paragraphs_and_lines(course_templates: Templates):
    context = replace(AnswerContext.sample(), words="Un.\nDeux.\n\nTrois <b>.")
    letter = course_templates.render(context, "fr")
    assert letter.text.startswith("Un.\nDeux.\n\nTrois <b>.\n")
    assert "Un.<br>Deux.</p>" in letter.html
    assert "Trois &lt;b&gt;." in letter.html


def test_a_lesson_greets_by_name_or_gracefully_without(course_templates: Templates):
    sample = LessonContext.sample()
    assert "Bonjour Camille," in course_templates.render(sample, "fr").text
    without = course_templates.render(replace(sample, first_name=""), "fr").text
    assert "Bonjour,\n" in without


def test_the_last_lesson_announces_none(course_templates: Templates):
    last = replace(LessonContext.sample(), next_title="", next_day=None)
    text = course_templates.render(last, "fr").text
    assert "La prochaine leçon" not in text
    assert "C’était la dernière leçon." in text


def test_a_name_in_a_lesson_is_no_markup(course_templates: Templates):
    values = VALUES | {"first_name": "<b>*x*"}
    html, text = course_templates.fill_prose("Bonjour {{ first_name }}.", values)
    assert "&lt;b&gt;*x*" in html
    assert text == "Bonjour <b>*x*."


BROKEN = [
    "{{ nobody }}",
    "{{ first_name",
    "{% for %}",
    "{{ first_name.__class__.mro() }}",
    "{{ 1/0 }}",
    "{{ 'x' * 9 }}",
    "{% for x in first_name %}x{% endfor %}",
    "{% set x = 1 %}",
]


@pytest.mark.parametrize("body", BROKEN)
def test_a_placeholder_that_is_none_is_refused_when_publishing(course_templates: Templates, body):
    assert course_templates.complaint(f"Bonjour.\n\n{body}\n")


@pytest.mark.parametrize("body", BROKEN[:5])
def test_a_lesson_that_cannot_be_rendered_says_why(course_templates: Templates, body):
    with pytest.raises(RenderFailed, match="the lesson's text"):
        course_templates.fill_prose(body, VALUES)


def test_a_lesson_may_name_and_leave_out(course_templates: Templates):
    body = "Bonjour{% if first_name %} {{ first_name }}{% endif %}."
    assert course_templates.complaint(body) is None
    without = course_templates.fill_prose(body, VALUES | {"first_name": ""})
    assert without[1] == "Bonjour."


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("## Titre", "— Titre"),
        ("Un *mot* et\nun autre.", "Un _mot_ et un autre."),
        ("Un [lien](https://x.test/a).", "Un lien (https://x.test/a)."),
        ("- un\n- deux", "• un\n\n• deux"),
        ("1. un\n2. deux", "1. un\n\n2. deux"),
        ("> cité", "> cité"),
        ("<b>gras</b>", "<b>gras</b>"),
    ],
)
def test_markdown_becomes_real_text(course_templates: Templates, markdown, text):
    assert course_templates.fill_prose(markdown, VALUES)[1] == text


def test_every_folder_of_letters_has_its_context():
    folders = {path.name for path in LETTERS.iterdir() if path.is_dir()}
    assert folders == {str(context.kind) for context in ALL_CONTEXTS}
