"""Makes a course's one colour legible on our paper, by day and by night. Knows no course and no
page; the papers are those of app/web/static/feuilleton.css.
"""

import colorsys

LIGHT_SHEET, LIGHT_TINT = "#fffdf8", "#f1ebdf"
DARK_SHEET, DARK_TINT = "#26231f", "#322e28"
LEGIBLE = 4.5
_STEP = 0.02

Rgb = tuple[float, float, float]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours like "#2f5d62", from 1 to 21 (WCAG 2.2)."""
    lighter, darker = sorted((_luminance(_rgb(one)), _luminance(_rgb(other))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def legible(accent: str, *, dark: bool) -> str:
    """`accent`, darkened or lightened just as far as text needs on both papers of a theme.

    The hue stays. 4.5 : 1 at least, as WCAG 2.2 (1.4.3) asks of text of ordinary size.
    """
    papers = (DARK_SHEET, DARK_TINT) if dark else (LIGHT_SHEET, LIGHT_TINT)
    hue, lightness, saturation = colorsys.rgb_to_hls(*_rgb(accent))
    colour = _hex(_rgb(accent))
    while min(contrast(colour, paper) for paper in papers) < LEGIBLE:
        lightness += _STEP if dark else -_STEP
        colour = _hex(colorsys.hls_to_rgb(hue, min(1, max(0, lightness)), saturation))
    return colour


def _luminance(rgb: Rgb) -> float:
    """Relative luminance (WCAG 2.2)."""
    red, green, blue = (_linear(channel) for channel in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _rgb(colour: str) -> Rgb:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hex(rgb: Rgb) -> str:
    return "#" + "".join(f"{round(channel * 255):02x}" for channel in rgb)
