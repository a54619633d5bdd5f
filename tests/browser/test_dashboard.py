"""The supervisor's page in a real browser: calls play, curves move, alerts are acknowledged, a phone can read it."""

import json
import re
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from ser_helpers.call_centre import AlertRule
from ser_helpers.service import Settings, server

pytestmark = pytest.mark.browser
RULE = AlertRule(threshold=0.5, persistence_s=2)
MICROPHONE = ["--use-fake-device-for-media-stream"]


class Loud:
    """The louder a window, the angrier."""

    classes_ = np.array(["angry", "happy", "neutral"])

    def predict_proba(self, windows):
        level = 20 * np.log10(np.sqrt(np.mean(np.square(windows), axis=1)) + 1e-6)
        angry = 1 / (1 + np.exp(-(level + 32) / 2))
        return np.column_stack([angry, 0.2 * (1 - angry), 0.8 * (1 - angry)]).astype(float)


@pytest.fixture(scope="module")
def service():
    settings = Settings(denoise=False, workers=2, dashboards=50)
    with server.running(settings, model=Loud(), rule=RULE) as address:
        yield address


@pytest.fixture(scope="module")
def browser(chromium):
    return chromium(*MICROPHONE)


@pytest.fixture
def visit(browser, service):
    """visit(width=…): the page, connected; it must log no errors and send no requests elsewhere.

    `events`, if given, replaces all that the service sends.
    """
    contexts, troubles = [], []

    def make(width=1200, chromium=browser, address=service, events=None, **options):
        context = chromium.new_context(viewport={"width": width, "height": 900}, **options)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda line: line.type in ("error", "warning") and troubles.append(line.text))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "request",
            lambda request: request.url.removeprefix("blob:").startswith(address) or troubles.append(request.url),
        )
        if events is not None:
            page.route_web_socket("**/events", lambda line: line.send(json.dumps(events)))
        page.goto(address)
        contexts.append(context)
        if address == service:
            page.wait_for_selector("#connection[data-state=open]")
        return page

    yield make
    for context in contexts:
        context.close()
    assert troubles == []


def replay(page, call="call_001", speed="20"):
    """Replay a call from the page, faster than life; its card."""
    page.select_option("#recording", call)
    page.select_option("#speed", speed)
    page.click("text=Replay a call")
    return page.locator("article", has_text=call.replace("_", " ").capitalize()).last


def test_a_call_plays_its_curve_grows_and_it_moves_to_the_earlier_ones(visit):
    page = visit()
    card = replay(page)
    curve = card.locator("path.curve").last
    early = curve.get_attribute("d")
    page.wait_for_function(
        "d => document.querySelector('article path.bridge').getAttribute('d').length > d", arg=len(early) + 80
    )
    assert card.locator("text.name").all_text_contents() == ["agent", "customer", "truth"]
    assert re.search(r"Customer (sounds|is)|Listening|missing", card.locator(".now").inner_text())
    assert re.match(
        r"Call 001 · rising, synthetic: in the customer’s voice the level of angry is \d+ percent",
        card.locator("svg.curves").get_attribute("aria-label"),
    )
    page.wait_for_selector("#ended >> text=The recording ended.")
    assert page.locator("article").count() == 0


@pytest.fixture
def snapshot():
    """The snapshot of a service with one call of ten seconds."""
    window = {"party": "customer", "start": 7, "end": 10, "speech": 1, "emotion": "angry", "level": 0.7, "gap": False}
    truth = [
        dict(zip(("start", "end", "emotion"), turn, strict=True))
        for turn in [(0, 3, "happy"), (5, 12, "angry"), (20, 22, "sad")]
    ]
    call = {"id": "a", "name": "Call", "state": "live", "seconds": 10, "windows": [window]}
    call |= {"parties": ["customer"], "inferred": ["customer"], "started": "2030-01-01T10:15:00+00:00", "truth": truth}
    rule = {"emotion": "angry", "threshold": 0.5}
    return {"type": "snapshot", "calls": [call], "alerts": [], "emotions": ["angry"], "inferred": [], "rule": rule}


def test_a_synthetic_call_shows_the_true_emotions_up_to_now(visit, snapshot):
    page = visit(events=snapshot)
    felt = page.locator("article rect.truth")
    felt.first.wait_for()
    assert ["happy" in felt.nth(0).get_attribute("style"), "angry" in felt.nth(1).get_attribute("style")] == [True] * 2
    assert felt.count() == 2
    wide = [float(felt.nth(i).get_attribute("width")) for i in range(2)]
    assert wide[1] / wide[0] == pytest.approx(5 / 3)


