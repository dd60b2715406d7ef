"""Static files under hashed names, compressed, once `collectstatic` has run in this home."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage  # type: ignore[import-untyped]  # no types upstream


class HashedFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # WhiteNoise has no types
    """Plain names stand in for files that were never collected, as in tests."""

    manifest_strict = False

    def stored_name(self, name: str) -> str:
        """The hashed name of a file, its own name when it was not collected."""
        try:
            stored: str = super().stored_name(name)
        except ValueError:
            return name
        return stored
