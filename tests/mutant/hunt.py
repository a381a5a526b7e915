"""One hunt, in a process of its own: judge cases with whatever engine the path offers until it disagrees."""

import random
import sys

from tests.law.fuzz import differs, draw_cases
from tests.law.weighing import weighed


def main() -> int:
    """Arguments: seed, policies, features. Exit 1 and the number of cases needed when the engine was caught, else 0."""
    seed, policies = int(sys.argv[1]), int(sys.argv[2])
    wanted = frozenset(sys.argv[3].split(",")) if sys.argv[3] else frozenset()
    cases = 0
    for index in range(policies):
        rng = random.Random(seed * 1_000_003 + index)
        for number, case in enumerate(draw_cases(rng, 6, wanted)):
            cases += 1
            if differs(weighed(case) if number % 2 else case, force=number % 3 == 2):
                print(cases)
                return 1
    print(cases)
    return 0


if __name__ == "__main__":
    sys.exit(main())