def alert_of(call, time, **more):
    """An alert at `time` of the call with this id, not yet acknowledged."""
    alert = {"id": f"{call}-{time}", "call": call, "name": call, "time": time, "explanation": "Angry."}
    return alert | {"raised": "2030-01-01T10:15:00+00:00", "acknowledged": False} | more


@pytest.mark.parametrize("width", [320, 375])
def test_a_chart_fits_on_a_phone(visit, snapshot, width):
    page = visit(width, events=snapshot)
    page.locator("article .caption").wait_for()
    assert page.locator("article .caption").evaluate("text => text.getBBox().width <= text.ownerSVGElement.clientWidth")


@pytest.fixture
def placed(snapshot):
    """A snapshot with 20 windows that go from a tense voice to an excited one, with a silence before the last two."""
    (call,) = snapshot["calls"]
    (window,) = call["windows"]
    call["windows"] = [
        {
            **window,
            "start": k,
            "end": k + 3,
            "dimensions": {"valence": -0.76 + 0.08 * k, "arousal": 0.5, "dominance": 0},
        }
        for k in range(20)
    ]
    call["windows"][17] |= {"emotion": None, "dimensions": None}
    call["seconds"] = 22
    dimensions = {"names": ["valence", "arousal", "dominance"], "model": "ridge regression, trained on invented voices"}
    return snapshot | {"dimensions": dimensions, "model": "some model"}


