"""Every phrase that a person reads has an English translation, and none is overlooked."""

import re
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from app.web.problems import SAID, SAID_AT_DESK

ROOT = Path(__file__).parents[2]
LOCALE = ROOT / "app" / "locale"
PLACEHOLDER = re.compile(r"%\(\w+\)s")


@cache
def found() -> frozenset[str | tuple[str, ...]]:
    """The phrases in pages, letters and code, as `pybabel extract` finds them."""
    with (LOCALE / "babel.cfg").open() as mapping:
        methods, options = parse_mapping_cfg(mapping)
    every = extract_from_dir(ROOT, methods, options)
    return frozenset(message for _, _, message, _, _ in every)


@cache
def english() -> Catalog:
    with (LOCALE / "en" / "feuilleton.po").open("rb") as catalogue:
        return read_po(catalogue, locale="en")


def forms(text: str | tuple[str, ...] | list[str]) -> list[str]:
    """The singular, and the plural where there is one."""
    return [text] if isinstance(text, str) else list(text)


def placeholders(text: str | tuple[str, ...] | list[str]) -> set[str]:
    return {each for form in forms(text) for each in PLACEHOLDER.findall(form)}


def translated() -> list[Message]:
    return [message for message in english() if message.id]


def test_every_phrase_has_an_english_translation():
    done = {
        message.id if isinstance(message.id, str) else tuple(message.id)
        for message in translated()
        if all(forms(message.string)) and not message.fuzzy
    }
    assert found() - done == frozenset()


def test_no_translation_outlives_its_phrase():
    kept = {
        message.id if isinstance(message.id, str) else tuple(message.id) for message in english()
    }
    assert kept - found() == {""}
    assert not english().obsolete


def test_a_translation_keeps_its_placeholders():
    changed = [
        message.id
        for message in translated()
        if placeholders(message.id) != placeholders(message.string)
    ]
    assert changed == []


def test_the_mapping_reads_pages_letters_and_what_visitors_are_told():
    phrases = {form for phrase in found() for form in forms(phrase)}
    assert "Recevoir le cours" in phrases
    assert "Répondez simplement à ce message : je lis tout, et je réponds à chacun." in phrases
    assert "Regardez votre boîte : une lettre vous y attend." in phrases
    assert {*SAID.values(), *SAID_AT_DESK.values()} <= phrases


def test_french_is_written_with_typographic_apostrophes():
    assert [phrase for phrase in found() for form in forms(phrase) if "'" in form] == []
