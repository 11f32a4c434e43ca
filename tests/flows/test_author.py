"""Publishing a course, and deciding about letters that wait for a word."""

import pytest

from app.db import courses, deliveries
from app.db.courses import LessonState
from app.domain.course import read_course
from app.domain.delivery import State
from app.domain.errors import TransitionForbidden
from app.flows import author
from app.wiring import COURSES
from tests.town import CAMILLE, Town


def mensonges() -> dict[str, str]:
    return author.read_folder(COURSES / "mensonges")


async def publish(town: Town, files: dict[str, str]) -> author.Import:
    async with town.parts.database.writing() as session:
        return await author.publish(session, read_course(files), now=town.clock())


async def unknown_lesson(town: Town) -> int:
    """Lesson 2 of Camille, lost after the final dot."""
    await town.becomes_a_learner()
    town.relay.at_dot[CAMILLE] = "cut"
    await town.days_pass(1)
    town.relay.at_dot.clear()
    enrollment = await town.enrollment()
    async with town.parts.database.reading() as session:
        lost = (await deliveries.lessons_so_far(session, enrollment.id))[-1]
    assert lost.state is State.UNKNOWN
    return lost.id


def test_the_course_in_the_repository_has_nothing_to_mend(course_templates):
    draft, findings = author.check(mensonges(), course_templates)
    assert findings == []
    assert len(draft.lessons) == 7


def test_an_unknown_placeholder_is_refused_before_it_can_hold_letters(course_templates):
    files = mensonges()
    name = sorted(files)[0]
    files[name] += "\nBonjour {{ prenom }}.\n"
    _, findings = author.check(files, course_templates)
    assert [finding.grave for finding in findings] == [True]
    assert "'prenom'" in findings[0].remedy


async def test_publishing_the_same_files_again_changes_nothing(town: Town):
    done = await publish(town, mensonges())
    assert (len(done.unchanged), done.new, done.changed, done.withdrawn) == (7, [], [], [])


async def test_a_changed_text_reaches_those_who_are_still_to_receive_it(town: Town):
    await town.becomes_a_learner()
    files = mensonges()
    name = next(name for name in files if name.startswith("02"))
    files[name] += "\nUne phrase ajoutée.\n"
    done = await publish(town, files)
    assert len(done.changed) == 1
    await town.days_pass(1)
    assert "Une phrase ajoutée." in town.mailbox()[-1].text
    async with town.parts.database.reading() as session:
        (_, second, *_) = await courses.lessons_of(session, 1)
        newest = await courses.newest_version(session, second.id)
    assert newest is not None
    assert newest.number == 2


async def test_the_learners_of_a_withdrawn_lesson_move_on(town: Town):
    await town.becomes_a_learner()
    files = mensonges()
    del files[next(name for name in files if name.startswith("02"))]
    done = await publish(town, files)
    assert len(done.withdrawn) == 1
    async with town.parts.database.reading() as session:
        states = [lesson.state for lesson in await courses.lessons_of(session, 1)]
    assert states.count(LessonState.WITHDRAWN) == 1
    await town.days_pass(3)
    second = town.mailbox()[2]
    assert "Leçon 2 sur 6" in second.text
    assert "Tout se passe en ligne" in second.text


async def test_an_unknown_lesson_taken_as_sent_lets_the_course_go_on(town: Town):
    lost = await unknown_lesson(town)
    async with town.parts.database.writing() as session:
        await author.take_as_sent(session, lost, now=town.clock(), here=town.parts.here)
    await town.days_pass(3)
    assert "Leçon 3" in town.mailbox()[2].text


async def test_an_unknown_lesson_sent_again_has_the_same_message_id(town: Town):
    lost = await unknown_lesson(town)
    async with town.parts.database.writing() as session:
        delivery = await author.release(session, lost, now=town.clock())
    await town.mail_goes_out()
    assert town.mailbox()[-1].message["Message-ID"] == f"<{delivery.message_id}>"


async def test_a_lesson_given_up_is_passed_over(town: Town):
    lost = await unknown_lesson(town)
    async with town.parts.database.writing() as session:
        await author.give_up(session, lost, now=town.clock(), here=town.parts.here)
    await town.days_pass(3)
    assert "Leçon 3" in town.mailbox()[2].text


async def test_what_has_arrived_cannot_be_decided_about(town: Town):
    await town.becomes_a_learner()
    async with town.parts.database.writing() as session:
        for decide in (author.release, author.give_up):
            more = {"here": town.parts.here} if decide is author.give_up else {}
            with pytest.raises(TransitionForbidden):
                await decide(session, 2, now=town.clock(), **more)
