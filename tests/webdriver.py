# SPDX-License-Identifier: GPL-2.0-or-later
"""webdriver.py - a headless Chromium by the WebDriver protocol (W3C), with what Python brings."""
import base64
import json
import subprocess
import time
import urllib.error
import urllib.request

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"


class Browser:
    def __init__(self, port, log, language="en", size=(1200, 900), dark=False):
        self.driver = subprocess.Popen(["chromedriver", f"--port={port}", "--log-level=WARNING"], stdout=log, stderr=log)
        self.root = f"http://127.0.0.1:{port}"
        self.session = ""
        for _ in range(200):
            try:
                if self.call("GET", "/status")["ready"]:
                    break
            except OSError:
                time.sleep(0.05)
        options = {
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic",
                     "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
                     "--autoplay-policy=no-user-gesture-required", "--mute-audio", f"--lang={language}",
                     f"--window-size={size[0]},{size[1]}"],
            "prefs": {"intl.accept_languages": language},
        }
        found = self.call("POST", "/session", {"capabilities": {"alwaysMatch": {
            "browserName": "chrome", "acceptInsecureCerts": True, "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL"}, "unhandledPromptBehavior": "accept"}}})
        self.session = "/session/" + found["sessionId"]
        self.resize(*size)
        self.media(dark)

    def call(self, method, path, body=None):
        data = None if method == "GET" or (method == "DELETE") else json.dumps(body or {}).encode()
        request = urllib.request.Request(self.root + path, data, {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=90) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"].split("\n")[0]) from None

    def do(self, method, path, **body):
        return self.call(method, self.session + path, body)

    def cdp(self, command, **params):
        return self.do("POST", "/goog/cdp/execute", cmd=command, params=params)

    def media(self, dark=False, calm=False):
        self.cdp("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"},
            {"name": "prefers-reduced-motion", "value": "reduce" if calm else "no-preference"}])

    def resize(self, width, height):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def go(self, url):
        self.do("POST", "/url", url=url)

    def js(self, script, *args):
        return self.do("POST", "/execute/sync", script=script, args=list(args))

    def find(self, css):
        return self.do("POST", "/element", using="css selector", value=css)[ELEMENT]

    def all(self, css):
        return [e[ELEMENT] for e in self.do("POST", "/elements", using="css selector", value=css)]

    def click(self, css):
        self.do("POST", f"/element/{self.find(css)}/click")

    def keys(self, css, text):
        self.do("POST", f"/element/{self.find(css)}/value", text=text)

    def type(self, *keys):
        """Keys for whatever has the focus."""
        acts = [a for k in keys for a in ({"type": "keyDown", "value": k}, {"type": "keyUp", "value": k})]
        self.do("POST", "/actions", actions=[{"type": "key", "id": "k", "actions": acts}])

    def hover(self, css, x=0.5):
        e = self.find(css)
        width = self.js("return arguments[0].getBoundingClientRect().width", {ELEMENT: e})
        self.do("POST", "/actions", actions=[{"type": "pointer", "id": "p", "parameters": {"pointerType": "mouse"}, "actions": [
            {"type": "pointerMove", "duration": 0, "origin": {ELEMENT: e}, "x": int((x - 0.5) * width), "y": 0}]}])

    def label(self, element):
        return self.do("GET", f"/element/{element}/computedlabel")

    def wait(self, script, *args, seconds=30):
        """Until the script is true; what it was at last."""
        end = time.monotonic() + seconds
        while True:
            value = self.js("return (" + script + ")", *args)
            if value or time.monotonic() > end:
                return value
            time.sleep(0.1)

    def log(self):
        return self.do("POST", "/se/log", type="browser")

    def shot(self, file):
        with open(file, "wb") as out:
            out.write(base64.b64decode(self.do("GET", "/screenshot")))

    def close(self):
        try:
            if self.session:
                self.call("DELETE", self.session)
        except (RuntimeError, OSError):
            pass
        self.driver.terminate()
        self.driver.wait(20)
