"""Renders letters from the folders below emails/letters, in the language of the course.

A folder per letter (subject.txt, body.txt, body.html), a typed context per letter (letters.py), an
undefined name is an error, HTML is escaped and text is not, and the sandbox keeps a template from
reaching anything but its context. What a person typed is context, never template source. Addresses
nothing: `compose` puts a Letter into an envelope.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import css_inline
from jinja2 import FileSystemLoader, StrictUndefined, TemplateError, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from app.domain.errors import RenderFailed
from app.domain.tongue import Tongue
from app.mail import prose
from app.mail.letters import LetterContext
from app.mail.phrases import phrases

PLACEHOLDERS = frozenset({"first_name", "author_name", "lesson_number", "lesson_total"})
_FAULTS = (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, RecursionError)
# What a lesson's text may do: name things, and leave a passage out. No loops, no arithmetic.
_PLAIN = (nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.If)
_BLANKS = re.compile("[\x00-\x20\x7f\x85\u2028\u2029]+")
_INLINER = css_inline.CSSInliner(load_remote_stylesheets=False, keep_style_tags=False)


@dataclass(frozen=True, slots=True)
class Letter:
    """A rendered letter, not yet addressed."""

    subject: str
    text: str
    html: str


class Templates:
    """The letters of one installation. `tongues` gives the translations by language code."""

    def __init__(self, folder: Path, tongues: dict[str, Tongue]) -> None:
        self._tongues = tongues
        self._files = _environment(loader=FileSystemLoader(folder))
        self._prose_html = _environment(autoescape=True)
        self._prose_text = _environment(autoescape=False)

    def render(self, context: LetterContext, language: str) -> Letter:
        """The letter of this context. Raises RenderFailed with the template's complaint."""
        values = {each.name: getattr(context, each.name) for each in fields(context)}
        if "body_html" in values:
            # Made by fill_prose, which escaped everything that a person typed.
            values["body_html"] = Markup(values["body_html"])  # noqa: S704
        folder = str(context.kind)
        subject = _BLANKS.sub(" ", self._fill(f"{folder}/subject.txt", values, language)).strip(" ")
        if not subject:
            raise RenderFailed(f"the letter {folder} has no subject")
        return Letter(
            subject=subject,
            text=self._fill(f"{folder}/body.txt", values, language).strip() + "\n",
            html=_INLINER.inline(self._fill(f"{folder}/body.html", values, language)),
        )

    def fill_prose(self, markdown: str, values: dict[str, Any]) -> tuple[str, str]:
        """A Version's Markdown as (HTML, text), its placeholders filled in. Raises RenderFailed.

        The Markdown is turned first and filled afterwards, so that a name cannot become markup.
        """
        try:
            html = self._prose_html.from_string(prose.to_html(markdown)).render(values)
            text = self._prose_text.from_string(prose.to_text(markdown)).render(values)
        except _FAULTS as fault:
            raise RenderFailed(f"the lesson's text: {fault}") from fault
        return html, text

    def complaint(self, markdown: str) -> str | None:
        """What is wrong with the placeholders of a lesson's Markdown, or None."""
        try:
            tree = self._prose_html.parse(prose.to_html(markdown))
        except TemplateError as fault:
            return f"a placeholder is broken ({fault.message})"
        except RecursionError:
            return "a placeholder is nested too deeply"
        odd = next((node for node in _nodes(tree) if not isinstance(node, _PLAIN)), None)
        if odd:
            return "write {{ name }} or {% if name %} … {% endif %}, and nothing else in braces"
        unknown = sorted(meta.find_undeclared_variables(tree) - PLACEHOLDERS)
        if unknown:
            known = ", ".join(sorted(PLACEHOLDERS))
            return f"unknown placeholder {unknown[0]!r}; known are {known}"
        return None

    def _fill(self, name: str, values: dict[str, Any], language: str) -> str:
        spoken = language if language in self._tongues else "fr"
        template = self._files.get_template(name)
        try:
            return template.render(values | phrases(self._tongues[spoken], spoken))
        except _FAULTS as fault:
            raise RenderFailed(f"{name}: {fault}") from fault


def _environment(
    *, loader: FileSystemLoader | None = None, autoescape: bool | None = None
) -> ImmutableSandboxedEnvironment:
    return ImmutableSandboxedEnvironment(
        loader=loader,
        autoescape=_is_html if autoescape is None else autoescape,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _nodes(tree: nodes.Template) -> Iterator[nodes.Node]:
    yield tree
    yield from tree.find_all(nodes.Node)


def _is_html(name: str | None) -> bool:
    return name is not None and name.endswith(".html")
