"""Collecting: sources, spiders, politeness, safety, extraction, source health."""
