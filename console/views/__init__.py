"""One module per screen; views ask, decide nothing, and render."""
