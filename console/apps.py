"""Django's view of the package."""

from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    """App `console`."""

    name = "console"