@pytest.mark.parametrize("width", [1280, 390])
def test_the_plane_shows_where_the_last_windows_lie(visit, placed, width):
    page = visit(width, events=placed)
    plane = page.locator("article .plane")
    plane.wait_for()
    assert plane.locator("text.quadrant").all_text_contents() == ["gloomy", "relaxed", "tense", "excited"]
    assert plane.locator("text.axis").all_text_contents() == ["valence →", "arousal →"]
    values = "valence +0.76, arousal +0.50, dominance 0.00"
    assert plane.locator("figcaption").inner_text().replace("\xa0", " ") == values
    words = f"Call: the plane of emotions. At 0:22: {values} (excited). At 0:07 it was tense."
    picture = plane.get_by_role("img", name=words)
    frame, newest = (picture.locator(name).bounding_box() for name in ("rect", "circle.place"))
    assert (newest["x"] + newest["width"] / 2 - frame["x"]) / frame["width"] == pytest.approx(0.88, abs=0.01)
    assert (newest["y"] + newest["height"] / 2 - frame["y"]) / frame["height"] == pytest.approx(0.25, abs=0.01)
    shades = [float(dot.get_attribute("opacity")) for dot in picture.locator("circle").all()]
    assert len(shades) == 15
    assert shades == sorted(shades)
    assert picture.locator("line.trail").count() == 13  # none across the silence
    curves, beside = (page.locator(f"article {name}").bounding_box() for name in ("svg.curves", ".plane"))
    if width == 1280:
        assert curves["x"] + curves["width"] <= beside["x"]
    else:
        assert curves["y"] + curves["height"] <= beside["y"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert "Valence, arousal and dominance: ridge regression, trained on invented voices." in page.inner_text("#model")


def test_the_table_of_a_call_has_the_values_of_the_plane(visit, placed):
    placed["calls"][0]["windows"][-1]["dimensions"]["arousal"] = -0.25
    page = visit(events=placed)
    page.route("**/calls/a", lambda route: route.fulfill(json={"windows": []}))
    page.locator("article h3 button").click()
    page.locator("dialog summary").click()
    rows = page.locator("dialog tr")
    assert rows.nth(0).locator("th").all_inner_texts()[-3:] == ["valence", "arousal", "dominance"]
    assert rows.nth(1).locator("td").all_inner_texts()[-3:] == ["+0.76", "−0.25", "0.00"]
    assert rows.nth(3).locator("td").all_inner_texts()[-3:] == ["", "", ""]
    assert "arousal\xa0−0.25" in page.locator("dialog .plane figcaption").inner_text()


def test_without_a_model_of_it_there_is_no_plane(visit, snapshot):
    page = visit(events=snapshot)
    page.locator("article svg.curves").wait_for()
    assert page.locator(".plane").count() == 0


def test_an_alert_appears_on_every_page_and_is_acknowledged_on_every_page(visit):
    page, other = visit(), visit()
    card = replay(page, speed="5")
    for one in (page, other):
        one.wait_for_selector("#banner >> text=The customer has sounded angry")
        assert one.title().startswith("(")
    page.click("#banner >> text=Acknowledge")
    for one in (page, other):
        one.wait_for_selector("#alerts li.seen >> text=acknowledged")
    card.locator("h3 button").click()
    page.locator("dialog >> text=forget this call").click()


def test_a_call_can_be_looked_at_and_forgotten_with_the_keyboard(visit):
    page = visit()
    replay(page, "call_002")
    page.wait_for_selector("#ended >> text=Call 002")
    page.locator("#ended button", has_text="Call 002").first.focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog[open]")
    assert dialog.locator("path.curve").count() >= 3
    dialog.locator("summary").press("Enter")
    dialog.locator("tbody tr").first.wait_for()
    assert dialog.locator("tbody tr").count() > 50
    agent = dialog.locator("tbody tr", has_text="agent").first.locator("td").all_inner_texts()
    assert set(agent[3:]) == {""}
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    page.keyboard.press("Enter")
    page.locator("dialog").get_by_role("button", name="Forget this call", exact=True).press("Enter")
    page.wait_for_selector("dialog", state="hidden")
    assert page.locator("#ended button", has_text="Call 002").count() == 0
    page.wait_for_function("() => document.activeElement.tagName === 'H2'")


def test_a_live_call_is_ended_and_forgotten_with_the_keyboard(visit):
    page = visit()
    card = replay(page, "call_003", speed="1")
    card.locator("h3 button").press("Enter")
    page.locator("dialog >> text=End and forget this call").press("Enter")
    page.wait_for_selector("dialog", state="hidden")
    page.wait_for_function("() => document.activeElement.id === 'live-title'")


def test_a_replay_runs_as_fast_as_the_service_unless_the_page_says_otherwise(browser, visit):
    with server.running(Settings(denoise=False, speed=4), model=Loud(), rule=RULE) as address:
        page = visit(address=address)
        page.wait_for_selector("#connection[data-state=open]")
        assert page.locator("#speed option").all_inner_texts() == ["1 ×", "2 ×", "4 ×", "5 ×", "20 ×"]
        for speed, choose in [(4, lambda: None), (20, lambda: page.select_option("#speed", "20"))]:
            choose()
            with page.expect_request(f"{address}/replay") as asked:
                page.click("text=Replay a call")
            assert asked.value.post_data_json["speed"] == speed
        page.close()  # before the service ends: it would log the connection it lost


def test_alerts_that_pile_up_are_cut_short_and_acknowledged_at_once(visit, snapshot):
    (call,) = snapshot["calls"]
    snapshot["calls"] = [{**call, "id": f"c{i}", "name": f"Call {i}"} for i in range(25)]
    snapshot["alerts"] = [alert_of(f"c{i}", 60 + i, name=f"Call {i}") for i in range(25)]
    page = visit(timezone_id="UTC", locale="en-GB", events=snapshot)
    page.wait_for_selector("#alerts li")
    assert page.locator("#alerts li strong").all_inner_texts() == [f"Call {i}" for i in range(24, 4, -1)]
    assert page.locator("#alerts .when").first.inner_text() == "10:15, 1:24 into the call"
    assert page.inner_text("#older") == "Alerts of 5 more calls are not listed; the calls show them."
    with page.expect_request("**/alerts/acknowledge") as asked:
        page.locator("text=Acknowledge all").press("Enter")
    assert asked.value.post_data_json == {"alerts": [f"c{i}-{60 + i}" for i in range(24, -1, -1)]}


@pytest.fixture
def busy(snapshot):
    """A snapshot of calls with alerts: live, ended just now, ended long ago, and a live one without any."""
    (call,) = snapshot["calls"]
    call["windows"][0]["smoothed"] = {"angry": 0.623}
    ended = {**call, "state": "ended", "why": "The recording ended.", "windows": []}
    snapshot["calls"] = [
        {**call, "id": "calm", "name": "Calm", "agent": "Kim", "queue": "Bills"},
        {**call, "id": "live", "name": "Live", "recording": "call_001", "windows": []},
        {**ended, "id": "new", "name": "New", "ended": datetime.now(UTC).isoformat()},
        {**ended, "id": "old", "name": "Old", "ended": "2020-01-01T10:15:00+00:00", "missed": True},
    ]
    right, false = {"truth": "right"}, {"truth": "wrong"}
    snapshot["alerts"] = [alert_of("live", 9, **right), alert_of("live", 75), alert_of("new", 8, **false)]
    snapshot["alerts"].append(alert_of("old", 7, **false))
    return snapshot


def test_alerts_are_grouped_by_call_those_of_ended_calls_say_so_and_expire(visit, busy):
    page = visit(timezone_id="UTC", locale="en-GB", events=busy)
    page.locator("#alerts li").first.wait_for()
    live, new = page.locator("#alerts li").all()
    assert live.locator(".when").all_inner_texts() == ["10:15, 1:15 into the call", "Before that at 0:09."]
    assert live.locator(".over").count() == 0
    assert new.locator(".over").inner_text() == "The call has ended."
    assert new.locator(".when").inner_text() == "10:15, 0:08 into the call, false: the truth has no lasting anger then"
    assert page.locator("#banner strong").inner_text() == "live (and 1 more)"
    assert page.locator("#ended .why").all_inner_texts() == [
        "The recording ended. 1 alert, 1 false. Missed: the customer’s voice was made to express anger, and no alert "
        "came in time.",
        "The recording ended. 1 alert, 1 false.",
    ]
    with page.expect_request("**/alerts/acknowledge") as asked:
        live.get_by_role("button", name="Acknowledge").click()
    assert asked.value.post_data_json == {"alerts": ["live-75", "live-9"]}


def test_calls_with_alerts_come_first_and_calls_are_found_by_name_agent_and_queue(visit, busy):
    page = visit(events=busy)
    page.locator("#banner strong").wait_for()
    titles = page.locator("article:visible h3")
    assert titles.all_inner_texts() == ["Live", "Calm"]
    assert page.locator("article .who").last.inner_text() == "Agent: Kim · Queue: Bills"
    assert page.locator("article .now").last.inner_text() == "Customer sounds angry 62 %"
    search = page.get_by_role("searchbox", name="Search the calls")
    search.fill("kim bills")
    assert titles.all_inner_texts() == ["Calm"]
    assert page.locator("#ended li").count() == 0
    search.fill("old")
    assert page.locator("#ended li").count() == 1
    assert titles.count() == 0


def test_the_threshold_is_changed_on_the_page(visit, busy):
    page = visit(events=busy)
    page.route("**/rule", lambda route: route.fulfill(json={}))
    page.locator("#options summary").click()
    slider = page.get_by_role("slider", name="Alert when the level of angry persists above")
    assert slider.input_value() == "50"
    with page.expect_request("**/rule") as asked:
        slider.press("ArrowRight")
    assert (asked.value.method, asked.value.post_data_json) == ("PUT", {"threshold": 0.55})


def test_an_alert_is_judged_a_call_gets_a_note_and_a_replay_is_heard(visit):
    page = visit()
    replay(page)
    page.locator("#ended button", has_text="Call 001").first.click()
    dialog = page.locator("dialog[open]")
    dialog.get_by_role("button", name="False alarm").first.click()
    dialog.locator("li >> text=you said: a false alarm").wait_for()
    dialog.get_by_label("Agent").fill("Kim")
    dialog.get_by_label("Note").fill("A laugh")
    dialog.get_by_role("button", name="Save").click()
    dialog.locator("text=Saved.").wait_for()
    dialog.get_by_role("button", name="Listen to the recording").click()
    dialog.locator("audio").wait_for()
    page.wait_for_function("() => document.querySelector('audio').duration > 10")
    page.keyboard.press("Escape")
    page.locator("#ended .why", has_text="Agent: Kim").wait_for()
    page.locator("#options summary").click()
    with page.expect_download() as saved:
        page.click("text=Export the feedback")
    table = pd.read_csv(saved.value.path())
    assert table.loc[table.agent == "Kim", ["feedback", "note"]].to_numpy().tolist() == [["wrong", "A laugh"]]


def test_a_new_alert_rings_and_notifies_where_that_is_asked_for(visit, busy):
    alert, busy["alerts"] = {"type": "alert", **busy["alerts"][0]}, []
    page = visit(permissions=["notifications"])
    page.add_init_script(
        "window.told = []; window.Notification = class { constructor(...all) { told.push(all); }"
        " static async requestPermission() { return 'granted'; } };"
        " OscillatorNode.prototype.start = () => told.push('tone'); OscillatorNode.prototype.stop = () => {};"
    )
    lines = []
    page.route_web_socket("**/events", lambda line: (lines.append(line), line.send(json.dumps(busy))))
    page.reload()
    page.locator("#options summary").click()
    page.get_by_label("A sound for each new alert").check()
    page.get_by_label("A notification on the desktop").check()
    for _ in range(2):  # the second time it has only changed
        lines[-1].send(json.dumps(alert))
    page.locator("#alerts li").wait_for()
    heading = ["live", {"body": "Angry.", "tag": "live"}]
    assert page.evaluate("told") == ["tone", "tone", heading]  # the first tone is a sample


def test_all_alerts_are_acknowledged_with_the_keyboard(visit):
    page = visit()
    replay(page)
    replay(page)
    page.locator("text=Acknowledge all").press("Enter")
    page.wait_for_function("() => !document.querySelector('#all-seen button')")
    page.wait_for_function("() => document.activeElement.id === 'alerts-title'")


def test_a_microphone_that_is_denied_is_explained(visit):
    page = visit()
    page.click("#microphone")
    page.wait_for_selector("#notice >> text=The microphone was not allowed. Allow it for this page")
    assert page.inner_text("#microphone") == "Use my microphone"


def test_a_missing_microphone_and_an_unsafe_address_are_explained(visit):
    page = visit()
    missing = "() => Promise.reject(new DOMException('', 'NotFoundError'))"
    page.evaluate(f"() => {{ navigator.mediaDevices.getUserMedia = {missing}; }}")
    page.click("#microphone")
    page.wait_for_selector("#notice >> text=No microphone was found.")
    page.evaluate("() => { Object.defineProperty(navigator, 'mediaDevices', { value: undefined }); }")
    page.click("#microphone")
    page.wait_for_selector("#notice >> text=only on pages with https or localhost")


def test_a_microphone_becomes_a_call_until_it_is_stopped(visit):
    page = visit(permissions=["microphone"])
    page.click("#microphone")
    card = page.locator("article", has_text="Microphone")
    card.wait_for()
    card.locator("text.name").wait_for()
    assert card.locator("text.name").all_text_contents() == ["customer"]
    page.click("text=Stop the microphone")
    page.wait_for_selector("#ended >> text=The caller hung up.")


def test_whoever_speaks_into_the_microphone_sees_how_their_voice_sounded(visit, snapshot):
    (call,) = snapshot["calls"]
    (window,) = call["windows"]
    heard = ["neutral"] * 9 + ["angry"] * 30 + ["uncertain"] * 10 + ["neutral"] * 5 + [None] * 14 + ["angry"]
    call["windows"] = [{**window, "start": k, "end": k + 3, "emotion": one} for k, one in enumerate(heard)]
    snapshot["emotions"] = ["angry", "neutral"]
    page, lines = visit(permissions=["microphone"]), []
    page.route_web_socket("**/events", lambda line: (lines.append(line), line.send(json.dumps(snapshot))))

    def answer(line, message):
        if isinstance(message, str):  # the hello; samples are bytes
            line.send(json.dumps({"type": "ready", "call": "a"}))
            lines[-1].send(json.dumps({"type": "window", "call": "a", "seconds": 71, **call["windows"][-1]}))

    page.route_web_socket("**/stream", lambda line: line.on_message(lambda message: answer(line, message)))
    page.reload()
    page.locator("article svg.curves").wait_for()
    assert page.locator(".coach").count() == 0  # somebody else's call
    page.click("#microphone")
    coach = page.locator("article .coach")
    coach.wait_for()
    assert "You spoke in 77 % of it." in coach.inner_text()  # 46 of the last 60 windows
    assert coach.locator("li").all_inner_texts() == ["angry 67 %", "uncertain 22 %", "neutral 11 %"]
    assert page.locator("article .now b").inner_text() == "angry"
    assert page.locator("article .now").inner_text().startswith("You sound angry")


def test_a_microphone_whose_connection_is_lost_ends_its_call_and_says_so(visit):
    page = visit(permissions=["microphone"])
    sockets = []

    def connect(socket):
        sockets.append((socket, socket.connect_to_server()))

    page.route_web_socket("**/stream", connect)
    page.reload()
    page.wait_for_selector("#connection[data-state=open]")
    page.click("#microphone")
    page.locator("article", has_text="Microphone").wait_for()
    for end in sockets[0]:
        end.close()
    page.wait_for_selector("#notice[data-kind=problem] >> text=The connection was lost and the call has ended; press")
    assert page.inner_text("#microphone") == "Use my microphone"
    page.wait_for_selector("#ended >> text=The connection was lost.")
    assert page.locator("article", has_text="Microphone").count() == 0


@pytest.mark.parametrize("width", [320, 390, 768])
def test_nothing_is_wider_than_a_phone(visit, width):
    page = visit(width, has_touch=True)
    replay(page)
    page.wait_for_selector("#banner >> text=The customer has sounded angry")
    wide = "document.documentElement.scrollWidth"
    assert page.evaluate(wide) <= width
    page.locator("#banner >> text=Show the call").click()
    page.wait_for_selector("dialog[open] path.curve")
    assert page.evaluate(wide) <= width
    assert page.locator("dialog").evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing_serious(visit, placed, width, scheme):
    from axe_playwright_python.sync_playwright import Axe

    ended = {"id": "b", "name": "Before", "state": "ended", "why": "The caller hung up.", "missed": True}
    placed["calls"][0] |= {"recording": "call_001", "agent": "Kim"}
    placed["calls"].append({**placed["calls"][0], **ended, "ended": datetime.now(UTC).isoformat()})
    placed["alerts"] = [alert_of("a", 9, feedback="wrong", acknowledged=True), alert_of("b", 9, truth="wrong")]
    page = visit(width, color_scheme=scheme, reduced_motion="reduce", events=placed)
    page.route("**/calls/a", lambda route: route.fulfill(json={"windows": []}))
    page.locator("article .plane").wait_for()
    page.locator("#options summary").click()
    assert _serious(Axe().run(page)) == []
    page.locator("article h3 button").click()
    page.locator("dialog summary").click()
    assert _serious(Axe().run(page)) == []


def _serious(results):
    """What axe found to be serious or critical, and where."""
    found = [rule for rule in results.response["violations"] if rule["impact"] in ("serious", "critical")]
    return [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_readable_by_day_and_by_night(visit, scheme):
    page = visit(color_scheme=scheme)
    contrast = """ids => ids.map(id => {
      const linear = share => share <= .04045 ? share / 12.92 : ((share + .055) / 1.055) ** 2.4;
      const lightness = colour => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map(value => linear(value / 255));
        return .2126 * r + .7152 * g + .0722 * b;
      };
      const element = document.querySelector(id);
      let behind = element;
      while (getComputedStyle(behind).backgroundColor.endsWith(', 0)')) behind = behind.parentElement;
      const colours = [getComputedStyle(element).color, getComputedStyle(behind).backgroundColor];
      const [dark, light] = colours.map(lightness).sort((one, other) => one - other);
      return (light + .05) / (dark + .05);
    })"""
    found = page.evaluate(contrast, ["h1", "h2", "#connection", "#empty", "#replay .main", "#microphone", "footer"])
    assert min(found) >= 4.5


def test_the_token_is_asked_for_and_a_wrong_one_refused(browser):
    settings = Settings(denoise=False, token="let me in")
    with server.running(settings, model=Loud(), rule=RULE, calls=[]) as address:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector("text=This service asks for a token.")
        for token, sentence in [("wrong", "That token is wrong."), ("let me in", "Connected, no live calls")]:
            page.fill("#token", token)
            page.keyboard.press("Enter")
            page.wait_for_selector(f"text={sentence}")
        assert page.locator("#login").is_hidden()
        assert "No recordings" in page.inner_text("#recording")
        page.close()


@pytest.mark.slow
def test_a_page_whose_service_is_gone_says_so_and_comes_back(browser):
    settings = Settings(denoise=False)
    with server.running(settings, model=Loud(), rule=RULE, calls=[]) as address:
        page = browser.new_page()
        page.goto(address)
        page.wait_for_selector("#connection[data-state=open]")
    page.wait_for_selector("#connection[data-state=lost] >> text=Trying again")
    with server.running(settings, port=int(address.rsplit(":", 1)[1]), model=Loud(), rule=RULE, calls=[]):
        page.wait_for_selector("#connection[data-state=open]")
        page.close()
