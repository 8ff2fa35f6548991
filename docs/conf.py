"""How the documentation is built: `make docs`."""

from __future__ import annotations

import re
from importlib.metadata import version as version_of
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "Sock for Python"
author = "The Sock authors"
copyright = "The Sock authors"  # noqa: A001 - Sphinx's name for it
version = release = version_of("sockpy")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = project
html_static_path = ["_static"]
html_css_files = ["pages.css"]

myst_enable_extensions = ["colon_fence", "deflist", "fieldlist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 90
autodoc_preserve_defaults = True
# In a docstring `this` is code, as it is in Markdown.
default_role = "code"

# The build reads no inventory from the network, so it knows the names of Sock alone.
# Type variables have no entry of their own.
# Nor has what only hosts have to do with.
nitpick_ignore_regex = [
    ("py:.*", r"(?!sock\.).*"),
    ("py:.*", r"sock\..*T(_co|_contra)?"),
    ("py:.*", r"sock\.spec\.request\.Peer"),
    # `around` and `mount` return an App; what `replace` takes are the fields of an Upgrade.
    ("py:.*", r"sock\.spec\.(wrapped\.Around|routes\.Mount|upgrade\.Changes)"),
]

_DECLARED = re.compile(r"^\[S(\d+)\.(\d+)\] ", re.MULTILINE)
_CITED = re.compile(r"(?<![\[`])\[S(\d+)\.(\d+)\](?![(`])")


def link_statements(_app: Sphinx, docname: str, source: list[str]) -> None:
    """Make a target of each numbered statement, and a link of each place that cites one."""
    text = source[0]
    page = "" if docname == "reference/specification" else "/reference/specification.md"
    if not page:
        text = _DECLARED.sub(r"(s\1-\2)=\n**S\1.\2**\n", text)
    source[0] = _CITED.sub(rf"[S\1.\2]({page}#s\1-\2)", text)


# Of these napoleon takes "This: that" for a type. A property of a compiled class is an attribute.
_ATTRIBUTES = {"property", "attribute", "data"}

_written: dict[str, list[str]] = {}


def keep(_app: Sphinx, what: str, name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Remember the docstring of an attribute, before napoleon reads it."""
    if what in _ATTRIBUTES:
        _written[name] = list(lines)


def restore(_app: Sphinx, _what: str, name: str, _o: Any, _options: Any, lines: list[str]) -> None:
    """Put it back."""
    lines[:] = _written.pop(name, lines)


def setup(app: Sphinx) -> None:
    """Let Sphinx know."""
    app.connect("source-read", link_statements)
    app.connect("autodoc-process-docstring", keep, priority=400)
    app.connect("autodoc-process-docstring", restore, priority=600)
