"""The author sees the course as it stands, and each lesson as the letter that learners get."""

import pytest
from httpx2 import AsyncClient

from tests.web.browsing import Author, at_the_desk, text_of

COURSE = "/desk/courses/mensonges"


@pytest.fixture
async def author(client: AsyncClient) -> Author:
    return await at_the_desk(client)


async def test_the_course_shows_its_lessons_in_order(author: Author):
    assert "7 leçons" in text_of(await author.reads("/desk/courses"))
    page = text_of(await author.reads(COURSE))
    assert "de 7:30 à 20:00, dans le fuseau de chaque personne" in page
    assert "1. Avoir un gros réseau est la clé de tout ! Mensonge n° 1" in page
    assert "Part 1 jour après la précédente · version 1 du 24 novembre 2026 à 10:00" in page
    assert page.index("Avoir un gros réseau") < page.index("Traiter tous ses contacts")


async def test_a_lesson_is_shown_as_the_letter_that_leaves(author: Author):
    page = await author.reads(f"{COURSE}/lessons/1")
    assert f'src="{COURSE}/lessons/1/letter" sandbox' in page
    assert "Bonjour Camille," in page
    letter = await author.client.get(f"{COURSE}/lessons/1/letter")
    assert "Leçon 1 sur 7" in letter.text


async def test_a_letter_in_its_frame_can_do_nothing(author: Author):
    headers = (await author.client.get(f"{COURSE}/lessons/1/letter")).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox;" in policy
    assert "frame-ancestors 'self'" in policy
    assert "script-src" not in policy


@pytest.mark.parametrize(
    "path", ["/desk/courses/autre", "/desk/courses/%00", f"{COURSE}/lessons/99"]
)
async def test_a_lesson_that_is_not_there_says_so(author: Author, path: str):
    answer = await author.client.get(path)
    assert answer.status_code == 404
    assert "Aller aux conversations" in answer.text
