"""What a visitor consents to, word for word, and how often an address may be asked to confirm.

Renders no page: the wording is printed from here, so that the receipt and the form cannot differ.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

WORDING_VERSION = "2026-11-24"
_WORDINGS = {
    "fr": "Je demande à recevoir par e-mail les {lessons} leçons du cours « {course} », et rien "
    "d’autre. Je peux arrêter à tout moment par le lien au bas de chaque leçon.",
    "en": "I ask to receive the {lessons} lessons of the course “{course}” by e-mail, and nothing "
    "else. I can stop at any time by the link at the foot of each lesson.",
}
A_DAY, A_MONTH = timedelta(hours=24), timedelta(days=30)


def wording(course: str, lessons: int, language: str) -> str:
    """The sentence beside the button; pressing it is the consent (RGPD art. 4(11), CPCE L34-5)."""
    return _WORDINGS.get(language, _WORDINGS["fr"]).format(course=course, lessons=lessons)


def may_ask(asked: Sequence[datetime], now: datetime, *, day: timedelta = A_DAY) -> bool:
    """Whether one more confirmation may go to an address: one a day, three in thirty days.

    `asked` are the instants of earlier confirmations to the same address, across courses; `day` is
    shorter in a trial that runs fast.
    """
    recent = [at for at in asked if now - at < day * 30]
    return len(recent) < 3 and all(now - at >= day for at in recent)
