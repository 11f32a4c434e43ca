"""The time zones as options of a form: the near ones first, then all others by region.

Some five hundred lines, written once per language and kept; knows no visitor.
"""

from functools import lru_cache
from itertools import groupby

from markupsafe import Markup

from app.web.rendering import Pages
from app.web.signup_form import zones_for


def zone_options(pages: Pages, language: str, chosen: str) -> Markup:
    """The options of a select, `chosen` (an IANA name) selected when it is among them."""
    option = f'<option value="{chosen}">'
    return Markup(_options(pages, language).replace(option, f"{option[:-1]} selected>", 1))  # noqa: S704


@lru_cache(maxsize=4)
def _options(pages: Pages, language: str) -> str:
    near, others = zones_for(language)
    regions = groupby(others, key=lambda zone: zone[0].partition("/")[0])
    by_region = {
        region: [(name, _town(place)) for name, place in zones] for region, zones in regions
    }
    return pages.text("zone_options.html", language=language, near=near, by_region=by_region)


def _town(place: str) -> str:
    return place.partition("/")[2]
