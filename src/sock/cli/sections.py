"""A command whose help has its options in sections, and whose usage errors are one line each."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

import click
from click.core import ParameterSource

from .failure import NOT_THERE, fail
from .options import variable_of

if TYPE_CHECKING:
    from collections.abc import Callable


class SectionOption(click.Option):
    """An option that is a variable too, and belongs to a section.

    Its help is short: its default stands in brackets. The command says once that each option is a
    variable too.
    """

    def __init__(
        self, *args: Any, section: str, default_in_words: str | None = None, **settings: Any
    ) -> None:
        super().__init__(*args, **settings)
        self.section = section
        if default_in_words is None and settings.get("default") not in {None, False, ""}:
            default_in_words = str(settings["default"])
        self._default_in_words = default_in_words

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the two columns of the help."""
        record = super().get_help_record(ctx)
        if record is None:
            return None
        return record[
            0
        ], f"{self.help} [{self._default_in_words}]" if self._default_in_words else str(self.help)


class WholeNumber(click.IntRange):
    """A whole number between two bounds, which its error names."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Read it."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            bounds = f"{self.min} or more" if self.max is None else f"{self.min} to {self.max}"
            self.fail(f"it is a whole number, {bounds}, not {value!r}", param, ctx)


class OneLineGroup(click.Group):
    """A group of commands. A wrong name of a command fails with one line."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the options that stand before the command."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            _fail_for_option(error, ctx)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command."""
        name = args[0]
        if self.get_command(ctx, name) is None:
            near = get_close_matches(name, self.list_commands(ctx), n=1)
            meant = f"run {name}" if ":" in name and "run" in self.commands else "".join(near)
            group = _path(ctx)
            hint = f"{group} --help lists all commands."
            if meant:
                hint = f"Did you mean {group} {meant}?"
            fail(f"there is no command {name!r}. {hint}", NOT_THERE)
        return super().resolve_command(ctx, args)


class SectionCommand(click.Command):
    """A command that shows its options under the headings of their sections, in their order."""

    def make_context(self, *args: Any, **settings: Any) -> click.Context:
        """Read the command line; fail with one line if something in it is wrong."""
        try:
            return super().make_context(*args, **settings)
        except click.NoSuchOption as error:
            _fail_for_option(error, error.ctx)
        except click.MissingParameter as error:
            if self.name != "run":
                missing = getattr(error.param, "metavar", None)
                every = (one for one in self.params if isinstance(one, click.Argument))
                usage = " ".join((_path(error.ctx), *(str(one.metavar) for one in every)))
                fail(f"say {missing} too: {usage}", NOT_THERE)
            fail("say what to run: sock run MODULE:APP. sock run --help says more.", NOT_THERE)
        except click.BadParameter as error:
            if error.param is None or error.ctx is None:
                fail(_sentence(error.format_message()), NOT_THERE)
            fail(f"{name_of(error.param, error.ctx)}: {_sentence(error.message)}", NOT_THERE)
        except click.UsageError as error:
            fail(_sentence(error.format_message()), NOT_THERE)

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
        name: the name of the option, such as "--port".
        more: names of the argument, where it is not named as the option is.
        settings: those of click, and `default_in_words` where the default itself does not say what
            happens without the option.
    """
    settings.setdefault("default", None)
    variable = variable_of(name)
    return click.option(
        name, *more, cls=SectionOption, section=section, envvar=variable, **settings
    )


def plain_option(section: str, name: str, *more: str, **settings: Any) -> Callable[[Any], Any]:
    """Declare an option that is no variable: one of `sock run` may have the same name."""
    return click.option(name, *more, cls=SectionOption, section=section, **settings)


def options_of_app(section: str) -> Callable[[Any], Any]:
    """Declare the two options that say how MODULE:APP is found, for a command beside `sock run`."""
    factory = plain_option(
        section,
        "--factory",
        is_flag=True,
        default=False,
        help="APP is called without arguments and makes the application, as with sock run.",
    )
    folder = plain_option(
        section,
        "--app-dir",
        default=".",
        metavar="FOLDER",
        type=click.Path(exists=True, file_okay=False),
        help="Folder in which MODULE is looked for first.",
    )
    return lambda command: factory(folder(command))


def name_of(parameter: click.Parameter, context: click.Context) -> str:
    """Return the name by which a parameter was given: the option's, or the variable's."""
    of_variable = context.get_parameter_source(str(parameter.name)) is ParameterSource.ENVIRONMENT
    if of_variable:
        return str(parameter.envvar)
    return str(parameter.metavar) if isinstance(parameter, click.Argument) else parameter.opts[0]


def _fail_for_option(error: click.NoSuchOption, context: click.Context | None) -> NoReturn:
    name, command = error.option_name, _path(context)
    if context is not None and context.parent is not None:
        group = context.parent
        for parameter in group.command.params:
            if name in parameter.opts:
                usage = f"{_path(group)} {name} {parameter.metavar} {context.info_name}"
                fail(f"{name} stands before the command: {usage}", NOT_THERE)
    near = get_close_matches(name, error.possibilities or (), n=1)
    hint = f"Did you mean {near[0]}?" if near else f"{command} --help lists all options."
    fail(f"there is no option {name}. {hint}", NOT_THERE)


def _path(context: click.Context | None) -> str:
    """Return a command as it is called, such as `sock ctl stop`."""
    names: list[str] = []
    while context is not None and context.parent is not None:
        names.insert(0, str(context.info_name))
        context = context.parent
    return " ".join(("sock", *names))


def _sentence(message: str) -> str:
    """Return a message of click's in the form in which it stands behind "sock: "."""
    text = message[:1].lower() + message[1:].rstrip(".")
    return text if text.endswith("?") else f"{text}."
