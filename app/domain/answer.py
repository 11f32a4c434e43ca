"""What an SMTP answer means: for the letter, for the person, for the provider, for the lesson.

One table, read from the top: how far the conversation came, the class of the code, the enhanced
status (RFC 3463), the words (refusal.py). Two rules stand above all rows. Nothing said before RCPT
speaks of the recipient. And a faulty setting or a bad name of ours is never the recipient's fault:
the letter waits, the provider's queue stops, a person looks. Counts nothing (tally.py) and stops
nothing itself.
"""

import re

from app.domain.delivery import Phase, Reply
from app.domain.meaning import (
    CONTENT_EARLY,
    GONE_LATE,
    MEANINGS,
    PERSONAL,
    Cause,
    Effect,
    Meaning,
)
from app.domain.refusal import Reason, reason_of

__all__ = ["Cause", "Effect", "Meaning", "cause_of_report", "weigh"]


# By the detail of the enhanced status (RFC 3463 §3, RFC 7372, RFC 7505, RFC 7293, RFC 6531).
_BY_DETAIL = {
    **dict.fromkeys(("1.1", "1.3", "1.6", "1.10", "7.17", "7.18"), Cause.ADDRESS_GONE),
    **dict.fromkeys(("1.2", "4.4"), Cause.DOMAIN_GONE),
    **dict.fromkeys(("2.1", "7.13"), Cause.MAILBOX_DISABLED),
    **dict.fromkeys(("2.2", "3.1"), Cause.FULL),
    **dict.fromkeys(("1.7", "1.8", "7.8", "7.9", "7.11", "7.509", "7.515"), Cause.CONFIGURATION),
    **dict.fromkeys((f"7.{n}" for n in (*range(20, 28), 29, 30, 32)), Cause.CONFIGURATION),
    **dict.fromkeys(("2.3", "3.4"), Cause.CONTENT),
    "4.5": Cause.RATE,
    "4.6": Cause.LOOP,
    "6.7": Cause.UNSUPPORTED_ADDRESS,
}  # fmt: skip
_BY_SUBJECT = {
    "3": Cause.SYSTEM, "4": Cause.SYSTEM, "5": Cause.CONTENT, "6": Cause.CONTENT,
    "7": Cause.POLICY_OR_REPUTATION,
}  # fmt: skip
# Details that say "other or undefined": the words decide, as where there is no status at all.
_UNDEFINED = {"0.0", "1.0", "2.0", "3.0", "4.0", "5.0"}
# Codes with one sense whatever stands behind them (RFC 4954 §6, RFC 7504, RFC 5248 §2.4).
_IMPLIED = {
    521: "1.2", 525: "7.13", 530: "7.8", 534: "7.9", 535: "7.8", 538: "7.11", 556: "1.10",
}  # fmt: skip
_BY_WORDS = {
    Reason.GONE: Cause.ADDRESS_GONE,
    Reason.DOMAIN_GONE: Cause.DOMAIN_GONE,
    Reason.DISABLED: Cause.MAILBOX_DISABLED,
    Reason.FULL: Cause.FULL,
    Reason.RATE: Cause.RATE,
    Reason.REPUTATION: Cause.POLICY_OR_REPUTATION,
    Reason.POLICY: Cause.POLICY_OR_REPUTATION,
    Reason.CONTENT: Cause.CONTENT,
    Reason.SYSTEM: Cause.SYSTEM,
}
# Where neither status nor words speak (RFC 5321 §4.2.2): a full box, or our protocol.
_BY_CODE = {552: Cause.FULL, **dict.fromkeys((500, 502, 503, 504, 555), Cause.CONTENT)}
_NAMES_A_MAILBOX = {550, 551, 553}
_AGREES_WITH_GONE = {Reason.GONE, Reason.DOMAIN_GONE, Reason.DISABLED, Reason.UNKNOWN}

_GREYLISTED = re.compile(r"gr[ae]y-?list", re.IGNORECASE)
_OUR_SHARE = re.compile(r"sending (?:quota|limit)|(?:daily|hourly) .{0,20}(?:quota|limit)", re.I)
_GOES_ROUND = re.compile(r"too many hops|(?:mail|message|routing) loop", re.IGNORECASE)
_NOT_LISTED = re.compile(r"recipient address rejected", re.IGNORECASE)
# Echoed addresses and IP numbers are not words: stop@quota-full.fr, 5.1.1.7.
_ADDRESS = re.compile(r"[\w.+=%'-]+@[\w.-]+")
_NUMBERS = re.compile(r"\d+(?:\.\d+){2,}")


def weigh(reply: Reply) -> Meaning:
    """What `reply`, the last word of one attempt, means. Total: any phase, code and text.

    Rows: RFC 5321 §4.2 by phase and class, RFC 3463 §3 by status. Only a parsed 2yz after the dot
    accepts, and only no readable answer after the dot leaves it open (RFC 1047).
    """
    kind = reply.code // 100
    if reply.phase is Phase.DOT and kind == 2:
        return MEANINGS[Cause.ACCEPTED]
    if reply.phase is Phase.DOT and kind not in (4, 5):
        return MEANINGS[Cause.UNKNOWN]
    if reply.code == 0:
        return MEANINGS[Cause.NO_ANSWER]
    if kind == 4:
        return MEANINGS[_delayed(reply)]
    if kind != 5:
        return MEANINGS[Cause.TEMPORARY]
    if reply.phase < Phase.RECIPIENT:
        cause = _refused_us(reply)
        return CONTENT_EARLY if cause is Cause.CONTENT else MEANINGS[cause]
    cause = _refused(reply)
    late = reply.phase > Phase.RECIPIENT
    return GONE_LATE if late and cause is Cause.ADDRESS_GONE else MEANINGS[cause]


