// The supervisor's page: keeps what the service sends over /events, and draws it.

import { clock, draw, paint } from "./chart.js";
import { Microphone } from "./microphone.js";
import { drawPlane, signed } from "./plane.js";

const MAX_WINDOWS = 1800; // per live call
const MAX_ALERTED = 20; // calls in the list of alerts
const EXPIRY = 600_000; // ms after the end of a call, until its alerts leave the list
const COACHED = 60; // windows of the last minute
const SPEEDS = [1, 2, 5, 20];
const $ = (id) => document.getElementById(id);
const state = { calls: new Map(), alerts: new Map(), emotions: [], dimensions: null, rule: { emotion: "", threshold: 1 }, open: null };
let frame = null;
const stale = new Set();
let token = sessionStorage.getItem("token") ?? "";
let pause = 500;

// --- talking to the service ---------------------------------------------------------------------

async function ask(path, { method = "GET", body, as = "json" } = {}) {
  const headers = { ...(token && { Authorization: `Bearer ${token}` }), ...(body && { "Content-Type": "application/json" }) };
  let response;
  try {
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
  } catch {
    throw new Error("The service does not respond; is it still running?");
  }
  if (response.status === 401) askForToken();
  const content = response.status === 204 ? null : await response[response.ok ? as : "json"]();
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
    showRule();
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
  rule(rule) {
    state.rule = rule;
    showRule();
    state.calls.forEach((call) => stale.add(call.id));
  },
  alert(alert) {
    const known = state.alerts.has(alert.id);
    state.alerts.set(alert.id, alert);
    stale.add(alert.call);
    if (!known) announce(alert);
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
  if (stale.size || !state.calls.size) {
    sortCards();
    showLists();
  }
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
    make("p", { className: "who quiet" }),
    make("p", { className: "now" }),
    pictures(call),
  );
  $("cards").append(card);
  return card;
}

/** Calls with alerts that nobody has acknowledged come first; the cards that the search does not find are hidden. */
function sortCards() {
  const cards = [...$("cards").children];
  const calls = cards.map((card) => state.calls.get(card.id.slice("call-".length)));
  cards.forEach((card, i) => (card.hidden = !isFound(calls[i])));
  const known = [...state.calls.keys()];
  const rank = (card) => known.indexOf(card.id.slice("call-".length)) - (card.classList.contains("alarmed") ? known.length : 0);
  const sorted = cards.toSorted((one, other) => rank(one) - rank(other));
  if (sorted.every((card, i) => card === cards[i])) return;
  const focused = document.activeElement; // a card that moves would lose it
  $("cards").append(...sorted);
  if ($("cards").contains(focused)) focused.focus();
}

