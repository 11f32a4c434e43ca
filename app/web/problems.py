"""The one place where the tree of errors meets HTTP: a problem document (RFC 9457) for programs, a
page in the visitor's language for people. Decides nothing about what is an error.
"""

from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from app.db.session import is_passing
from app.domain import errors
from app.domain.errors import FeuilletonError
from app.web.rendering import Pages

log = structlog.get_logger()

STATUS: dict[type[FeuilletonError], int] = {
    errors.BadInput: 422,
    errors.CursorMalformed: 400,
    errors.BodyMalformed: 400,
    errors.BodyTooLarge: 413,
    errors.ContentTypeUnsupported: 415,
    errors.NotAllowed: 403,
    errors.Unauthenticated: 401,
    errors.TokenForged: 404,
    errors.TokenExpired: 410,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.CourseBroken: 422,
    errors.RenderFailed: 422,
    errors.SetupFault: 503,
}
"""The nearest ancestor's entry counts; a test proves that every error has one."""

# What a visitor reads, in French, which the catalogues translate.
SAID: dict[type[FeuilletonError], str] = {
    errors.AddressMalformed: "Cette adresse n’est pas complète : elle s’écrit nom@exemple.fr.",
    errors.AddressRefused: "Cette adresse est celle d’un service : donnez une adresse personnelle.",
    errors.NameRefused: "Le prénom tient en une ligne de 40 lettres, sans lien ni chiffres.",
    errors.ZoneUnknown: "Ce fuseau horaire n’est pas connu : choisissez-le dans la liste.",
    errors.BodyTooLarge: "C’est trop long pour ce formulaire.",
    errors.BodyMalformed: "Ce formulaire est incomplet : rechargez la page et recommencez.",
    errors.ContentTypeUnsupported: "Ce formulaire n’a pas la forme attendue.",
    errors.CourseUnknown: "Ce cours n’existe pas, ou n’existe plus.",
    errors.TokenForged: "Ce lien est incomplet. Ouvrez-le depuis la lettre, sans le recopier.",
    errors.TokenExpired: "Ce lien a vécu. Inscrivez-vous de nouveau pour en recevoir un autre.",
    errors.TransitionForbidden: "Ce n’est plus possible : vous avez quitté ce cours entre-temps.",
    errors.CrossSite: "Rechargez la page, puis recommencez.",
    errors.AnswerEmpty: "La réponse est vide : écrivez quelques mots avant d’envoyer.",
    errors.NotAnswerable: "On ne peut plus écrire à cette adresse : elle est exclue des envois.",
    errors.RecordUnknown: "Cela n’existe pas, ou n’existe plus.",
    errors.LessonUnknown: "Cette leçon n’existe pas dans ce cours.",
}

# The same at the desk, where it is about somebody else.
SAID_AT_DESK: dict[type[FeuilletonError], str] = {
    errors.TokenForged: "Ce lien est incomplet, ou n’a pas été fait ici.",
    errors.TokenExpired: "Ce lien a vécu : demandez-en un autre, ou entrez avec le jeton.",
    errors.CrossSite: "Ce formulaire ne vient pas de cette session : rechargez sa page.",
    errors.RenderFailed: "Cette lettre ne peut pas être composée : corrigez le texte de la leçon.",
    errors.Conflict: "Ce n’est plus possible : l’état a changé entre-temps. Rechargez la page.",
    errors.NotAnswerable: SAID[errors.NotAnswerable],
}


AWAY = "La base de données ne répond pas : réessayez dans un instant."


def status_of(fault: FeuilletonError) -> int:
    """The HTTP status of an error: that of its nearest ancestor in the table."""
    return next((STATUS[kind] for kind in type(fault).__mro__ if kind in STATUS), 500)


def said(fault: FeuilletonError, *, at_desk: bool = False) -> str:
    """What a visitor, or the author at the desk, reads, before translation."""
    general = "Cela n’a pas pu être fait."
    for words in (SAID_AT_DESK, SAID) if at_desk else (SAID,):
        for kind in type(fault).__mro__:
            if kind in words:
                return words[kind]
    return general


def problem(status: int, code: str, detail: str, **more: Any) -> JSONResponse:
    """A problem document (RFC 9457)."""
    body = {"type": f"urn:feuilleton:{code}", "title": code.replace("-", " "), "status": status}
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse(
        body | {"detail": detail} | more,
        status_code=status,
        media_type="application/problem+json",
        headers=headers,
    )


def wants_problem(request: Request) -> bool:
    """Programs get problem documents: whoever asks the API, sends JSON or does not accept HTML."""
    if request.url.path.startswith(("/api/", "/inbound/")):
        return True
    sends_json = request.headers.get("content-type", "").startswith("application/json")
    accepts = request.headers.get("accept", "*/*")
    return sends_json or ("json" in accepts and "text/html" not in accepts)


def at_desk(request: Request) -> bool:
    """Whether a page of the desk was asked for."""
    return request.url.path == "/desk" or request.url.path.startswith("/desk/")


def install(app: FastAPI, pages: Pages) -> None:
    """Answer every error of the tree, every unreadable request and every unknown route."""

    def page(request: Request, status: int, message: str) -> Response:
        language = pages.language_for(request.headers.get("accept-language", ""))
        name = "desk_fault.html" if at_desk(request) else "fault.html"
        message = pages.say(message, language=language)
        return pages.page(name, language=language, status=status, message=message)

    async def on_fault(request: Request, fault: FeuilletonError) -> Response:
        status = status_of(fault)
        if wants_problem(request):
            return problem(status, fault.code, str(fault))
        if isinstance(fault, errors.Unauthenticated) and at_desk(request):
            return RedirectResponse("/desk/enter", status_code=303)
        return page(request, status, said(fault, at_desk=at_desk(request)))

    async def on_http(request: Request, fault: HTTPException) -> Response:
        status = fault.status_code
        if wants_problem(request):
            answer = problem(status, f"http-{status}", str(fault.detail))
            answer.headers.update(fault.headers or {})
            return answer
        missing = "Cette page n’existe pas."
        return page(request, status, missing if status == 404 else said(FeuilletonError()))

    async def on_unreadable(request: Request, fault: RequestValidationError) -> Response:
        where = [
            {"at": ".".join(str(step) for step in each["loc"]), "is": each["msg"]}
            for each in fault.errors()
        ]
        if wants_problem(request):
            detail = "some fields are missing or not of their type; `errors` names them"
            return problem(422, "fields-unreadable", detail, errors=where)
        if all(each["at"].startswith("path.") for each in where):
            return page(request, 404, said(errors.RecordUnknown()))
        return page(request, 422, said(errors.BodyMalformed()))

    async def on_database(request: Request, fault: Exception) -> Response:
        if isinstance(fault, DBAPIError) and not is_passing(fault):
            raise fault
        log.error("database away", fault=type(fault).__name__)
        if wants_problem(request):
            return problem(503, "database-away", "the database did not answer; try again")
        return page(request, 503, AWAY)

    for kind in (DBAPIError, OSError):
        app.exception_handler(kind)(on_database)
    app.exception_handler(FeuilletonError)(on_fault)
    app.exception_handler(HTTPException)(on_http)
    app.exception_handler(RequestValidationError)(on_unreadable)
