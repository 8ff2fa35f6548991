"""Help in sections."""

from __future__ import annotations

import click
from click.testing import CliRunner

from sock.cli.sections import SectionCommand, option


@click.command(cls=SectionCommand)
@option("The kitchen", "--pots", default=3, help="How many.")
@option("The kitchen", "--lid", is_flag=True, default=False, help="With one.")
@option("The garden", "--trees", default_in_words="all of them", help="Which ones.")
def house(pots, lid, trees):
    click.echo(f"{pots} {lid} {trees}")


def test_options_stand_under_their_headings_with_what_they_are_when_not_given():
    lines = CliRunner().invoke(house, ["--help"]).output.splitlines()
    assert lines[2:] == [
        "The kitchen:",
        "  --pots INTEGER  How many. [3]",
        "  --lid           With one.",
        "",
        "The garden:",
        "  --trees TEXT  Which ones. [all of them]",
        "",
        "Help:",
        "  --help  Show this message and exit.",
    ]


def test_an_option_is_a_variable_too():
    assert CliRunner().invoke(house, env={"SOCK_POTS": "5"}).output == "5 False None\n"
