"""What stands under the words and was not written for this letter: signatures, phones, footers.

A sentence that merely contains such words stays. Does not decide what becomes of the lines below.
"""

import re
from collections.abc import Sequence
from enum import StrEnum

from app.domain.bare_line import Line

_DELIMITER = re.compile(r"-- ?")
_UNDERSCORES = re.compile(r"_{2,}")
_LINK = re.compile(r"\s*[<(\[]\s*(?:https?:|mailto:)[^>)\]]*[>)\]]?|\s*https?:\S+")
# A device or a program is named in few words, without a clause behind it.
_DEVICE = r"[^,;:!?]{2,48}"
_MOBILE = re.compile(
    r"(?:"
    rf"(?:envoyée?|expédiée?|réponse envoyée|transmis)s? (?:(?:de|depuis|à partir d[eu]|d|via|"
    rf"avec|par|grâce à)\b)[ ’']{_DEVICE}|"
    rf"(?:télécharge[rz]|obtene[rz]|obtenir|découvrez) (?:outlook|bluemail|yahoo mail|"
    rf"proton mail|spark|gmail)\b{_DEVICE}|"
    rf"provenance ?: courrier\b{_DEVICE}|"
    rf"sent (?:from|via|using|with|by)\b {_DEVICE}|get outlook for {_DEVICE}|"
    rf"get bluemail for {_DEVICE}|"
    rf"(?:von|vom) meine[mr] {_DEVICE} gesendet|gesendet (?:von|mit|über|aus|vom) {_DEVICE}|"
    rf"diese nachricht wurde von {_DEVICE} gesendet|holen sie sich outlook {_DEVICE}|"
    rf"outlook für \w+ beziehen|"
    rf"enviad[oa] (?:desde|do|da|a partir d[eo]|de|con|com|através d[eo]) {_DEVICE}|"
    rf"obtener outlook {_DEVICE}|obter o outlook {_DEVICE}|"
    rf"inviato (?:da|dal|dall.|con) ?{_DEVICE}|scarica outlook {_DEVICE}|ottieni outlook {_DEVICE}|"
    rf"(?:verzonden|verstuurd|gestuurd) (?:vanaf|vanuit|van|via|met) {_DEVICE}|"
    rf"outlook voor \w+ (?:downloaden|ophalen)|"
    rf"(?:skickat|sendt) (?:från|fra|med) {_DEVICE}|lähetetty {_DEVICE}|"
    rf"wysła(?:ne|no) z {_DEVICE}|odesláno z {_DEVICE}|odoslané z {_DEVICE}|trimis (?:de pe|"
    rf"din) {_DEVICE}|"
    rf"(?:az )?{_DEVICE} küldve|{_DEVICE}(?:'|’)?(?:dan|den|umdan|imden) gönderildi|"
    rf"отправлено (?:с|из) {_DEVICE}|надіслано з {_DEVICE}|στάλθηκε από {_DEVICE}|"
    rf"أُ?رسلت? من {_DEVICE}|发自我的? ?{_DEVICE}|從我的 ?{_DEVICE}|"
    rf"{_DEVICE}から送信|나의 {_DEVICE}에서 보냄|"
    rf"נשלח מ{_DEVICE}"
    r")\.?",
    re.IGNORECASE,
)
# «Sent from my desk, is much easier» has a clause, this one has a verb.
_SENTENCE = re.compile(
    r"\b(?:is|was|are|est|était|sera|je|vous|i|we|you|hier|yesterday|because|car)\b", re.I
)
_CLOSING = re.compile(
    r"(?:(?:best|kind|warm|kindest|with kind|with best|many|warmest) )?regards|"
    r"sincerely(?: yours)?|"
    r"yours (?:sincerely|faithfully|truly)|(?:(?:bien|très) )?cordialement|(?:bien|très) à vous|"
    r"(?:salutations )?(?:distinguées|respectueuses)|sincères salutations|respectueusement|"
    r"mit (?:freundlichen|besten|herzlichen) grüßen|freundliche grüße|"
    r"(?:un )?(?:cordial )?saludos?(?: cordiales)?|atentamente|cordiali saluti|distinti saluti|"
    r"met vriendelijke groeten?|atenciosamente|(?:com os )?melhores cumprimentos",
    re.IGNORECASE,
)
_FOOTER = re.compile(
    r"ce (?:message|courriel|mail|e-mail)\b.{0,60}(?:confidentiel|exclusi|"
    r"destinée?s? (?:exclusivement|uniquement|à l.usage))|"
    r"les informations contenues dans ce|"
    r"si vous (?:n.êtes pas le destinataire|avez reçu ce (?:message|courriel|mail) par erreur)|"
    r"this (?:e-?mail|message)\b.{0,60}(?:confidential|attachments|intended (?:only|solely))|"
    r"confidentiality notice|the information (?:contained )?in this (?:e-?mail|message)|"
    r"diese (?:e-?mail|nachricht)\b.{0,40}vertraulich|le informazioni contenute in questo|"
    r"este (?:mensaje|correo)\b.{0,60}confidencial|"
    r"dit (?:e-?mail)?bericht is\b.{0,40}vertrouwelijk|"
    r"esta mensagem\b.{0,60}confidencia|please consider the environment|"
    r"(?:pensez|avant d.imprimer|n.imprimez|afin de (?:préserver|protéger|respecter)).{0,80}"
    r"(?:environnement|imprim\w+ (?:ce|cet) (?:mail|e-mail|courriel|message))|"
    r"(?:garanti )?(?:sans virus|virus[ -]free)\W{0,3}(?:www|avast|avg)|"
    r"<https?://www\.av(?:ast|g)\.com/sig|"
    r"l.absence de virus|cet? (?:e-?mail|courriel|message) a été vérifié par|"
    r"this e-?mail has been (?:checked|scanned)|"
    r"you received this message because .{0,30}subscribed|"
    r"vous recevez ce message (?:car|parce).{0,30}abonnée?",
    re.IGNORECASE,
)
# Named for certain; another «Envoyé de …» counts only as the last line.
_KNOWN = re.compile(
    r"iphone|ipad|android|mobile|smartphone|t[ée]l[ée]phone|phone|galaxy|samsung|huawei|xiaomi|"
    r"redmi|pixel|blackberry|outlook|\bmail|yahoo|gmail|proton|orange|sfr|\bfree\b|"
    r"bouygues|laposte|"
    r"\bapp|courrier|windows|tablet|portable|messagerie|handy|"
    r"(?-i:\b(?:my|mon|ma|meinem|mi|mijn|meu|mio) [A-Z])",
    re.IGNORECASE,
)
_MOST_IN_SIGNATURE = 12
_MOST_ON_CARD = 7
_LONGEST_CLOSING = 40
_LONGEST_MOBILE = 200


