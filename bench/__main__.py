"""`python -m bench [name …]`: runs benchmarks, one process each, and writes their bars into docs/benchmarks.md.

Without names all of them, within an hour; with names (`work`, `rules`) these, and the other sections stay. A benchmark
that fails or takes too long is reported as such and ends nothing but itself.
"""

from __future__ import annotations

import os
import platform
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "benchmarks.md"
#: Seconds for all of them, for one, and for those that need longer.
IN_ALL, PATIENCE = 3500, 240
PATIENCE_OF = {"crawl": 400, "storage": 400, "pipeline_accuracy": 400, "cluster": 400, "restore": 600, "work": 300}
SHOWN = ("django", "scrapy", "elasticsearch", "psycopg", "numpy", "lxml", "trafilatura")

HEAD = """# Benchmarks

Written by `python -m bench` (`make bench`). Every bar of the issues that a benchmark measures, with what it measured here. Ratios compare things of
one run. "–" in the last column: the figure has several parts, or no bar; read it. Wall-clock figures depend on what else the machine did: the load
stands with each section.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One line of a report."""

    name: str
    wanted: str
    measured: str

    @property
    def verdict(self) -> str:
        """met, missed, or a dash where a machine cannot tell."""
        bound = re.fullmatch(r"([≥≤<>])\s*(\d[\d,]*\.?\d*|\.\d+)(?:\s*(?:/\D|[^\d\s/.])\S*)*", self.wanted)
        if re.match(r"0(\s|$)", self.wanted):
            bound = re.match(r"()(0)", self.wanted)
        figure = re.search(r"-?\d[\d,]*\.?\d*|\.\d+", self.measured)
        if bound is None or figure is None:
            return "–"
        limit, found = (float(text.replace(",", "")) for text in (bound[2], figure[0]))
        met = {"≥": found >= limit, "≤": found <= limit, "<": found < limit, ">": found > limit, "": found == limit}
        return "met" if met[bound[1]] else "**missed**"


def read(output: str) -> Iterator[Bar]:
    """Bars of a report: `name bar wanted measured figure`, `name bar wanted figure met`, or three cells."""
    for line in output.splitlines():
        text = line.strip().strip("|").strip()
        found = re.fullmatch(r"(.+?)\s+bar\s(.*?)\s+measured\s+(.+)", text)
        found = found or re.fullmatch(r"(.+?)\s+bar\s(.+?)\s{2,}(.+)", text)
        found = found or re.fullmatch(r"([^|]+?)\s*\|\s*([^|]+?)\s*\|\s*([^|]+)", text)
        if found and "---" not in text and found[3] != "measured":
            yield Bar(name=found[1], wanted=found[2].strip() or "–", measured=re.sub(r"\s{2,}", "; ", found[3].strip()))


def run(name: str, patience: float) -> tuple[str, str]:
    """Run one benchmark; its output, and what went wrong (empty when nothing did)."""
    if patience <= 0:
        return "", "the hour was over before its turn"
    command = [sys.executable, "-m", f"bench.bench_{name}"]
    # A session of its own: whatever it started ends with it.
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        process.terminate()
        return _ended(process), f"did not end within {patience:.0f} s"
    return output, f"ended with {process.returncode}" if process.returncode else ""


def _ended(process: subprocess.Popen[str]) -> str:
    """What it said, once it has stopped its servers or half a minute has passed."""
    try:
        return process.communicate(timeout=30)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.communicate()[0]


def section(name: str, patience: float) -> str:
    """The part of the page about one benchmark."""
    begun, load = time.monotonic(), os.getloadavg()[0]
    output, fault = run(name, patience)
    print(output, flush=True)
    seconds = round(time.monotonic() - begun)
    lines = [
        f"## {name}",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {_commit()}, {seconds} s, load {load:.1f} before and {os.getloadavg()[0]:.1f} after",
        *(
            ["", f"**{fault}**: {output.strip().splitlines()[-1][:200] if output.strip() else 'no output'}"]
            if fault
            else []
        ),
        "",
        "| bar | wanted | measured | |",
        "|---|---|---|---|",
        *(f"| {bar.name} | {bar.wanted} | {bar.measured} | {bar.verdict} |" for bar in read(output)),
    ]
    return "\n".join(lines) + "\n"


def machine() -> str:
    """What it ran on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    packages = ", ".join(f"{name} {version(name)}" for name in SHOWN)
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return (
        f"Machine: {os.cpu_count()} cores, {memory:.0f} GB, {system}; Python {platform.python_version()}, {packages}.\n"
    )


def _commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False, cwd=ROOT
    )
    return done.stdout.strip() or "unknown"


def kept() -> dict[str, str]:
    """Sections of the page as it stands."""
    text = PAGE.read_text("utf-8") if PAGE.exists() else ""
    parts = re.split(r"^(?=## )", text, flags=re.MULTILINE)[1:]
    return {part.splitlines()[0].removeprefix("## "): part.strip() + "\n" for part in parts}


def main(names: Sequence[str]) -> int:
    """Run and write; return how many failed."""
    existing = sorted(path.stem.removeprefix("bench_") for path in Path(__file__).parent.glob("bench_*.py"))
    if unknown := set(names) - set(existing):
        print(f"no benchmark {', '.join(sorted(unknown))}; there are {', '.join(existing)}", file=sys.stderr)
        return 2
    sections = {name: part for name, part in kept().items() if name in existing}
    failed, ends = 0, time.monotonic() + IN_ALL
    for name in names or existing:
        print(f"\n## {name}\n", flush=True)
        sections[name] = section(name, min(PATIENCE_OF.get(name, PATIENCE), ends - time.monotonic()))
        failed += "\n**" in sections[name]
        # After each: what was measured stays although a later one is broken off.
        PAGE.write_text("\n".join([HEAD, machine(), *(part for _, part in sorted(sections.items()))]), encoding="utf-8")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
