"""One learner’s month, from the landing page to the answer, over real SMTP, on each engine."""

from email.message import EmailMessage

import httpx2

from tests.fakes import Caught
from tests.town import CAMILLE, Town

TITLES = [
    "Avoir un gros réseau est la clé de tout !",
    "Networker prend trop de temps !",
    "Tout se passe en ligne et à distance ?",
    "Meilleurs leviers pour trouver des clients ?",
    "Meilleurs endroits pour trouver un emploi ?",
    "Être présent partout améliore sa visibilité ?",
    "Traiter tous ses contacts à l’identique ?",
]


def plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def local_hour(letter: Caught) -> str:
    """The hour of the Date header, in Paris."""
    sent = letter.message["Date"].datetime
    return f"{(sent.hour + 1) % 24:02}:{sent.minute:02}"


async def test_one_learners_month(town: Town, api: httpx2.AsyncClient):
    # A Tuesday morning: the page says what it is, a visitor signs up.
    page = await town.client.get("/")
    assert all(title in plain(page.text) for title in TITLES)
    assert (await town.signs_up()).status_code == 200

    # One letter comes, and opening its link changes nothing.
    await town.mail_goes_out()
    (asked,) = town.mailbox()
    for _ in range(3):
        assert (await town.client.get(asked.link("confirm"))).status_code == 200
    await town.mail_goes_out()
    assert (await town.enrollment()).standing == "pending"
    assert len(town.mailbox()) == 1

    # The button is pressed (twice, as people do): lesson 1 leaves at once, and only once.
    await town.confirms()
    await town.confirms()
    await town.mail_goes_out()
    first = town.mailbox()[1]
    assert TITLES[0] in plain(first.text)
    assert "Bonjour Camille," in first.text

    # The next day, an hour at which it may: lesson 2. Camille answers it.
    await town.days_pass(1)
    second = town.mailbox()[2]
    assert TITLES[1] in plain(second.text)
    await town.mail_comes_in(town.reply_to(second, "Et les timides, comment font-ils ?"))

    # The author finds the reply under the right learner and lesson, without the quotation.
    waiting = (await api.get("/api/v1/conversations?turn=open")).json()["items"]
    (conversation,) = waiting
    remarks = await api.get(f"/api/v1/remarks?conversation_id={conversation['id']}")
    (remark,) = remarks.json()["items"]
    assert remark["words"] == "Et les timides, comment font-ils ?"
    lesson = (await api.get(f"/api/v1/lessons/{conversation['lesson_id']}")).json()
    assert lesson["position"] == 2

    # The answer arrives in the same thread, and only then is the conversation answered.
    path = f"/api/v1/conversations/{conversation['id']}"
    await api.post(f"{path}/answer", json={"words": "Ils écrivent. Beaucoup mieux que moi."})
    assert (await api.get(path)).json()["turn"] == "answering"
    await town.mail_goes_out()
    answer = town.mailbox()[3]
    assert answer.text.startswith("Ils écrivent. Beaucoup mieux que moi.")
    assert "> Et les timides, comment font-ils ?" in answer.text
    assert_in_thread(answer.message, second.message)
    assert (await api.get(path)).json()["turn"] == "answered"

    # A reply to the answer comes back to the same conversation.
    await town.mail_comes_in(town.reply_to(answer, "Merci !"))
    assert (await api.get(path)).json()["turn"] == "open"
    await api.post(f"{path}/close")

    # The rest of the month: every lesson once, in order, in the window, never on a Sunday.
    await town.days_pass(30)
    lessons = [letter for letter in town.mailbox() if letter.message["List-Id"]]
    assert [title for lesson in lessons for title in TITLES if title in heading(lesson)] == TITLES
    for lesson in lessons[1:]:
        assert "07:30" <= local_hour(lesson) < "20:30"
        assert lesson.message["Date"].datetime.weekday() != 6
    assert (await town.enrollment()).standing == "finished"
    assert len({letter.message["Message-ID"] for letter in town.mailbox()}) == 9

    # And goodbye: one click, and nothing comes any more.
    await town.client.post(lessons[-1].link("u"), data={"List-Unsubscribe": "One-Click"})
    await town.days_pass(2)
    assert (await town.enrollment()).standing == "left"
    assert len(town.mailbox()) == 9


def heading(lesson: Caught) -> str:
    """The title line: the second paragraph of a lesson's text."""
    return plain(lesson.text).split("\n\n")[1]


def assert_in_thread(answer: EmailMessage, lesson: EmailMessage) -> None:
    """The answer hangs on the reply, which hangs on the lesson."""
    assert answer["In-Reply-To"]
    references = answer["References"].split()
    assert references[0] == lesson["Message-ID"]
    assert references[-1] == answer["In-Reply-To"]
    assert answer["Subject"] == f"Re: {lesson['Subject']}"
    assert answer["Auto-Submitted"] is None
    assert answer["List-Unsubscribe"] is None
    assert CAMILLE in answer["To"]
