"""Django's view of the package."""

from django.apps import AppConfig


class StorageConfig(AppConfig):
    """App `storage`."""

    name = "storage"
