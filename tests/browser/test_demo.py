"""The demo as its visitor, its learner and its author see it, in a real browser."""

import re
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright, expect

from tests.chromium import launch_options
from tests.running import Running, started

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
ADDRESS, PAUL = "camille@example.fr", "paul@example.fr"
# A day lasts two seconds: the course is over in half a minute.
SPEED = str(86_400 // 2)
LESSONS = [f"Mensonge n° {number}" for number in range(1, 8)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory):
    with started("demo", folder=tmp_path_factory.mktemp("demo"), speed=SPEED) as demo:
        form = f"email={PAUL}".encode()
        urllib.request.urlopen(f"{demo.url}/signup", form).close()
        yield demo


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(**launch_options())
        yield browser
        await browser.close()


async def sign_up(page: Page, demo: Running) -> None:
    await page.goto(demo.address("landing page"))
    await expect(page.get_by_text("un jour dure 2 secondes")).to_be_visible()
    await page.get_by_label("Adresse e-mail").fill(ADDRESS)
    await page.get_by_label("Prénom").fill("Camille")
    await page.get_by_role("button", name="Recevoir le cours").click()


async def open_letter(page: Page, demo: Running, subject: str, to: str = ADDRESS) -> None:
    """Open the newest letter with this subject to this person, once it has come."""
    await page.goto(demo.address("mailbox"))
    shown = re.compile(f"{to}.*{subject}", re.DOTALL)
    letter = page.locator(".letters a", has_text=shown).first
    await letter.click(timeout=60_000)


async def confirm(page: Page, demo: Running) -> None:
    await open_letter(page, demo, "Confirmez votre inscription")
    frame = page.frame_locator("iframe.letter-view")
    async with page.expect_popup() as opened:
        await frame.get_by_role("link", name="Ouvrir la page de confirmation").click()
    shown = await opened.value
    await shown.get_by_role("button").click()
    await expect(shown.get_by_text("leçon").first).to_be_visible()


async def reply(page: Page, words: str) -> None:
    await page.get_by_label("Répondre").fill(words)
    await page.get_by_role("button", name="Envoyer la réponse").click()
    await expect(page.get_by_text("Votre réponse est partie")).to_be_visible()


async def enter_desk(page: Page, demo: Running) -> None:
    await page.goto(demo.address("desk"))
    await page.get_by_role("button").first.click()


async def test_from_the_first_click_to_the_authors_answer(demo: Running, browser: Browser):
    page = await browser.new_page(locale="fr-FR")
    await sign_up(page, demo)
    await expect(page.locator("main")).to_contain_text("boîte")
    await confirm(page, demo)

    await open_letter(page, demo, "Mensonge n°.1")
    await expect(page.frame_locator("iframe").get_by_text("Bonjour Camille,")).to_be_visible()
    await open_letter(page, demo, "Mensonge n°.2")
    await reply(page, "Et les timides, comment font-ils ?")

    desk = await browser.new_page(locale="fr-FR")
    await enter_desk(desk, demo)
    await desk.get_by_role("link", name="Camille").first.click(timeout=10_000)
    await expect(desk.locator(".words").first).to_have_text("Et les timides, comment font-ils ?")
    await expect(desk.locator("main")).to_contain_text("Networker prend trop de temps")
    await desk.get_by_label("Votre réponse").fill("Ils écrivent. Beaucoup mieux que moi.")
    await desk.get_by_role("button", name="Envoyer la réponse").click()

    await open_letter(page, demo, "Re: Mensonge n°.2")
    await page.get_by_role("link", name="Texte seul").click()
    text = page.locator(".letter-text")
    await expect(text).to_contain_text("Ils écrivent. Beaucoup mieux que moi.")
    await expect(text).to_contain_text("> Et les timides, comment font-ils")
    await page.get_by_role("link", name="En-têtes").click()
    await expect(page.locator("pre")).to_contain_text("In-Reply-To: <")

    await desk.goto(f"{demo.url}/desk?turn=answered")
    await expect(desk.get_by_role("link", name="Camille").first).to_be_visible()

    await open_letter(page, demo, "Mensonge n°.7")
    subjects = await page.locator(".letters strong").all_inner_texts()
    lessons = [subject.replace("\u00a0", " ") for subject in reversed(subjects)]
    assert [each[:13] for each in lessons if each.startswith("Mensonge")] == [
        each[:13] for each in LESSONS
    ]


async def test_opening_the_letters_links_changes_nothing(demo: Running, browser: Browser):
    page = await browser.new_page(locale="fr-FR")
    await open_letter(page, demo, "Confirmez votre inscription", PAUL)
    frame = page.frame_locator("iframe.letter-view")
    for name in ("Ouvrir la page de confirmation", "Ne plus jamais recevoir"):
        async with page.expect_popup() as opened:
            await frame.get_by_role("link", name=name).click()
        shown = await opened.value
        await shown.wait_for_load_state()
        assert await shown.get_by_role("button").count() <= 1
    await enter_desk(page, demo)
    await page.goto(f"{demo.url}/desk/learners")
    await expect(page.locator("main")).not_to_contain_text("parti")


async def test_the_mailbox_shows_a_letter_in_all_its_forms(demo: Running, browser: Browser):
    page = await browser.new_page(locale="fr-FR")
    await open_letter(page, demo, "Confirmez votre inscription", PAUL)
    await page.get_by_role("link", name="Source").click()
    await expect(page.locator("pre")).to_contain_text("quoted-printable")
    await page.get_by_role("link", name="En-têtes").click()
    await expect(page.locator("pre")).to_contain_text("Auto-Submitted: auto-generated")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_no_page_is_wider_than_its_screen(
    demo: Running, browser: Browser, tmp_path: Path, width: int, scheme: str
):
    context = await browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, locale="fr-FR"
    )
    page = await context.new_page()
    await open_letter(page, demo, "Confirmez votre inscription", PAUL)
    for path in ("/", "/mailbox", page.url, "/u/unknown", "/desk/enter", "/nothing"):
        await page.goto(path if path.startswith("http") else f"{demo.url}{path}")
        overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert overflow <= 0, path
