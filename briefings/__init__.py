"""Briefings and ledger, from stored rows only."""
