"""RFC 6455 and RFC 7692 without I/O: bytes to messages and back. Knows no callback."""
