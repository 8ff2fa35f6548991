"""The page "Metrics for Prometheus": its table, and its dashboard before the real Prometheus."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import websockets

from sock.observe.metrics import METRICS, Figures, Totals
from tests.broker import free_port
from tests.needed import needed

pytestmark = [pytest.mark.one_form, pytest.mark.timeout(120)]

FOLDER = Path(__file__).parents[2] / "docs/howto"
DASHBOARD = json.loads((FOLDER / "sock-dashboard.json").read_text())
BOUND = 60  # seconds for a process to do what it is waited for


def expressions() -> list[str]:
    """Return what the dashboard asks Prometheus for, with the variables of Grafana filled in."""
    return [
        target["expr"].replace("$__rate_interval", "10s").replace("$job", ".*")
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
    ]


def exported() -> str:
    totals = Totals()
    totals.update("1", Figures().snapshot())
    return totals.render().body.decode()


def test_the_table_of_the_page_is_that_of_the_code():
    rows = re.findall(
        r"^\| `(sock_\w+)` \| (\w+) \| ([^|]*) \| (.+) \|$",
        (FOLDER / "metrics.md").read_text(),
        re.MULTILINE,
    )
    for metric in METRICS.values():
        name = f"{metric.name}_total" if metric.kind == "counter" else metric.name
        labels = ("worker",) if metric.kind == "gauge" else metric.labels
        shown = ", ".join(f"`{label}`" for label in labels)
        assert (name, metric.kind, shown or " ", metric.help) in rows
    assert len(rows) == len(METRICS)


def test_prometheus_finds_no_fault_with_the_page():
    command = [needed("promtool", "prometheus"), "check", "metrics"]
    done = subprocess.run(
        command, input=exported(), capture_output=True, text=True, timeout=BOUND, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_dashboard_asks_for_every_metric_and_for_no_other():
    asked = set(re.findall(r"\bsock_\w+", " ".join(expressions())))
    bases = {re.sub(r"_(bucket|sum|count|total)$", "", name) for name in asked}
    assert bases == set(METRICS)
    counters = {f"{one.name}_total" for one in METRICS.values() if one.kind == "counter"}
    assert counters <= asked


def alerts() -> list[str]:
    """Return the rules that the page proposes."""
    page = (FOLDER / "metrics.md").read_text()
    return re.findall(r"^\| [^|]+ \| `([^`]+ > [^`]+)` \|$", page, re.MULTILINE)


def test_prometheus_can_read_every_expression_of_the_dashboard_and_of_the_page(tmp_path):
    assert len(alerts()) == 4
    texts = expressions() + alerts()
    rules = [{"record": f"one:{number}", "expr": text} for number, text in enumerate(texts)]
    path = tmp_path / "rules.json"  # JSON is YAML
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    command = [needed("promtool", "prometheus"), "check", "rules", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=BOUND, check=False)
    assert done.returncode == 0, done.stderr
    assert f"SUCCESS: {len(rules)} rules found" in done.stdout


APP = """
import sock

class Echo(sock.Sock):
    def handle_in(self, message):
        return message
"""


@pytest.fixture
def start(tmp_path):
    """Start a process; it is ended with the test."""
    processes = []

    def start(*command):
        process = subprocess.Popen(
            command, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process

    yield start
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.communicate(timeout=BOUND)
        finally:
            process.kill()


def values(port: int, expression: str) -> list[float]:
    asked = urllib.parse.urlencode({"query": expression})
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{asked}", timeout=10) as got:
        result = json.load(got)["data"]["result"]
    return [float(one["value"][1]) for one in result if one["value"][1] != "NaN"]


def test_prometheus_has_a_value_for_every_expression_of_the_dashboard(start, tmp_path, run_async):
    program = needed("prometheus")
    shown, asked = free_port(), free_port()
    (tmp_path / "served.py").write_text(APP)
    scraping = {
        "global": {"scrape_interval": "300ms", "scrape_timeout": "300ms"},
        "scrape_configs": [
            {"job_name": "chat", "static_configs": [{"targets": [f"127.0.0.1:{shown}"]}]}
        ],
    }
    (tmp_path / "prometheus.yml").write_text(json.dumps(scraping))
    server = start(
        sys.executable, "-m", "sock", "run", "served:Echo", "--port", "0",
        "--workers", "2", "--metrics", f"127.0.0.1:{shown}",
    )  # fmt: skip
    start(
        program,
        "--config.file=prometheus.yml",
        f"--web.listen-address=127.0.0.1:{asked}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        "--log.level=error",
    )
    line = next(line for line in server.stderr if "http://" in line)
    url = re.search(r"127\.0\.0\.1:\d+", line)[0]

    async def act():
        with pytest.raises(websockets.InvalidStatus):
            await websockets.connect(f"ws://{url}/", origin="https://evil.example")
        for _ in range(3):
            async with websockets.connect(f"ws://{url}/") as client:
                await client.send("hello")
                assert await client.recv() == "hello"
        async with websockets.connect(f"ws://{url}/"):
            await asyncio.to_thread(wait_for_values)

    def wait_for_values():
        deadline = time.monotonic() + BOUND
        without = expressions()
        while without and time.monotonic() < deadline:
            time.sleep(0.2)
            try:
                without = [one for one in without if not values(asked, one)]
            except OSError:  # Prometheus is not there yet
                continue
        assert without == []
        assert values(asked, "sum(sock_connections_live)") == [1.0]
        assert values(asked, "sum(sock_received_bytes_total)") == [15.0]

    run_async(act())
