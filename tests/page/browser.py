# SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only
"""A headless Chromium, spoken to by its debugging pipe (the DevTools protocol): no port, and nothing but Python's own library."""
import base64
import json
import os
import select
import subprocess
import tempfile
import time


class Browser:
    def __init__(self, program):
        to_read, to_write = os.pipe(), os.pipe()

        def pipes():
            # The browser reads from 3 and writes to 4; what lies there now may be one of ours.
            a, b = os.dup(to_read[0]), os.dup(to_write[1])
            os.dup2(a, 3)
            os.dup2(b, 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)

        self.home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        # Root has no sandbox; the page is our own, in a namespace of its own.
        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run", "--disable-extensions",
             "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
             f"--user-data-dir={self.home.name}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=pipes, close_fds=False,
            env={**os.environ, "HOME": self.home.name})
        os.close(to_read[0])
        os.close(to_write[1])
        self.out, self.back = to_read[1], to_write[0]
        self.rest, self.number, self.complaints, self.session, self.targets = b"", 0, [], None, []
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self.session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def close(self):
        self.process.kill()
        self.process.wait()
        self.home.cleanup()

    def note(self, message):
        """What the page complains of."""
        params = message.get("params", {})
        if message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(params["exceptionDetails"].get("exception", {}).get("description", "an exception"))
        if message.get("method") == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(params["entry"]["text"] + " " + params["entry"].get("url", ""))
        if message.get("method") == "Runtime.consoleAPICalled":
            self.complaints.append(f"console.{params['type']}")
        if message.get("method") == "Network.requestWillBeSent":
            self.targets.append(params["request"]["url"])

    def receive(self, seconds):
        """The next message, or None."""
        while b"\0" not in self.rest:
            if not select.select([self.back], [], [], seconds)[0]:
                return None
            more = os.read(self.back, 1 << 16)
            if not more:
                raise RuntimeError("the browser has ended")
            self.rest += more
        line, self.rest = self.rest.split(b"\0", 1)
        return json.loads(line)

    def call(self, method, params=None, patience=120):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params or {}}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            answer = self.receive(deadline - time.monotonic())
            if answer and answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            if answer:
                self.note(answer)
        raise RuntimeError(f"{method}: no answer")

    def value(self, script):
        result = self.call("Runtime.evaluate", {"expression": script, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in result:
            raise RuntimeError(f"{script}: {result['exceptionDetails']['exception'].get('description')}")
        return result["result"].get("value")

    def until(self, script, seconds=120):
        deadline = time.monotonic() + seconds
        while not self.value(script):
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds} s: {script}")
            time.sleep(0.1)

    def key(self, name, code, text=""):
        event = {"key": name, "code": name if name != " " else "Space", "windowsVirtualKeyCode": code}
        self.call("Input.dispatchKeyEvent", {"type": "keyDown", **event, **({"text": text} if text else {})})
        self.call("Input.dispatchKeyEvent", {"type": "keyUp", **event})

    def look(self, width, height, **features):
        self.call("Emulation.setDeviceMetricsOverride", {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        self.call("Emulation.setEmulatedMedia",
                  {"features": [{"name": k.replace("_", "-"), "value": v} for k, v in features.items()]})

    def picture(self, path):
        data = self.call("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True})["data"]
        with open(path, "wb") as f:
            f.write(base64.b64decode(data))
