"""The duty desk in the browser."""
