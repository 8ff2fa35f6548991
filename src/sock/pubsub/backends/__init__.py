"""What carries messages from one process to the others."""
