"""What each letter needs to know, as one typed context per letter, with a sample of each.

The samples serve previews and the test that renders every letter. Renders nothing.
"""

from dataclasses import dataclass
from datetime import date
from typing import ClassVar, Self

from app.domain.delivery import LetterKind


@dataclass(frozen=True, slots=True)
class Author:
    """Who signs: the name, what stands under it, and the postal identity of the sender."""

    name: str
    signature: str
    postal_address: str


SAMPLE_AUTHOR = Author("Prénom Nom", "", "1 rue de l’Exemple, 75000 Paris")


@dataclass(frozen=True, slots=True)
class ConfirmContext:
    """The letter that asks for confirmation. Holds nothing that the applicant typed."""

    kind: ClassVar[LetterKind] = LetterKind.CONFIRM
    course_title: str
    lessons: int
    confirm_url: str
    refuse_url: str
    author: Author
    accent: str

    @classmethod
    def sample(cls) -> Self:
        return cls(
            course_title="Les 7 plus gros mensonges sur les réseaux sociaux",
            lessons=7,
            confirm_url="https://cours.example/confirm/jeton",
            refuse_url="https://cours.example/u/porte",
            author=SAMPLE_AUTHOR,
            accent="#7a3b2e",
        )


@dataclass(frozen=True, slots=True)
class AlreadyEnrolledContext:
    """The letter to who signs up again: nothing needs doing, and here is how things stand."""

    kind: ClassVar[LetterKind] = LetterKind.ALREADY_ENROLLED
    course_title: str
    first_name: str
    preferences_url: str
    author: Author
    accent: str

    @classmethod
    def sample(cls) -> Self:
        return cls(
            course_title="Les 7 plus gros mensonges sur les réseaux sociaux",
            first_name="Camille",
            preferences_url="https://cours.example/preferences/jeton",
            author=SAMPLE_AUTHOR,
            accent="#7a3b2e",
        )


@dataclass(frozen=True, slots=True)
class LessonContext:
    """A lesson. `body_html` and `body_text` are the Version's prose, already filled in.

    `next_title` is "" and `next_day` None after the last lesson; a `next_day` that is a text is in
    words already.
    """

    kind: ClassVar[LetterKind] = LetterKind.LESSON
    course_title: str
    first_name: str
    subject: str
    preheader: str
    title: str
    number: int
    total: int
    body_html: str
    body_text: str
    question: str
    next_title: str
    next_day: date | str | None
    preferences_url: str
    unsubscribe_url: str
    author: Author
    accent: str

    @classmethod
    def sample(cls) -> Self:
        return cls(
            course_title="Les 7 plus gros mensonges sur les réseaux sociaux",
            first_name="Camille",
            subject="Mensonge n° 3 : tout se passe en ligne",
            preheader="Ce qui se décide loin des écrans, et pourquoi.",
            title="Tout se passe en ligne et à distance\u202f?",
            number=3,
            total=7,
            body_html="<p>Une phrase d’exemple.</p><h2>L’exercice</h2><p>Dix minutes.</p>",
            body_text="Une phrase d’exemple.\n\n— L’exercice\n\nDix minutes.\n",
            question="Et chez vous, comment cela se passe-t-il\u202f?",
            next_title="Meilleurs leviers pour trouver des clients\u202f?",
            next_day=date(2026, 12, 3),
            preferences_url="https://cours.example/preferences/jeton",
            unsubscribe_url="https://cours.example/u/porte",
            author=SAMPLE_AUTHOR,
            accent="#7a3b2e",
        )


@dataclass(frozen=True, slots=True)
class AnswerContext:
    """The author's answer to a learner's words, which it quotes below."""

    kind: ClassVar[LetterKind] = LetterKind.ANSWER
    subject: str
    words: str
    quoted: str
    quoted_on: date
    learner_name: str
    author: Author
    accent: str

    @classmethod
    def sample(cls) -> Self:
        return cls(
            subject="Re: Mensonge n° 3 : tout se passe en ligne",
            words="Merci de votre message.\n\nVoici ce que j’en pense…",
            quoted="Bonjour,\n\nJe ne suis pas d’accord sur un point.",
            quoted_on=date(2026, 12, 2),
            learner_name="Camille",
            author=SAMPLE_AUTHOR,
            accent="#7a3b2e",
        )


LetterContext = ConfirmContext | AlreadyEnrolledContext | LessonContext | AnswerContext
ALL_CONTEXTS: tuple[type[LetterContext], ...] = (
    ConfirmContext,
    AlreadyEnrolledContext,
    LessonContext,
    AnswerContext,
)
