"""The admin API on tokens: list, read, give out, revoke. Shows a token once, when it is made."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from app.db import access, listing
from app.db.access import ApiToken
from app.flows import grant
from app.web.admin_fields import Id, Line, answer_like, body_like
from app.web.admin_route import Acting, admin_router
from app.web.deps import Now, Reading
from app.web.paging import Page, Paged

router = admin_router("tokens")
_TOKEN = {
    "id": 4,
    "name": "statistiques",
    "prefix": "a1b2c3",
    "created_at": "2026-11-24T09:00:00Z",
    "revoked_at": None,
}


class TokenOut(BaseModel):
    """A token, without its text; `prefix` is the part that tells it from others."""

    model_config = answer_like(**_TOKEN)

    id: int
    name: str
    prefix: str
    created_at: datetime
    revoked_at: datetime | None


class TokenMade(TokenOut):
    """A new token: `token` is its text, shown now and never again (null when the request is
    repeated under its idempotency key).
    """

    model_config = answer_like(
        **_TOKEN, token="feu_a1b2c3_EXAMPLE-only-EXAMPLE-only-EXAMPLE-only-EXAMPLE"
    )

    token: str | None


class TokenIn(BaseModel):
    """What the token is for, to know it again."""

    model_config = body_like(name="statistiques")

    name: Line


@router.get("/tokens", response_model=Page[TokenOut])
async def list_tokens(session: Reading, paged: Paged) -> dict[str, Any]:
    """The tokens that were given out, revoked ones among them."""
    return paged.page(await listing.tokens(session, paged.span))


@router.get("/tokens/{token_id}", response_model=TokenOut)
async def read_token(token_id: Id, session: Reading) -> ApiToken:
    """One token, without its text."""
    return await access.token(session, token_id)


@router.post("/tokens", status_code=201)
async def give_token(wish: TokenIn, session: Acting, now: Now) -> TokenMade:
    """Give out a token. Its text is in this answer and nowhere else."""
    text = await grant.create_token(session, wish.name, now=now)
    made = await grant.recognise(session, text)
    shown = {name: getattr(made, name) for name in TokenOut.model_fields}
    return TokenMade(**shown, token=text)


@router.delete("/tokens/{token_id}", status_code=204)
async def revoke_token(token_id: Id, session: Acting, now: Now) -> None:
    """Let a token open nothing any more; a second time changes nothing."""
    await grant.revoke(session, token_id, now=now)
