"""Django's view of the package."""

from django.apps import AppConfig


class CrawlersConfig(AppConfig):
    """App `crawlers`."""

    name = "crawlers"
