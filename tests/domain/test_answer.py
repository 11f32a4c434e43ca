"""What each answer means for the letter, the person, the provider and the lesson."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.answer import Cause, Effect, cause_of_report, weigh
from app.domain.delivery import Event, Phase, Reply
from app.domain.meaning import MEANINGS, PERSONAL, effect_of
from app.domain.refusal import Reason

CONNECT, HELLO, SENDER, RECIPIENT, DATA, DOT = Phase
BEFORE_RECIPIENT = (CONNECT, HELLO, SENDER)
OF_A_PERSON = {MEANINGS[cause].effect for cause in PERSONAL}

words = st.sampled_from([
    "", "user unknown", "no such user", "mailbox full", "account disabled", "domain not found",
    "blocked using spamhaus", "too many connections", "relay access denied", "SPF fail", "spam",
    "message too large", "try again later", "greylisted", "too many hops", "OFR_506", "[TSS04]",
    "destinataire invalide", "sender address rejected", "over quota", "nothing to say",
])  # fmt: skip
statuses = st.one_of(
    st.just(""),
    st.builds("{}.{}.{} ".format, st.sampled_from("245"), st.integers(0, 7), st.integers(0, 35)),
    st.sampled_from([f"5.{detail} " for detail in ("1.1", "1.3", "1.6", "1.10", "7.17", "7.18")]),
    st.sampled_from(["5.7.509 ", "5.7.515 ", "5.7.606 "]),
)
texts = st.one_of(st.builds("{}{}".format, statuses, words), st.text())
codes = st.one_of(st.sampled_from([0, 421, 450, 452, 550, 552, 553, 554, 556]), st.integers(0, 999))
replies = st.builds(Reply, st.sampled_from(Phase), codes, texts)


@pytest.mark.parametrize(
    ("phase", "code", "event"),
    [
        (RECIPIENT, 450, Event.DEFER),
        (RECIPIENT, 550, Event.REJECT),
        (RECIPIENT, 0, Event.DEFER),
        (DATA, 0, Event.DEFER),
        (DATA, 451, Event.DEFER),
        (DATA, 554, Event.REJECT),
        (DOT, 250, Event.ACCEPT),
        (DOT, 421, Event.DEFER),
        (DOT, 451, Event.DEFER),
        (DOT, 550, Event.REJECT),
        (DOT, 0, Event.LOSE),
        (DOT, 354, Event.LOSE),
        (DOT, 150, Event.LOSE),
    ],
)
def test_an_answer_without_words_means_what_its_phase_and_code_say(phase, code, event):
    assert weigh(Reply(phase, code, "")).event is event


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("550 5.1.1 <a@b.fr>: user unknown", Cause.ADDRESS_GONE),
        ("550 5.1.1", Cause.ADDRESS_GONE),
        ("550 5.1.3 bad destination", Cause.ADDRESS_GONE),
        ("550 5.1.6 mailbox has moved", Cause.ADDRESS_GONE),
        ("556 5.1.10 recipient address has null MX", Cause.ADDRESS_GONE),
        ("556 domain does not accept mail", Cause.ADDRESS_GONE),
        ("550 5.7.17 mailbox owner has changed", Cause.ADDRESS_GONE),
        ("551 5.7.18 domain owner has changed", Cause.ADDRESS_GONE),
        ("550 5.1.1 Adresse d au moins un destinataire invalide. OFR_416", Cause.ADDRESS_GONE),
        ("550 5.5.0 Requested action not taken: mailbox unavailable", Cause.ADDRESS_GONE),
        ("550 5.1.2 bad destination system", Cause.DOMAIN_GONE),
        ("550 5.4.4 unable to route", Cause.DOMAIN_GONE),
        ("550 5.2.1 mailbox disabled", Cause.MAILBOX_DISABLED),
        ("525 5.7.13 user account disabled", Cause.MAILBOX_DISABLED),
        ("552 5.2.2 over quota", Cause.FULL),
        ("452 4.2.2 over quota", Cause.FULL),
        ("452 4.3.1 insufficient storage", Cause.FULL),
        ("452 later", Cause.FULL),
        ("552 no", Cause.FULL),
        ("421 service not available", Cause.RATE),
        ("451 4.7.650 temporarily rate limited", Cause.RATE),
        ("421 4.7.0 [TSS04] deferred", Cause.RATE),
        ("421 mwinf5c OFR004_104 Too many connections", Cause.RATE),
        ("450 RP-001 throttled", Cause.RATE),
        ("550 5.4.5 Daily user sending quota exceeded", Cause.RATE),
        ("550 5.7.1 refused", Cause.POLICY_OR_REPUTATION),
        ("550 5.7.606 banned sending IP", Cause.POLICY_OR_REPUTATION),
        ("550 5.7.28 unusual rate of mail", Cause.POLICY_OR_REPUTATION),
        ("554 blocked using zen.spamhaus.org", Cause.POLICY_OR_REPUTATION),
        ("550 5.1.1 blocked, see spamhaus", Cause.POLICY_OR_REPUTATION),
        ("550 rejected as spam", Cause.POLICY_OR_REPUTATION),
        ("550 5.7.515 domain fails authentication", Cause.CONFIGURATION),
        ("550 5.7.26 fails DMARC", Cause.CONFIGURATION),
        ("550 5.7.25 no PTR", Cause.CONFIGURATION),
        ("550 5.1.8 sender domain not found", Cause.CONFIGURATION),
        ("530 5.5.1 authentication required", Cause.CONFIGURATION),
        ("535 bad credentials", Cause.CONFIGURATION),
        ("553 5.6.7 no SMTPUTF8", Cause.UNSUPPORTED_ADDRESS),
        ("552 5.3.4 message too big", Cause.CONTENT),
        ("503 bad sequence", Cause.CONTENT),
        ("554 5.4.6 routing loop", Cause.LOOP),
        ("554 5.4.0 too many hops", Cause.LOOP),
        ("550 5.3.2 system not accepting", Cause.SYSTEM),
        ("450 4.7.1 greylisted, come back", Cause.TEMPORARY),
        ("421 4.4.2 idle too long", Cause.TEMPORARY),
        ("450 4.1.1 unavailable", Cause.TEMPORARY),
        ("550 no such user here", Cause.ADDRESS_GONE),
        ("550 destinataire invalide", Cause.ADDRESS_GONE),
        ("550 not today", Cause.BARE_REFUSAL),
        ("550 5.0.0 not today", Cause.BARE_REFUSAL),
        ("554 no such user here", Cause.BARE_REFUSAL),
        ("550 5.4.1 Recipient address rejected: Access denied.", Cause.BARE_REFUSAL),
        ("550 5.5.1 user unknown", Cause.BARE_REFUSAL),
        ("550 5.1.1 access denied", Cause.BARE_REFUSAL),
        ("550 4.1.1 no such user", Cause.BARE_REFUSAL),
        ("550 4.7.17 odd", Cause.SYSTEM),
        ("550 refused 5.1.1.7", Cause.BARE_REFUSAL),
        ("550 <stop@quota-exceeded.fr> no", Cause.BARE_REFUSAL),
    ],
)
def test_a_refusal_of_the_recipient_has_the_cause_that_the_standard_gives_it(text, cause):
    code, said = text[:3], text[4:]
    assert weigh(Reply(RECIPIENT, int(code), said)).cause is cause


@pytest.mark.parametrize(
    ("cause", "event", "effect"),
    [
        (Cause.ADDRESS_GONE, Event.REJECT, Effect.SUPPRESS),
        (Cause.DOMAIN_GONE, Event.REJECT, Effect.COUNT_DOMAIN_GONE),
        (Cause.MAILBOX_DISABLED, Event.REJECT, Effect.COUNT_DISABLED),
        (Cause.FULL, Event.DEFER, Effect.COUNT_FULL),
        (Cause.BARE_REFUSAL, Event.REJECT, Effect.COUNT_BARE),
        (Cause.RATE, Event.DEFER, Effect.SLOW_PROVIDER),
        (Cause.POLICY_OR_REPUTATION, Event.DEFER, Effect.HOLD_PROVIDER),
        (Cause.CONFIGURATION, Event.DEFER, Effect.HOLD_PROVIDER),
        (Cause.CONTENT, Event.REJECT, Effect.FAULT_LESSON),
        (Cause.LOOP, Event.DEFER, Effect.HOLD_LETTER),
    ],
)
def test_a_cause_decides_about_the_letter_and_about_others(cause, event, effect):
    assert (MEANINGS[cause].event, MEANINGS[cause].effect) == (event, effect)


@pytest.mark.parametrize(
    ("text", "cause", "effect"),
    [
        ("550 no", Cause.CONTENT, Effect.FAULT_LESSON),
        ("554 5.6.0 bad MIME", Cause.CONTENT, Effect.FAULT_LESSON),
        ("550 5.5.2 line too long", Cause.CONTENT, Effect.FAULT_LESSON),
        ("554 this looks like spam", Cause.CONTENT, Effect.FAULT_LESSON),
        ("552 message size exceeds limit", Cause.CONTENT, Effect.FAULT_LESSON),
        ("550 5.7.1 unsolicited", Cause.POLICY_OR_REPUTATION, Effect.HOLD_PROVIDER),
        ("550 5.1.1 user unknown", Cause.ADDRESS_GONE, Effect.COUNT_BARE),
        ("552 5.2.2 over quota", Cause.FULL, Effect.COUNT_FULL),
        ("421 closing", Cause.RATE, Effect.SLOW_PROVIDER),
    ],
)
def test_a_refusal_after_the_dot_speaks_of_the_content_first(text, cause, effect):
    meaning = weigh(Reply(DOT, int(text[:3]), text[4:]))
    assert (meaning.cause, meaning.effect) == (cause, effect)


@pytest.mark.parametrize("phase", BEFORE_RECIPIENT)
@pytest.mark.parametrize(
    ("text", "effect"),
    [
        ("421 too busy", Effect.SLOW_PROVIDER),
        ("454 4.7.0 later", Effect.SLOW_PROVIDER),
        ("450 4.3.2 later", Effect.NONE),
        ("452 4.3.1 disk full", Effect.NONE),
        ("500 what?", Effect.HOLD_PROVIDER),
        ("535 5.7.8 wrong password", Effect.HOLD_PROVIDER),
        ("550 5.1.1 user unknown", Effect.HOLD_PROVIDER),
        ("553 5.1.8 your domain is unknown", Effect.HOLD_PROVIDER),
        ("554 5.7.1 blocked using spamhaus", Effect.HOLD_PROVIDER),
        ("554 too many connections", Effect.SLOW_PROVIDER),
    ],
)
def test_what_is_said_before_the_recipient_is_named_concerns_us(phase, text, effect):
    meaning = weigh(Reply(phase, int(text[:3]), text[4:]))
    assert (meaning.event, meaning.effect) == (Event.DEFER, effect)


def test_a_size_refused_at_mail_is_the_lessons_fault():
    meaning = weigh(Reply(SENDER, 552, "5.3.4 message size exceeds fixed limit"))
    assert (meaning.event, meaning.effect) == (Event.DEFER, Effect.FAULT_LESSON)


@given(replies)
def test_nothing_before_the_recipient_ever_speaks_of_a_person(reply):
    meaning = weigh(reply)
    if reply.phase in BEFORE_RECIPIENT:
        assert meaning.event is Event.DEFER
        assert meaning.effect not in OF_A_PERSON


@given(replies)
def test_only_a_5yz_at_rcpt_that_names_the_address_suppresses_at_once(reply):
    if weigh(reply).effect is not Effect.SUPPRESS:
        return
    status = re.match(r"\s*5\.(1\.1|1\.3|1\.6|1\.10|7\.17|7\.18)\b", reply.text)
    said = re.search("unknown|no such|invalide", reply.text) and reply.code in (550, 551, 553)
    assert reply.phase is RECIPIENT
    assert 500 <= reply.code <= 599
    assert status or said or reply.code == 556


@given(st.sampled_from([RECIPIENT, DATA, DOT]), st.integers(500, 599), st.integers(0, 9), words)
def test_a_fault_of_ours_never_counts_against_anybody(phase, code, detail, said):
    meaning = weigh(Reply(phase, code, f"5.7.{detail} {said}"))
    if code not in (521, 525, 556):
        assert meaning.effect in (Effect.HOLD_PROVIDER, Effect.HOLD_LETTER)
        assert meaning.event is Event.DEFER


@given(replies)
def test_only_a_2yz_after_the_dot_is_accepted_and_only_silence_there_is_unknown(reply):
    event = weigh(reply).event
    kind = reply.code // 100
    assert (event is Event.ACCEPT) == (reply.phase is DOT and kind == 2)
    assert (event is Event.LOSE) == (reply.phase is DOT and kind not in (2, 4, 5))


@given(st.sampled_from(Phase), st.integers(400, 499), texts)
def test_a_4yz_is_always_tried_again_and_suppresses_nobody(phase, code, text):
    meaning = weigh(Reply(phase, code, text))
    assert meaning.event is Event.DEFER
    assert meaning.effect in (Effect.NONE, Effect.SLOW_PROVIDER, Effect.COUNT_FULL)


@pytest.mark.parametrize(
    ("reason", "effect"),
    [
        (Reason.GONE, Effect.SUPPRESS),
        (Reason.DOMAIN_GONE, Effect.COUNT_DOMAIN_GONE),
        (Reason.FULL, Effect.COUNT_FULL),
        (Reason.POLICY, Effect.HOLD_PROVIDER),
        (Reason.SYSTEM, Effect.NONE),
        (Reason.UNKNOWN, Effect.NONE),
    ],
)
def test_a_report_is_read_by_the_same_table(reason, effect):
    assert MEANINGS[cause_of_report(reason)].effect is effect


@given(st.sampled_from(Phase), codes, texts)
def test_what_is_remembered_of_an_answer_tells_its_effect(phase, code, text):
    meaning = weigh(Reply(phase, code, text))
    assert effect_of(meaning.cause, phase) is meaning.effect
