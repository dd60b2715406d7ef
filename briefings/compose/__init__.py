"""Facts → Document: Chinese by rules, one module per kind of briefing. Pure."""
