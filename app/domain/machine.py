"""Was this written by a program? Header rules first, then wording in seven languages.

Each rule is a small question about the mail; the order is in incoming.py. Does not look at reports
of delivery, which have a form of their own (bounce.py).
"""

import re

from app.domain.arrival import IncomingMail

_RESPONDER_HEADERS = (
    "x-autoreply", "x-auto-reply", "x-autorespond", "x-autoresponse", "x-autoresponder",
    "x-autoreply-from", "x-auto-reply-from", "x-mail-autoreply", "x-vacation",
    "x-fc-machinegenerated",
)  # fmt: skip
_LIST_HEADERS = ("list-id", "list-post", "list-unsubscribe")
_MACHINE_LOCAL_PARTS = re.compile(
    r"(?:mailer-daemon|postmaster|daemon|mail-daemon|bounces?|no-?reply|do-?not-?reply|"
    r"ne-?pas-?repondre)"
    r"(?:[+\-_.].*)?"
)
_SUBJECT = re.compile(
    r"\W{0,3}(?:réponse automatique|reponse automatique|absent(?:e|\(e\))? du bureau|"
    r"message d.absence|notification d.absence|avis d.absence|absence du bureau|"
    r"auto(?:matic)?[ -]?(?:reply|response)|out of (?:the )?office|away from (?:my|"
    r"the) (?:office|mail)|"
    r"automatische antwort|abwesenheit(?:snotiz|sassistent|snachricht)?\b|autoreply|"
    r"respuesta automática|respuesta automatica|fuera de (?:la )?oficina|"
    r"risposta automatica|fuori (?:sede|ufficio)|"
    r"automatisch antwoord|afwezig(?:heid(?:sbericht)?)?\b|"
    r"resposta automática|resposta automatica|fora do escritório|ausência)",
    re.IGNORECASE,
)
_SAYS_SO = re.compile(
    r"(?:ceci est|ce message est|il s.agit d)\W*(?:une?)? ?(?:réponse|message|mail|courriel)? ?"
    r"(?:généré |envoyé )?automatique|this is an auto(?:mated|matic)|"
    r"diese nachricht wurde automatisch|"
    r"dies ist eine automatische|esta es una respuesta automática|questa è una risposta automatica|"
    r"dit is een automatisch|esta é uma resposta automática",
    re.IGNORECASE,
)
_AWAY = re.compile(
    r"\b(?:je (?:suis|serai)|étant) (?:actuellement |momentanément )?(?:absente?|absent\(e\)|"
    r"en congés?|"
    r"en vacances|en déplacement|hors du bureau|indisponible)|actuellement (?:absente?|en congés?)|"
    r"(?:out of (?:the )?office|on (?:annual |maternity |parental )?leave|away from (?:the|"
    r"my) office|"
    r"on (?:holiday|vacation))\b|(?:nicht im (?:büro|haus)|im urlaub|außer haus|abwesend)\b|"
    r"fuera de la oficina|de vacaciones|fuori ufficio|in ferie|afwezig|met vakantie|"
    r"fora do escritório|de férias",
    re.IGNORECASE,
)
_MEANWHILE = re.compile(
    r"en cas d.urgence|pour toute (?:urgence|demande)|en mon absence|(?:à|dès) mon retour|"
    r"(?:veuillez|vous pouvez|merci de) (?:vous adresser|contacter|joindre)|accès limité|"
    r"votre (?:message|mail|courriel) (?:sera|ne sera)|urgent (?:matters|requests|issues)|"
    r"(?:when|upon|on) (?:i|my) return|please contact|limited access|in my absence|"
    r"in dringenden (?:fällen|angelegenheiten)|wenden sie sich|nach meiner rückkehr|"
    r"en caso de urgencia|a mi regreso|in caso di urgenza|al mio rientro|"
    r"voor dringende|neem contact op|em caso de urgência|no meu regresso",
    re.IGNORECASE,
)
_CHALLENGE = re.compile(
    r"mailinblack|boxtrapper|spam ?arrest|demande d.authentification|"
    r"confirm(?:ez|er) (?:votre|que vous êtes) .{0,40}(?:expéditeur|humain)|"
    r"sender (?:verification|confirmation)|challenge.response",
    re.IGNORECASE,
)
# A notice of absence is short, and a person who asks something wants an answer.
_LONGEST_NOTICE = 1500


def is_auto_submitted(mail: IncomingMail) -> bool:
    """RFC 3834 §5: any value but `no`, comments and parameters aside."""
    value = re.split(r"[;\s(]", mail.header("auto-submitted"), maxsplit=1)[0].casefold()
    return value not in ("", "no")


def has_responder_header(mail: IncomingMail) -> bool:
    """Headers that only responders set. X-Auto-Response-Suppress is none: it asks others not to
    answer, and persons' mail carries it (MS-OXCMAIL).
    """
    values = (mail.header(name).casefold() for name in _RESPONDER_HEADERS)
    source = mail.header("x-ms-exchange-generated-message-source").casefold()
    return any(v not in ("", "no", "false") for v in values) or "rules" in source


def has_precedence_of_machines(mail: IncomingMail) -> bool:
    """RFC 3834 §3.1.8 warns of Precedence; at a reply address `list` is no person either."""
    value = mail.header("precedence").casefold().replace("-", "_")
    return value in ("auto_reply", "bulk", "junk", "list")


def came_through_a_list(mail: IncomingMail) -> bool:
    """RFC 2919 and RFC 2369 headers: sent to many, not to us."""
    return any(mail.header(name) for name in _LIST_HEADERS)


def has_null_return_path(mail: IncomingMail) -> bool:
    """RFC 5321 §4.5.5: whoever sends with `<>` wants no answer."""
    return mail.return_path == ""


def is_sent_by_a_role(mail: IncomingMail) -> bool:
    """The sender's name says that nobody reads there, or that a mail system wrote."""
    return bool(_MACHINE_LOCAL_PARTS.fullmatch(mail.sender.rpartition("@")[0]))


def is_challenge(mail: IncomingMail) -> bool:
    """A filter asks us to prove that we are persons; never answered, never clicked."""
    return bool(_CHALLENGE.search(f"{mail.sender} {mail.subject}"))


def has_subject_of_absence(mail: IncomingMail) -> bool:
    """Anchored at the start: «Re: Réponse automatique» is a person who answers a machine."""
    return bool(_SUBJECT.match(mail.subject))


def has_words_of_absence(mail: IncomingMail) -> bool:
    """It says that it is automatic, or it is away *and* tells what to do meanwhile."""
    words = mail.words
    if len(words) > _LONGEST_NOTICE or "?" in words:
        return False
    spoken = " ".join(words.split())
    return bool(_SAYS_SO.search(spoken) or (_AWAY.search(spoken) and _MEANWHILE.search(spoken)))
