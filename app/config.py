"""The settings, read from the environment (prefix FEUILLETON_). Only app/wiring.py imports this.

Every setting has a default that a trial on one machine can live with. Builds nothing.
"""

import os
import secrets
from contextlib import suppress
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.domain.errors import SettingMissing
from app.domain.unknown import UnknownRule

_SHORTEST_KEY = 16


class Settings(BaseSettings):
    """One installation. Lists are separated by commas; secrets are never printed."""

    model_config = SettingsConfigDict(env_prefix="FEUILLETON_", env_file=".env", extra="ignore")

    database_url: str = "sqlite:///var/feuilleton.db"
    smtp_url: SecretStr = SecretStr("smtp://127.0.0.1:25")
    base_url: str = "http://127.0.0.1:8000"
    mail_domain: str = ""
    secret_keys: SecretStr = SecretStr("")
    admin_token: SecretStr = SecretStr("")
    lmtp_listen: str = ""
    speed: float = Field(default=1.0, gt=0)
    connections: int = Field(default=4, ge=1, le=512)
    paces: str = ""
    hourly_ceiling: int | None = Field(default=None, ge=1)
    daily_ceiling: int | None = Field(default=None, ge=1)
    warming_since: date | None = None
    dkim_domain: str = ""
    dkim_rsa_key: SecretStr = SecretStr("")
    dkim_rsa_selector: str = "feuilleton"
    dkim_ed25519_key: SecretStr = SecretStr("")
    dkim_ed25519_selector: str = "feuilleton-ed"
    die_at: str = ""
    unknown_lessons: UnknownRule = UnknownRule.ASSUME_SENT
    relay_log: str = ""
    instance_file: Path = Path("var/instance.json")
    author_name: str = ""
    author_signature: str = ""
    postal_address: str = ""
    privacy_url: str = ""

    @property
    def async_database_url(self) -> str:
        """The database's URL with the driver that this program uses."""
        scheme, gap, rest = self.database_url.partition("://")
        drivers = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}
        drivers["postgres"] = drivers["postgresql"]
        if not gap:
            raise SettingMissing(
                "FEUILLETON_DATABASE_URL reads sqlite:///file or postgresql://user:password@host/name"
            )
        return f"{drivers.get(scheme, scheme)}://{rest}"

    @property
    def domain(self) -> str:
        """The domain of our addresses: MAIL_DOMAIN, or the host of BASE_URL."""
        return self.mail_domain or urlsplit(self.base_url).hostname or "localhost"

    def keys(self) -> list[bytes]:
        """The secret keys, newest first; made and kept in var/secret_keys when none is set."""
        stated = [key.strip() for key in self.secret_keys.get_secret_value().split(",")]
        keys = [key.encode() for key in stated if key]
        if any(len(key) < _SHORTEST_KEY for key in keys):
            raise SettingMissing(
                f"each of FEUILLETON_SECRET_KEYS has at least {_SHORTEST_KEY} characters; "
                "`openssl rand -hex 32` makes one"
            )
        return keys or [kept_key(Path("var/secret_keys"))]


def kept_key(path: Path) -> bytes:
    """A trial needs no settings; what it makes up must survive a restart, or links would die.

    Two processes that start together agree on one key: it is written whole before it has a name.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        with suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    key = path.read_text().strip().encode()
    if len(key) < _SHORTEST_KEY:
        raise SettingMissing(f"{path} holds no key; remove it, or set FEUILLETON_SECRET_KEYS")
    return key
