"""French spacing: which blanks must not break. Changes no word and no sign."""

import re

NARROW, WIDE = "\u202f", "\u00a0"
_BEFORE_HIGH = re.compile(r"[ \u00a0](?=[;!?»])")
_BEFORE_COLON = re.compile(r" (?=:(?:\s|$))")
_AFTER_OPENING = re.compile(r"(?<=«)[ \u00a0]")
_AFTER_NUMERO = re.compile(r"(?<=\bn°) ")


def french(text: str) -> str:
    """The text with unbreakable blanks where French wants them.

    Narrow (U+202F) before ; ! ? and inside « », full (U+00A0) before a colon and after n°. A sign
    that follows no blank is left alone: URLs, times and code keep their form.
    """
    text = _AFTER_OPENING.sub(NARROW, _BEFORE_HIGH.sub(NARROW, text))
    return _AFTER_NUMERO.sub(WIDE, _BEFORE_COLON.sub(WIDE, text))
