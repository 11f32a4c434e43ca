"""The demo's post office box: letters that leave for anybody are caught in a folder, one file each.

Keeps letters as the relay got them and finds them again; sends and judges nothing.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from app.mail.listener import Brought


@dataclass(frozen=True, slots=True)
class CaughtLetter:
    """One letter in the box: its number, its envelope, when it came (ISO 8601), its bytes."""

    number: int
    sender: str
    recipient: str
    at: str
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        """The letter parsed. It was written by us, so the strict reader will do."""
        parsed: EmailMessage = message_from_bytes(self.raw, policy=policy.default)
        return parsed

    @property
    def subject(self) -> str:
        """The subject line."""
        return str(self.message["Subject"] or "")

    @property
    def sender_shown(self) -> str:
        """The From header."""
        return str(self.message["From"] or "")

    @property
    def text(self) -> str:
        """The text/plain part."""
        return self._part("plain")

    @property
    def html(self) -> str:
        """The text/html part."""
        return self._part("html")

    @property
    def head(self) -> str:
        """The headers as they stand on the wire."""
        return self.raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("utf-8", "replace")

    def _part(self, kind: str) -> str:
        part = self.message.get_body((kind,))
        return str(part.get_content()) if isinstance(part, EmailMessage) else ""


class Catcher:
    """The folder of caught letters."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def catch(self, brought: Brought, *, now: datetime) -> int:
        """Keep a letter; returns its number."""
        number = len(self) + 1
        (self._folder / f"{number:05}.eml").write_bytes(brought.raw)
        about = {"sender": brought.sender, "recipient": brought.recipient, "at": now.isoformat()}
        (self._folder / f"{number:05}.json").write_text(json.dumps(about))
        return number

    def __len__(self) -> int:
        return sum(1 for _ in self._folder.glob("*.json"))

    def letters(self) -> list[CaughtLetter]:
        """All letters, the newest first."""
        return [self.letter(number) for number in range(len(self), 0, -1)]

    def letter(self, number: int) -> CaughtLetter:
        """The letter with this number. Raises KeyError."""
        path = self._folder / f"{number:05}.json"
        if not path.exists():
            raise KeyError(number)
        about = json.loads(path.read_text())
        return CaughtLetter(number=number, raw=path.with_suffix(".eml").read_bytes(), **about)
