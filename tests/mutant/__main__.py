"""`python -m tests.mutant [WORD...]`: break the engine in every known way and see that each is noticed."""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutant.fault import FAULTS, Fault, needed

__all__ = ["hunt", "main"]

ROOT = Path(__file__).parents[2]
_POLICIES = 1500
_SEED = 1


def hunt(fault: Fault, policies: int = _POLICIES) -> int | None:
    """The number of cases after which the fault was noticed; None when it was not."""
    with tempfile.TemporaryDirectory() as place:
        shutil.copytree(
            ROOT / "graphsvc", Path(place) / "graphsvc", ignore=shutil.ignore_patterns("__pycache__")
        )
        module = Path(place) / "graphsvc" / "core" / f"{fault.module}.py"
        source = module.read_text(encoding="utf-8")
        if source.count(fault.old) != 1:
            message = f"{fault.name}: its text stands {source.count(fault.old)} times in {fault.module}"
            raise ValueError(message)
        module.write_text(source.replace(fault.old, fault.new), encoding="utf-8")
        ended = subprocess.run(
            [sys.executable, "-m", "tests.mutant.hunt", str(_SEED), str(policies), ",".join(needed(fault))],
            cwd=place,
            env={**os.environ, "PYTHONPATH": f"{place}{os.pathsep}{ROOT}", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if ended.returncode not in {0, 1} or not ended.stdout.strip():
            raise RuntimeError(ended.stderr)
        return int(ended.stdout) if ended.returncode else None


def main(words: list[str]) -> int:
    """Hunt all faults, or those whose name holds a word; exit 1 when one was not noticed."""
    chosen = [fault for fault in FAULTS if not words or any(word in fault.name for word in words)]
    missed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for fault, cases in zip(chosen, pool.map(hunt, chosen), strict=True):
            missed += cases is None
            told = f"noticed after {cases:5d} cases" if cases is not None else "NOT NOTICED"
            print(f"{fault.rule:4s} {told}  {fault.name}", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} noticed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
