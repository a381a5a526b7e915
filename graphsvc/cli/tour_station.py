"""The stations of the tour: five stories, an approval and a revocation by hand, and a question about what would be."""

from __future__ import annotations

from functools import partial

from graphsvc.cli.output import Format, print_rows
from graphsvc.cli.stage import Row, changed
from graphsvc.cli.tour_guide import Guide
from graphsvc.errors import GraphsvcError
from graphsvc.packs.sample import Ask, GiveRight, Story, stories

__all__ = ["lead"]

# Somebody of support joins finance as well: the usual way by which rights pile up.
_EDGE = "identity:ben -MEMBER_OF-> group:finance"
_WHAT_IF = """query($add: [EdgeInput!]) { r: whatIf(add: $add) {
  appears { identity title severity permissions { right permission } } } }"""
_GRANTS = """query($id: ID!) { r: grants(first: 20, filter: {identity: $id}) {
  edges { node { status grant { id } } } } }"""
_LOOK_AT = {
    "letter-to-a-stranger": "On the dashboard: the red row of the live decisions. A click on its time shows the path, "
    "lit in the chain, and what it was one step from before.",
    "one-person-two-agents": "On the dashboard: the path of the denied payment runs through two chains, of two agents, for "
    "one person. For Fay the same payment is permitted.",
    "role-in-a-function": "Each of these calls is an engineer's day. Together, with a policy nobody vetted, they are an "
    "administrator: one of the known ways, and there are packs with a hundred of them (docs/rules.md).",
}


async def lead(guide: Guide) -> None:
    """Through all stations; `guide.unexpected` counts what was answered otherwise than told."""
    told = {story.id: story for story in stories()}
    await _welcome(guide)
    for number, name in enumerate(_LOOK_AT, start=1):
        await _watch(guide, number, told[name])
    await _what_if(guide)
    await _approve(guide, told["one-record-too-many"])
    await _revoke(guide, told["right-for-a-while"])
    guide.say(
        "The service of this tour runs until you leave: look around. Identities shows who is at risk, Explore what could "
        "go wrong at all, Audit that nobody changed the record."
    )
    await guide.pause()


async def _welcome(guide: Guide) -> None:
    guide.say(
        "Larkspur is a small company: 17 people, 8 agents, 5 services, who may do what they need for their work. A "
        "graphsvc that knows it is running now, and asks nothing of you but a browser:"
    )
    guide.point(guide.stage.page())
    guide.say(
        "The link fills in a token; press Log in. Leave the page open beside this window: whatever happens here "
        "appears there."
    )
    await guide.pause()


async def _watch(guide: Guide, number: int, story: Story) -> None:
    _title(guide, number, story)
    guide.show([(await guide.stage.ask(step))[0] for step in story.steps if isinstance(step, Ask)])
    guide.say(_LOOK_AT[story.id])
    await guide.pause()


async def _approve(guide: Guide, story: Story) -> None:
    """The escalated step waits for the visitor; then the same request is made again, with the review."""
    _title(guide, 4, story)
    stage = guide.stage
    rows: list[Row] = []
    for step in story.steps:
        if not isinstance(step, Ask):
            continue
        row, decision = await stage.ask(step)
        rows.append(row)
        if decision.review is None:
            continue
        guide.show(rows)
        await _told_to_the_asker(guide, decision.review.id)
        status = await _answered(guide, decision.review.id)
        row, again = await stage.ask(step, review=decision.review.id)
        row["as expected"] = again.verdict == ("PERMIT" if status == "APPROVED" else "DENY")
        row["who"] = f"{row['who']} (again, {status.lower()})"
        guide.show([row])
        # What was approved counts from then on: the rest of the story would go on otherwise than told.
        break
    guide.say(
        "An approval is for exactly this request, once, by somebody who had no part in it. It is in the log like the rest."
    )
    await guide.pause()


async def _told_to_the_asker(guide: Guide, review: str) -> None:
    """What somebody hears who may not answer: an error that says what to do."""
    from graphsvc.client import Client

    token = guide.stage.token_of("gateway", ["pep", "approver"])
    async with Client(guide.stage.url, token) as asker:
        try:
            await asker.approve_review(review, "by myself")
        except GraphsvcError as error:
            guide.say(f"Whoever asked cannot approve it. The gateway tried, and was told: {error}")
        else:
            guide.unexpected += 1


async def _answered(guide: Guide, review: str) -> str:
    """APPROVED or REJECTED, by hand in the terminal or on the dashboard."""
    stage = guide.stage

    async def status() -> str:
        found = await stage.you.review(review)
        return "EXPIRED" if found is None else found.status

    async def done() -> bool:
        return await status() != "OPEN"

    guide.say(
        "Now you: it waits among the reviews of the dashboard, with why and the path. Approve or reject it there:"
    )
    guide.point(stage.page("reviews"))
    reason = await guide.hear(
        "... or type here why you approve it: ", done, nobody="one more for the campaign, agreed with sales"
    )
    while reason is not None and not await done():
        try:
            await stage.you.approve_review(review, reason)
        except GraphsvcError as error:
            reason = await guide.hear(f"Not done: {error}. Why do you approve it? ", done)
    return await status()


async def _revoke(guide: Guide, story: Story) -> None:
    """The right is taken back by the visitor, in the middle of the story."""
    _title(guide, 5, story)
    stage = guide.stage
    rows: list[Row] = []
    grant = ""
    for step in story.steps:
        if isinstance(step, Ask):
            rows.append((await stage.ask(step))[0])
        elif isinstance(step, GiveRight):
            row, grant = await stage.give(step)
            rows.append(row)
        else:
            guide.show(rows)
            guide.say("Now you: the repair is done, take the right back. On the page of hana, or here:")
            guide.point(stage.page("identity/hana"))
            if await guide.hear("[Enter to revoke it here] ", partial(_ended, guide, grant)) is None:
                rows = [changed(step.name, "was revoked", "on the dashboard")]
            else:
                rows = [await stage.take(step, grant)]
    guide.show(rows)
    guide.say(
        "Once a revocation is answered nobody is permitted by it, on any replica; chains that used the right are told."
    )
    await guide.pause()


async def _ended(guide: Guide, grant: str) -> bool:
    page = await guide.stage.query(_GRANTS, id="identity:hana")
    states = {each["node"]["grant"]["id"]: each["node"]["status"] for each in page["edges"]}
    return states.get(grant) == "REVOKED"


async def _what_if(guide: Guide) -> None:
    """What a change of rights would make possible, before anybody makes it."""
    print("\nBefore anybody acts: what if?")
    guide.say(
        "Ben of support is to help out in finance. What would that make possible? Nothing is changed by asking:"
    )
    guide.point(f'graphsvc explore what-if --server {guide.stage.url} --token ... --add "{_EDGE}"')
    start, _, end = _EDGE.partition(" -MEMBER_OF-> ")
    found = await guide.stage.query(_WHAT_IF, add=[{"type": "MEMBER_OF", "from": start, "to": end}])
    rows: list[Row] = [
        {
            "who": each["identity"],
            "would get": each["title"],
            "severity": each["severity"],
            "by": ", ".join(held["right"] for held in each["permissions"]),
        }
        for each in found["appears"]
    ]
    guide.unexpected += not rows
    print_rows(rows, Format.table)
    guide.say("The same on the dashboard, with the ways from one identity to another as a picture: Explore.")
    await guide.pause()


def _title(guide: Guide, number: int, story: Story) -> None:
    print(f"\n{number} of 5: {story.title}")
    guide.say(story.told)
