"""Takes the picture of the supervisor's page that lesson 13 shows: python book/dashboard.py

The four calls are chosen and placed so that an alert, and a right one, is on the screen.
"""

import shutil
import time

import requests
from PIL import Image
from playwright.sync_api import sync_playwright

from ser_helpers.course.figures.lesson13_call_centre import PAGE
from ser_helpers.service import Settings, server

CALLS = (("call_006", 12), ("call_001", 6), ("call_002", 8), ("call_004", 0))  # and seconds until the next one

with server.running(Settings(model="linear")) as address, sync_playwright() as playwright:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
    page = browser.new_page(viewport={"width": 1480, "height": 936})
    page.goto(address)
    page.wait_for_selector("#connection[data-state=open]")
    for call, seconds in CALLS:
        requests.post(f"{address}/replay", json={"call": call}).raise_for_status()
        time.sleep(seconds)
    page.wait_for_selector("#banner:not([hidden])", timeout=120_000)
    page.wait_for_timeout(4000)
    page.screenshot(path=PAGE)
    browser.close()
Image.open(PAGE).convert("RGB").quantize(256, dither=Image.Dither.NONE).save(PAGE, optimize=True)
