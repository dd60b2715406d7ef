"""The little town of `make demo`: public pages and a chat to try everything on, on loopback only."""
