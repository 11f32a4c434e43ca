"""Every way in which Feuilleton says no, as one tree. Does not know HTTP, SMTP or any language.

    FeuilletonError
    ├── BadInput             what was sent cannot be used; the sender can mend it
    ├── NotAllowed           the caller may not do this, or not any more
    ├── NotFound             there is no such thing
    ├── Conflict             the thing is there, but not in a state that allows this
    ├── CourseBroken         a course file is wrong: carries file, line and remedy
    ├── RenderFailed         a letter cannot be made; its delivery is held with the reason
    └── SetupFault           the installation is wrong; one sentence names the command that mends it

The docstring of each class is the message it shows when no detail is given. `app/web/problems.py`
is the one place that maps this tree to HTTP.
"""

from typing import ClassVar


class FeuilletonError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(detail or (self.__doc__ or "").strip())

    def __init_subclass__(cls) -> None:
        """Give each error a stable code made of its name: AddressMalformed → address-malformed."""
        cls.code = "".join(f"-{c.lower()}" if c.isupper() else c for c in cls.__name__).strip("-")


class BadInput(FeuilletonError):
    """What was sent cannot be used."""


class AddressMalformed(BadInput):
    """This is not an e-mail address; write it as name@example.org."""


class AddressRefused(BadInput):
    """This address belongs to a role, not to a person; use a personal address."""


class NameRefused(BadInput):
    """A first name is one line of at most 40 letters, without links, digits or signs."""


class ZoneUnknown(BadInput):
    """This time zone is not known; use an IANA name such as Europe/Paris."""


class CursorMalformed(BadInput):
    """The cursor is not one that this list gave out; start again without a cursor."""


class KeyMalformed(BadInput):
    """An Idempotency-Key has 1 to 200 visible ASCII characters and no space; a UUID will do."""


class BodyMalformed(BadInput):
    """The body is not what this address takes; see the API description for its shape."""


class BodyTooLarge(BadInput):
    """The body is larger than this address takes; send less."""


class ContentTypeUnsupported(BadInput):
    """Send a form (application/x-www-form-urlencoded, multipart/form-data) or application/json."""


class AnswerEmpty(BadInput):
    """The answer has no words; write something before sending it."""


class NotAllowed(FeuilletonError):
    """This may not be done."""


class TokenForged(NotAllowed):
    """This link was not made here, or is damaged; use the link of the letter, whole."""


class TokenExpired(NotAllowed):
    """This link is too old; ask for a new one."""


class Unauthenticated(NotAllowed):
    """Say who you are: Authorization: Bearer <token>; `feuilleton token create` makes one."""


class CrossSite(NotAllowed):
    """The form was not sent from its own page; load the page again and send it from there."""


class NotFound(FeuilletonError):
    """There is no such thing."""


class CourseUnknown(NotFound):
    """There is no course of this name."""


class LessonUnknown(NotFound):
    """There is no such lesson in this course."""


class RecordUnknown(NotFound):
    """There is no record with this id."""


class Conflict(FeuilletonError):
    """The present state does not allow this."""


class TransitionForbidden(Conflict):
    """The present state does not allow this step."""


class LessonWithdrawn(Conflict):
    """The lesson was withdrawn before it left; the learner moves on to the next."""


class AlreadyThere(Conflict):
    """This exists already."""


class NotAnswerable(Conflict):
    """Nobody can be written to here: the address is suppressed or the last word was a machine's."""


class KeyReused(Conflict):
    """This idempotency key was used with another body; take a new key."""


class CourseBroken(FeuilletonError):
    """A course file is wrong. `file`, `line` (1-based, 0 = whole file) and the remedy are in the
    text.
    """

    def __init__(self, file: str, line: int, remedy: str) -> None:
        self.file, self.line, self.remedy = file, line, remedy
        super().__init__(f"{file}:{line}: {remedy}" if line else f"{file}: {remedy}")


class RenderFailed(FeuilletonError):
    """The letter could not be made."""


class BytesChanged(RenderFailed):
    """Its bytes may have gone out before and cannot be written alike any more: decide about it."""


class SetupFault(FeuilletonError):
    """The installation is not ready."""


class RelayLogUnreadable(SetupFault):
    """The log that FEUILLETON_RELAY_LOG names cannot be read; its text says why."""


class DatabaseBehind(SetupFault):
    """The database is behind this version of the program: run `feuilleton migrate`."""


class DatabaseAhead(SetupFault):
    """The database is newer than this program: install the newer version of Feuilleton."""


class SpeedRefused(SetupFault):
    """FEUILLETON_SPEED above 1 is for trials: set FEUILLETON_SMTP_URL to a relay on loopback."""


class WorkerAlreadyThere(SetupFault):
    """Another worker holds this SQLite database: stop it, or move to PostgreSQL for several."""


class NotConfirmed(SetupFault):
    """Sending stays halted: say `feuilleton resume --yes` when that was looked into."""


class PortTaken(SetupFault):
    """The port is taken: stop what listens there, or choose another with --port."""


class SettingMissing(SetupFault):
    """A setting is missing or unusable."""
