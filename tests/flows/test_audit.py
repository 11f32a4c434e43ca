"""The audit finds nothing after honest work, and names exactly the promise that rows break."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import LargeBinary, bindparam, text

from app.db import people
from app.db.base import Instant
from app.flows import discuss, steer
from app.flows.audit import Finding, audit
from app.wiring import Parts
from tests.town import CAMILLE, Town
from tests.web.browsing import everything

NOW = datetime(2026, 11, 25, 9, 30, tzinfo=UTC)
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
CONFIRM, FIRST, SECOND, ANSWER, THIRD = 1, 2, 3, 5, 4
INSTANTS = {
    "now": NOW,
    "yesterday": NOW - timedelta(hours=20),
    "night": datetime(2026, 11, 25, 2, 0, tzinfo=UTC),
    "long_ago": NOW - 2 * HOUR,
    "soon": NOW + timedelta(minutes=10),
}


@pytest.fixture
async def story(town: Town) -> Town:
    """Camille received two lessons, wrote about the second and was answered; the third is due."""
    await town.becomes_a_learner()
    town.clock.advance(days=1)
    await town.mail_goes_out()
    await town.mail_comes_in(town.reply_to(town.mailbox()[-1], "Et les timides ?"))
    town.clock.advance(minutes=25)
    async with town.parts.database.writing() as session:
        await discuss.answer(session, 1, "Ils écrivent.", now=town.clock())
    await town.mail_goes_out()
    town.clock.advance(minutes=5)
    assert town.clock() == NOW
    return town


async def seed(parts: Parts, *statements: str) -> None:
    """Change rows behind the back of every rule. Words like :night are instants (INSTANTS)."""
    async with parts.database.writing() as session:
        for statement in statements:
            used = [name for name in INSTANTS if f":{name}" in statement]
            instants = [bindparam(name, INSTANTS[name], Instant()) for name in used]
            if ":bytes" in statement:
                instants.append(bindparam("bytes", b"", LargeBinary()))
            await session.execute(text(statement).bindparams(*instants))


async def broken(parts: Parts) -> dict[str, list[tuple[str, int, list[int]]]]:
    """The promises that are broken: of what kind, how many rows and which."""
    return {
        each.promise.name: [(seen.subject, seen.count, seen.ids) for seen in each.violations]
        for each in await audit(parts)
        if each.violations
    }


async def of(parts: Parts, name: str) -> Finding:
    return next(each for each in await audit(parts) if each.promise.name == name)


async def test_a_learners_month_breaks_no_promise(town: Town, parts: Parts):
    await town.becomes_a_learner()
    await town.days_pass(2)
    town.relay.at_rcpt[CAMILLE] = "451 4.3.0 later"
    await town.days_pass(1)
    town.relay.at_rcpt.clear()
    town.relay.at_dot[CAMILLE] = "cut"
    await town.days_pass(1)
    town.relay.at_dot.clear()
    await town.days_pass(26)
    found = await audit(parts)
    assert [each.promise.name for each in found if each.holds is not True] == []
    assert len(found) == 12


async def test_answering_breaks_no_promise(story: Town, parts: Parts):
    assert await broken(parts) == {}


LETTER = """
INSERT INTO deliveries (enrollment_id, kind, intent, priority, state, lesson_id, remark_id,
    planned_for, planned_day, due_at, ready_at, attempts, fence, created_at)
SELECT enrollment_id, kind, {intent}, priority, {state}, {lesson}, remark_id,
    planned_for, planned_day, due_at, ready_at, 0, 0, created_at
FROM deliveries WHERE id = {of}
"""
TRY = """
INSERT INTO attempts (delivery_id, number, at, outcome, phase, code, text, hop)
VALUES ({of}, 2, :now, 'accepted', 5, 250, 'ok', 'mx')
"""
SUPPRESSED = """
INSERT INTO suppressions (fingerprint, reason, created_at)
SELECT fingerprint, '{reason}', {at} FROM subscribers
"""
HALT = """
INSERT INTO instance (id, name, epoch, beat_at, halted_at, halted_because, halted_before,
    halted_before_because, resumed_at) VALUES (1, 'x', 1, :now, {values})
