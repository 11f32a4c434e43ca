"""The next hop: where the relay is and how it is spoken to. Opens nothing."""

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from app.domain.errors import SettingMissing

_PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}


@dataclass(frozen=True, slots=True)
class Relay:
    """The next hop: `smtp://`, `smtps://` (TLS from the start) or `smtp+starttls://user:pass@host`."""

    scheme: str
    host: str
    port: int
    user: str | None
    password: str | None

    @property
    def on_loopback(self) -> bool:
        """True when letters given to it do not leave this machine at once."""
        return self.host in _LOOPBACK


def relay(url: str) -> Relay:
    """The relay that a URL names. Raises SettingMissing with the forms that are understood."""
    forms = SettingMissing(
        "FEUILLETON_SMTP_URL reads smtp://host:port, smtps://user:password@host "
        "or smtp+starttls://user:password@host:587"
    )
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise forms
    try:
        port = parts.port or _PORTS[parts.scheme]
    except ValueError as fault:
        raise forms from fault
    return Relay(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port,
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )
