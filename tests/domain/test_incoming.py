"""What a mail is, whose it is, and whether it may be answered: rules over facts."""

import pytest

from app.domain.arrival import IncomingMail, RecipientReport, Report
from app.domain.attribution import Attribution, candidates
from app.domain.incoming import Kind, classify, may_be_answered
from app.domain.refusal import Reason, reason_of


def a_mail(**facts: object) -> IncomingMail:
    whole = {
        "sender": "camille@exemple.fr",
        "subject": "Re: Mensonge n° 3",
        "text": "Merci.",
    } | facts
    return IncomingMail(**whole)  # type: ignore[arg-type]


def with_header(name: str, value: str) -> IncomingMail:
    return a_mail(headers={name: (value,)})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auto-submitted", "auto-replied (zimbra; vacation)"),
        ("auto-submitted", "auto-generated; type=x"),
        ("x-autoreply", "yes"),
        ("precedence", "auto_reply"),
        ("precedence", "Bulk"),
        ("x-ms-exchange-generated-message-source", "Mailbox Rules Agent"),
    ],
)
def test_a_header_of_a_machine_makes_an_automatic_reply(name: str, value: str) -> None:
    mail = with_header(name, value)
    verdict = classify(mail)
    assert verdict.kind is Kind.AUTO_REPLY
    assert not may_be_answered(mail, verdict)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("auto-submitted", "no"),
        ("auto-submitted", "No (really)"),
        ("x-auto-response-suppress", "All"),
        ("precedence", "first-class"),
    ],
)
def test_a_header_that_persons_have_too_leaves_a_person(name: str, value: str) -> None:
    mail = with_header(name, value)
    verdict = classify(mail)
    assert verdict.kind is Kind.HUMAN
    assert may_be_answered(mail, verdict)


@pytest.mark.parametrize(
    "subject",
    [
        "Réponse automatique : Mensonge n° 3",
        "Out of Office: Re: hello",
        "Abwesenheitsnotiz: hallo",
        "Respuesta automática: hola",
        "Risposta automatica: ciao",
        "Automatisch antwoord: dag",
        "Resposta automática: olá",
    ],
)
def test_a_notice_of_absence_is_known_by_its_subject_in_seven_languages(subject: str) -> None:
    assert classify(a_mail(subject=subject)).rule == "subject-of-absence"


@pytest.mark.parametrize("kind", ["bounces", "mailer-daemon", "no-reply", "ne-pas-repondre"])
def test_a_sender_that_is_a_role_is_never_answered(kind: str) -> None:
    mail = a_mail(sender=f"{kind}@exemple.fr")
    verdict = classify(mail)
    assert (verdict.kind, may_be_answered(mail, verdict)) == (Kind.OTHER, False)


@pytest.mark.parametrize(
    "words", ["STOP", "stop.", "Unsubscribe", "Stop\nCamille", "Me désinscrire svp"]
)
def test_a_lone_word_of_farewell_is_a_request(words: str) -> None:
    assert classify(a_mail(text=words)).kind is Kind.UNSUBSCRIBE


@pytest.mark.parametrize(
    "words",
    [
        "Stop ou encore ? Je continue !",
        "Comment se désinscrire d’un réseau social ?",
        "Je ne souhaite pas me désinscrire.",
        "Merci de ne pas me désinscrire",
        "STOP\nou jamais",
        "J’ai mis un stop à LinkedIn.",
    ],
)
def test_the_same_word_in_a_sentence_is_no_request(words: str) -> None:
    assert classify(a_mail(text=words)).kind is Kind.HUMAN


def test_the_gravest_fate_in_a_report_decides_its_rule() -> None:
    fates = (RecipientReport("a@x.fr", "relayed"), RecipientReport("b@x.fr", "failed", "5.1.1"))
    verdict = classify(a_mail(report=Report("delivery-status", recipients=fates)))
    assert verdict.rule == "delivery-failed"
    assert [(f.address, f.permanent) for f in verdict.failed] == [("b@x.fr", True)]


@pytest.mark.parametrize(
    ("text", "status", "reason"),
    [
        ("550 5.1.1 User unknown", "5.1.1", Reason.GONE),
        ("550 Requested action not taken: mailbox unavailable", "5.1.1", Reason.GONE),
        ("550 destinataire invalide", "5.0.0", Reason.GONE),
        ("554 5.7.1 Client host blocked using Spamhaus; user unknown", "5.1.1", Reason.REPUTATION),
        ("550 5.2.1 The email account is disabled", "5.2.1", Reason.DISABLED),
        ("552 5.2.2 Over quota", "5.2.2", Reason.FULL),
        ("450 4.1.1 unavailable", "4.1.1", Reason.SYSTEM),
        ("421 too many connections", "4.7.0", Reason.RATE),
        ("550 5.7.26 fails DMARC", "5.7.26", Reason.POLICY),
        ("Host or domain name not found", "5.4.4", Reason.DOMAIN_GONE),
        ("550 no", "5.0.0", Reason.UNKNOWN),
    ],
)
def test_a_refusal_gives_its_reason_by_words_before_code(
    text: str, status: str, reason: Reason
) -> None:
    assert reason_of(text, status) is reason


def test_a_tag_in_any_recipient_comes_before_the_thread_and_the_sender() -> None:
    mail = a_mail(
        recipients=("equipe@exemple.fr", "R+ABC2@Cours.Exemple"),
        references=("autre@exemple.fr", "l.def3@cours.exemple"),
    )
    found = [(c.by, c.purpose, c.value) for c in candidates(mail, mail_domain="cours.exemple")]
    assert found == [
        (Attribution.TAG, "r", "abc2"),
        (Attribution.THREAD, "l", "def3"),
        (Attribution.SENDER, "", "camille@exemple.fr"),
    ]


def test_a_letter_of_another_house_is_no_thread_of_ours() -> None:
    mail = a_mail(in_reply_to=("l.def3@ailleurs.exemple",))
    assert [c.by for c in candidates(mail, mail_domain="cours.exemple")] == [Attribution.SENDER]


def test_the_copy_in_a_complaint_names_our_letter() -> None:
    report = Report("feedback-report", returned_ids=("l.def3@cours.exemple",))
    tried = candidates(a_mail(sender="", report=report), mail_domain="cours.exemple")
    assert [c.value for c in tried] == ["def3"]
