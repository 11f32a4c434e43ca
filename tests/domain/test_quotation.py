"""The words a person newly wrote, apart from what was quoted, signed or stamped below."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.quotation import PieceKind, new_words

WORDS = "Trois réponses en deux jours !"
ATTRIBUTION = "Le mar. 4 mars 2025 à 07:30, Les 7 mensonges <lecons@cours.exemple> a écrit :"
LINES = st.sampled_from(
    [
        ATTRIBUTION,
        "> cité",
        "-- ",
        "__",
        "Envoyé de mon iPhone",
        "De : Paul <paul@exemple.fr>",
        "Objet : bonjour",
        "-----Message d'origine-----",
        "Cordialement,",
        "Ce message est confidentiel.",
        "",
        "\u00a0",
        "des mots",
    ]
)


@given(
    st.lists(LINES | st.text(max_size=30), max_size=15), st.sampled_from(["\n", "\r\n", "\u2028"])
)
def test_joining_all_pieces_rebuilds_the_text(lines: list[str], end: str) -> None:
    text = end.join(lines)
    assert "".join(piece.text for piece in new_words(text).pieces) == text


@given(st.text())
def test_words_and_elided_hold_every_letter_of_any_text(text: str) -> None:
    quotation = new_words(text)
    both = "".join((quotation.words + quotation.elided).split())
    assert sorted(both) == sorted("".join(text.split()))


@pytest.mark.parametrize(
    "attribution",
    [
        "Le 4 mars 2025 à 07\u202fh\u202f30, Jean Dupont <jean@exemple.fr> a écrit\u202f:",
        "Le 04/03/2025 à 07:30, Jean Dupont a écrit\u00a0:",
        "Le mar. 4 mars 2025 à 07:30, Jean <\njean@exemple.fr> a écrit :",
        "Le mardi 4 mars 2025, Jean Dupont\n<jean@exemple.fr>\na écrit :",
        "Jean Dupont <jean@exemple.fr> a écrit le 04/03/2025 07:30 :",
        "On Tue, Mar 4, 2025 at 7:30 AM Jean <jean@exemple.fr>\nwrote:",
        "Am Di., 4. März 2025 um 07:30 Uhr schrieb Jean <jean@exemple.fr>:",
        "El mar, 4 mar 2025 a las 7:30, Jean (<jean@exemple.fr>) escribió:",
        "Il giorno mar 4 mar 2025 alle ore 07:30 Jean <jean@exemple.fr> ha scritto:",
        "Op di 4 mrt 2025 om 07:30 schreef Jean <jean@exemple.fr>:",
        "Em ter., 4 de mar. de 2025 às 07:30, Jean <jean@exemple.fr> escreveu:",
        "W dniu 4.03.2025 o 07:30, Jean pisze:",
        "Den tis 4 mars 2025 kl 07:30 skrev Jean <jean@exemple.fr>:",
        "ti 4. maalisk. 2025 klo 7.30 Jean (jean@exemple.fr) kirjoitti:",
        "út 4. 3. 2025 v 7:30 odesílatel Jean <jean@exemple.fr> napsal:",
        "Jean <jean@exemple.fr> ezt írta (időpont: 2025. márc. 4., K, 7:30):",
        "вт, 4 мар. 2025 г. в 07:30, Jean <jean@exemple.fr>:",
        "2025年3月4日(火) 7:30 Jean <jean@exemple.fr>:",
    ],
)
def test_an_attribution_and_what_follows_it_are_no_words(attribution: str) -> None:
    assert new_words(f"{WORDS}\n\n{attribution}\n\nUn grand réseau.\n").words == WORDS


@pytest.mark.parametrize(
    "heading",
    [
        "____________________\nDe : Jean\nEnvoyé : mardi 4 mars 2025 07:30\nÀ : c@x.fr\nObjet : Re",
        "De : Jean <j@x.fr>\nDate : mardi 4 mars 2025 à 07:30\nÀ : c@x.fr\nObjet : Re",
        "De: Jean <j@x.fr>\nA: c@x.fr\nEnvoyé: Mardi 4 Mars 2025 07:30:00\nObjet: Re",
        "From: Jean\nSent: March 4, 2025 7:30 AM\nTo: c@x.fr\nSubject: Re",
        "-----Message d’origine-----\nDe : Jean\nEnvoyé : mardi 4 mars 2025 07:30",
        "----- Original Message -----",
        "Début du message transféré :\n\nDe: Jean <j@x.fr>\nDate: 4 mars 2025\nObjet: Re",
        "-------- Message transféré --------\nSujet : Re\nDate : 4 mars 2025\nDe : <j@x.fr>",
    ],
)
def test_a_block_of_headers_and_what_follows_it_are_no_words(heading: str) -> None:
    assert new_words(f"{WORDS}\n\n{heading}\n\nUn grand réseau.\n").words == WORDS


@pytest.mark.parametrize(
    "signature",
    [
        "Envoyé de mon iPhone",
        "Envoyé à partir de Outlook pour iOS<https://aka.ms/exemple>",
        "Télécharger Outlook pour Android",
        "Envoyé depuis l’application Mail Orange",
        "Envoyé avec la messagerie sécurisée Proton Mail.",
        "Provenance : Courrier pour Windows",
        "Sent from my iPad",
        "Get Outlook for Android<https://aka.ms/exemple>",
        "Von meinem iPhone gesendet",
        "Enviado desde mi iPhone",
        "Inviato da iPhone",
        "Verstuurd vanaf mijn iPhone",
        "Enviado do meu iPhone",
    ],
)
def test_the_signature_of_a_phone_is_no_word(signature: str) -> None:
    assert new_words(f"{WORDS}\n\n{signature}\n\n> cité\n").words == WORDS


@pytest.mark.parametrize(
    "said",
    [
        "Le patron a écrit : venez. Ils représentent la région.",
        "Le livre que j’ai lu a écrit :\nun réseau se cultive.",
        "De : mars\nÀ : juin\nObjet : mes congés",
        "Date : 3 mars 2025\nDe : Paris 10h30\nÀ : Lyon 12h30",
        "La carte, envoyée de mon iPhone, est arrivée.",
        "Envoyé de ma fenêtre,\nce bonjour.",
        "Ce message est destiné à vous remercier.",
        "Pensez à imprimer la fiche.",
        "Le 4 mars 2025, j’ai écrit à trois personnes : deux ont répondu.",
        "Regards,\nc’est le titre de mon journal.",
        "- un\n- deux\n---\n- trois",
        "Mon adresse : camille@exemple.fr",
        "J’ai noté ceci :\n12:30 déjeuner",
    ],
)
def test_a_sentence_that_merely_looks_like_a_heading_stays(said: str) -> None:
    assert new_words(f"{said}\n").words == said


def test_answers_between_quoted_lines_keep_their_context_in_the_pieces() -> None:
    quotation = new_words("> Combien ?\n\nDeux cents.\n\n> Et vous ?\n\nCinq.\n")
    assert quotation.words == "Deux cents.\n\nCinq."
    kinds = [piece.kind for piece in quotation.pieces]
    assert kinds == [PieceKind.QUOTED, PieceKind.WORDS, PieceKind.QUOTED, PieceKind.WORDS]


def test_the_broken_end_of_a_quoted_line_is_no_answer() -> None:
    long = "> Un grand réseau ne sert à rien si personne ne répond quand vous écrivez\n"
    assert new_words(f"{WORDS}\n\n{long}aux gens.\n> Voilà.\n").words == WORDS


def test_who_writes_below_the_signature_of_the_phone_is_read() -> None:
    assert new_words(f"Envoyé de mon iPhone\n\n{WORDS}\n").words == WORDS
