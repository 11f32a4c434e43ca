"""What may stand as a first name in a letter. A name field is a spammers' payload channel: what
looks like a link, an address or a phone number is refused, what is merely untidy is tidied.
"""

import re
import unicodedata

from app.domain.errors import NameRefused

LONGEST = 40
_PAYLOAD = re.compile(r"://|www\.|[@<>{}\[\]\\|]|\d{3,}|\.\w{2,}/", re.IGNORECASE)
_DOMAIN = re.compile(
    r"\w\.(?:com|net|org|info|biz|fr|ru|io|top|xyz|site|online|shop)\b", re.IGNORECASE
)
_INVISIBLE = {"Cc", "Cf", "Zl", "Zp", "Co", "Cs", "Cn"}
_JOINERS = "\u200c\u200d"


def first_name(typed: str) -> str:
    """The name as it may be printed: NFC, one line, single spaces; "" when nothing was typed.

    Raises NameRefused for line breaks, links, addresses, runs of digits and more than 40 letters.
    """
    if any(mark in typed.strip() for mark in "\r\n\v\f\x85\u2028\u2029"):
        raise NameRefused
    visible = "".join(
        c for c in typed if unicodedata.category(c) not in _INVISIBLE or c in _JOINERS
    )
    name = " ".join(unicodedata.normalize("NFC", visible).split())
    if len(name) > LONGEST or _PAYLOAD.search(name) or _DOMAIN.search(name):
        raise NameRefused
    return name
