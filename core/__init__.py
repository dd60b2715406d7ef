"""Values, ports and errors every package shares. Standard library only."""