def cause_of_report(reason: Reason) -> Cause:
    """How a delivery report is read (RFC 3464 §2.3); the letter itself had left long ago.

    Only for a report that came to its own return path: any other may be forged (S-22).
    """
    return _BY_WORDS.get(reason, Cause.SYSTEM)


def _delayed(reply: Reply) -> Cause:
    """The rows of 4yz: the letter is tried again whatever they say (RFC 5321 §4.2.1)."""
    detail, spoken = _detail(reply), _spoken(reply)
    if _GREYLISTED.search(reply.text):
        return Cause.TEMPORARY
    # An idle connection that was closed is no sign of haste (RFC 3463 §3.5, X.4.2).
    hurried = reply.code == 421 and detail != "4.2"
    slow_down = hurried or detail.startswith("7.") or _OUR_SHARE.search(reply.text)
    if slow_down or spoken in (Reason.RATE, Reason.REPUTATION):
        return Cause.RATE
    storage = detail in ("2.2", "3.1") or (reply.code == 452 and not detail)
    if reply.phase >= Phase.RECIPIENT and (storage or spoken is Reason.FULL):
        return Cause.FULL
    return Cause.TEMPORARY


def _refused_us(reply: Reply) -> Cause:
    """The rows of 5yz before RCPT: all of them are about us."""
    detail, spoken = _detail(reply), _spoken(reply)
    if reply.phase is Phase.SENDER and (detail == "3.4" or (reply.code == 552 and not detail)):
        return Cause.CONTENT
    if spoken is Reason.REPUTATION:
        return Cause.POLICY_OR_REPUTATION
    if spoken is Reason.RATE and not detail.startswith("7."):
        return Cause.RATE
    about_us = _BY_DETAIL.get(detail) or _BY_SUBJECT.get(detail.partition(".")[0])
    policy = about_us is Cause.POLICY_OR_REPUTATION
    return Cause.POLICY_OR_REPUTATION if policy else Cause.CONFIGURATION


def _refused(reply: Reply) -> Cause:
    """The rows of 5yz from RCPT on. Where status and words disagree, nobody is suppressed."""
    detail, spoken = _detail(reply), _spoken(reply)
    coded = _BY_DETAIL.get(detail) or _BY_SUBJECT.get(detail.partition(".")[0])
    if coded is Cause.LOOP or _GOES_ROUND.search(reply.text):
        return Cause.LOOP
    if spoken is Reason.REPUTATION:
        return Cause.POLICY_OR_REPUTATION
    if coded in (Cause.POLICY_OR_REPUTATION, Cause.CONFIGURATION, Cause.UNSUPPORTED_ADDRESS):
        return coded
    if spoken is Reason.RATE or _OUR_SHARE.search(reply.text):
        return Cause.RATE
    if not detail or detail in _UNDEFINED:
        return _in_words(reply, detail, spoken)
    if spoken is Reason.GONE and coded not in PERSONAL:
        return Cause.BARE_REFUSAL
    # Exchange Online names an unknown mailbox so, under a status that speaks of the network.
    if detail == "4.1" and _NOT_LISTED.search(reply.text):
        return Cause.BARE_REFUSAL
    if coded is Cause.ADDRESS_GONE and spoken not in _AGREES_WITH_GONE:
        return Cause.FULL if spoken is Reason.FULL else Cause.BARE_REFUSAL
    return coded or Cause.BARE_REFUSAL


def _in_words(reply: Reply, detail: str, spoken: Reason) -> Cause:
    """A 5yz whose status says nothing: by its words, else by its code."""
    late = reply.phase > Phase.RECIPIENT
    if spoken is Reason.GONE and (reply.code not in _NAMES_A_MAILBOX or _contradicts(reply)):
        return Cause.BARE_REFUSAL
    # Before any content was seen, "spam" speaks of the sender.
    if spoken is Reason.CONTENT and not late and reply.code != 552:
        return Cause.POLICY_OR_REPUTATION
    if spoken not in (Reason.UNKNOWN, Reason.SYSTEM):
        return _BY_WORDS[spoken]
    said = _BY_SUBJECT.get(detail.partition(".")[0]) or _BY_WORDS.get(spoken)
    silent = Cause.CONTENT if late else Cause.BARE_REFUSAL
    return said or _BY_CODE.get(reply.code, silent)


def _detail(reply: Reply) -> str:
    """ "1.1" of 5.1.1, or "" without a status that can be believed of a person."""
    if reply.code in _IMPLIED:
        return _IMPLIED[reply.code]
    detail = (reply.enhanced or "").partition(".")[2]
    return "" if _contradicts(reply) and _BY_DETAIL.get(detail) in PERSONAL else detail


def _contradicts(reply: Reply) -> bool:
    """True for a status of another class than its code, as 550 4.1.1 (RFC 2034 §4)."""
    return reply.enhanced is not None and reply.enhanced[0] != str(reply.code // 100)


def _spoken(reply: Reply) -> Reason:
    own = reply.enhanced or ""
    text = _NUMBERS.sub(lambda n: own if n[0] == own else " ", reply.text[:4000])
    return reason_of(_ADDRESS.sub(" ", text), "")
