"""A private link made at a terminal opens on the running server, and no log holds it."""

import json
import time
import urllib.error
import urllib.request
from contextlib import suppress
from http.cookiejar import CookieJar

from tests.cli.conftest import Terminal

CATALOGUE = "agents:\n  - name: helpdesk-agent\n    owners: [dana@example.com]\n"


def test_a_link_from_the_terminal_opens_on_the_server_and_is_logged_nowhere(terminal: Terminal) -> None:
    (terminal.home / "agents.yaml").write_text(CATALOGUE, encoding="utf-8")
    _, port, log = terminal.serve()
    server = f"http://127.0.0.1:{port}"
    ready(server)
    body = json.dumps({"title": "It is odd", "agent": "helpdesk-agent"}).encode()
    asked = urllib.request.Request(f"{server}/api/v1/incidents", body, {"content-type": "application/json"})
    urllib.request.urlopen(asked, timeout=10).close()

    ended = terminal.run("link", "INC-1", "--json", FIRSTFIVE_PORT=str(port))
    assert ended.returncode == 0, ended.stderr
    (made,) = json.loads(ended.stdout)["links"]
    assert made["owner"] == "dana@example.com"
    assert made["url"].startswith(f"{server}/link/")

    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with browser.open(made["url"], timeout=20) as answer:
        page = answer.read().decode()
        assert answer.url == f"{server}/answer/INC-1"
    assert "You answer as dana@example.com." in page
    token = made["url"].rpartition("/")[2]
    kept = [file for file in terminal.home.rglob("*") if file.is_file() and token.encode() in file.read_bytes()]
    assert kept == []
    assert token not in log.read_text(encoding="utf-8")


def ready(server: str) -> None:
    """Until it takes incidents: its timers start a moment after it listens."""
    for _ in range(200):
        with suppress(urllib.error.HTTPError), urllib.request.urlopen(f"{server}/readyz", timeout=10):
            return
        time.sleep(0.1)
    raise AssertionError("the server is not ready")
