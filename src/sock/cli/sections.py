"""A command whose help has its options in sections, as a reader looks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from .options import variable_of

if TYPE_CHECKING:
    from collections.abc import Callable


class SectionOption(click.Option):
    """An option that is a variable too, and belongs to a section.

    Its help is short: what it is when it is not given stands in brackets; that it is a variable
    too, the command says once for all.
    """

    def __init__(self, *args: Any, section: str, shown: str | None = None, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.section = section
        if shown is None and settings.get("default") not in {None, False, ""}:
            shown = str(settings["default"])
        self._shown = shown

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the two columns of the help."""
        record = super().get_help_record(ctx)
        if record is None:
            return None
        return record[0], f"{self.help} [{self._shown}]" if self._shown else str(self.help)


class SectionCommand(click.Command):
    """A command that shows its options under the headings of their sections, in their order."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option):
                record = parameter.get_help_record(ctx)
                if record is not None:
                    heading = getattr(parameter, "section", "Help")
                    sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def option(section: str, name: str, *more: str, **settings: Any) -> Callable[[Any], Any]:
    """Declare an option of a section, and its variable.

    Args:
        section: the heading under which it is shown.
        name: such as "--port".
        more: names of the argument, where that is not the option's.
        settings: of click; and `shown`, what it is when it is not given, where its default does not
            say so.
    """
    settings.setdefault("default", None)
    variable = variable_of(name)
    return click.option(
        name, *more, cls=SectionOption, section=section, envvar=variable, **settings
    )
