"""A headless Chromium, controlled through its remote debugging pipe."""

import fcntl
import json
import os
import select
import shutil
import signal
import time
from base64 import b64decode
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--remote-debugging-pipe"),
)
TIMEOUT_SECONDS = 30.0

# Returns the lowest contrast of text and of drawings with their backgrounds, as WCAG defines it.
CONTRAST = """
(() => {
  const luminance = (c) => {
    const [r, g, b] = c.match(/[0-9.]+/g).map(Number)
      .map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = (e) => {
    const c = getComputedStyle(e).backgroundColor;
    return c === "rgba(0, 0, 0, 0)" && e.parentElement ? background(e.parentElement) : c;
  };
  const ratios = [...document.body.querySelectorAll(":not(svg, svg *, script)")].map((e) => {
    const [a, b] = [luminance(getComputedStyle(e).color), luminance(background(e))];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  });
  // The lines of the grid are only decoration, so they are missing here.
  const drawn = [...document.querySelectorAll("rect, path, .lag line")].map((e) => {
    const [style, back] = [getComputedStyle(e), luminance(background(e.closest("td, header")))];
    const a = luminance(e.tagName === "line" ? style.stroke : style.fill);
    return style.opacity < 1 ? 0 : (Math.max(a, back) + 0.05) / (Math.min(a, back) + 0.05);
  });
  const arrows = [...document.querySelectorAll("th button")].map((e) => {
    const [style, back] = [getComputedStyle(e, "::after"), luminance(background(e))];
    const a = luminance(style.color);
    return style.opacity < 1 ? 0 : (Math.max(a, back) + 0.05) / (Math.min(a, back) + 0.05);
  });
  return [Math.min(...ratios), Math.min(...drawn, ...arrows)];
})()
"""

# Returns the texts that a browser breaks although a line has room for them.
BROKEN = """
[...document.querySelectorAll("time, .unit, .arn span, :is(td, li, h3) .state")]
  .filter((e) => e.offsetParent && e.getClientRects().length > 1
    || e.offsetHeight > 1.9 * parseFloat(getComputedStyle(e).lineHeight))
  .map((e) => e.textContent)
"""


def find_browser() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """A browser with one page."""

    def __init__(self, executable: str, profile: Path) -> None:
        self.complaints: list[str] = []
        """Errors and warnings on the page's console, such as violations of its security policy."""
        self._loaded: set[str] = set()
        self._last_id = 0
        self._buffer = b""
        child_input, self._to = os.pipe()
        self._from, child_output = os.pipe()
        # Chromium reads from descriptor 3 and writes to 4. The pipes may have these numbers here,
        # so move their ends to higher numbers first.
        high = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (child_input, child_output)]
        self._pid = os.posix_spawn(
            executable,
            [executable, *FLAGS, f"--user-data-dir={profile}", "about:blank"],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, high[0], 3),
                (os.POSIX_SPAWN_DUP2, high[1], 4),
                (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
        )
        for end in (child_input, child_output, *high):
            os.close(end)
        self._session: str | None = None
        try:
            target = self.send("Target.createTarget", url="about:blank")["targetId"]
            attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
            self._session = attached["sessionId"]
            for domain in ("Page", "Runtime", "Log"):
                self.send(f"{domain}.enable")
            self.send("Page.setLifecycleEventsEnabled", enabled=True)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self._session = None
        try:
            self.send("Browser.close")
        except (OSError, TimeoutError):
            os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._to)
        os.close(self._from)

    def send(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command and return its result."""
        self._last_id += 1
        message = {"id": self._last_id, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            response = self._receive()
            if response.get("id") == self._last_id:
                if "error" in response:
                    raise RuntimeError(f"{method}: {response['error']['message']}")
                return dict(response["result"])

    def _receive(self) -> dict[str, Any]:
        """Return the next message from the browser."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while b"\0" not in self._buffer:
            remaining = max(deadline - time.monotonic(), 0)
            ready, _, _ = select.select([self._from], [], [], remaining)
            read = os.read(self._from, 1 << 20) if ready else b""
            if not read:
                raise TimeoutError("the browser does not respond")
            self._buffer += read
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        self._record(message.get("method"), message.get("params", {}))
        return message

    def _record(self, event: str | None, facts: dict[str, Any]) -> None:
        if event == "Log.entryAdded" and facts["entry"]["level"] in ("error", "warning"):
            self.complaints.append(facts["entry"]["text"])
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(json.dumps(facts["exceptionDetails"]))
        elif event == "Runtime.consoleAPICalled" and facts["type"] in ("error", "warning"):
            self.complaints.append(json.dumps(facts["args"]))
        elif event == "Page.lifecycleEvent" and facts["name"] == "load":
            self._loaded.add(facts["loaderId"])

    def open(self, path: Path) -> None:
        """Open a file, and wait until it has loaded."""
        self.complaints.clear()
        loader = self.send("Page.navigate", url=path.as_uri())["loaderId"]
        while loader not in self._loaded:
            self._receive()

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression, regardless of the page's policy."""
        response = self.send("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in response:
            raise RuntimeError(json.dumps(response["exceptionDetails"]))
        return response["result"].get("value")

    def resize(self, width: int, height: int) -> None:
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )

    def emulate(self, media: str = "", scheme: str = "light") -> None:
        """Emulate a media type, such as print, and a color scheme."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.send("Emulation.setEmulatedMedia", media=media, features=features)

    def press(self, key: str, code: int, text: str = "") -> None:
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code, "text": text}
        self.send("Input.dispatchKeyEvent", type="keyDown", **common)
        self.send("Input.dispatchKeyEvent", type="keyUp", **common)

    def type(self, text: str) -> None:
        self.send("Input.insertText", text=text)

    def click(self, selector: str) -> None:
        """Click on the middle of an element with the mouse."""
        x, y = self.evaluate(
            "(e => { e.scrollIntoView({block: 'center', behavior: 'instant'});"
            "const b = e.getBoundingClientRect();"
            "return [b.x + b.width / 2, b.y + b.height / 2] })"
            f"(document.querySelector({json.dumps(selector)}))"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def screenshot(self, *, whole: bool = False) -> bytes:
        """Return a PNG of the visible part of the page, or of the whole page."""
        return b64decode(self.send("Page.captureScreenshot", captureBeyondViewport=whole)["data"])

    def pdf(self) -> bytes:
        return b64decode(self.send("Page.printToPDF", preferCSSPageSize=True)["data"])
