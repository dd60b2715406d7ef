"""Watches and rules: schema, matcher, windows, replay."""
