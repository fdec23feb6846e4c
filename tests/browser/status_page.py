"""Looks at the status page in headless Chromium: `live` while rounds go by, `still` while none do.

    status_page.py live|still URL METRICS.JSONL SCREENSHOTS
"""
import json
import sys
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

mode, url, metrics, pictures = sys.argv[1:]


def open_browser():
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1280,1310"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)


def until(what, condition, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.1)
    raise SystemExit(f"FAILED: not true in {seconds} s: {what}")


def check(what, found, expected):
    if found != expected:
        raise SystemExit(f"FAILED: {what}: the page says {found!r}, not {expected!r}")


browser = open_browser()
browser.set_page_load_timeout(30)
browser.get(url)


def field(name):
    return browser.find_element(By.CSS_SELECTOR, f'[data-field="{name}"]').text


def points(chart, line=0):
    return browser.execute_script(
        "return Chart.getChart(arguments[0]).data.datasets[arguments[1]].data.map((p) => [p.x, p.y])", chart, line)


def client_rows():
    """The texts of the table's cells, all of one moment: the page draws its rows anew as it hears of things."""
    return browser.execute_script(
        "return [...document.querySelectorAll('#clients tbody tr')]"
        ".map((row) => [...row.querySelectorAll('td')].map((cell) => cell.innerText.trim()))")


def picture(name):
    browser.save_screenshot(f"{pictures}/{name}.png")


def colours(scheme):
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    return browser.execute_script("return getComputedStyle(document.body).backgroundColor")


def live():
    first = int(until("a round is shown", lambda: field("round") not in ("–", "") and field("round")))
    # Nobody loads the page again.
    browser.execute_script("window.same = true")
    until("the round number rises by itself", lambda: int(field("round")) > first + 2, 60)
    until("the curve grows with it", lambda: len(points("loss")) > first + 2)
    check("state", field("state"), "running")
    check("the page was not loaded again", browser.execute_script("return window.same"), True)
    until("bars of the cohort", lambda: len(browser.find_elements(By.CSS_SELECTOR, "#cohort .bar i")) > 4)
    picture("live")


def still():
    events = [json.loads(line) for line in open(metrics)]
    rounds = [e for e in events if e["event"] == "round"]
    evaluations = [e for e in events if e["event"] == "evaluation"]
    last = rounds[-1]["round"]
    until(f"round {last} is shown", lambda: field("round") == str(last))
    until("all rounds are in the curve", lambda: len(points("loss")) == len(rounds))
    check("training loss", points("loss"), [[e["round"], e["train_loss"]] for e in rounds])
    check("test loss", points("loss", 1), [[e["round"], e["loss"]] for e in evaluations])
    check("accuracy", points("accuracy"), [[e["round"], e["accuracy"]] for e in evaluations])
    check("seconds", points("time"), [[e["round"], e["seconds"]] for e in rounds])
    check("accuracy", field("accuracy"), f"{evaluations[-1]['accuracy']:.4f}")
    check("loss", field("loss"), f"{evaluations[-1]['loss']:.4f}")
    check("connected", field("connected"), "4 of 4")
    check("refused", field("refused"), "0")
    rows = client_rows()
    check("clients", [row[0] for row in rows], [f"client-{i}" for i in range(1, 5)])
    told = {e["client"]: e for e in events if e["event"] == "client"}
    for row in rows:
        check(f"update norm of {row[0]}", row[6], f"{told[row[0]]['update_norm']:.3f}")
        check(f"training loss of {row[0]}", row[7], f"{told[row[0]]['train_loss']:.4f}")

    # Nothing was asked of another host, and nothing went wrong.
    asked = browser.execute_script(
        "return performance.getEntriesByType('resource').map((e) => new URL(e.name).origin)"
        ".concat(location.origin).filter((o) => o !== location.origin && o !== 'null')")
    check("other hosts asked", asked, [])
    check("messages in the console", [e["message"] for e in browser.get_log("browser")], [])

    # With the keyboard alone: the second press sorts the other way round.
    button = browser.find_element(By.CSS_SELECTOR, "#clients th:nth-child(7) button")
    browser.execute_script("document.querySelector('#filter').focus()")
    focused = lambda: browser.execute_script("return document.activeElement.textContent")
    for _ in range(20):
        browser.switch_to.active_element.send_keys(Keys.TAB)
        if focused() == "update norm":
            break
    check("reached by the Tab key", focused(), "update norm")
    norms = lambda: [float(row[6]) for row in client_rows()]
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    until("sorted downwards", lambda: norms() == sorted(norms(), reverse=True))
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    until("sorted upwards", lambda: norms() == sorted(norms()))
    check("said so", button.find_element(By.XPATH, "..").get_attribute("aria-sort"), "ascending")
    browser.find_element(By.ID, "filter").send_keys("client-3")
    until("filtered", lambda: len(norms()) == 1)
    browser.find_element(By.ID, "filter").clear()
    browser.find_element(By.ID, "filter").send_keys(" ")

    light, dark = colours("light"), colours("dark")
    if light == dark:
        raise SystemExit("FAILED: light and dark look the same")
    time.sleep(0.3)
    picture("dark")
    colours("light")
    time.sleep(0.3)
    picture("light")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                            {"width": 360, "height": 780, "deviceScaleFactor": 1, "mobile": True})
    time.sleep(0.3)
    check("wider than a narrow screen",
          browser.execute_script("return document.scrollingElement.scrollWidth > window.innerWidth"), False)
    picture("narrow")


try:
    live() if mode == "live" else still()
finally:
    browser.quit()
print(f"the status page, {mode}: as the run wrote it")
