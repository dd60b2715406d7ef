"""Django's view of the package."""

from django.apps import AppConfig


class RulesConfig(AppConfig):
    """App `rules`."""

    name = "rules"
