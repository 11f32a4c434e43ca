"""The languages of letters and pages: French is the original, catalogues hold the others.

Reads the .po files when the program starts (they are small), so that no compiled file needs to be
kept. Chooses no language.
"""

from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from app.domain.tongue import Tongue


def read_tongues(folder: Path) -> dict[str, Tongue]:
    """Every language below `folder` (<language>/feuilleton.po), and French."""
    tongues: dict[str, Tongue] = {"fr": NullTranslations()}
    for path in sorted(folder.glob("*/feuilleton.po")):
        compiled = BytesIO()
        with path.open("rb") as catalogue:
            write_mo(compiled, read_po(catalogue, locale=path.parent.name))
        compiled.seek(0)
        tongues[path.parent.name] = Translations(compiled)
    return tongues
