"""The `caifeng` command: one line per command here, one module each in `caifeng/commands/`."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

import click

from core.errors import CaifengError

#: name → (module:attribute, help line, group). Modules load only when their command runs.
COMMANDS: dict[str, tuple[str, str, str]] = {
    "up": ("caifeng.commands.up:up", "start every role under one supervisor; --demo adds the little town", "运行"),
    "serve": ("caifeng.commands.run:serve", "the web console and API", "运行"),
    "schedule": ("caifeng.commands.run:schedule", "mark sources due, start briefings and nightly work", "运行"),
    "crawl": ("caifeng.commands.run:crawl", "fetch due sources into the inbox", "运行"),
    "work": ("caifeng.commands.run:work", "inbox → clean, mask, tag, merge, match, store, alert", "运行"),
    "desk": ("caifeng.commands.run:desk", "serve, schedule, sweep and send in one process, as `up` runs them", "运行"),
    "sweep": ("caifeng.commands.run:sweep", "act on deadlines that are due", "运行"),
    "send": ("caifeng.commands.run:send", "send what the outbox holds", "运行"),
    "import": ("caifeng.commands.imports:import_file", "take in posts from csv, jsonl or xlsx", "数据"),
    "search": ("caifeng.commands.search:search", "search posts in the query language", "数据"),
    "store": ("caifeng.commands.store:store", "info, migrate, reindex, expire the post store", "数据"),
    "extract": ("caifeng.commands.extract:extract", "title, text and time of HTML files", "数据"),
    "tag": ("caifeng.commands.tag:tag", "tags of JSONL texts", "数据"),
    "merge": ("caifeng.commands.tag:merge", "stories and incidents of JSONL texts", "数据"),
    "models": ("caifeng.commands.models:models", "the trained models and how right they are", "数据"),
    "sources": ("caifeng.commands.sources:sources", "test, add and inspect sources", "采集"),
    "check": ("caifeng.commands.check:check", "check a profile; every error with file and line", "配置"),
    "rules": ("caifeng.commands.rules:rules", "check, replay, explain and simulate rules", "配置"),
    "status": ("caifeng.commands.status:status", "roles, lags, counts, last errors", "值守"),
    "alerts": ("caifeng.commands.alerts:alerts", "open alerts and their next deadline", "值守"),
    "deadlines": ("caifeng.commands.alerts:deadlines", "the dated plan of a level", "值守"),
    "why": ("caifeng.commands.alerts:why", "who was told what, who was not, and why", "值守"),
    "routes": ("caifeng.commands.alerts:routes", "who would be told of such an alert", "值守"),
    "audit": ("caifeng.commands.alerts:audit", "verify the chain of alert events", "值守"),
    "brief": ("caifeng.commands.brief:brief", "weekly, daily, flash and other briefings", "文书"),
    "ledger": ("caifeng.commands.brief:ledger", "the ledger as xlsx or csv", "文书"),
    "user": ("caifeng.commands.user:user", "accounts: add, password, list", "管理"),
    "tokens": ("caifeng.commands.tokens:tokens", "keys to the API: issue, list, revoke", "管理"),
    "backup": ("caifeng.commands.operate:backup", "a consistent copy while running", "管理"),
    "restore": ("caifeng.commands.operate:restore", "put a copy back and verify it", "管理"),
    "doctor": ("caifeng.commands.operate:doctor", "everything a night shift would ask", "管理"),
}

#: Commands that work without a database, and must start fast: Django is not even imported for them.
PURE = frozenset({"up", "extract", "tag", "merge", "check", "rules", "deadlines"})


class CaifengGroup(click.Group):
    """Loads a command's module when it is asked for, so that `caifeng tag` does not start Django."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import and return the command."""
        if name not in COMMANDS:
            return None
        if name not in PURE:
            import django

            django.setup()
        module, attribute = COMMANDS[name][0].split(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Commands by group, from the table alone."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for name, (_, line, group) in COMMANDS.items():
            groups.setdefault(group, []).append((name, line))
        for group, rows in groups.items():
            with formatter.section(group):
                formatter.write_dl(rows)


@click.group(cls=CaifengGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="caifeng")
def caifeng() -> None:
    """Caifeng 采风 watches public posts so that people are answered.

    All state is in CAIFENG_HOME (default ./var). Results go to standard output, everything else to
    standard error. Exit codes: 0 done, 1 the answer is no, 2 wrong usage or configuration.
    """


def main(arguments: list[str] | None = None) -> Any:
    """Run the command; errors we raised on purpose are one clear message, not a traceback."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caifeng.settings")
    try:
        return caifeng.main(args=arguments, prog_name="caifeng")
    except CaifengError as error:
        click.echo(f"caifeng: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    main()
