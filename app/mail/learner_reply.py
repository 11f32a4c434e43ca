"""Writes a learner's reply as a mail program does: the words on top, the letter quoted below them.

For the demo's mailbox page. Sends nothing.
"""

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import make_msgid, parseaddr

from babel.dates import format_datetime

from app.mail.catcher import CaughtLetter


def write_reply(letter: CaughtLetter, words: str, *, now: datetime) -> EmailMessage:
    """The reply of `letter`'s recipient, at the aware instant `now`."""
    above, reply = letter.message, EmailMessage(policy=SMTP)
    reply["From"] = str(above["To"])
    reply["To"] = str(above["Reply-To"] or above["From"])
    reply["Subject"] = _subject(letter.subject)
    reply["Date"] = now
    reply["Message-ID"] = make_msgid(domain=letter.recipient.rpartition("@")[2])
    reply["In-Reply-To"] = str(above["Message-ID"])
    thread = [str(above["References"] or ""), str(above["Message-ID"])]
    reply["References"] = " ".join(each for each in thread if each)
    quoted = "\n".join(f"> {line}".rstrip() for line in letter.text.rstrip().splitlines())
    reply.set_content(f"{words.strip()}\n\n{_attribution(letter, now)}\n\n{quoted}\n")
    return reply


def _subject(subject: str) -> str:
    return subject if subject.lower().startswith("re:") else f"Re: {subject}"


def _attribution(letter: CaughtLetter, now: datetime) -> str:
    """As French mail programs do: « Le mar. 24 nov. 2026 à 10:02, Nom <adresse> a écrit : »."""
    name, address = parseaddr(letter.sender_shown)
    written = format_datetime(now, "EEE d MMM y 'à' HH:mm", locale="fr")
    return f"Le {written}, {name} <{address}> a écrit\u00a0:"
