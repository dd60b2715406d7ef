"""Runs every benchmark of the folder, one process each, and goes on when one fails."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def main() -> int:
    """Print each benchmark's own report; return how many failed to run."""
    failed = 0
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        print(f"\n## {path.stem}\n", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"bench.{path.stem}"], check=False).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main())
