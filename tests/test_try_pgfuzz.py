import asyncio
from concurrent.futures import ThreadPoolExecutor
import schemathesis, httpx2
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance, negative_data_rejection
from app.config import Settings
from app.main import create_app
from app.wiring import build, prepare
from tests.fakes import Clock, FakeRelay, running
from tests.postgres import fresh_database
from tests.town import Town
@schemathesis.serializer("message/rfc822")
def _mail(_c, value): return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
def apart(w):
    with ThreadPoolExecutor(1) as t: return t.submit(asyncio.run, w).result()
def S(url, **m): return Settings(_env_file=None, database_url=url, mail_domain="cours.test", secret_keys="a-key-for-tests-that-is-long-enough", admin_token="tok", **m)
def test_pg(postgres, migrated_postgres):
    async def seed():
        url = await fresh_database(postgres, "fuzz", template=migrated_postgres)
        async with running(FakeRelay()) as relay:
            parts = build(S(url, smtp_url=relay.url), clock=(clock := Clock()))
            await prepare(parts)
            async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=create_app(parts)), base_url="http://c.test") as c:
                t = Town(parts, relay, clock, c)
                await t.becomes_a_learner()
                await t.mail_comes_in(t.reply_to(t.mailbox()[-1], "Et si ?"))
            await parts.database.close()
        return url
    url = apart(seed())
    app = create_app(build(S(url)))
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app)
    for f in schema.get_all_operations():
        op = f.ok(); ours = {e.name: 1 for e in op.path_parameters}
        for mode, names in ((GenerationMode.POSITIVE, ours), (GenerationMode.NEGATIVE, {})):
            @settings(max_examples=25, deadline=None, database=None, suppress_health_check=list(HealthCheck))
            @given(case=op.as_strategy(generation_mode=mode, path_parameters=names))
            def go(case):
                case.call_and_validate(headers={"Authorization": "Bearer tok"}, excluded_checks=[positive_data_acceptance]+([negative_data_rejection] if case.media_type=="message/rfc822" else []))
            go()
