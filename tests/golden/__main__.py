"""How many findings on the real estates are right: `python -m tests.golden`. The test holds the labels to what is found."""

from __future__ import annotations

from tests.golden.estates import table

if __name__ == "__main__":
    print(table())
