"""What a refusal by a mail server means: its words and its status code, read for a reason.

The class digit of a status code is not enough: four in ten refusals with 5.x.x speak of policy,
reputation, quota or rate, and say nothing about the address (RFC 3463 §3.3, §3.8). So the words of
the refusal are read first, then the detail of the code. Does not know who was refused.
"""

import re
from enum import StrEnum

_STATUS = re.compile(r"\b([245])\.(\d{1,3})\.(\d{1,3})\b")


class Reason(StrEnum):
    """Why a letter was refused."""

    GONE = "gone"
    DOMAIN_GONE = "domain-gone"
    DISABLED = "disabled"
    FULL = "full"
    RATE = "rate"
    REPUTATION = "reputation"
    POLICY = "policy"
    CONTENT = "content"
    SYSTEM = "system"
    UNKNOWN = "unknown"


#: The reasons that speak of the address itself and for good.
PERMANENT = frozenset({Reason.GONE, Reason.DOMAIN_GONE})


def status_in(text: str) -> str:
    """The first enhanced status code written in `text` (RFC 3463 §2), or ""."""
    found = _STATUS.search(text[:4000])
    return found.group(0) if found else ""


def reason_of(text: str, status: str) -> Reason:
    """The reason a refusal gives, by its words first and by its code where they say nothing."""
    spoken = " ".join(text[:4000].split())
    for reason, pattern in _WORDS:
        if pattern.search(spoken):
            return reason
    coded = _by_code(status)
    return coded if coded is not Reason.UNKNOWN else _by_code(status_in(spoken))


def _by_code(status: str) -> Reason:
    found = _STATUS.fullmatch(status)
    if not found or found.group(1) == "2":
        return Reason.UNKNOWN
    detail = f"{found.group(2)}.{found.group(3)}"
    reason = _CODES.get(detail) or _SUBJECTS.get(found.group(2), Reason.UNKNOWN)
    # A 4.x.x that gave up says the same of the address as any temporary fault: nothing.
    return Reason.SYSTEM if found.group(1) == "4" and reason in PERMANENT else reason


_CODES = {
    "1.1": Reason.GONE, "1.3": Reason.GONE, "1.6": Reason.GONE, "7.17": Reason.GONE,
    "7.18": Reason.GONE, "1.2": Reason.DOMAIN_GONE, "1.10": Reason.DOMAIN_GONE,
    "4.4": Reason.DOMAIN_GONE, "1.7": Reason.POLICY, "1.8": Reason.POLICY,
    "2.1": Reason.DISABLED, "7.13": Reason.DISABLED, "2.2": Reason.FULL, "3.1": Reason.FULL,
    "2.3": Reason.CONTENT, "3.4": Reason.CONTENT, "7.28": Reason.RATE,
}  # fmt: skip
# RFC 3463 §3: what the second digit speaks of, where the detail is not known.
_SUBJECTS = {
    "3": Reason.SYSTEM, "4": Reason.SYSTEM, "5": Reason.SYSTEM, "6": Reason.CONTENT,
    "7": Reason.POLICY,
}  # fmt: skip

# Read in this order: a refusal for reputation often quotes a sentence about the mailbox.
_WORDS: tuple[tuple[Reason, re.Pattern[str]], ...] = tuple(
    (reason, re.compile(pattern, re.IGNORECASE))
    for reason, pattern in (
        (Reason.GONE, r"destinataire invalide|"
         r"5\.5\.0 requested action not taken: mailbox unavailable"),
        (Reason.POLICY, r"sender (?:domain|verif\w+|denied)"),
        (Reason.REPUTATION, r"\bOFR[_ ]?\d|\bOFR_|black ?list|block ?list|\bRBL\b|\bDNSBL\b|"
         r"spamhaus|spamcop|barracuda|reputation|client host .{0,80}blocked|\bIP\b.{0,60}\bblocked|"
         r"poor.{0,20}score|\bTSS\d\d\b|\bRP-00\d|sender(?:'s)? (?:address )?rejected"),
        (Reason.RATE, r"too many (?:connections|messages|recipients|emails|mails|requests)|"
         r"rate.?limit|throttl|too fast|unusual rate|receiving mail at a rate|"
         r"trop de (?:connexions|messages)"),
        (Reason.FULL, r"(?:over|exceed\w*|out of).{0,20}(?:quota|storage)|quota.{0,30}"
         r"(?:exceed|full|reached|dépass|depass)|mailbox.{0,40}(?:\bfull\b|over its limit)|"
         r"boîte.{0,40}pleine|boite.{0,40}pleine|insufficient (?:system )?(?:storage|space)|"
         r"user is overquota|overquota|mailbox size limit|disk full|not enough space"),
        (Reason.GONE, r"(?:user|recipient|mailbox|account|address|adresse|addressee|alias)\b"
         r".{0,60}(?:unknown|not exist|doesn.?t exist|n.?existe pas|not found|inconnue?|invalide?|"
         r"no longer (?:exists|valid|available|in use)|isn.?t found|not listed)|unknown "
         r"(?:user|recipient|mailbox|address|account|local)|no (?:such|mailbox here|mail.?box)|"
         r"(?:invalid|bad|inexistent|nonexistent) (?:recipient|mailbox|user|destinat)|"
         r"destinataire (?:invalide|inconnu)|unrouteable address|unknown or illegal alias|"
         r"(?:does not|doesn.t) have an? .{0,60}account|no account by that name|"
         r"account.{0,30}(?:closed|deleted)|"
         r"isn.?t a valid (?:user|mailbox|address)|does not like recipient.{0,40}no such"),
        (Reason.DOMAIN_GONE, r"(?:host|domain)\b.{0,60}(?:not found|unknown|not exist|"
         r"n.?existe pas|"
         r"couldn.?t be found|no MX|nullmx)|unknown (?:host|domain)|NXDOMAIN|non-?existent hosts?|"
         r"couldn.?t find any host named|nullMX|does not accept mail"),
        (Reason.DISABLED, r"(?:account|mailbox|user|compte|boîte)\b.{0,40}(?:disabled|inactive|"
         r"suspended|désactivée?|inactif|not active|locked|blocked)"),
        (Reason.POLICY, r"\bSPF\b|\bDKIM\b|\bDMARC\b|policy|politique|not authenticated|"
         r"relay(?:ing)? "
         r"(?:access )?denied|not permitted to relay|unauthenticated|authentication required|"
         r"access denied|blocked|refused by|refusé|administratively"),
        (Reason.CONTENT, r"\bspam\b|virus|message content|too (?:large|big)|size (?:limit|exceed)|"
         r"trop (?:volumineux|gros)|attachment"),
        (Reason.SYSTEM, r"timed? ?out|connection (?:refused|reset|lost)|try again later|"
         r"temporar|greylist|expired|too many hops|mail loop|retry timeout|unable to connect|"
         r"could not be delivered for|délai"),
    )
)  # fmt: skip
