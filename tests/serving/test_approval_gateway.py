"""examples/approval_gateway: a person approves and denies in a real browser, and nobody else can."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import JavascriptException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from support import ROOT, need

COUNT = "Count the lines of the program and note them in the README."
GREET = "Let the program greet people by name."
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--window-size=1400,1200",
]


@pytest.fixture
def address(repo: Path) -> Iterator[str]:
    """Of a gateway with the scripted model; its two threads work in `repo`."""
    app = ROOT / "examples" / "approval_gateway" / "app.py"
    server = subprocess.Popen(
        [sys.executable, str(app), "--demo", "--port", "0", str(repo)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        assert server.stdout is not None
        line = server.stdout.readline()
        if not line.startswith("Open "):
            server.kill()
            pytest.fail(f"the server did not start: {line}{server.communicate()[1]}")
        yield line.split()[1]
        server.send_signal(signal.SIGINT)
        _, errors = server.communicate(timeout=20)
        assert (server.returncode, errors) == (0, ""), "it ends on Ctrl-C, threads under way or not"
    finally:
        if server.poll() is None:
            server.kill()
        server.communicate()


class Person:
    """In front of a browser."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver
        self._wait = WebDriverWait(driver, 20, poll_frequency=0.05)

    def until(self, what: Callable[[], Any]) -> Any:
        return self._wait.until(lambda _: what())

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector: str) -> str:
        # In one step: elements may go while they are looked at.
        script = "return [...document.querySelectorAll(arguments[0])].map((element) => element.innerText).join('\\n')"
        return str(self.driver.execute_script(script, selector))

    def card(self, kind: str, title: str) -> WebElement:
        """The request of this kind and thread, once it is there and can be decided."""

        def find() -> WebElement | None:
            cards = self.all(f"#requests:not([data-moving]) > [data-kind={kind}]")
            return next((card for card in cards if title in card.text), None)

        return self.until(find)  # type: ignore[no-any-return]

    def press(self, card: WebElement, verdict: str) -> None:
        card.find_element(By.CSS_SELECTOR, f"button[data-verdict={verdict}]").click()

    def waiting(self) -> str:
        return self.text("#waiting")


