"""What ended long ago leaves the ledger without anybody asking for it."""

from lab import Lab
from waiting import until
from webhook_factories import made_before, make_webhook


async def test_a_leader_forgets_what_webhooks_were_told_long_ago(lab: Lab) -> None:
    webhook_id = await make_webhook(lab.database)
    for days, state in [(31, "delivered"), (31, "failed"), (29, "delivered")]:
        await made_before(lab.database, webhook_id, days=days, state=state)
    lab.start_operator()

    async def forgotten() -> bool:
        return await lab.rows("SELECT state FROM deliveries") == [{"state": "delivered"}]

    await until(forgotten, within=30)
