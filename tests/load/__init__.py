"""The server under load, by hand: `make load`. What is claimed is counted, and printed."""