@pytest.fixture
def person(tmp_path: Path) -> Iterator[Person]:
    need("chromium", "chromium")
    need("chromedriver", "chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for flag in [*FLAGS, f"--user-data-dir={tmp_path / 'browser'}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield Person(driver)
    finally:
        driver.quit()


def test_a_person_approves_one_and_denies_the_other(person: Person, address: str, repo: Path) -> None:
    before = (repo / "greet.py").read_text()
    person.driver.get(address)
    person.until(lambda: person.waiting() == "2 waiting for you")
    command, patch = person.card("command", COUNT), person.card("patch", GREET)
    assert command.find_elements(By.CSS_SELECTOR, ".argv") == [], "it is more than one plain command"
    # No login shell: in these tests the home folder is one that commands may write.
    for shown in ("/bin/bash -c 'wc -l greet.py > lines.txt'", str(repo), "It writes the number of lines"):
        assert shown in command.text
    assert str(repo / "greet.py") in patch.text
    (added, *_) = patch.find_elements(By.CSS_SELECTOR, ".added")
    (removed, *_) = patch.find_elements(By.CSS_SELECTOR, ".removed")
    assert (added.text, removed.text) == ("+def greet(name: str) -> str:", "-def greet() -> str:")
    assert added.value_of_css_property("background-color") != removed.value_of_css_property("background-color")
    assert person.driver.title == "(2) Approvals"
    assert not (repo / "lines.txt").exists(), "nothing has happened yet"

    person.driver.refresh()
    person.until(lambda: person.waiting() == "2 waiting for you")
    assert "I count the lines first." in person.text("#threads"), "nor is the past lost"
    first = person.driver.current_window_handle
    person.driver.switch_to.new_window("tab")
    person.driver.get(address)
    person.card("command", COUNT)
    second = person.driver.current_window_handle
    person.driver.switch_to.window(first)

    person.press(person.card("command", COUNT), "approve")
    readme = person.card("patch", "docs/statistics.md")
    assert (repo / "lines.txt").read_text().split() == ["5", "greet.py"]
    assert "Approved: /bin/bash -c 'wc -l greet.py > lines.txt'" in person.text("#threads")
    assert readme.find_element(By.CSS_SELECTOR, "pre:last-of-type span").text == "+# Statistics"

    # With the keyboard: Enter in the field of the reason denies.
    reason = person.card("patch", GREET).find_element(By.CSS_SELECTOR, "input.reason")
    reason.send_keys("others call greet() without a name", Keys.ENTER)
    person.card("command", "python3 greet.py")
    assert (repo / "greet.py").read_text() == before
    assert "Understood, I leave that: others call greet() without a name." in person.text("#threads")
    assert person.driver.switch_to.active_element.tag_name == "h3", "the focus is at what waits next, not on a button"

    person.driver.switch_to.window(second)
    person.card("command", "python3 greet.py")
    assert person.waiting() == "2 waiting for you"
    person.press(person.card("command", "python3 greet.py"), "approve_for_session")
    person.until(lambda: person.waiting() == "1 waiting for you")
    person.press(person.card("patch", "docs/statistics.md"), "approve")
    person.until(lambda: len(person.all("[data-status=completed]")) == 2)
    assert person.waiting() == "Nothing waits for you"
    assert "lines.txt" in (repo / "README.md").read_text()
    assert (repo / "docs" / "statistics.md").exists()
    assert "Hello" in person.text("#threads"), "what the program said"
    assert person.driver.get_log("browser") == []  # type: ignore[no-untyped-call]


def test_what_an_agent_writes_is_text(person: Person, address: str, repo: Path) -> None:
    evil = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\u202egnp.exe"
    shown = evil.replace("\u202e", "U+202E")
    person.driver.get(address)
    person.until(lambda: person.waiting() == "2 waiting for you")
    prompt = person.driver.find_element(By.CSS_SELECTOR, "#prompt")
    prompt.send_keys(evil, Keys.ENTER)
    person.until(lambda: person.waiting() == "3 waiting for you")
    card = person.card("command", "asked.txt")
    assert "U+202E" in card.text
    assert "\u202e" not in card.text
    person.press(card, "approve")
    card = person.card("patch", "notes.md")
    assert (repo / "asked.txt").read_text() == evil
    assert f"You asked: {shown}" in person.text("#threads .agent")
    assert shown in person.text("#threads h3")
    assert person.all("main script, main img") == []
    assert person.driver.title == "(3) Approvals"
    with pytest.raises(JavascriptException, match="TrustedHTML"):
        person.driver.execute_script("document.body.innerHTML = '<b>markup</b>'")
    # A thread that is stopped takes its request along.
    person.driver.find_element(By.CSS_SELECTOR, "#threads article:first-child button").click()
    person.until(lambda: person.waiting() == "2 waiting for you")
    assert person.text("#threads article:first-child .badge") == "interrupted"
    assert not (repo / "notes.md").exists()


def test_nobody_else_decides(address: str) -> None:
    page = urllib.parse.urlsplit(address)
    origin, token = Origin(f"{page.scheme}://{page.netloc}"), page.query
    assert page.hostname == "127.0.0.1"
    for query in ("", "?token=", "?token=wrong", "?token=%C3%BC", f"?{token}x"):
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"{origin}/{query}")
        refused.value.close()
        assert refused.value.code == 403
    with urllib.request.urlopen(address) as answer:
        assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["Referrer-Policy"] == "no-referrer"

    socket = f"ws://{page.netloc}/ws"
    strangers = [
        ("token=wrong", origin),
        ("", origin),
        (token, None),
        (token, Origin("null")),
        (token, Origin("http://evil.example")),
        (token, Origin(f"http://evil.example:{page.port}")),
        (token, Origin("http://127.0.0.1:1")),
    ]
    for query, stranger in strangers:
        with pytest.raises(InvalidStatus, match="403"):
            connect(f"{socket}?{query}", origin=stranger, proxy=None)

    with connect(f"{socket}?{token}", origin=origin, proxy=None) as friend:

        def hear(kind: str) -> Any:
            while (message := json.loads(friend.recv(20)))["type"] != kind:
                pass
            return message

        assert len(hear("state")["threads"]) == 2
        for nonsense in (
            "no JSON",
            "{}",
            '{"type": "start", "prompt": " "}',
            '{"type": "decide", "request_id": "1", "verdict": "maybe"}',
        ):
            friend.send(nonsense)
            assert hear("problem")["request_id"] is None
        friend.send('{"type": "decide", "request_id": "none", "verdict": "approve"}')
        assert "decided already" in hear("problem")["text"]
