"""Other people's servers as hosts: one module for each, which imports that server only."""
