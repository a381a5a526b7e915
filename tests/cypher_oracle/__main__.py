"""Engine against Cypher for as long as one likes: `python -m tests.cypher_oracle --verdicts 20000`."""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.cypher_oracle.judge import Judge
from tests.support.neo4j_server import given_server, own_server


def main() -> int:
    """0 when everything agrees, 1 when something does not."""
    parser = argparse.ArgumentParser(prog="python -m tests.cypher_oracle", description=__doc__)
    parser.add_argument(
        "--verdicts", type=int, default=20_000, help="an action judged against a pattern each"
    )
    parser.add_argument("--seed", type=int, default=None, help="the same seed judges the same cases")
    options = parser.parse_args()
    seed = options.seed if options.seed is not None else time.time_ns() % 1_000_000
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cypher-oracle-")))
        server = given_server() or stack.enter_context(own_server(folder / "neo4j"))
        driver = stack.enter_context(server.driver())
        judge = Judge(driver, server.database)
        started = time.monotonic()
        tally = judge.judge(random.Random(seed), options.verdicts)
        seconds = time.monotonic() - started
        judge.close()
    for difference in tally.differences:
        print(difference, end="\n\n")
    for reason, number in sorted(tally.left_out.items()):
        print(f"left out {number} patterns: {reason}")
    print(
        f"seed {seed}: {tally.verdicts} verdicts, {tally.completions} completions, {tally.cases} cases,"
        f" {len(tally.differences)} mismatches, {seconds:.0f} s"
    )
    return 1 if tally.differences else 0


if __name__ == "__main__":
    sys.exit(main())
