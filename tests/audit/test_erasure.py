"""A person who is erased: nobody finds their name in the store, and every proof holds."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path

import pytest

from graphsvc.config import load_settings
from graphsvc.core.value import Json
from graphsvc.wiring import open_service
from tests.audit.conftest import STORE, live
from tests.audit.test_command import write
from tests.cli.command import graphsvc

PERSON = {
    "type": "identity", "id": "u4711", "kind": "human", "status": "active", "name": "Ada Lovelace",
    "aliases": ["email:ada@example.com"],
    "properties": {"Mail": "ada@example.com", "team": "engines", "badge": "B-99-ADA"},
}  # fmt: skip
SECRETS = ("Lovelace", "ada@example.com")


@pytest.fixture
def known(folder: Path) -> Path:
    """The store with a person whom two sources know."""
    for source in ("hr", "mail"):
        (folder / "person.jsonl").write_text(json.dumps({"node": PERSON}) + "\n")
        assert graphsvc("import", "jsonl", "person.jsonl", "--source", source).code == 0
    live(1, 10)
    return folder


def held() -> bytes:
    """Everything in the store's files, log entries unpacked."""
    from graphsvc.core.codec import audited

    with sqlite3.connect("graphsvc.db") as connection:
        bodies = [body for (body,) in connection.execute("SELECT body FROM entry")]
    connection.close()
    stored = b"".join(each for body in bodies for each in audited(body).stored)
    return stored + Path("graphsvc.db").read_bytes()


def identity() -> tuple[str | None, dict[str, object], tuple[str, ...]]:
    async def ask() -> tuple[str | None, dict[str, object], tuple[str, ...]]:
        async with open_service(load_settings(store=STORE)) as service:
            view = service.identity("u4711")
            assert view is not None
            return view.name, dict(view.properties), view.aliases

    return asyncio.run(ask())


def test_a_dry_run_changes_nothing(known: Path) -> None:
    """It tells how much would go."""
    ended = graphsvc("erase", "u4711", "--dry-run")
    assert (ended.code, ended.out) == (0, "u4711: would be erased from 2 sources and 2 entries of the log\n")
    assert identity()[0] == "Ada Lovelace"
    assert graphsvc("erase", "nobody").code == 2


def test_nobody_finds_who_it_was_and_every_proof_holds(known: Path) -> None:
    """Not in the log, the drawn graph, snapshots or free pages; an export of before and one of now have the same lines."""
    assert all(secret.encode() in held() for secret in SECRETS)
    assert graphsvc("audit", "export", "-o", "before").code == 0
    ended = graphsvc("erase", "u4711", "--property", "BADGE")
    assert (ended.code, ended.err) == (0, ""), ended.err
    assert identity() == (None, {"team": "engines"}, ())
    content = held()
    assert not [secret for secret in (*SECRETS, "B-99-ADA") if secret.encode() in content]
    assert graphsvc("audit", "verify").code == 0
    assert graphsvc("audit", "export", "-o", "after", "--since", "before/checkpoint.txt").code == 0
    assert graphsvc("audit", "verify", "after").code == 0
    before = Path("before/records.jsonl").read_bytes()
    assert Path("after/records.jsonl").read_bytes().startswith(before)
    reported = json.loads(graphsvc("audit", "report", "--format", "json").out)["integrity"]
    assert (reported["erased"], reported["problems"]) == (2, [])
    # Decisions about others go on as they were.
    live(1, 20)
    assert graphsvc("audit", "verify").code == 0


def test_an_erasure_that_nobody_signed_is_found(known: Path) -> None:
    """Whoever can write to the store cannot pass a change off as one."""
    assert graphsvc("erase", "u4711").code == 0
    with sqlite3.connect("graphsvc.db") as connection:
        rows = dict(connection.execute("SELECT seq, body FROM entry").fetchall())
    connection.close()
    seq, body = next((seq, body) for seq, body in rows.items() if b"engines" in body and body[0] == 5)
    write("UPDATE entry SET body = ? WHERE seq = ?", body.replace(b"engines", b"enginez"), seq)
    ended = graphsvc("audit", "verify")
    assert (ended.code, "no key of this log signed" in ended.out) == (1, True), ended


def test_an_alias_that_other_records_name_stays(known: Path) -> None:
    """A record other than an import holds it, so the log might fold to something else without; it is told."""

    async def signal() -> None:
        from graphsvc.cli.direct import OPERATOR

        async with open_service(load_settings(store=STORE)) as service:
            await service.send_signal(OPERATOR, "u4711", 0.5, 3_600_000, "email:ada@example.com", None)

    asyncio.run(signal())
    ended = graphsvc("erase", "u4711")
    assert (ended.code, "email:ada@example.com" in ended.err) == (0, True), ended
    assert identity()[2] == ("email:ada@example.com",)
    assert b"Lovelace" not in held()


