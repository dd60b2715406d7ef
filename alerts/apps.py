"""Django's view of the package."""

from django.apps import AppConfig


class AlertsConfig(AppConfig):
    """App `alerts`."""

    name = "alerts"
