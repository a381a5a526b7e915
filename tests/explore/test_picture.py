"""Pictures of paths, combinations and cuts: whole, readable, well formed."""

from __future__ import annotations

import shutil
import subprocess
from itertools import combinations
from xml.etree import ElementTree as ET

import pytest

from graphsvc.explore.choke import ChokePoint, ChokePoints
from graphsvc.explore.choke_picture import picture_of_choke_points
from graphsvc.explore.combination import Combination
from graphsvc.explore.layout import Layout, lay_out
from graphsvc.explore.path import Hop, Path, Reached
from graphsvc.explore.picture import (
    Picture,
    picture_of_combinations,
    picture_of_cut,
    picture_of_paths,
    short,
)
from graphsvc.explore.reach_picture import picture_of_reached
from graphsvc.explore.sentence import explained
from graphsvc.explore.support import HeldRight
from graphsvc.explore.svg import to_dot, to_svg
from tests.support.requirement import skip_or_fail

ARN = "identity:arn:aws:iam::123456789012:"
ANN, JOB, OPS = f"{ARN}user/ann", f"{ARN}role/job-with-a-rather-long-name-for-a-picture", f"{ARN}role/ops"
WAYS = [
    Path((
        Hop(ANN, JOB, "combination", "aws-lambda-001", ("iam:PassRole on aws:x", "lambda:CreateFunction")),
        Hop(JOB, "admin", "holds all"),
    )),
    Path((Hop(OPS, ANN, "assume", conditions=("needs `aws:SourceIp`",)), Hop(ANN, "admin", "combination", "p", ("iam:X",)))),
    Path((Hop("identity:<b>&\"'", OPS, "credential"), Hop(OPS, "admin", "holds all"))),
]  # fmt: skip
NS = "{http://www.w3.org/2000/svg}"


def _boxes(layout: Layout) -> list[tuple[float, float, float, float]]:
    return [
        (each.x - each.width / 2, each.y - each.height / 2, each.x + each.width / 2, each.y + each.height / 2)
        for each in (*layout.places.values(), *layout.words.values())
    ]


def test_nothing_lies_on_anything_else() -> None:
    """Boxes and words of arrows keep apart, and all lie within the picture."""
    layout = lay_out(picture_of_paths(WAYS))
    boxes = _boxes(layout)
    for one, other in combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    assert all(
        box[0] >= 0 and box[1] >= 0 and box[2] <= layout.width and box[3] <= layout.height for box in boxes
    )


def test_many_ways_stay_on_a_screen_and_arrows_at_their_boxes() -> None:
    """One who gets to forty places, and ten who get to one each: no wider than a screen, every arrow from edge to edge."""
    many = [
        Path((Hop(ANN, f"{ARN}role/a-role-with-a-long-name-{number}", "assume"),)) for number in range(40)
    ]
    apart = [Path((Hop(f"identity:p{number}", f"identity:q{number}", "assume"),)) for number in range(10)]
    layout = lay_out(picture_of_paths(many + apart))
    assert layout.width < 1_700
    assert (ANN, f"{ARN}role/a-role-with-a-long-name-0") in layout.sideways
    assert ("identity:p0", "identity:q0") not in layout.sideways
    for ends, way in layout.ways.items():
        for key, (x, y) in ((ends[0], way[0]), (ends[1], way[-1])):
            box = layout.places[key]
            across, along = abs(x - box.x), abs(y - box.y)
            at_side = (across, along) == pytest.approx((box.width / 2, 0))
            assert at_side or (across, along) == pytest.approx((0, box.height / 2))
    boxes = _boxes(layout)
    for one, other in combinations(boxes, 2):
        assert one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]


def test_every_hop_is_drawn_and_read_out() -> None:
    """The SVG is well formed, escapes what it is given, and says all of it in its description."""
    root = ET.fromstring(to_svg(picture_of_paths(WAYS)))
    assert root.get("role") == "img"
    told = root.findtext(f"{NS}desc") or ""
    for hop in (hop for way in WAYS for hop in way.hops):
        assert hop.start.partition(":")[2] in told
    assert "needs `aws:SourceIp`" in told
    dashed = [each for each in root.iter(f"{NS}path") if "maybe" in (each.get("class") or "")]
    assert len(dashed) == 1
    assert "prefers-color-scheme:dark" in (root.findtext(f"{NS}style") or "")