def claim(*names: str, policy: str = "") -> None:
    """Decisions for the person, whose enforcement point says more of them than their id."""
    told: dict[str, Json] = {name: f"{name}-SECRET" for name in names}

    async def ask() -> None:
        from graphsvc.cli.direct import OPERATOR
        from graphsvc.core.request import AccessRequest, Entity
        from graphsvc.decide.command import DecideCommand

        async with open_service(load_settings(store=STORE, store_values="all")) as service:
            if policy:
                await service.publish_policy(OPERATOR, [(policy, "reads.yaml")], "")
            for number, subject, behind in ((1, "u4711", ()), (2, "bot", ("u4711",)), (3, "bot", ())):
                request = AccessRequest(
                    id="", chain=f"said{number}", subject=Entity("human", subject, told), action="mail:Read",
                    resource=Entity("mailbox", "inbox"), on_behalf_of=tuple(Entity("human", name, told) for name in behind),
                )  # fmt: skip
                await service.decide(OPERATOR, DecideCommand(key=f"said{number}", request=request))
            await service.wait_drawn()

    asyncio.run(ask())


def test_what_was_said_of_them_with_a_decision_goes_too(known: Path) -> None:
    """As subject and as delegator, in the log, the drawn graph and the state; what is said of others stays, and all is proved."""
    claim("Mail", "badge")
    before = graphsvc("audit", "export", "-o", "before")
    assert (before.code, held().count(b"Mail-SECRET") > 4) == (0, True)
    ended = graphsvc("erase", "u4711")
    assert ended.code == 0, ended.err
    content = held()
    # Of the bot, in two decisions and as they are drawn: it is not the person.
    assert content.count(b"badge-SECRET") >= content.count(b"Mail-SECRET") > 0
    assert b"u4711" in content

    async def decisions() -> list[str]:
        from graphsvc.decide.ports import DecisionQuery

        async with open_service(load_settings(store=STORE)) as service:
            rows = await service.store.decisions(DecisionQuery(limit=3))
            asked = [
                each.request
                for each in service.world.decided.values()
                if each.request.chain.startswith("said")
            ]
            entities = [each for request in asked for each in (request.subject, *request.on_behalf_of)]
            drawn = [row.body.decode() for row in rows]
        assert all(("Mail" in each.properties) == (each.id == "bot") for each in entities)
        return drawn

    drawn = asyncio.run(decisions())
    assert sorted(body.count("Mail-SECRET") for body in drawn) == [0, 1, 1]
    assert graphsvc("audit", "verify").code == 0
    assert graphsvc("audit", "export", "-o", "after", "--since", "before/checkpoint.txt").code == 0
    assert Path("after/records.jsonl").read_bytes().startswith(Path("before/records.jsonl").read_bytes())


READS = """\
graphsvc: 1
pack: {id: reads, version: "1"}
actions: {"mail:Read": {effects: [read]}}
patterns:
  - {id: by-mail, title: t, severity: low, on_match: deny, steps: {one: {action: "mail:Read", key: {who: subject.properties.Mail}}}}
"""


def test_what_a_rule_reads_of_a_subject_stays_and_is_told(known: Path) -> None:
    """Without it the log would fold to something else; other properties of the same decision go."""
    claim("Mail", "phone", policy=READS)
    ended = graphsvc("erase", "u4711")
    assert (ended.code, "rules read them: mail" in ended.err) == (0, True), ended

    async def asked() -> dict[str, object]:
        async with open_service(load_settings(store=STORE)) as service:
            (found,) = (
                each.request for each in service.world.decided.values() if each.request.subject.id == "u4711"
            )
            return dict(found.subject.properties)

    assert asyncio.run(asked()) == {"Mail": "Mail-SECRET"}


def test_what_rules_read_of_others_keeps_nothing_of_a_person(known: Path) -> None:
    """A resource's `Mail` is not a subject's, and a rule that speaks of one in words for people reads none."""
    reads = READS.replace("key: {who: subject.properties.Mail}", "when: \"resource.properties.Mail == 'x'\"")
    claim("Mail", policy=reads.replace("title: t", "title: not by subject.properties.Mail"))
    ended = graphsvc("erase", "u4711")
    assert (ended.code, "rules read them" in ended.err) == (0, False), ended


def test_what_was_cut_off_is_erased_from_its_base(known: Path) -> None:
    """The state that archived records fold to is written anew, under a new statement."""
    assert graphsvc("audit", "truncate", "--before", "2096-10-02T09:30:00Z", "-o", "old.zip").code == 0
    ended = graphsvc("erase", "u4711")
    assert (ended.code, "archives hold what they held" in ended.err) == (0, True)
    assert identity() == (None, {"team": "engines", "badge": "B-99-ADA"}, ())
    assert graphsvc("audit", "verify").code == 0

    async def state() -> bytes:
        import zlib

        from graphsvc.store.sqlite import open_sqlite

        store = await open_sqlite(Path("graphsvc.db"))
        base = await store.base()
        await store.close()
        assert base is not None
        return zlib.decompress(base.state)

    assert not [secret for secret in SECRETS if secret.encode() in asyncio.run(state())]
