"""The page "Deploy": its units are valid, and their commands serve."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from sock.cli.command import main
from tests.needed import needed

pytestmark = pytest.mark.one_form

PAGE = Path(__file__).parents[2] / "docs/howto/deploy.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def test_systemd_takes_both_units(tmp_path):
    needed("systemd-analyze", "systemd")
    service, socket = blocks("ini")
    # What the page says of a machine of its own is true of this one, too.
    service = service.replace("/srv/chat/venv/bin/sock", sys.executable)
    service = service.replace("/srv/chat", str(tmp_path)).replace("User=chat", "User=root")
    for name, text in (("chat.service", service), ("chat.socket", socket)):
        (tmp_path / name).write_text(text.replace("SocketGroup=www-data", "SocketGroup=root"))
    done = subprocess.run(
        [
            "systemd-analyze",
            "verify",
            "--man=no",
            tmp_path / "chat.service",
            tmp_path / "chat.socket",
        ],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    about_ours = [line for line in done.stderr.splitlines() if "chat." in line]
    assert about_ours == []


def test_every_command_of_the_page_has_right_options(monkeypatch, tmp_path):
    monkeypatch.setattr("sock.server.run", lambda app, **arguments: served.append(arguments))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "chat.py").write_text("def app(request): ...")
    served = []
    commands = re.findall(r"^ExecStart=\S+/sock (run .*)$", blocks("ini")[0], re.MULTILINE)
    commands += re.findall(r"`sock (run [^`]+)`", PAGE.read_text())
    commands += [
        " ".join(re.findall(r'"([^"]+)"', line)).removeprefix("sock ")
        for line in re.findall(r"^CMD \[(.*)\]$", blocks("dockerfile")[0], re.MULTILINE)
    ]
    monkeypatch.setattr("sock.cli.command.end_process", lambda *_: None)
    for command in commands:
        result = CliRunner().invoke(main, [*command.split(), "--app-dir", str(tmp_path)])
        assert result.exit_code == 0, result.output
    assert len(served) == len(commands) >= 3