def test_the_same_picture_gives_the_same_bytes() -> None:
    """Nothing depends on hashing or time."""
    assert to_svg(picture_of_paths(WAYS)) == to_svg(picture_of_paths(WAYS))


def test_a_cycle_is_drawn() -> None:
    """Roles that may step into each other: an arrow up and one down."""
    circle = picture_of_paths([Path((Hop(ANN, JOB, "assume"),)), Path((Hop(JOB, ANN, "assume"),))])
    layout = lay_out(circle)
    assert {way[0][1] < way[-1][1] for way in layout.ways.values()} == {True, False}


def test_what_is_to_be_cut_is_marked() -> None:
    picture = picture_of_cut([("CAN_ASSUME", OPS, ANN)], WAYS, 8, title="cut")
    arrow = picture.arrows[OPS, ANN]
    assert (arrow.style, arrow.full) == ("cut", "remove: may assume")


def test_an_empty_picture_is_a_picture() -> None:
    assert ET.fromstring(to_svg(Picture("nothing"))).findtext(f"{NS}title") == "nothing"


def test_graphviz_reads_the_dot() -> None:
    """Quotes and all; where Graphviz is not installed only the form is looked at."""
    text = to_dot(picture_of_paths(WAYS))
    assert text.count("->") == 6
    if shutil.which("dot") is None:
        skip_or_fail("graphviz", "Graphviz is not installed; on Debian: apt-get install graphviz")
    subprocess.run(["dot", "-Tsvg"], input=text, text=True, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (ANN, "user ann"),
        ("identity:arn:aws:iam::123456789012:root", "account 123456789012"),
        ("resource:aws:arn:aws:s3:::data", "s3 data"),
        ("permission:arn:aws:iam::1:user/a#inline/0", "inline"),
        ("identity:bot", "bot"),
        ("resource:mailbox:ann", "mailbox ann"),
    ],
)
def test_people_say_the_name(key: str, name: str) -> None:
    assert short(key) == name


def test_a_path_is_told_to_people() -> None:
    """What it comes to first, then step by step, then what is not known."""
    assert explained(WAYS[0], {"aws-lambda-001": "A role passed to Lambda: CreateFunction"}) == (
        "In 2 steps, `user ann` can do anything at all. `user ann` may use iam:PassRole and lambda:CreateFunction, which "
        "together let it act as `role job-with-a-rather-long-name-for-a-picture` (A role passed to Lambda). From there it "
        "holds every right there is."
    )
    assert "depends on `aws:SourceIp`, which the data does not tell" in explained(WAYS[1])


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("identity:k8s:prod:system:serviceaccount:shop:web", "service account shop/web"),
        ("identity:k8s:prod:system:node:n1", "system:node:n1"),
        ("role:k8s:prod:role/shop/reader", "role shop/reader"),
        ("role:k8s:prod:clusterrole/edit/in/shop", "clusterrole edit in shop"),
        ("permission:k8s:prod:clusterrole/edit#02f10d0e9232", "a rule of clusterrole edit"),
    ],
)
def test_things_of_a_cluster_are_called_as_its_tools_call_them(key: str, said: str) -> None:
    """Neither the cluster's name nor the hash of a rule is in a label; both are in what pointing at it shows."""
    assert short(key) == said


def test_who_holds_half_is_not_drawn_as_holding_both() -> None:
    """From one who holds one of two rights no arrow leads to what they give together to another."""
    one, both = HeldRight("a:One", None, "permission:1", ()), HeldRight("a:Two", None, "permission:2", ())
    found = [
        Combination("ann", "half", "Half", "high", (one,), None, (), "yes"),
        Combination("bob", "both", "Both", "high", (one, both), None, (), "yes"),
    ]
    arrows = picture_of_combinations(found).arrows
    queue = ["identity:ann"]
    for node in queue:
        queue += [end for start, end in arrows if start == node]
    assert [node for node in queue if node.startswith("gain:")] == ["gain:ann:half"]


