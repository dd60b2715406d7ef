"""Incidents get the order of their heat."""

from __future__ import annotations

from django.apps.registry import Apps
from django.db import migrations, models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

from storage.stories import warmth


def order_by_heat(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    """Of those that are there already."""
    incident = apps.get_model("storage", "Incident")
    for name, heat, at in incident.objects.values_list("id", "heat", "heat_at").iterator():
        incident.objects.filter(id=name).update(warmth=warmth(heat, at))


class Migration(migrations.Migration):
    """A database default, for workers of the version before may still write."""

    dependencies = [("storage", "0002_inbox_of_source")]

    operations = [
        migrations.AddField("incident", "warmth", models.FloatField(db_default=0.0, db_index=True)),
        migrations.RunPython(order_by_heat, migrations.RunPython.noop),
    ]
