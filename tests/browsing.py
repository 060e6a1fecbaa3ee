"""Pages in headless Chromium."""

from __future__ import annotations

import shutil

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
browser_path = next((path for name in BROWSERS if (path := shutil.which(name))), None)
needs_browser = pytest.mark.skipif(browser_path is None, reason="no Chromium is installed")


def open_page(browser, path, *, address: str = "", width: int = 1200, scheme: str = "light"):
    """Open a page, with its console messages, errors and network requests in ``trouble``."""
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab.trouble = []
    tab.on("console", lambda message: tab.trouble.append(message.text))
    tab.on("pageerror", lambda error: tab.trouble.append(str(error)))
    tab.on("dialog", lambda dialog: tab.trouble.append(dialog.message))
    tab.on("request", lambda r: tab.trouble.append(r.url) if r.url != tab.wanted else None)
    tab.wanted = path.as_uri()
    tab.goto(path.as_uri() + address)
    tab.wait_for_selector("main[aria-busy=false]", state="attached")
    return tab


def contrast(tab, selector: str) -> float:
    """Contrast of text with the page, as WCAG 2 defines it."""
    colors = tab.evaluate(
        """selector => {
          const element = document.querySelector(selector);
          const style = getComputedStyle(element);
          const color = element.closest("svg") ? style.fill : style.color;
          return [color, getComputedStyle(document.body).backgroundColor];
        }""",
        selector,
    )
    light = []
    for color in colors:
        parts = [int(p) / 255 for p in color[color.index("(") + 1 : -1].split(",")[:3]]
        linear = [p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        light.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(light) + 0.05) / (min(light) + 0.05)
