"""Does the person ask to be unsubscribed? Only a subject or words that say nothing else count.

«Je ne veux surtout pas me désinscrire» and the word in our quoted footer are not requests.
Does not check whose letter it is: who may act is decided by the verb, with the signed tag.
"""

import re

from app.domain.arrival import IncomingMail

_LEAVE = (
    r"(?:d[ée]s(?:inscri(?:re|ption)|abonne(?:r|ment))|me d[ée]s(?:inscrire|abonner)|"
    r"d[ée]s(?:inscrivez|abonnez)[ -]moi|unsubscribe(?: me)?|remove me|stop|opt[ -]?out)"
)
_POLITE = (
    r"(?:s.il vous pla[iî]t|s.il te pla[iî]t|svp|stp|please|merci(?: d.avance)?|thanks|thank you)"
)
_REQUEST = re.compile(
    r"(?:(?:bonjour|bonsoir|hello|hi)\b\W*)?"
    r"(?:(?:merci de|veuillez|je (?:souhaite|veux|voudrais|d[ée]sire|souhaiterais)|please|"
    r"i (?:want|would like|wish) to|pouvez.vous)\W+)?" + _LEAVE +
    r"(?:\W+(?:de|from) (?:cette|cet|votre|ce|la|this|your|the) (?:liste?|cours|newsletter|course|"
    r"lettre|mailing list))?"
    r"(?:\W+" + _POLITE + r")?\W*",
    re.IGNORECASE,
)  # fmt: skip
_REFUSAL = re.compile(r"\b(?:ne|n.|pas|surtout pas|not|don.t|never|jamais)\b", re.IGNORECASE)
# STOP and a first name under it are still a lone word.
_MOST_WORDS_BELOW = 4


def asks_in_subject(mail: IncomingMail) -> bool:
    """The whole subject asks it (RFC 2369 mailto), unless the words take it back."""
    if not _REQUEST.fullmatch(mail.subject.strip()):
        return False
    return not _REFUSAL.search(mail.words[:500])


def asks_in_words(mail: IncomingMail) -> bool:
    """The new words ask for it and say nothing else, save a greeting and a name below."""
    words = mail.words
    if not words or len(words) > 300:
        return False
    first, _, below = words.partition("\n")
    short = len(below.split()) <= _MOST_WORDS_BELOW and not _REFUSAL.search(below)
    return bool(
        _REQUEST.fullmatch(" ".join(words.split())) or (short and _REQUEST.fullmatch(first.strip()))
    )
