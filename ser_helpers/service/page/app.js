// The supervisor's page: keeps what the service sends over /events, and draws it.

import { clock, draw, paint } from "./chart.js";
import { Microphone } from "./microphone.js";
import { drawPlane, signed } from "./plane.js";

const MAX_WINDOWS = 1800; // per live call
const MAX_ALERTS = 20; // in the list
const SPEEDS = [1, 2, 5, 20];
const $ = (id) => document.getElementById(id);
const state = { calls: new Map(), alerts: new Map(), emotions: [], dimensions: null, rule: { emotion: "", threshold: 1 }, open: null };
let frame = null;
const stale = new Set();
let token = sessionStorage.getItem("token") ?? "";
let pause = 500;

// --- talking to the service ---------------------------------------------------------------------

async function ask(path, { method = "GET", body } = {}) {
  const headers = { ...(token && { Authorization: `Bearer ${token}` }), ...(body && { "Content-Type": "application/json" }) };
  let response;
  try {
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Error("The service does not respond; is it still running?");
  }
  if (response.status === 401) askForToken();
  const content = response.status === 204 ? null : await response.json();
  if (!response.ok) throw new Error(content.error);
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
  showStatus("connecting", "Connecting …");
  try {
    fill(await ask("/replay"));
  } catch (error) {
    if ($("login").hidden) retry(error.message);
    else showStatus("lost", "Waiting for the token");
    return;
  }
  const events = socket("/events");
  events.onmessage = ({ data }) => {
    pause = 500;
    handle(JSON.parse(data));
  };
  events.onclose = ({ reason }) => retry(reason);
}

function retry(reason) {
  showStatus("lost", `${reason || "The connection was lost."} Trying again …`);
  setTimeout(connect, pause);
  pause = Math.min(10_000, 2 * pause);
}

function showStatus(name, text) {
  if ($("connection").textContent === text) return;
  $("replay").inert = name !== "open";
  $("connection").dataset.state = name;
  $("connection").textContent = text;
}

function askForToken() {
  $("login").querySelector("label").textContent = token ? "That token is wrong." : "This service asks for a token.";
  $("login").hidden = false;
  $("token").focus();
}