def test_a_word_that_fits_a_line_is_not_broken() -> None:
    """`on` goes to the next line whole where a line would be one sign too long."""
    picture = Picture("t")
    picture.box("permission:x", text="k8s:update:apps/statefulsets on prod")
    assert picture.boxes["permission:x"].lines == ("k8s:update:apps/statefulsets", "on prod")


def test_choke_points_are_drawn_with_who_comes_to_them_and_what_follows() -> None:
    """Seven come to a role of which one hop leads on; two others come to the end of that alone, and three by none."""
    people = tuple(f"identity:p{number}" for number in range(5))
    points = (
        ChokePoint(JOB, None, None, None, 10, people, None, 2, people[:2]),
        ChokePoint(None, OPS, JOB, "assume", 8, people, 0, 0, ()),
        ChokePoint(OPS, None, None, None, 7, people, 1, 7, people),
    )
    picture = picture_of_choke_points(ChokePoints(points, 14, truncated=False, around=3), "admin")
    assert picture.title == "What all ways of 14 identities to every right go through"
    assert picture.boxes["first:2"].full == "7 identities, such as p0"
    assert picture.boxes[JOB].full.endswith("(cuts off 10 of 14)")
    told = {ends: arrow.full for ends, arrow in picture.arrows.items()}
    assert told == {
        ("first:0", JOB): "all ways",
        ("first:2", OPS): "all ways",
        (OPS, JOB): "may step into: the only step for 8 identities",
        (JOB, "admin"): "all ways",
    }
    assert picture.note == "3 identities pass none of these points"
    ET.fromstring(to_svg(picture))


def test_without_a_choke_point_the_picture_says_so() -> None:
    """It does not say that nobody gets there."""
    picture = picture_of_choke_points(ChokePoints((), 7, truncated=False, around=7), "tier:crown-jewel")
    assert picture.title == "No place that the ways of several identities to tier:crown-jewel go through"
    assert (picture.note, list(picture.boxes)) == ("7 identities get there", ["target:tier:crown-jewel"])


def test_what_is_reached_alike_is_one_box() -> None:
    """Twenty buckets by the same right are one box; what leads on stands by itself; what is left out is counted."""
    hops = [Hop(ANN, JOB, "assume"), Hop(ANN, OPS, "assume", conditions=("needs `x`",))]
    hops += [
        Hop(ANN, f"resource:aws:arn:aws:s3:::b{number}", "right", rights=("s3:GetObject",))
        for number in range(20)
    ]
    hops += [Hop(JOB, "admin", "holds all")]
    reached = Reached({ANN: None, **{hop.end: hop for hop in hops}}, truncated=False)
    picture = picture_of_reached(reached, ANN)
    assert picture.title == "What user ann can become or touch: 23 nodes"
    assert [box.full for box in picture.boxes.values() if box.kind == "resource"] == [
        "20 resources, such as s3 b0"
    ]
    assert picture.arrows[ANN, OPS].style == "maybe"
    assert (JOB, "admin") in picture.arrows
    assert picture.note == ""
    few = picture_of_reached(Reached(reached.came, truncated=True), ANN, most=2)
    assert few.note == "21 nodes more are not drawn; a limit was reached: there is more"


def test_few_arrows_cross() -> None:
    """Two ways side by side stay so, though each joins the other's end."""
    ways = [
        Path((Hop("identity:a", "identity:c", "assume"), Hop("identity:c", "identity:e", "assume"))),
        Path((Hop("identity:b", "identity:d", "assume"), Hop("identity:d", "identity:e", "assume"))),
    ]
    layout = lay_out(picture_of_paths(ways))
    assert (layout.places["identity:a"].x < layout.places["identity:b"].x) == (
        layout.places["identity:c"].x < layout.places["identity:d"].x
    )
