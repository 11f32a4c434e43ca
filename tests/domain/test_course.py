"""Course files: what is read, and what is refused with file, line and remedy."""

from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.course import lint, read_course, read_lesson
from app.domain.errors import CourseBroken

COURSE = """
title = "Un cours"
slug = "un-cours"
language = "fr"
sender = "cours"
zone = "Europe/Paris"
window = ["07:30", "20:00"]
weekdays = ["mon", "fri"]
accent = "#2f5d62"
promise = "Une promesse."
description = "Une description."
"""
LESSON = """+++
title = "Un titre"
subject = "Un objet"
preheader = "Une phrase."
delay = "2 days"
question = "Et vous ?"
+++

Un paragraphe.
"""


def files(**changed: str) -> dict[str, str]:
    return {"course.toml": COURSE, "01-premiere.md": LESSON} | {
        name.replace("__", "-") + ".md": text for name, text in changed.items()
    }


def test_a_course_is_read_whole():
    course = read_course(files() | {"02-suite.md": LESSON})
    assert [lesson.slug for lesson in course.lessons] == ["premiere", "suite"]
    lesson = course.lessons[0]
    assert (lesson.delay, lesson.body) == (timedelta(days=2), "Un paragraphe.\n")
    assert course.window.weekdays == {0, 4}


@pytest.mark.parametrize(
    ("old", "new", "line", "remedy"),
    [
        ("+++\ntitle", "title", 1, "begins with a line +++"),
        ('"Et vous ?"\n+++', '"Et vous ?"', 1, "close the front matter"),
        ('title = "Un titre"', "title = Un titre", 2, "is not TOML"),
        ('subject = "Un objet"\n', "", 0, "subject is missing"),
        ("Un objet", "Un\\nobjet", 0, "subject must be one line"),
        ("2 days", "two days", 0, "delay reads"),
    ],
)
def test_a_broken_lesson_is_refused_with_line_and_remedy(old, new, line, remedy):
    assert old in LESSON
    with pytest.raises(CourseBroken) as refusal:
        read_lesson("01-premiere.md", LESSON.replace(old, new))
    assert refusal.value.file == "01-premiere.md"
    assert refusal.value.line == line
    assert remedy in refusal.value.remedy


@pytest.mark.parametrize(
    ("old", "new", "remedy"),
    [
        ("Europe/Paris", "Europe/Atlantis", "zone"),
        ("07:30", "21:30", "window"),
        ("07:30", "07:30Z", "window"),
        ("mon", "lundi", "weekdays"),
        ('["mon", "fri"]', "[]", "weekdays"),
        ("#2f5d62", "green", "accent"),
        ('"un-cours"', '"Un cours"', "slug"),
        ('sender = "cours"', 'sender = "a@b.fr"', "sender"),
        ("language", "# language", "language is missing"),
    ],
)
def test_a_broken_course_file_names_what_is_wrong(old, new, remedy):
    with pytest.raises(CourseBroken, match=remedy):
        read_course(files() | {"course.toml": COURSE.replace(old, new)})


def test_two_lessons_cannot_have_one_place_or_one_name():
    with pytest.raises(CourseBroken, match="same number"):
        read_course(files() | {"01-seconde.md": LESSON})
    with pytest.raises(CourseBroken, match="same name"):
        read_course(files() | {"02-premiere.md": LESSON})


def test_a_course_needs_its_file_and_a_lesson():
    with pytest.raises(CourseBroken, match="is missing"):
        read_course({"01-premiere.md": LESSON})
    with pytest.raises(CourseBroken, match="no lessons"):
        read_course({"course.toml": COURSE})
    with pytest.raises(CourseBroken, match="name it like"):
        read_course(files() | {"premiere.md": LESSON})


def test_a_lesson_of_a_megabyte_is_no_letter():
    with pytest.raises(CourseBroken, match="larger than"):
        read_lesson("01-premiere.md", LESSON + "mot " * 300_000)


@pytest.mark.parametrize(
    ("line", "remedy"),
    [
        ("![une image](https://x.fr/i.png)", "images"),
        ("<div>du HTML</div>", "HTML"),
        ("[un lien](http://x.fr)", "https"),
        ("[un lien](javascript:alert(1))", "https"),
    ],
)
def test_what_a_letter_cannot_carry_is_found_on_its_line(line, remedy):
    course = read_course(files() | {"01-premiere.md": LESSON + "\n" + line + "\n"})
    found = [finding for finding in lint(course) if finding.grave]
    assert [finding.line for finding in found] == [11]
    assert remedy in found[0].remedy


def test_a_good_lesson_has_nothing_to_mend():
    text = LESSON.replace("2 days", "0 days") + "mot " * 500
    assert list(lint(read_course(files() | {"01-premiere.md": text}))) == []


def test_the_same_text_has_the_same_digest_whatever_its_delay():
    one = read_lesson("01-a.md", LESSON)
    assert one.digest == read_lesson("02-b.md", LESSON.replace("2 days", "9 days")).digest
    assert one.digest != read_lesson("01-a.md", LESSON.replace("Et vous", "Et toi")).digest


@given(st.text())
def test_no_text_breaks_the_reader(text):
    with suppress(CourseBroken):
        read_lesson("01-x.md", text)