const handlers = {
  snapshot({ calls, alerts, emotions, rule, inferred, model, dimensions = null }) {
    Object.assign(state, { emotions, rule, dimensions });
    $("model").textContent = [
      model && `The model: ${model.replace(/\.?$/, ".")}`,
      dimensions && `${listed(dimensions.names)}: ${dimensions.model.replace(/\.?$/, ".")}`,
    ].filter(Boolean).join(" ");
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
    if (call.windows.length > MAX_WINDOWS) call.windows.shift();
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

function handle({ type, ...message }) {
  handlers[type](message);
  const live = [...state.calls.values()].filter((call) => call.state === "live").length;
  showStatus("open", `Connected, ${live || "no"} live ${live === 1 ? "call" : "calls"}`);
  showSoon();
}

// --- drawing ------------------------------------------------------------------------------------

function showSoon() {
  frame ??= requestAnimationFrame(show);
}

function show() {
  frame = null;
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
  const card = make(
    "article",
    { className: "card", id: `call-${call.id}` },
    make("div", { className: "top" }, make("h3", {}, title), make("span", { className: "clock" })),
    make("p", { className: "now" }),
    pictures(call),
  );
  $("cards").append(card);
  return card;
}

/** The curves of a call and, where the service predicts valence and arousal, the plane beside them. */
function pictures(call) {
  const svg = (className) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    element.classList.add("chart", className);
    return element;
  };
  const box = make("div", { className: "pictures" }, svg("curves"));
  if (state.dimensions && call.inferred.length) {
    box.append(make("figure", { className: "plane" }, svg("emotions"), make("figcaption", { className: "quiet" })));
  }
  return box;
}

function updatePictures(box, call, options) {
  draw(box.querySelector(".curves"), call, { ...state, ...options, alerts: alertsOf(call) });
  const plane = box.querySelector(".plane");
  if (plane) plane.querySelector("figcaption").textContent = drawPlane(plane.querySelector("svg"), call);
}

/** Names as the start of a sentence: "Valence, arousal and dominance". */
function listed(names) {
  const text = [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" and ");
  return text[0].toUpperCase() + text.slice(1);
}

function update(card, call) {
  card.classList.toggle("alarmed", alertsOf(call).some((alert) => !alert.acknowledged));
  card.querySelector(".clock").textContent = clock(call.seconds);
  card.querySelector(".now").replaceChildren(...now(call));
  updatePictures(card, call);
}

/** The current emotion of the call, as a sentence. */
function now(call) {
  const party = call.inferred.at(-1);
  const last = call.windows.findLast((window) => window.party === party);
  const swatch = make("span", { className: "swatch" });
  const name = party ? party[0].toUpperCase() + party.slice(1) : "Nobody";
  if (!last) return [swatch, make("span", { className: "quiet", text: "Listening …" })];
  if (last.gap) return [swatch, make("span", { className: "quiet", text: "Some audio is missing" })];
  if (!last.emotion) return [swatch, make("span", { className: "quiet", text: `${name} is silent` })];
  if (last.emotion === "uncertain") return [swatch, make("span", { text: `${name} speaks: the emotion is uncertain` })];
  paint(swatch, last.emotion, "background");
  return [swatch, make("span", {}, `${name} sounds `, make("b", { text: last.emotion }))];
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
  const open = alerts.filter((alert) => !alert.acknowledged);
  $("no-alerts").hidden = alerts.length > 0;
  keepFocus($("alerts"), alerts.slice(0, MAX_ALERTS).map(alertItem));
  const older = alerts.length - MAX_ALERTS;
  $("older").hidden = older <= 0;
  $("older").textContent = `${older} older ${older === 1 ? "alert is" : "alerts are"} not listed; the calls show them.`;
  keepFocus($("all-seen"), open.length > 1 ? [button("Acknowledge all", "all seen", () => acknowledgeAll(open))] : []);
  showBanner(open);
  document.title = open.length ? `(${open.length}) Calls` : "Calls";
}

/** Replaces the children of `list`, and returns the focus to the button that had it, or to the heading above. */
function keepFocus(list, children) {
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  list.replaceChildren(...children);
  if (focused) focusOn(focused, list);
}

/** Focuses the button with this key or, if it is gone, the heading of the part of the page that contains `place`. */
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

function showBanner(open) {
  const [alert] = open;
  const key = alert ? `${alert.id} of ${open.length}` : "";
  if ($("banner").dataset.alert === key) return;
  $("banner").dataset.alert = key;
  $("banner").hidden = !alert;
  keepFocus($("banner"), alert ? bannerParts(alert, open.length - 1) : []);
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
  $("detail").replaceChildren(
    make("div", { className: "top" }, make("div", {}, make("h2", { id: "detail-title" }), make("p", { className: "quiet" })), close),
    make("p", { className: "now" }),
    pictures(state.calls.get(id)),
    make("ol", {}),
    make("details", {}, make("summary", { text: "Show as a table" }), make("div", { className: "scroll", tabIndex: 0 })),
    make("div", { className: "row" }, forget),
  );
  $("detail").querySelector("details").ontoggle = drawDetail;
  $("detail").showModal();
  drawDetail();
  await attempt(async () => {
    const { windows } = await ask(`/calls/${id}`);
    const call = state.calls.get(id);
    if (call && windows.length > call.windows.length) call.windows = windows.slice(-2 * MAX_WINDOWS);
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
  detail.querySelector(".quiet").textContent = `Since ${new Date(call.started).toLocaleTimeString()}, ${clock(call.seconds)} long.${ended}`;
  detail.querySelector(".now").replaceChildren(...(call.state === "live" ? now(call) : []));
  updatePictures(detail, call, { all: true });
  detail.querySelector("ol").replaceChildren(
    ...alertsOf(call).map((alert) => make("li", { text: `Alert at ${clock(alert.time)}: ${alert.explanation}` })),
  );
  if (detail.querySelector("details").open) detail.querySelector(".scroll").replaceChildren(tableOf(call));
}

function tableOf(call) {
  const row = (cell, values) => make("tr", {}, ...values.map((text) => make(cell, { text })));
  const percent = (share) => (share === undefined ? "" : `${Math.round(100 * share)} %`);
  const names = state.dimensions?.names ?? [];
  const value = (window, name) => (window.dimensions ? signed(window.dimensions[name]) : "");
  const heads = ["until", "party", "speech", ...state.emotions, "shown", ...names];
  const rows = call.windows.toReversed().map((window) => [
    clock(window.end),
    window.party,
    percent(window.speech),
    ...state.emotions.map((emotion) => percent(window.probabilities?.[emotion])),
    window.emotion ?? "",
    ...names.map((name) => value(window, name)),
  ]);
  return make("table", {}, make("thead", {}, row("th", heads)), make("tbody", {}, ...rows.map((cells) => row("td", cells))));
}

// --- what the user does -------------------------------------------------------------------------

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
const acknowledgeAll = (alerts) =>
  attempt(() => ask("/alerts/acknowledge", { method: "POST", body: { alerts: alerts.map((alert) => alert.id) } }));

function fill({ calls: names, speed }) {
  const speeds = [...new Set([...SPEEDS, speed])].sort((one, other) => one - other);
  const before = Number($("speed").value);
  $("speed").replaceChildren(...speeds.map((times) => new Option(`${times} ×`, times)));
  $("speed").value = speeds.includes(before) ? before : speed;
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

$("login").onsubmit = (event) => {
  event.preventDefault();
  token = $("token").value;
  sessionStorage.setItem("token", token);
  $("token").value = "";
  $("login").hidden = true;
  connect();
};

const microphone = new Microphone(
  () => socket("/stream"),
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
    notice("You speak as the customer. Your voice is sent to this service only, and is not stored.");
    pressed(true);
    microphone.start();
  }
};

$("detail").onclose = () => {
  if ($("detail").open) return; // the event comes late: the user has opened a call again
  state.open = null;
  focusOn(state.opener.key, state.opener.place);
};
new ResizeObserver(() => {
  state.calls.forEach((call) => stale.add(call.id));
  showSoon();
}).observe($("cards"));

connect();