"""
CASES: dict[str, tuple[list[str], str, str, list[int]]] = {
    "handed over after the goodbye": (
        ["UPDATE enrollments SET standing = 'left', left_at = :yesterday"],
        "I1", "delivery", [SECOND],
    ),
    "handed over after the goodbye, before the return": (
        ["UPDATE enrollments SET left_at = :yesterday, confirmed_at = :now"],
        "I1", "delivery", [SECOND],
    ),
    "a lesson under another name": (
        [LETTER.format(intent="'lesson:2b'", state="'cancelled'", lesson="2", of=SECOND)],
        "I2", "delivery", [6],
    ),
    "sent again unasked": (
        [
            f"UPDATE attempts SET outcome = 'unknown', code = 0 WHERE delivery_id = {SECOND}",
            f"UPDATE deliveries SET fence = 2, attempts = 2 WHERE id = {SECOND}",
            TRY.format(of=SECOND),
        ],
        "I3", "delivery", [SECOND],
    ),
    "tried after it was accepted": ([TRY.format(of=SECOND)], "I3", "delivery", [SECOND]),
    "other bytes": (
        [f"INSERT INTO frozen_letters (delivery_id, wire) VALUES ({SECOND}, :bytes)"],
        "I3", "delivery", [SECOND],
    ),
    "two lessons ahead": (
        [LETTER.format(intent="'lesson:4'", state="'planned'", lesson="4", of=THIRD),
         f"UPDATE deliveries SET due_at = :now WHERE id = {THIRD + 2}"],
        "I4", "enrollment", [1],
    ),
    "planned too early": (
        [f"UPDATE deliveries SET accepted_at = :soon WHERE id = {SECOND}"],
        "I4", "delivery", [THIRD],
    ),
    "never confirmed": (
        ["UPDATE enrollments SET confirmed_at = NULL",
         "UPDATE consent_receipts SET confirmed_at = NULL"],
        "I5", "delivery", [FIRST, SECOND],
    ),
    "in the night": (
        [f"UPDATE deliveries SET first_tried_at = :night WHERE id = {SECOND}"],
        "I6", "delivery", [SECOND],
    ),
    "tried again in the night": (
        [f"UPDATE attempts SET number = 2, at = :night WHERE delivery_id = {SECOND}"],
        "I6", "delivery", [SECOND],
    ),
    "due and not taken": (
        [f"UPDATE deliveries SET ready_at = :long_ago WHERE id = {THIRD}"],
        "I7", "delivery", [THIRD],
    ),
    "in a dead hand": (
        [f"UPDATE deliveries SET state = 'in_data', lease_until = :long_ago WHERE id = {THIRD}"],
        "I7", "delivery", [THIRD],
    ),
    "the lost learner": (
        [f"DELETE FROM deliveries WHERE id = {THIRD}"],
        "I7", "enrollment", [1],
    ),
    "held for a pause that is over": (
        [f"UPDATE deliveries SET state = 'held', reason = 'paused' WHERE id = {THIRD}"],
        "I7", "delivery", [THIRD],
    ),
    "held for a queue that goes": (
        ["INSERT INTO provider_queues (name) VALUES ('orange')",
         "UPDATE deliveries SET state = 'held', reason = 'queue held: orange' "
         f"WHERE id = {THIRD}"],
        "I7", "delivery", [THIRD],
    ),
    "held for a lesson that is in order": (
        [f"UPDATE deliveries SET state = 'held', reason = 'faulty_lesson' WHERE id = {THIRD}"],
        "I7", "delivery", [THIRD],
    ),
    "never filed": (
        ["UPDATE incoming_letters SET filing = 'kept', received_at = :long_ago"],
        "I7", "incoming letter", [1],
    ),
    "suppressed for nothing": (
        [SUPPRESSED.format(reason="address_gone", at=":now")],
        "I8", "suppression", [1],
    ),
    "suppressed for what was said of us": (
        [f"UPDATE attempts SET cause = 'policy_or_reputation' WHERE delivery_id = {SECOND}",
         SUPPRESSED.format(reason="address_gone", at=":now")],
        "I8", "suppression", [1],
    ),
    "suppressed for what was said before RCPT": (
        [f"UPDATE attempts SET cause = 'address_gone', phase = 2 WHERE delivery_id = {SECOND}",
         SUPPRESSED.format(reason="address_gone", at=":now")],
        "I8", "suppression", [1],
    ),
    "written to though suppressed": (
        [SUPPRESSED.format(reason="author", at=":yesterday")],
        "I9", "delivery", [SECOND, ANSWER],
    ),
    "while halted": (
        ["DELETE FROM instance",
         HALT.format(values=":yesterday, 'went_back', NULL, NULL, NULL")],
        "I10", "delivery", [SECOND, ANSWER],
    ),
    "while it was halted": (
        ["DELETE FROM instance",
         HALT.format(values="NULL, NULL, :yesterday, 'copied', :long_ago"),
         f"UPDATE deliveries SET first_tried_at = :night, due_at = :night WHERE id = {SECOND}"],
        "I10", "delivery", [SECOND],
    ),
    "called answered": (
        [f"UPDATE deliveries SET state = 'held', reason = 'x' WHERE id = {ANSWER}"],
        "I11", "conversation", [1],
    ),
    "called on its way": (
        ["UPDATE conversations SET turn = 'answering'"],
        "I11", "conversation", [1],
    ),
    "an answer without a letter": (
        ["INSERT INTO remarks (conversation_id, voice, words, elided, written_at) "
         "VALUES (1, 'author', 'Et puis…', '', :now)"],
        "I11", "remark", [3],
    ),
    "an answer in two letters": (
        [LETTER.format(intent="'answer:x'", state="'cancelled'", lesson="2", of=ANSWER)],
        "I11", "remark", [2],
    ),
    "an answer accepted twice": ([TRY.format(of=ANSWER)], "I11", "delivery", [ANSWER]),
    "bytes that are gone": (
        ["UPDATE incoming_letters SET raw = :bytes"],
        "I11", "incoming letter", [1],
    ),
    "a mail that is in no conversation": (
        ["UPDATE remarks SET incoming_id = NULL"],
        "I11", "incoming letter", [1],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
async def test_each_broken_promise_is_named_and_no_other(story: Town, parts: Parts, case: str):
    statements, promise, subject, ids = CASES[case]
    await seed(parts, *statements)
    assert await broken(parts) == {promise: [(subject, len(ids), ids)]}


@pytest.mark.parametrize(
    ("statement", "subject"),
    [
        (f"UPDATE deliveries SET enrollment_id = 2 WHERE id = {ANSWER}", "delivery"),
        (f"UPDATE deliveries SET receipt_id = 2 WHERE id = {CONFIRM}", "delivery"),
        ("UPDATE incoming_letters SET enrollment_id = 2", "incoming letter"),
    ],
)
async def test_what_is_anothers_is_named(story: Town, parts: Parts, statement: str, subject: str):
    await story.signs_up("paul@example.fr")
    await seed(parts, "UPDATE conversations SET turn = 'closed'", statement)
    found = await of(parts, "I12")
    assert [each.subject for each in found.violations] == [subject]
    assert found.elsewhere


async def test_two_rows_of_one_intent_are_named_when_the_constraint_is_gone(
    story: Town, parts: Parts
):
    await seed(
        parts,
        "ALTER TABLE deliveries RENAME TO guarded",
        "CREATE TABLE deliveries AS SELECT * FROM guarded",
        f"INSERT INTO deliveries SELECT * FROM guarded WHERE id = {CONFIRM}",
    )
    assert await broken(parts) == {"I2": [("enrollment", 1, [1])]}


async def test_what_was_decided_may_be_sent_again(story: Town, parts: Parts):
    statements, *_ = CASES["sent again unasked"]
    ruling = (
        "INSERT INTO rulings (delivery_id, at, verdict, by, because) "
        f"VALUES ({SECOND}, :now, 'resend', 'person', '')"
    )
    await seed(parts, *statements, ruling)
    assert await broken(parts) == {}


async def test_a_worker_that_comes_back_to_its_letter_sent_it_once(story: Town, parts: Parts):
    statements, *_ = CASES["sent again unasked"]
    await seed(parts, *statements, f"UPDATE deliveries SET fence = 1 WHERE id = {SECOND}")
    assert await broken(parts) == {}


async def test_the_hand_over_that_met_a_goodbye_is_allowed(story: Town, parts: Parts):
    async def says_goodbye() -> None:
        story.clock.advance(minutes=2)
        async with parts.database.writing() as session:
            await steer.unsubscribe(session, 1, by="page", now=story.clock())
        story.clock.advance(minutes=8)

    story.clock.advance(days=2)
    story.relay.during_data = says_goodbye
    await story.mail_goes_out()
    assert len(story.mailbox()) == 5
    assert await broken(parts) == {}


async def test_who_left_and_came_back_by_a_new_consent_breaks_nothing(story: Town, parts: Parts):
    async with parts.database.writing() as session:
        await steer.unsubscribe(session, 1, by="page", now=story.clock())
    story.clock.advance(days=2)
    await story.becomes_a_learner()
    await story.days_pass(3)
    assert await broken(parts) == {}


async def test_lessons_from_before_a_move_are_not_judged_by_the_new_zone(story: Town, parts: Parts):
    async with parts.database.writing() as session:
        here, now = parts.here, story.clock()
        await steer.move_to(session, 1, "Pacific/Auckland", now=now, here=here)
    assert await broken(parts) == {}


async def test_a_suppression_with_its_evidence_breaks_nothing(story: Town, parts: Parts):
    story.relay.at_rcpt[CAMILLE] = "550 5.1.1 no such user"
    story.clock.advance(days=2)
    await story.mail_goes_out()
    async with parts.database.reading() as session:
        person = await people.subscriber(session, 1)
        assert await people.is_suppressed(session, person.fingerprint)
    assert await broken(parts) == {}


async def test_while_letters_are_halted_nothing_due_is_called_silent(story: Town, parts: Parts):
    values = ":now, 'went_back', NULL, NULL, NULL"
    await seed(parts, "DELETE FROM instance", HALT.format(values=values))
    await seed(parts, *CASES["due and not taken"][0])
    found = await of(parts, "I7")
    assert (found.holds, "halted" in (found.unjudged or "")) == (None, True)


async def test_a_halt_for_a_wrong_clock_accuses_nobody(story: Town, parts: Parts):
    values = "NULL, NULL, :yesterday, 'clock_behind', :now"
    await seed(parts, "DELETE FROM instance", HALT.format(values=values))
    assert await broken(parts) == {}


async def test_in_a_trial_hours_are_not_judged(story: Town, parts: Parts):
    await seed(parts, *CASES["in the night"][0])
    parts.here = replace(parts.here, speed=1440)
    found = await of(parts, "I6")
    assert (found.holds, found.violations) == (None, [])
    assert "1440" in (found.unjudged or "")


async def test_an_audit_changes_nothing_and_names_no_address(story: Town, parts: Parts):
    await seed(parts, *CASES["never confirmed"][0])
    before = await everything(parts)
    assert CAMILLE not in repr(await audit(parts))
    assert await everything(parts) == before


async def test_of_many_rows_the_first_are_named_and_all_counted(story: Town, parts: Parts):
    line = "INSERT INTO conversations (id, enrollment_id, lesson_id, turn, opened_at, changed_at) "
    many = [f"{line}VALUES ({n}, 1, {n - 97}, 'answered', :now, :now)" for n in range(100, 105)]
    await seed(parts, *many)
    (seen,) = (await of(parts, "I11")).violations
    assert (seen.count, seen.ids) == (5, [100, 101, 102, 103, 104])
