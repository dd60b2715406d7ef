"""Exact incremental windows, one module per family: the same code live, in replay and in `rules simulate`.

Pure: no Django, no clock, no store. Times are whole microseconds since 1970 (UTC), so that "exactly f old"
means exactly that and a million events stay cheap.
"""
