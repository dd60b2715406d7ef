"""Template filters of the briefings."""
