"""Letters that leave with DKIM signatures, as another program judges them."""

import hashlib

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from app.config import Settings
from app.db import deliveries
from app.domain.errors import SettingMissing
from app.flows import discuss
from app.wiring import build
from tests.signatures import RSA, SIGNER, VALID, verdicts
from tests.town import CAMILLE, Town


@pytest.fixture
def signing(town: Town) -> Town:
    """An installation that has keys, some time ago: judges refuse signatures from the future."""
    town.clock.advance(days=-60)
    town.parts.office.signer = SIGNER
    return town


async def test_every_kind_of_letter_is_signed_with_each_key(signing: Town):
    await signing.becomes_a_learner()
    await signing.mail_comes_in(signing.reply_to(signing.mailbox()[1], "Une question."))
    async with signing.parts.database.writing() as session:
        await discuss.answer(session, 1, "Une réponse.", now=signing.clock())
    await signing.mail_goes_out()
    assert [verdicts(letter.raw) for letter in signing.mailbox()] == [VALID] * 3


async def test_a_name_of_any_script_keeps_its_signature(signing: Town):
    await signing.becomes_a_learner(first_name="Zoë ·日本")
    assert verdicts(signing.mailbox()[1].raw) == VALID


async def test_a_letter_that_comes_again_has_the_same_bytes_and_signature(signing: Town):
    await signing.becomes_a_learner()
    signing.relay.at_dot[CAMILLE] = "451 4.3.0 not now"
    signing.clock.advance(hours=24)
    await signing.mail_goes_out()
    signing.relay.at_dot.clear()
    signing.clock.advance(minutes=6)
    await signing.mail_goes_out()
    arrived = signing.mailbox()[-1].raw
    assert verdicts(arrived) == VALID
    enrollment = await signing.enrollment()
    async with signing.parts.database.reading() as session:
        lesson = (await deliveries.lessons_so_far(session, enrollment.id))[1]
    assert (lesson.attempts, lesson.digest) == (2, hashlib.sha256(arrived).hexdigest())


def test_keys_are_read_from_the_settings():
    pem = RSA.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    stated = {"mail_domain": "cours.test", "dkim_rsa_key": pem, "secret_keys": "a" * 32}
    assert build(Settings(_env_file=None, **stated)).office.signer is not None
    assert build(Settings(_env_file=None, mail_domain="cours.test")).office.signer is None


def test_a_key_that_is_none_is_named():
    with pytest.raises(SettingMissing, match="selector feuilleton"):
        build(Settings(_env_file=None, mail_domain="cours.test", dkim_rsa_key="/nowhere.pem"))
