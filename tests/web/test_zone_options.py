"""The form offers every place on earth, and shows the one that was chosen."""

import pytest

from app.web.rendering import Pages
from app.web.zone_options import zone_options
from app.wiring import LOCALE, read_tongues
from tests.web.browsing import text_of


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages(read_tongues(LOCALE))


@pytest.mark.parametrize("chosen", ["Europe/Paris", "America/Argentina/Ushuaia"])
def test_the_chosen_zone_is_selected_and_no_other(pages: Pages, chosen: str):
    options = zone_options(pages, "fr", chosen)
    assert options.count(" selected>") == 1
    assert f'<option value="{chosen}" selected>' in options


def test_an_unknown_zone_selects_nothing_and_is_not_printed(pages: Pages):
    options = zone_options(pages, "fr", '"><script>alert(1)</script>')
    assert "script" not in options
    assert " selected>" not in options


def test_every_place_is_offered_once(pages: Pages):
    options = zone_options(pages, "fr", "")
    names = options.split('<option value="')[1:]
    assert len(names) == len(set(names)) > 400


def test_regions_are_named_in_the_language_of_the_page(pages: Pages):
    assert 'label="Océan Indien"' in zone_options(pages, "fr", "")
    assert 'label="Indian Ocean"' in zone_options(pages, "en", "")
    assert text_of(zone_options(pages, "fr", "")).startswith("Paris Bruxelles")
