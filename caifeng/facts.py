"""What rules ask and the packages below alerts cannot know: levels of open alerts."""

from __future__ import annotations

from collections.abc import Collection

from alerts.models import OPEN_STATES, Alert
from rules.facts import StoreFacts


class RowFacts(StoreFacts):
    """Facts from the post store and the alerts' rows."""

    def open_levels(self, incident: str) -> Collection[str]:
        """Levels, confirmed or else suggested, of an incident's open alerts."""
        rows = Alert.objects.filter(incident=incident, state__in=OPEN_STATES).values_list("level", "suggested_level")
        return {level or suggested for level, suggested in rows}
