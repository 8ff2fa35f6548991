"""The subscribers of telemetry: the log."""
