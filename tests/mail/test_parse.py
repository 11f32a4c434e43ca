"""Raw bytes to facts, whatever the bytes."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.flows.receive import inspect
from app.mail.parse import read
from app.mail.plaintext import plain_text

LETTERS = sorted((Path(__file__).parents[1] / "letters").glob("*.eml"))
HEAD = b"From: Camille <camille@exemple.fr>\nSubject: x\n"


@given(st.binary(max_size=400))
def test_no_bytes_make_it_raise(raw: bytes) -> None:
    assert set(inspect(raw)) == {"kind", "text", "failed_recipients", "permanent", "rule"}


@settings(deadline=1000)
@given(st.sampled_from(LETTERS), st.integers(0, 2000), st.binary(max_size=6), st.integers(0, 40))
def test_no_damage_to_a_letter_makes_it_raise(
    path: Path, at: int, patch: bytes, missing: int
) -> None:
    raw = path.read_bytes()
    at %= len(raw)
    inspect(raw[:at] + patch + raw[at + missing :])


@pytest.mark.parametrize(
    ("raw", "flaw"),
    [
        (HEAD + b"\n" + b"mot\n" * 2_600_000, "too large"),
        (HEAD + b"X: y\n" * 30_000 + b"\nmot", "headers too long"),
        (
            HEAD + b'Content-Type: multipart/mixed; boundary="b"\n\n' + b"--b\n\nmot\n" * 20_000,
            "too many parts",
        ),
        (
            HEAD
            + b"".join(
                b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (i, i)
                for i in range(60)
            ),
            "too deep",
        ),
    ],
    ids=["size", "headers", "parts", "depth"],
)
def test_a_mail_over_a_limit_is_read_up_to_it_and_says_so(raw: bytes, flaw: str) -> None:
    mail = read(raw)
    assert flaw in mail.flaws
    assert mail.sender == "camille@exemple.fr"


def test_a_letter_within_the_limits_has_no_flaws() -> None:
    assert read(HEAD + b"\nmot\n").flaws == ()


def test_the_envelope_comes_before_the_headers() -> None:
    raw = HEAD + b"To: Equipe <equipe@exemple.fr>\nDelivered-To: R+ABC@Cours.Exemple\n\n"
    mail = read(raw, envelope_from="", envelope_to="r+def@cours.exemple")
    assert mail.recipients == ("r+def@cours.exemple", "equipe@exemple.fr", "r+abc@cours.exemple")
    assert mail.return_path == ""


@pytest.mark.parametrize(
    ("header", "name", "address"),
    [
        ('"Martin, Camille" <Camille@Exemple.FR>', "Martin, Camille", "Camille@exemple.fr"),
        ('"faux@exemple.fr" <vrai@exemple.fr>', "faux@exemple.fr", "vrai@exemple.fr"),
        ("camille@exemple.fr (Camille Martin)", "Camille Martin", "camille@exemple.fr"),
        ("=?iso-8859-1?q?H=E9l=E8ne?= <h@exemple.fr>", "Hélène", "h@exemple.fr"),
        ("=?utf-8?b?SMOp?= =?utf-8?b?bMOobmU=?= <h@exemple.fr>", "Hélène", "h@exemple.fr"),
        ("(((((", "", ""),
    ],
)
def test_a_sender_is_a_name_and_a_bare_address(header: str, name: str, address: str) -> None:
    mail = read(f"From: {header}\n\n".encode())
    assert (mail.sender_name, mail.sender) == (name, address)


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        ("iso-8859-1", "cp1252"),
        ("us-ascii", "utf-8"),
        ("iso-8859-1", "utf-8"),
        ("x-inconnu", "cp1252"),
        ("utf-8", "cp1252"),
        ("utf-16", "utf-16"),
        ("punycode", "utf-8"),
    ],
)
def test_a_lying_charset_is_read_as_what_it_is(declared: str, encoding: str) -> None:
    head = HEAD + f"Content-Type: text/plain; charset={declared}\n\n".encode()
    assert read(head + "J’ai œuvré, été".encode(encoding)).text == "J’ai œuvré, été"


def test_raw_8_bit_and_nul_in_a_subject_are_read() -> None:
    assert read("Subject: Été\0 d’été\n\n".encode()).subject == "Été d’été"


def test_message_ids_lose_their_brackets_and_come_in_order() -> None:
    mail = read(HEAD + b"References: <a@x> <b@x>\n <a@x>\nIn-Reply-To: <b@x>\n\n")
    assert (mail.references, mail.in_reply_to, mail.message_id) == (("a@x", "b@x"), ("b@x",), "")


def test_a_complaint_carries_the_ids_and_the_unsubscribe_links_of_its_copy() -> None:
    raw = next(path for path in LETTERS if path.stem == "arf_redacted").read_bytes()
    report = read(raw).report
    assert report is not None
    assert report.returned_ids == ("l.k7q2m5x3@cours.exemple",)
    assert report.returned_unsubscribe[0] == "https://cours.exemple/u/jeton"


def test_an_attachment_has_its_name_type_and_size() -> None:
    raw = next(path for path in LETTERS if "attachment" in path.stem).read_bytes()
    found = [(a.name, a.content_type, a.size) for a in read(raw).attachments]
    assert found == [("liste.pdf", "application/pdf", 9)]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>un</p><p>deux<br>trois</p>", "un\n\ndeux\ntrois"),
        (
            "oui<blockquote>non<blockquote>jamais</blockquote></blockquote>",
            "oui\n\n> non\n>\n> > jamais",
        ),
        (
            'oui<div class="yahoo_quoted"><div>Le 4 mars</div><div>non</div></div>',
            "oui\n> Le 4 mars\n> non",
        ),
        ('oui<div id="appendonsend"></div><hr><div>non</div>', "oui\n> non"),
        (
            '<div class="gmail_quote"><div>Le 4 mars</div><blockquote>non</blockquote>oui</div>'
            "<blockquote>et</blockquote>",
            "> Le 4 mars\n>\n> non\n>\noui\n\n> et",
        ),
        ("<style>p{}</style>oui<!-- non --><script>non</script>", "oui"),
        ("a < b &amp; c &gt; d", "a < b & c > d"),
        ("<ul><li>un</li><li>deux</li></ul>", "- un\n- deux"),
        ("<div>oui</div></div></p><div>encore</div>", "oui\nencore"),
    ],
)
def test_html_becomes_text_that_keeps_what_was_quoted(html: str, text: str) -> None:
    assert plain_text(html) == text
