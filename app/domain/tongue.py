"""What a translation can do, as far as letters and pages need it. Loads no catalogue
(app/tongues.py does).
"""

from typing import Protocol


class Tongue(Protocol):
    """One language: gives the text for a French original."""

    def gettext(self, message: str) -> str:
        """The translation of `message`, or `message` itself."""
        ...

    def ngettext(self, singular: str, plural: str, count: int) -> str:
        """The form of the translation that goes with `count`."""
        ...
