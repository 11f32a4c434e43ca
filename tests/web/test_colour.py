"""A course may choose any colour: its words stay legible, by day and by night."""

from pathlib import Path

from httpx2 import AsyncClient
from hypothesis import given
from hypothesis import strategies as st

from app.web import colour
from app.web.colour import LEGIBLE, contrast, legible

CSS = Path(colour.__file__).parent / "static" / "feuilleton.css"
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(COLOURS)
def test_any_accent_is_legible_by_day_and_by_night(accent: str):
    for paper in (colour.LIGHT_SHEET, colour.LIGHT_TINT, "#f6f3ec"):
        assert contrast(legible(accent, dark=False), paper) >= LEGIBLE
    for paper in (colour.DARK_SHEET, colour.DARK_TINT, "#1d1b18"):
        assert contrast(legible(accent, dark=True), paper) >= LEGIBLE


def test_a_colour_that_is_legible_already_stays_as_it_is():
    assert legible("#2f5d62", dark=False) == "#2f5d62"


def test_contrast_is_that_of_the_guidelines():
    assert contrast("#000000", "#ffffff") == 21
    assert round(contrast("#777777", "#ffffff"), 2) == 4.48


def test_the_papers_are_those_of_the_stylesheet():
    day, _, night = CSS.read_text().partition("prefers-color-scheme: dark")
    assert f"--sheet: {colour.LIGHT_SHEET}" in day
    assert f"--tint: {colour.LIGHT_TINT}" in day
    assert "--paper: #f6f3ec" in day
    assert f"--sheet: {colour.DARK_SHEET}" in night
    assert f"--tint: {colour.DARK_TINT}" in night
    assert "--paper: #1d1b18" in night


async def test_the_page_wears_the_colour_of_its_course(client: AsyncClient):
    assert "/c/mensonges/accent.css" in (await client.get("/")).text
    css = await client.get("/c/mensonges/accent.css")
    assert css.headers["content-type"].startswith("text/css")
    assert "--accent: #2f5d62" in css.text
