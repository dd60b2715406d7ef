"""Django's view of the package."""

from django.apps import AppConfig


class BriefingsConfig(AppConfig):
    """App `briefings`."""

    name = "briefings"
