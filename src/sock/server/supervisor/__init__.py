"""Workers: the process that starts and replaces them, and what a worker has to do with it."""
