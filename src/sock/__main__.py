"""`python -m sock` is `sock`."""

from .cli import main

main(prog_name="sock")
