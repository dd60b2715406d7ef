"""Many rows of a model written by one statement: Django's own way costs a batch more than understanding it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.backends.base.base import BaseDatabaseWrapper


def insert(
    model: type[models.Model],
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    unique: Sequence[str] = (),
    update: Sequence[str] = (),
) -> None:
    """Insert rows as `bulk_create` does, at a fraction of its cost; joins the caller's transaction.

    A row that stands there already by its `unique` columns gets its `update` columns replaced, or is left as it was
    when there are none; of several rows the last one counts.
    """
    connection = _connection()
    quoted = connection.ops.quote_name
    names = ", ".join(map(quoted, columns))
    conflict = ""
    if unique:
        replacing = ", ".join(f"{quoted(name)} = excluded.{quoted(name)}" for name in update)
        doing = f"UPDATE SET {replacing}" if update else "NOTHING"
        conflict = f" ON CONFLICT ({', '.join(map(quoted, unique))}) DO {doing}"
    values = _values(connection, model, columns, rows)
    if update:
        # One statement may not change a row twice.
        places = [columns.index(name) for name in unique]
        values = list({tuple(row[place] for place in places): row for row in values}.values())
    source = (
        f"SELECT * FROM {_arrays(connection, model, columns)}"  # noqa: S608 - names of our models
        if connection.vendor == "postgresql"
        else f"VALUES ({', '.join(['%s'] * len(columns))})"
    )
    _run(connection, f"INSERT INTO {quoted(model._meta.db_table)} ({names}) {source}{conflict}", values)


def update(model: type[models.Model], column: str, *, by: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Set one column, each row's to a value of its own: `rows` are that value, then those of the columns `by`.

    No row may be named twice.
    """
    connection = _connection()
    quoted = connection.ops.quote_name
    table, target = quoted(model._meta.db_table), quoted(column)
    if connection.vendor == "postgresql":
        given = ", ".join(f"v{number}" for number in range(len(by) + 1))
        conditions = " AND ".join(f"{table}.{quoted(name)} = v{number}" for number, name in enumerate(by, 1))
        arrays = _arrays(connection, model, (column, *by))
        sql = f"UPDATE {table} SET {target} = v0 FROM {arrays} AS given({given}) WHERE {conditions}"  # noqa: S608 - names of our models
    else:
        conditions = " AND ".join(f"{quoted(name)} = %s" for name in by)
        sql = f"UPDATE {table} SET {target} = %s WHERE {conditions}"  # noqa: S608 - names of our models
    _run(connection, sql, _values(connection, model, (column, *by), rows))


def _connection() -> BaseDatabaseWrapper:
    """The usual proxy would look it up again with every value."""
    return connections[DEFAULT_DB_ALIAS]


def _arrays(connection: BaseDatabaseWrapper, model: type[models.Model], columns: Sequence[str]) -> str:
    """A table of one array a column: PostgreSQL reads and plans once, not once a row."""
    by_name = {field.attname: field for field in model._meta.concrete_fields}
    kinds = [by_name[name].rel_db_type(connection) or "" for name in columns]
    # A cast to varchar(n) would cut what is too long; the column itself refuses it.
    kinds = ["text" if kind.startswith("varchar") else kind for kind in kinds]
    return f"unnest({', '.join(f'%b::{kind}[]' for kind in kinds)})"


def _values(
    connection: BaseDatabaseWrapper, model: type[models.Model], columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> list[list[Any]]:
    """The rows as the driver takes them."""
    preparers = [_preparer(model._meta.get_field(name), connection) for name in columns]
    prepared = [(at, prepare) for at, prepare in enumerate(preparers) if prepare]
    values = [list(row) for row in rows]
    for line in values:
        for at, prepare in prepared:
            line[at] = prepare(line[at])
    return values


def _run(connection: BaseDatabaseWrapper, sql: str, values: Sequence[Sequence[Any]]) -> None:
    if not values:
        return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(sql, [list(column) for column in zip(*values, strict=True)])
        else:
            cursor.executemany(sql, values)


def _preparer(field: Any, connection: BaseDatabaseWrapper) -> Callable[[Any], Any] | None:
    """What makes of a field's value one of the driver's; None for those that are so already, which are most."""
    match field:
        case models.DateTimeField():
            return connection.ops.adapt_datetimefield_value
        case models.JSONField() | models.BinaryField():
            return partial(field.get_db_prep_save, connection=connection)
        case _:
            return None
