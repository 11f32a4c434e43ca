"""A block of headers or a ruled title above a quotation: Outlook, Orange, Zimbra, phones.

A person's own «De : mars / À : juin» is none: three kinds of label, or two and an address, are
asked for. Does not decide what becomes of the lines below.
"""

import re
from collections.abc import Sequence

from app.domain.bare_line import ADDRESS, Line

_MOST_LINES = 12

_LABELS = {
    "from": "de|from|von|da|van|fra|från|od|от|від|mittente|remitente|expéditeur|lähettäjä|feladó|"
    "kimden|de la|nadawca|από|发件人|寄件者|差出人|보낸 사람|من|מאת|dari|från",
    "sent": "envoyé(?: le)?|envoyée(?: le)?|envoye|date|sent|gesendet|datum|inviato|data|verzonden|"
    "enviado(?: el| em)?|fecha|enviada(?: em)?|sendt|skickat|dato|lähetetty|päivämäärä|wysłano|"
    "data wysłania|"
    "odesláno|dátum|elküldve|gönderildi|tarih|trimis|отправлено|дата|надіслано|"
    "发送时间|日期|送信日時|日付|보낸 날짜|تاريخ|التاريخ|נשלח",
    "to": "à|a|to|an|aan|para|til|till|do|pour|destinataire|vastaanottaja|címzett|kime|către|"
    "adresat|"
    "кому|προς|收件人|宛先|받는 사람|إلى|אל|kepada|copie à|cc|copie|kopie|kopia|kopio|копия|抄送",
    "subject": "objet|sujet|subject|betreff|oggetto|onderwerp|asunto|assunto|emne|ämne|aihe|temat|"
    "předmět|predmet|tárgy|konu|subiect|тема|θέμα|主题|主旨|件名|제목|الموضوع|נושא|perihal",
}
_LABEL = re.compile(
    "|".join(rf"(?:(?<=[\s\d])|^)(?P<{kind}>{names}) ?[:：]" for kind, names in _LABELS.items()),
    re.IGNORECASE,
)
_MESSAGE_OF = re.compile(r"message du ?:? ?\d{1,2}[/.]\d{1,2}[/.]\d{2,4}", re.IGNORECASE)
_RULES = "-_=—–"
_RULE = re.compile(r"[-_=—–]{3,}")
_TITLE = re.compile(
    r"[-_=—–]{2,} ?(?:message (?:d.origine|original|initial|transféré|réexpédié|transmis)|"
    r"e?-?mail (?:d.origine|original)|"
    r"courriel original|original (?:message|mail|e-?mail|appointment)|forwarded message|"
    r"message transféré|"
    r"(?:ursprüngliche|original|weitergeleitete)[- ]?(?:nachricht|e-?mail)|originalnachricht|"
    r"mensaje (?:original|reenviado)|messaggio (?:originale|inoltrato)|mensagem (?:original|"
    r"encaminhada)|"
    r"oorspronkelijk bericht|doorgestuurd bericht|oprindelig (?:besked|meddelelse)|"
    r"ursprungligt meddelande|opprinnelig melding|alkuperäinen viesti|oryginalna wiadomość|"
    r"wiadomość oryginalna|původní zpráva|pôvodná správa|eredeti üzenet|mesaj original|"
    r"исходное сообщение|пересылаемое сообщение|özgün ileti|原始邮件|原始郵件|元のメッセージ|"
    r"원본 메시지|"
    r"الرسالة الأصلية)(?: ?[-_=—–]{2,}|:)?",
    re.IGNORECASE,
)
_FORWARDED = re.compile(
    r"(?:début du message (?:transféré|réexpédié)|begin forwarded message|"
    r"anfang der weitergeleiteten "
    r"nachricht|inicio del mensaje reenviado|inizio messaggio inoltrato) ?:",
    re.IGNORECASE,
)
_TELLS = re.compile(ADDRESS + r"|\d{1,2} ?[:h.] ?\d{2}|\b(?:19|20)\d\d\b|mailto:")


def header_block_at(lines: Sequence[Line], start: int) -> int:
    """How many lines from `start` on are a heading of a quotation; 0 where there is none."""
    first = lines[start].bare
    if not first or lines[start].quoted:
        return 0
    if first[0] in _RULES or first[-1] in ":：":
        if _TITLE.fullmatch(first) or _FORWARDED.fullmatch(first):
            below = _next_line(lines, start + 1)
            return below - start + (_block(lines, below) if below < len(lines) else 0)
        if _RULE.fullmatch(first):
            below = _next_line(lines, start + 1)
            near = below < min(start + 4, len(lines)) and not _RULE.fullmatch(lines[below].bare)
            if near and lines[below].quoted:
                return below - start
            size = header_block_at(lines, below) if near else 0
            return below - start + size if size else 0
    return _block(lines, start)


def _next_line(lines: Sequence[Line], start: int) -> int:
    while start < len(lines) and lines[start].blank:
        start += 1
    return start


def _block(lines: Sequence[Line], start: int) -> int:
    """The lines of labels from `start` on; a long address may stand on a line of its own."""
    if lines[start].quoted or not _begins_block(lines[start].bare):
        return 0
    end = start
    while end < min(start + _MOST_LINES, len(lines)) and not lines[end].blank:
        end += 1
    block = [line.bare for line in lines[start:end]]
    return _last_label(block) if _is_heading(" \n ".join(block)) else 0


def _begins_block(line: str) -> bool:
    labelled = (":" in line[:40] or "：" in line[:40]) and _LABEL.match(line)
    return bool(labelled or _MESSAGE_OF.match(line))


def _last_label(block: Sequence[str]) -> int:
    return max((i + 1 for i, line in enumerate(block) if _LABEL.match(line)), default=1)


def _is_heading(block: str) -> bool:
    """The four kinds are never missing together: a traveller's «Date, De, À» has no subject."""
    kinds = {match.lastgroup for match in _LABEL.finditer(block)}
    if _MESSAGE_OF.match(block):
        kinds.add("sent")
    addressed = bool(re.search(ADDRESS, block))
    if "from" not in kinds or not _TELLS.search(block):
        return False
    return (addressed and len(kinds) >= 2) or {"sent", "subject"} <= kinds
