"""What the doors are given when the application is built. Reads no setting and builds no part."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.db.session import Database
from app.flows.installation import Installation
from app.mail.templates import Templates
from app.web.rendering import Pages


@dataclass(frozen=True, slots=True)
class WebParts:
    """`admin_token` is the bootstrap token of API and desk ("" = none)."""

    database: Database
    templates: Templates
    here: Installation
    pages: Pages
    admin_token: str
    privacy_url: str
    clock: Callable[[], datetime]

    @property
    def secure(self) -> bool:
        """Whether the pages are served over TLS, which cookies need to know."""
        return self.here.base_url.startswith("https://")
