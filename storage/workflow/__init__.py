"""The workflow's SQLite as Django sees it."""
