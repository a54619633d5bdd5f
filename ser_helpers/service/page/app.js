// The supervisor's page: keeps what the service tells over /events, and draws it.

import { clock, draw, paint } from "./chart.js";
import { Microphone } from "./microphone.js";

const KEPT = 1800;
const LISTED = 20;
const SPEEDS = [1, 2, 5, 20];
const $ = (id) => document.getElementById(id);
const state = { calls: new Map(), alerts: new Map(), emotions: [], rule: { emotion: "", threshold: 1 }, open: null };
let asked = null;
const stale = new Set();
let token = sessionStorage.getItem("token") ?? "";
let pause = 500;

// --- talking to the service ---------------------------------------------------------------------

async function ask(path, { method = "GET", body } = {}) {
  const headers = { ...(token && { Authorization: `Bearer ${token}` }), ...(body && { "Content-Type": "application/json" }) };
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Error("The service does not answer; is it still running?");
  }
  if (answer.status === 401) askForToken();
  const content = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(content.error);
  return content;
}

function socket(path) {
  const address = new URL(path, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const bytes = String.fromCharCode(...new TextEncoder().encode(token));
  const coded = btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  return new WebSocket(address, token ? ["ser", `token.${coded}`] : ["ser"]);
}

async function connect() {
  tell("connecting", "Connecting …");
  try {
    fill(await ask("/replay"));
  } catch (error) {
    if ($("door").hidden) retry(error.message);
    else tell("lost", "Waiting for the token");
    return;
  }
  const line = socket("/events");
  line.onmessage = ({ data }) => {
    pause = 500;
    hear(JSON.parse(data));
  };
  line.onclose = ({ reason }) => retry(reason);
}

function retry(reason) {
  tell("lost", `${reason || "The connection was lost."} Trying again …`);
  setTimeout(connect, pause);
  pause = Math.min(10_000, 2 * pause);
}

function tell(name, text) {
  if ($("connection").textContent === text) return;
  $("replay").inert = name !== "open";
  $("connection").dataset.state = name;
  $("connection").textContent = text;
}

function askForToken() {
  $("door").querySelector("label").textContent = token ? "That is not the token." : "This service asks for a token.";
  $("door").hidden = false;
  $("token").focus();
}

const hearing = {
  snapshot({ calls, alerts, emotions, rule, inferred }) {
    Object.assign(state, { emotions, rule });
    state.calls = new Map(calls.map((call) => [call.id, call]));
    state.alerts = new Map(alerts.map((alert) => [alert.id, alert]));
    $("agent-note").hidden = inferred.includes("agent");
    $("cards").replaceChildren();
    $("key").replaceChildren(...emotions.map(keyItem), make("li", {}, make("span", { className: "swatch voice" }), "speech alone"));
    state.calls.forEach((call) => stale.add(call.id));
  },
  call(call) {
    state.calls.set(call.id, { windows: [], ...state.calls.get(call.id), ...call });
    stale.add(call.id);
  },
  window({ call: id, seconds, ...window }) {
    const call = state.calls.get(id);
    if (!call) return;
    call.seconds = seconds;
    call.windows.push(window);
    if (call.windows.length > KEPT) call.windows.shift();
    stale.add(id);
  },
  alert(alert) {
    state.alerts.set(alert.id, alert);
    stale.add(alert.call);
  },
  forgotten({ id }) {
    state.calls.delete(id);
    state.alerts.forEach((alert) => alert.call === id && state.alerts.delete(alert.id));
    stale.add(id);
  },
};

function hear({ type, ...message }) {
  hearing[type](message);
  const live = [...state.calls.values()].filter((call) => call.state === "live");
  const waiting = live.filter((call) => call.waiting).length;
  const talking = live.length - waiting;
  tell("open", `Connected, ${talking || "no"} ${talking === 1 ? "call" : "calls"} on the line${waiting ? `, ${waiting} waiting` : ""}`);
  showSoon();
}

// --- drawing ------------------------------------------------------------------------------------

function showSoon() {
  asked ??= requestAnimationFrame(show);
}

function show() {
  asked = null;
  for (const id of stale) {
    const call = state.calls.get(id);
    const card = $(`call-${id}`);
    if (call?.state === "live") update(card ?? newCard(call), call);
    else card?.remove();
    if (id === state.open) call ? drawDetail() : $("detail").close();
  }
  if (stale.size || !state.calls.size) showLists();
  stale.clear();
}

function make(name, { text, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties);
  if (text !== undefined) element.textContent = text;
  element.append(...children);
  return element;
}

function newCard(call) {
  const title = button(call.name, `call ${call.id}`, () => openDetail(call.id), "plain");
  const chart = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  chart.classList.add("chart");
  const card = make(
    "article",
    { className: "card", id: `call-${call.id}` },
    make("div", { className: "top" }, make("h3", {}, title), make("span", { className: "clock" })),
    make("p", { className: "now" }),
    chart,
  );
  $("cards").append(card);
  return card;
}

function update(card, call) {
  card.classList.toggle("alarmed", alertsOf(call).some((alert) => !alert.acknowledged));
  card.classList.toggle("waiting", call.waiting);
  card.querySelector(".clock").textContent = clock(call.seconds);
  card.querySelector(".now").replaceChildren(...now(call));
  draw(card.querySelector("svg"), call, { ...state, alerts: alertsOf(call) });
}

/** How the call sounds now, as a sentence. */
function now(call) {
  const party = call.inferred.at(-1);
  const last = call.windows.findLast((window) => window.party === party);
  const swatch = make("span", { className: "swatch" });
  const who = party ? party[0].toUpperCase() + party.slice(1) : "Nobody";
  if (call.waiting) return [swatch, make("span", { className: "quiet", text: "Line lost, waiting for the caller" })];
  if (!last) return [swatch, make("span", { className: "quiet", text: "Listening …" })];
  if (last.gap) return [swatch, make("span", { className: "quiet", text: "Some sound is missing" })];
  if (!last.emotion) return [swatch, make("span", { className: "quiet", text: `${who} is silent` })];
  paint(swatch, last.emotion, "background");
  return [swatch, make("span", {}, `${who} sounds `, make("b", { text: last.emotion }))];
}

function keyItem(emotion) {
  return make("li", {}, paint(make("span", { className: "swatch" }), emotion, "background"), emotion);
}

function alertsOf(call) {
  return [...state.alerts.values()].filter((alert) => alert.call === call.id);
}

function showLists() {
  const calls = [...state.calls.values()];
  const ended = calls.filter((call) => call.state === "ended").reverse();
  $("empty").hidden = calls.some((call) => call.state === "live");
  $("key").hidden = !$("empty").hidden;
  $("earlier").hidden = !ended.length;
  keepFocus($("ended"), ended.map(endedRow));

  const alerts = [...state.alerts.values()].reverse();
  const waiting = alerts.filter((alert) => !alert.acknowledged);
  $("no-alerts").hidden = alerts.length > 0;
  keepFocus($("alerts"), alerts.slice(0, LISTED).map(alertItem));
  const older = alerts.length - LISTED;
  $("older").hidden = older <= 0;
  $("older").textContent = `${older} older ${older === 1 ? "alert is" : "alerts are"} not listed; the calls show them.`;
  keepFocus($("all-seen"), waiting.length > 1 ? [button("Acknowledge all", "all seen", () => acknowledgeAll(waiting))] : []);
  showBanner(waiting);
  document.title = waiting.length ? `(${waiting.length}) Calls` : "Calls";
}

/** Replaces the children of `list`, and gives the focus back to the button that had it, or to the heading above. */
function keepFocus(list, children) {
  const held = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  list.replaceChildren(...children);
  if (held) focusOn(held, list);
}

/** Focuses the button of that key; where it is gone, the heading of the part of the page that holds `place`. */
function focusOn(key, place) {
  const part = place.closest("main > :not([hidden])") ?? $("live");
  const button = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  (button ?? part.querySelector("h2")).focus();
}

function button(text, key, onclick, className = "") {
  const element = make("button", { type: "button", text, onclick, className });
  element.dataset.key = key;
  return element;
}

function endedRow(call) {
  const row = button("", `call ${call.id}`, () => openDetail(call.id), "plain");
  const count = alertsOf(call).length;
  row.append(
    make("span", { text: call.name }),
    make("span", { className: "why", text: [call.why, count && `${count} alert${count > 1 ? "s" : ""}.`].filter(Boolean).join(" ") }),
    make("span", { className: "clock", text: `${timeOfDay(call.started)}, ${clock(call.seconds)} long` }),
  );
  return make("li", {}, row);
}

function timeOfDay(instant) {
  return new Date(instant).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
}

function alertItem(alert) {
  const buttons = make("div", { className: "row" }, button("Show the call", `show ${alert.id}`, () => openDetail(alert.call)));
  const into = `${clock(alert.time)} into the call`;
  if (!alert.acknowledged) buttons.prepend(button("Acknowledge", `seen ${alert.id}`, () => acknowledge(alert)));
  return make(
    "li",
    { className: alert.acknowledged ? "seen" : "" },
    make("strong", { text: alert.name }),
    make("p", { className: "when", text: `${timeOfDay(alert.raised)}, ${into}${alert.acknowledged ? ", acknowledged" : ""}` }),
    make("p", { text: alert.explanation }),
    buttons,
  );
}

function showBanner(waiting) {
  const [alert] = waiting;
  const key = alert ? `${alert.id} of ${waiting.length}` : "";
  if ($("banner").dataset.alert === key) return;
  $("banner").dataset.alert = key;
  $("banner").hidden = !alert;
  keepFocus($("banner"), alert ? bannerParts(alert, waiting.length - 1) : []);
}

function bannerParts(alert, others) {
  const more = others ? ` (and ${others} more)` : "";
  return [
    make("div", {}, make("strong", { text: `${alert.name}${more}` }), make("span", { text: alert.explanation })),
    make(
      "div",
      { className: "row" },
      button("Acknowledge", "banner seen", () => acknowledge(alert), "main"),
      button("Show the call", "banner show", () => openDetail(alert.call)),
    ),
  ];
}

// --- one call, large ----------------------------------------------------------------------------

async function openDetail(id) {
  state.open = id;
  state.opener = { key: document.activeElement.dataset.key, place: document.activeElement.closest("main > *") ?? $("live") };
  const close = button("Close", "close", () => $("detail").close());
  const forget = button("", "forget", () => attempt(() => ask(`/calls/${id}`, { method: "DELETE" })));
  const chart = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  chart.classList.add("chart");
  $("detail").replaceChildren(
    make("div", { className: "top" }, make("div", {}, make("h2", { id: "detail-title" }), make("p", { className: "quiet" })), close),
    make("p", { className: "now" }),
    make("figure", {}, chart),
    make("ol", {}),
    make("details", {}, make("summary", { text: "The same as a table" }), make("div", { className: "scroll", tabIndex: 0 })),
    make("div", { className: "row" }, forget),
  );
  $("detail").querySelector("details").ontoggle = drawDetail;
  $("detail").showModal();
  drawDetail();
  await attempt(async () => {
    const whole = await ask(`/calls/${id}`);
    const call = state.calls.get(id);
    if (call && whole.windows.length > call.windows.length) call.windows = whole.windows.slice(-2 * KEPT);
    drawDetail();
  });
}

function drawDetail() {
  const call = state.calls.get(state.open);
  const detail = $("detail");
  if (!call || !detail.open) return;
  const ended = call.state === "ended" ? ` ${call.why}` : "";
  detail.querySelector("h2").textContent = call.name;
  detail.querySelector("[data-key=forget]").textContent = ended ? "Forget this call" : "End and forget this call";
  detail.querySelector(".quiet").textContent = `Since ${new Date(call.started).toLocaleTimeString()}, ${clock(call.seconds)} heard.${ended}`;
  detail.querySelector(".now").replaceChildren(...(call.state === "live" ? now(call) : []));
  draw(detail.querySelector("svg"), call, { ...state, all: true, alerts: alertsOf(call) });
  detail.querySelector("ol").replaceChildren(
    ...alertsOf(call).map((alert) => make("li", { text: `Alert at ${clock(alert.time)}: ${alert.explanation}` })),
  );
  if (detail.querySelector("details").open) detail.querySelector(".scroll").replaceChildren(tableOf(call));
}

function tableOf(call) {
  const row = (cell, values) => make("tr", {}, ...values.map((text) => make(cell, { text })));
  const percent = (share) => (share === undefined ? "" : `${Math.round(100 * share)} %`);
  const heads = ["until", "party", "speech", ...state.emotions, "shown"];
  const rows = call.windows.toReversed().map((window) => [
    clock(window.end),
    window.party,
    percent(window.speech),
    ...state.emotions.map((emotion) => percent(window.probabilities?.[emotion])),
    window.emotion ?? "",
  ]);
  return make("table", {}, make("thead", {}, row("th", heads)), make("tbody", {}, ...rows.map((cells) => row("td", cells))));
}

// --- what the reader does -----------------------------------------------------------------------

async function attempt(work) {
  try {
    await work();
  } catch (error) {
    notice(error.message, "problem");
  }
}

function notice(text, kind = "") {
  $("notice").textContent = text;
  $("notice").dataset.kind = kind;
  $("notice").hidden = !text;
}

const acknowledge = (alert) => attempt(() => ask(`/alerts/${encodeURIComponent(alert.id)}/acknowledge`, { method: "POST" }));
const acknowledgeAll = (waiting) =>
  attempt(() => ask("/alerts/acknowledge", { method: "POST", body: { alerts: waiting.map((alert) => alert.id) } }));

function fill({ calls: names, speed }) {
  const speeds = [...new Set([...SPEEDS, speed])].sort((one, other) => one - other);
  const wanted = Number($("speed").value);
  $("speed").replaceChildren(...speeds.map((times) => new Option(`${times} ×`, times)));
  $("speed").value = speeds.includes(wanted) ? wanted : speed;
  const chosen = $("recording").value;
  const options = names.map((name) => new Option(name.replaceAll("_", " "), name));
  $("recording").replaceChildren(new Option(names.length ? "The next call" : "No recordings", ""), ...options);
  if (names.includes(chosen)) $("recording").value = chosen;
  $("recording").disabled = $("replay").querySelector("[type=submit]").disabled = !names.length;
}

$("replay").onsubmit = (event) => {
  event.preventDefault();
  notice("");
  const body = { call: $("recording").value || null, speed: Number($("speed").value) };
  attempt(() => ask("/replay", { method: "POST", body }));
};

$("door").onsubmit = (event) => {
  event.preventDefault();
  token = $("token").value;
  sessionStorage.setItem("token", token);
  $("token").value = "";
  $("door").hidden = true;
  connect();
};

const microphone = new Microphone(
  () => socket("/stream"),
  (sentence) => notice(sentence),
  (sentence) => {
    pressed(false);
    notice(sentence, "problem");
  },
);

function pressed(yes) {
  $("microphone").setAttribute("aria-pressed", yes);
  $("microphone").textContent = yes ? "Stop the microphone" : "Use my microphone";
}

$("microphone").onclick = () => {
  if (microphone.active) {
    microphone.stop();
  } else {
    notice("Your voice takes the customer’s place. It goes to this service only, and is not kept.");
    pressed(true);
    microphone.start();
  }
};

$("detail").onclose = () => {
  state.open = null;
  focusOn(state.opener.key, state.opener.place);
};
new ResizeObserver(() => {
  state.calls.forEach((call) => stale.add(call.id));
  showSoon();
}).observe($("cards"));

connect();
