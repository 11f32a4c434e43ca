"""The line above a quotation: «Le … a écrit :», "On … wrote:", in the forms mail programs write.

A form alone proves nothing, persons write «Le patron a écrit :» too; there must be a date or an
address in it, or quoted lines right below. Does not know blocks of headers (header_block.py).
"""

import re
from collections.abc import Sequence

from app.domain.bare_line import ADDRESS, LONGEST, Line

# Programs break the line at 72 to 78 columns, so a long name makes three or four lines of it.
_MOST_LINES = 4
# The verb, the time behind it and the longest address that may stand between.
_LONGEST_END = 200

_VERB = (
    r"(?:a écrit|a ecrit|wrote|writes|schrieb|geschrieben|hat geschrieben|escribió|escribio|"
    r"ha escrit|va escriure|ha scritto|schreef|escreveu|napisał(?:\(a\)|a)?|pisze|skrev|"
    r"kirjoitti|napsal(?:\(a\)|a)?|napísal(?:\(a\)|a)?|írta|a scris|написал(?:\(а\)|а)?|пишет|"
    r"написав(?:\(ла\)|ла)?|пише|написа|şunu yazdı|yazdı|έγραψε|je napisao(?:/la)?|napisao je|"
    r"đã viết|menulis|skrifaði|rašė|kirjutas|rakstīja|写道|寫道|写到|のメッセージ|のメール|"
    r"書きました|さんは書きました|作成|작성|님이 작성|كتب(?:/كتبت)?|(?:‏)?כתב(?:/ה)?)"
)
# «… schrieb am 4. März 2025 um 07:30:», «… ezt írta (időpont: …):»; Zoho adds dashes.
_WHEN = (
    r"(?: \([^()]{1,60}\))?"
    r"(?: (?:le|am|on|il|el|em|op|den) [^:]{1,40}(?::\d\d){0,2}(?: ?[ap]m)?)?"
)
_CLOSES = re.compile(
    rf"(?:.*(?:(?<![\w’'])|(?=[\u3040-\u9fff\uac00-\ud7af]))|^)"
    rf"{_VERB}{_WHEN} ?[:：]+ ?(?:-{{2,}})?>?$",
    re.IGNORECASE,
)
# German, Dutch and the Nordic tongues may name the writer behind the verb.
_CLOSES_NAME = re.compile(
    r".* (?:schrieb|schreef|skrev|kirjoitti|skrifaði|geschreven door) [^:]{1,80}:$",
    re.IGNORECASE,
)
# Zoho writes dashes for the colon, Gmail on some phones nothing at all.
_CLOSES_BARE = re.compile(rf".*{ADDRESS}>?\)? {_VERB}(?: ?-{{2,}})?$", re.IGNORECASE)
_CLOSES_ADDRESS = re.compile(rf".*[<(\[]{ADDRESS}[>)\]]+ ?[:：]$")

_DAY = r"(?:[^\W\d]{2,14}[.,]{0,2} )?"
_DATE_SOON = rf"{_DAY}(?:{_DAY}{_DAY})?\d{{1,4}}"
_OPENERS = re.compile(
    rf"-* ?(?:(?:le|on|am|el|il|in data|op|em|no dia|den|w dniu|dnia|dne|dňa|pe|ma|ti|ke|to|la|"
    rf"su|в|"
    rf"în|în data de|pada|vào|tarihinde|στις|na|fre|lör|sön) {_DATE_SOON}|"
    rf"{_DATE_SOON}|wiadomość napisana przez |quoting |zitat von |citando |"
    rf"missatge de |em [^\d]{{2,5}}\.?,? |في |在 ?\d|בתאריך )",
    re.IGNORECASE,
)
_TIME = re.compile(r"\b\d{1,2} ?[:.hH] ?\d{2}\b|\b\d{1,2}時|[上下]午 ?\d|\d{1,2} ?[ap]\.?m\b", re.I)
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)|\b\d{1,2}[./-]\d{1,2}[./-]\d{2,4}\b|[٠-٩]{4}")
_ADDRESS = re.compile(ADDRESS)
_BEGINS_WITH_ADDRESS = re.compile(rf"[<(]?{ADDRESS}")
# «Paul <paul@…>» or an address in front, not an address somewhere in a sentence.
_NAMES = re.compile(rf".*[<(\[]{ADDRESS}[>)\]]|{ADDRESS}")
# No verb: «4 mars 2025, 07:30 de jean@…:» (Tuta), «Quoting Jean <jean@…>:» (Horde).
_CLOSES_FROM = re.compile(rf".* (?:de|from|von|da|van|por) {ADDRESS} ?:$", re.IGNORECASE)
_SAYS_WHOSE = re.compile(
    r"(?:wiadomość napisana przez|quoting|zitat von|citando|missatge de) .*:$", re.IGNORECASE
)


def attributions(lines: Sequence[Line]) -> dict[int, int]:
    """Where lines of attribution begin, and where they end (one past the last), in `lines`.

    Found from their ends: the rare closing word is looked for first, then the nearest beginning.
    """
    found: dict[int, int] = {}
    for end, line in enumerate(lines):
        if line.bare and not line.quoted and _may_close(line.bare):
            start = _start_of(lines, end)
            if start is not None:
                found[start] = end + 1
    return found


def _may_close(line: str) -> bool:
    return line[-1] in ":：>-" or ("@" in line and bool(_CLOSES_BARE.match(line)))


def _start_of(lines: Sequence[Line], end: int) -> int | None:
    joined = ""
    for start in range(end, max(end - _MOST_LINES, -1), -1):
        line = lines[start].bare
        if not line or lines[start].quoted or len(joined) + len(line) > LONGEST:
            break
        joined = f"{line} {joined}".rstrip()
        if _OPENERS.match(line) and _is_closed(joined) and _has_evidence(joined):
            return start
    return _bare_start(lines, end)


def _bare_start(lines: Sequence[Line], end: int) -> int | None:
    """No opening word is known: the line must prove itself, or the one above with it."""
    line = lines[end].bare
    above = lines[end - 1].bare if end and not lines[end - 1].quoted else ""
    if _CLOSES.match(line) and (_NAMES.match(line) or _is_above_quotation(lines, end)):
        whole = _NAMES.match(line) and not _BEGINS_WITH_ADDRESS.match(line)
        return end - 1 if not whole and above and _stands_for_a_name(above) else end
    if _CLOSES_ADDRESS.match(line) and _TIME.search(line):
        return end
    both = f"{above} {line}"
    if above and _ADDRESS.search(both) and _YEAR.search(above) and _CLOSES.match(both):
        return end - 1
    return None


def _stands_for_a_name(line: str) -> bool:
    """«Le 3 mars 2025, Jean» above «<jean@…> a écrit :», not a sentence that ends."""
    return bool(_YEAR.search(line) and _TIME.search(line)) and line[-1] not in ".!?:"


def _is_above_quotation(lines: Sequence[Line], end: int) -> bool:
    return next((line.quoted for line in lines[end + 1 : end + 4] if not line.blank), False)


def _is_closed(joined: str) -> bool:
    end = joined[-_LONGEST_END:]
    if _CLOSES.match(end) or _CLOSES_BARE.match(end) or _CLOSES_NAME.match(end):
        return True
    if _SAYS_WHOSE.match(joined):
        return True
    named = _CLOSES_ADDRESS.match(joined) or _CLOSES_FROM.match(joined)
    return bool(named and _TIME.search(joined))


def _has_evidence(joined: str) -> bool:
    return bool(_ADDRESS.search(joined) or _YEAR.search(joined) or _TIME.search(joined))