function isFound(call) {
  const words = $("search").value.toLowerCase().split(/\s+/);
  const text = [call.name, call.agent, call.queue, call.note].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Who takes a call, and in which queue it waited. */
function who({ agent, queue }) {
  return [agent && `Agent: ${agent}`, queue && `Queue: ${queue}`].filter(Boolean).join(" · ");
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
  card.querySelector(".who").textContent = who(call);
  card.querySelector(".now").replaceChildren(...now(call));
  updatePictures(card, call);
  if (call.id === microphone.call) coach(card, call);
}

/** How the caller's own voice sounded in the last minute, below the curves of the microphone's call. */
function coach(card, call) {
  const last = call.windows.slice(-COACHED);
  const heard = last.filter((window) => window.emotion);
  const percent = (part, whole) => `${Math.round((100 * part) / whole)} %`;
  const counts = [...state.emotions, "uncertain"]
    .map((emotion) => ({ emotion, count: heard.filter((window) => window.emotion === emotion).length }))
    .filter(({ count }) => count)
    .sort((one, other) => other.count - one.count);
  let box = card.querySelector(".coach");
  if (!box) card.append((box = make("div", { className: "coach" }, make("h4", { text: "Your voice in the last minute" }), make("p"), make("ul"))));
  box.querySelector("p").textContent = heard.length
    ? `You spoke in ${percent(heard.length, last.length)} of it. While you did, the model heard:`
    : "No speech yet. Speak, and see how the model hears you.";
  box.querySelector("ul").replaceChildren(
    ...counts.map(({ emotion, count }) => {
      const bar = paint(make("span", { className: "bar" }), emotion, "background");
      bar.style.width = percent(count, heard.length).replace(" ", "");
      return make("li", {}, make("span", { text: `${emotion} ${percent(count, heard.length)}` }), bar);
    }),
  );
}

/** The current emotion of the call, as a sentence. */
function now(call) {
  const party = call.inferred.at(-1);
  const last = call.windows.findLast((window) => window.party === party);
  const swatch = make("span", { className: "swatch" });
  const own = call.id === microphone.call;
  const name = own ? "You" : party ? party[0].toUpperCase() + party.slice(1) : "Nobody";
  if (!last) return [swatch, make("span", { className: "quiet", text: "Listening …" })];
  if (last.gap) return [swatch, make("span", { className: "quiet", text: "Some audio is missing" })];
  if (!last.emotion) return [swatch, make("span", { className: "quiet", text: own ? "You are silent" : `${name} is silent` })];
  if (last.emotion === "uncertain") return [swatch, make("span", { text: `${name} ${own ? "speak" : "speaks"}: the emotion is uncertain` })];
  paint(swatch, last.emotion, "background");
  const share = last.smoothed?.[last.emotion];
  const sure = share === undefined ? [] : [make("span", { className: "sure quiet", text: `${Math.round(100 * share)} %`, title: "The model’s probability" })];
  return [swatch, make("span", {}, `${name} ${own ? "sound" : "sounds"} `, make("b", { text: last.emotion }), " ", ...sure)];
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
  keepFocus($("ended"), ended.filter(isFound).map(endedRow));

  const groups = alertedCalls();
  const open = groups.flatMap((alerts) => alerts.filter((alert) => !alert.acknowledged));
  $("no-alerts").hidden = groups.length > 0;
  keepFocus($("alerts"), groups.slice(0, MAX_ALERTED).map(alertItem));
  const older = groups.length - MAX_ALERTED;
  $("older").hidden = older <= 0;
  $("older").textContent = `Alerts of ${older} more ${older === 1 ? "call is" : "calls are"} not listed; the calls show them.`;
  keepFocus($("all-seen"), open.length > 1 ? [button("Acknowledge all", "all seen", () => acknowledgeAll(open))] : []);
  showBanner(open.filter((alert) => state.calls.get(alert.call).state === "live"));
  document.title = open.length ? `(${open.length}) Calls` : "Calls";
}

/** Lists of the alerts of one call each, newest first: live calls before ended ones, without those that have expired. */
function alertedCalls() {
  const groups = new Map();
  for (const alert of [...state.alerts.values()].reverse()) {
    if (!groups.has(alert.call)) groups.set(alert.call, []);
    groups.get(alert.call).push(alert);
  }
  const current = [...groups].filter(([id, alerts]) => {
    const call = state.calls.get(id);
    if (call?.state !== "ended") return Boolean(call);
    return alerts.some((alert) => !alert.acknowledged) && Date.now() - new Date(call.ended) < EXPIRY;
  });
  const ended = ([id]) => Number(state.calls.get(id).state === "ended");
  return current.sort((one, other) => ended(one) - ended(other)).map(([, alerts]) => alerts);
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
  const alerts = alertsOf(call);
  const count = alerts.length;
  const wrong = alerts.filter((alert) => alert.truth === "wrong").length;
  const about = [call.why, count && `${count} alert${count > 1 ? "s" : ""}${wrong ? `, ${wrong} false` : ""}.`, call.missed && MISSED];
  row.append(
    make("span", { text: call.name }),
    make("span", { className: "why", text: [...about, who(call)].filter(Boolean).join(" ") }),
    make("span", { className: "clock", text: `${timeOfDay(call.started)}, ${clock(call.seconds)} long` }),
  );
  return make("li", {}, row);
}

function timeOfDay(instant) {
  return new Date(instant).toLocaleTimeString([], { hour: "numeric", minute: "2-digit" });
}

const MISSED = "Missed: the customer’s voice was made to express anger, and no alert came in time.";

/** What is known of an alert: acknowledged, right or false by the truth and by the supervisor. */
function verdict(alert) {
  return [
    alert.acknowledged && "acknowledged",
    alert.truth && (alert.truth === "wrong" ? "false: the truth has no lasting anger then" : "right by the truth"),
    alert.feedback && (alert.feedback === "wrong" ? "you said: a false alarm" : "you said: right"),
  ].filter(Boolean);
}

/** The alerts of one call, newest first; the last one explains itself. */
function alertItem(alerts) {
  const [alert, ...before] = alerts;
  const open = alerts.filter((one) => !one.acknowledged);
  const seen = open.length > 1 ? () => acknowledgeAll(open) : () => acknowledge(open[0]);
  const ended = state.calls.get(alert.call).state === "ended";
  const when = [timeOfDay(alert.raised), `${clock(alert.time)} into the call`, ...verdict(alert)].join(", ");
  return make(
    "li",
    { className: open.length ? "" : "seen" },
    make("strong", { text: alert.name }),
    ...(ended ? [make("p", { className: "over", text: "The call has ended." })] : []),
    make("p", { className: "when", text: when }),
    make("p", { text: alert.explanation }),
    ...(before.length ? [make("p", { className: "when", text: `Before that at ${before.map((one) => clock(one.time)).join(", ")}.` })] : []),
    make(
      "div",
      { className: "row" },
      ...(open.length ? [button("Acknowledge", `seen ${alert.call}`, seen)] : []),
      ...(alert.feedback === "wrong" ? [] : [button("False alarm", `wrong ${alert.id}`, () => judge(alert, "wrong"))]),
      button("Show the call", `show ${alert.call}`, () => openDetail(alert.call)),
    ),
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
      button("False alarm", "banner wrong", () => judge(alert, "wrong")),
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
    ...player(state.calls.get(id)),
    labels(state.calls.get(id)),
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

/** A button that loads the recording of a replayed call, and plays it. */
function player(call) {
  if (!call.recording) return [];
  const audio = make("audio", { controls: true, hidden: true, ariaLabel: `The recording of ${call.name}` });
  const listen = button("Listen to the recording", "listen", () =>
    attempt(async () => {
      const sound = await ask(`/replay/${encodeURIComponent(call.recording)}`, { as: "blob" });
      audio.src = URL.createObjectURL(sound);
      audio.hidden = false;
      listen.remove();
      audio.focus();
      await audio.play();
    }),
  );
  return [make("div", { className: "listen" }, listen, audio)];
}

/** A form with the agent, the queue and the note of a call. */
function labels(call) {
  const field = (name, title, tag = "input") =>
    make("label", { className: name }, title, make(tag, { name, value: call[name] ?? "", maxLength: tag === "input" ? 80 : 2000 }));
  const said = make("span", { className: "quiet", role: "status" });
  const form = make(
    "form",
    { className: "labels" },
    field("agent", "Agent"),
    field("queue", "Queue"),
    field("note", "Note", "textarea"),
    make("div", { className: "row" }, said, make("button", { type: "submit", text: "Save" })),
  );
  form.onsubmit = (event) => {
    event.preventDefault();
    attempt(async () => {
      await ask(`/calls/${call.id}`, { method: "PATCH", body: Object.fromEntries(new FormData(form)) });
      said.textContent = "Saved.";
    });
  };
  return form;
}

/** One alert in the list of a call, with what is known of it and two buttons to judge it. */
function alertLine(alert) {
  const known = verdict(alert).join(", ");
  const answer = (feedback, text) => {
    const element = button(text, `${feedback} detail ${alert.id}`, () => judge(alert, alert.feedback === feedback ? null : feedback));
    element.ariaPressed = String(alert.feedback === feedback);
    return element;
  };
  return make(
    "li",
    {},
    make("span", { text: `Alert at ${clock(alert.time)}: ${alert.explanation} ${known && `(${known})`}` }),
    make("span", { className: "answers" }, answer("right", "Right"), answer("wrong", "False alarm")),
  );
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
  keepFocus(detail.querySelector("ol"), [...alertsOf(call).map(alertLine), ...(call.missed ? [make("li", { text: MISSED })] : [])]);
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

const judge = (alert, feedback) =>
  attempt(() => ask(`/alerts/${encodeURIComponent(alert.id)}/feedback`, { method: "POST", body: { feedback } }));

// --- the threshold, sound, notifications and the export ------------------------------------------

function showRule() {
  $("watched").textContent = state.rule.emotion;
  $("threshold").value = Math.round(100 * state.rule.threshold);
  $("threshold-value").textContent = `${Math.round(100 * state.rule.threshold)} %`;
}

$("threshold").oninput = () => ($("threshold-value").textContent = `${$("threshold").value} %`);
$("threshold").onchange = () =>
  attempt(() => ask("/rule", { method: "PUT", body: { threshold: Number($("threshold").value) / 100 } })).then(showRule);

let speaker = null;

/** Two short tones. */
function ring() {
  const sound = speaker.createOscillator();
  const volume = speaker.createGain();
  const now = speaker.currentTime;
  sound.frequency.setValueAtTime(660, now);
  sound.frequency.setValueAtTime(880, now + 0.15);
  volume.gain.setValueAtTime(0.15, now);
  volume.gain.exponentialRampToValueAtTime(0.001, now + 0.45);
  sound.connect(volume).connect(speaker.destination);
  sound.start(now);
  sound.stop(now + 0.45);
}

function announce(alert) {
  if ($("sound").checked) ring();
  if (!$("desktop").checked) return;
  try {
    new Notification(alert.name, { body: alert.explanation, tag: alert.call });
  } catch {
    $("desktop").checked = false; // browsers on phones allow it, but have none
  }
}

$("sound").onchange = () => {
  if (!$("sound").checked) return;
  speaker ??= new AudioContext(); // browsers allow it only after a click
  ring();
};

$("desktop").onchange = async () => {
  if (!$("desktop").checked) return;
  const allowed = "Notification" in window && (await Notification.requestPermission()) === "granted";
  $("desktop").checked = allowed;
  if (!allowed) notice("Notifications are not allowed. Allow them for this page in the browser’s settings, and try again.", "problem");
};

$("export").onclick = () =>
  attempt(async () => {
    const file = await ask("/feedback?format=csv", { as: "blob" });
    const link = make("a", { href: URL.createObjectURL(file), download: "feedback.csv" });
    link.click();
    URL.revokeObjectURL(link.href);
  });

$("search").oninput = () => {
  sortCards();
  showLists();
};
setInterval(showLists, 30_000); // alerts expire

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
