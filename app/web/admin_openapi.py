"""Completes the API description: every operation says how it refuses (RFC 9457), and every POST
that it may carry an idempotency key.

Describes what problems.py and admin_route.py do; does nothing itself. Which refusals an operation
knows follows from its shape, so that no door has to list them.
"""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from app.web.admin_route import PREFIX
from app.web.idempotency import HEADER, LONGEST_KEY

_REFUSALS = {
    400: ("The cursor or the body cannot be read.", "cursor-malformed"),
    401: ("No bearer token, or one that opens nothing.", "unauthenticated"),
    404: ("There is no such thing.", "record-unknown"),
    409: ("The present state does not allow this, or the key was used before.", "conflict"),
    413: ("The body is too large.", "body-too-large"),
    415: ("The body is not of the right type.", "content-type-unsupported"),
    422: ("Something that was sent cannot be used; `errors` names fields.", "fields-unreadable"),
}
_PROBLEM = {
    "type": "object",
    "description": "Why not (RFC 9457). `type` is stable, `detail` is for people.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["at", "is"],
                "properties": {"at": {"type": "string"}, "is": {"type": "string"}},
            },
        },
    },
}
_KEY = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": (
        "Makes the request safe to repeat for 24 hours: the same key with the same request gets "
        "the first answer again, with another request a 409. A UUID will do."
    ),
    "schema": {"type": "string", "pattern": rf"^[\x21-\x7e]{{1,{LONGEST_KEY}}}$"},
    "example": "5f0c7e9a-8a0b-4b59-9b53-1d0a3f5a9a60",
}


def install(app: FastAPI) -> None:
    """Let `app` give out the complete description."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        known = app.openapi_schema
        return known if known is not None else _complete(plain())

    app.openapi = described  # type: ignore[method-assign]


def _complete(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document["components"]["schemas"]
    schemas["Problem"] = _PROBLEM
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for schema in schemas.values():
        for example in schema.get("examples", ()):
            _put_back_nulls(example, schema, schemas)
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            responses = operation["responses"]
            responses.pop("422", None)
            for status in _statuses(path, method, operation):
                responses[str(status)] = _refusal(status, as_page=not path.startswith(PREFIX))
            if method == "post" and path.startswith(PREFIX):
                operation.setdefault("parameters", []).append(_KEY)
    return document


def _statuses(path: str, method: str, operation: dict[str, Any]) -> Iterator[int]:
    """The refusals that can come from a token, an id, a state, a body or a parameter."""
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    sends = "requestBody" in operation
    if sends or "cursor" in names:
        yield 400
    if path.startswith(PREFIX):
        yield 401
        if method != "get":
            yield 409
    if sends or "{" in path:
        yield 404
    if sends:
        yield 413
        yield 415
    yield 422


def _put_back_nulls(example: Any, schema: dict[str, Any], schemas: dict[str, Any]) -> None:
    """FastAPI drops what is null, also from examples, where null is what they want to show."""
    for name in schema.get("required", ()):
        example.setdefault(name, None)
        about = schema["properties"][name]
        inner = about.get("items", about).get("$ref", "").rpartition("/")[2]
        held = example[name] if "items" in about else [example[name]]
        for each in held if schemas.get(inner, {}).get("type") == "object" else ():
            _put_back_nulls(each, schemas[inner], schemas)


def _refusal(status: int, *, as_page: bool) -> dict[str, Any]:
    description, code = _REFUSALS[status]
    example: dict[str, Any] = {
        "type": f"urn:feuilleton:{code}",
        "title": code.replace("-", " "),
        "status": status,
        "detail": description,
    }
    if status == 422:
        example["errors"] = [{"at": "body.email", "is": "Field required"}]
    reference = {"$ref": "#/components/schemas/Problem"}
    content: dict[str, Any] = {
        "application/problem+json": {"schema": reference, "example": example}
    }
    if as_page:
        content["text/html"] = {"schema": {"type": "string"}, "example": "<!doctype html>…"}
    return {"description": description, "content": content}
