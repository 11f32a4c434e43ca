"""What people do, in words, through the public doors: sign up, confirm, wait, reply."""

from dataclasses import dataclass
from email.message import EmailMessage

import httpx2

from app.db import deliveries, people
from app.db.outbox import Claim
from app.db.pen import Mark
from app.db.people import Enrollment
from app.flows import receive
from app.flows.claims import LEASE
from app.flows.receive import Arrival
from app.wiring import Parts
from app.worker import Worker
from tests.fakes import Caught, Clock, FakeRelay

CAMILLE = "camille@example.fr"


@dataclass(slots=True)
class Town:
    """An installation with the people around it."""

    parts: Parts
    relay: FakeRelay
    clock: Clock
    client: httpx2.AsyncClient

    async def signs_up(
        self, email: str = CAMILLE, first_name: str = "Camille", **more: str
    ) -> httpx2.Response:
        form = {"email": email, "first_name": first_name, **more}
        return await self.client.post("/signup", data=form)

    async def mail_goes_out(self) -> None:
        """The worker sends what is due now."""
        await Worker(self.parts).send_letters()

    async def a_worker_takes(self, limit: int = 5) -> list[Claim]:
        """A worker claims what is due, and is not heard of any more."""
        now = self.clock()
        pen = self.parts.database.pen
        return await pen.claim(now=now, lease_until=now + LEASE, limit=limit)

    async def a_worker_marks(self, *claims: Claim, digest: str = "") -> set[int]:
        """It notes that these letters are about to go out; the ids that may."""
        now, marks = self.clock(), []
        async with self.parts.database.reading() as session:
            for claim in claims:
                row = await deliveries.delivery(session, claim.delivery_id)
                mark = Mark(row.id, claim.fence, row.enrollment_id, digest, "", None, now)
                marks.append(mark)
        async with self.parts.database.pen.hand() as hand:
            await hand.learners(sorted({mark.enrollment_id for mark in marks}))
            return await hand.mark(marks, now=now)

    async def confirms(self, email: str = CAMILLE) -> httpx2.Response:
        return await self.client.post(self.relay.to(email)[-1].link("confirm"))

    async def becomes_a_learner(self, email: str = CAMILLE, **more: str) -> Enrollment:
        """Signed up, confirmed, with lesson 1 in the mailbox."""
        await self.signs_up(email, **more)
        await self.mail_goes_out()
        await self.confirms(email)
        await self.mail_goes_out()
        return await self.enrollment(email)

    async def days_pass(self, days: int) -> None:
        """The worker goes its rounds once an hour."""
        for _ in range(days * 24):
            self.clock.advance(hours=1)
            await self.mail_goes_out()

    def mailbox(self, email: str = CAMILLE) -> list[Caught]:
        return self.relay.to(email)

    async def enrollment(self, email: str = CAMILLE) -> Enrollment:
        async with self.parts.database.reading() as session:
            person = await people.subscriber_by_key(session, email)
            assert person is not None
            return (await people.enrollments_of(session, person.id))[0]

    def reply_to(self, letter: Caught, words: str, *, sender: str = CAMILLE) -> bytes:
        """What a French mail program makes of an answer to `letter`."""
        reply = EmailMessage()
        reply["From"] = f"Camille <{sender}>"
        reply["To"] = letter.message["Reply-To"]
        reply["Subject"] = f"Re: {letter.message['Subject']}"
        reply["Message-ID"] = f"<{abs(hash((words, letter.raw)))}@mail.example.fr>"
        reply["In-Reply-To"] = reply["References"] = letter.message["Message-ID"]
        quoted = "".join(f"> {line}\n" for line in letter.text.splitlines())
        reply.set_content(
            f"{words}\n\nLe mar. 24 nov. 2026 à 10:02, Prénom Nom a écrit :\n{quoted}"
        )
        return reply.as_bytes()

    async def mail_comes_in(self, raw: bytes, *, to: str | None = None) -> int:
        """A mail is kept and filed; returns the id under which it was kept."""
        arrival = Arrival(raw, via="test", envelope_to=to)
        async with self.parts.database.writing() as session:
            letter = await receive.keep(session, arrival, now=self.clock())
        await Worker(self.parts).file_letters()
        return letter.id