class Opening(StrEnum):
    """How something that is not the person's words may begin."""

    MOBILE = "mobile"
    DELIMITER = "delimiter"
    CLOSING = "closing"
    RULE = "rule"
    NOTICE = "notice"


def opening(line: Line, above: str) -> Opening | None:
    """What `line` may open under the line `above`; `holds` looks at what stands below."""
    if _DELIMITER.fullmatch(line.raw.rstrip("\r\n").replace("\u00a0", " ")):
        return Opening.DELIMITER
    if _UNDERSCORES.fullmatch(line.bare):
        return Opening.RULE
    if len(line.bare) <= _LONGEST_CLOSING and _CLOSING.fullmatch(line.bare.rstrip(" ,.;!")):
        return Opening.CLOSING
    if len(line.bare) <= _LONGEST_MOBILE and _is_mobile(_LINK.sub("", line.bare).strip()):
        return Opening.MOBILE
    begins = not above or _UNDERSCORES.fullmatch(above)
    return Opening.NOTICE if begins and _FOOTER.match(line.bare) else None


def _is_mobile(line: str) -> bool:
    return len(line) <= 80 and bool(_MOBILE.fullmatch(line) and not _SENTENCE.search(line))


def holds(begun: Opening, line: Line, below: Sequence[Line]) -> bool:
    """Whether `line`, with the lines `below` it up to the quotation, opens what it seems to.

    A name alone under «Cordialement» is part of what was said; `-- ` is always a signature
    (RFC 3676 §4.3), without its space only above few lines.
    """
    filled = [other.bare for other in below if not other.blank]
    if begun is Opening.MOBILE:
        return not filled or bool(below[0].blank and _KNOWN.search(line.bare))
    if begun is Opening.DELIMITER:
        return line.raw.startswith("-- ") or len(filled) <= _MOST_IN_SIGNATURE
    if begun is Opening.CLOSING:
        return 2 <= len(filled) <= _MOST_ON_CARD and all(map(_is_on_card, filled))
    return begun is Opening.NOTICE or 0 < len(filled) <= _MOST_IN_SIGNATURE


def _is_on_card(line: str) -> bool:
    """A short line that asks nothing."""
    return 0 < len(line) <= 70 and line[-1] not in "?;"
