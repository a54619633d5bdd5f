// One call as a chart: the curve of one emotion or of all, a ribbon of the emotions shown, and who spoke when.

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 78;
const TOP = 24;

/** Draws `call` into `svg`: what the alert rule compares over the last 90 s, or with `all` every emotion over the whole call. */
export function draw(svg, call, { all = false, emotions, rule, alerts }) {
  const width = Math.max(260, svg.clientWidth || 360);
  const plot = all ? 190 : 84;
  const right = width - (all ? 82 : 2);
  const last = Math.max(call.seconds, ...call.windows.map((window) => window.end), 0);
  const from = all ? 0 : Math.max(0, last - 90);
  const until = Math.max(last, from + (all ? 10 : 90));
  const x = (time) => LEFT + ((Math.max(time, from) - from) / (until - from)) * (right - LEFT);
  const y = (share) => TOP + (1 - share) * plot;
  const shown = call.windows.filter((window) => window.party === call.inferred.at(-1) && window.end >= from);

  svg.replaceChildren();
  axes(svg, { y, right, all, rule });
  const watched = !all && emotions.includes(rule.emotion);
  const at = y(rule.threshold);
  if (watched) add(svg, "line", { x1: LEFT, x2: right, y1: at, y2: at, class: "threshold" });
  if (watched) curve(svg, shown, rule.emotion, x, y, (window) => window.level, true);
  const labels = all ? emotions.map((emotion) => curve(svg, shown, emotion, x, y, (window) => window.smoothed?.[emotion] ?? null)) : [];
  for (const { emotion, at } of spread(labels.filter(Boolean))) {
    paint(add(svg, "line", { x1: right + 4, x2: right + 14, y1: at, y2: at, class: "curve" }), emotion, "stroke");
    add(svg, "text", { x: right + 19, y: at + 4, class: "name" }, emotion);
  }
  if (watched) add(svg, "text", { x: LEFT + 4, y: at - 5, class: "warn" }, "alert");
  for (const alert of alerts.filter((alert) => alert.time >= from)) {
    const at = x(alert.time);
    add(svg, "line", { x1: at, x2: at, y1: TOP - 6, y2: TOP + plot, class: "mark" });
    add(svg, "path", { d: `M${at} ${TOP - 8}h11l-3 4.5 3 4.5h-11z`, class: "flag" });
  }
  let top = TOP + plot + 12;
  for (const party of call.parties) {
    track(svg, call, party, { x, y: top, right, from, ribbon: call.inferred.includes(party) });
    top += 24;
  }
  if (call.truth) {
    truth(svg, call.truth, { x, y: top, right, from, last });
    top += 24;
  }
  times(svg, { x, from, until, y: top + 10, step: niceStep(until - from, right - LEFT) });
  svg.setAttribute("height", top + 16);
  svg.setAttribute("viewBox", `0 0 ${width} ${top + 16}`);
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", describe(call, rule, shown));
}

function axes(svg, { y, right, all, rule }) {
  add(svg, "text", { x: 0, y: 11, class: "caption" }, all ? "probability" : `level of ${rule.emotion}, against this voice’s mean`);
  for (const share of all ? [0, 0.25, 0.5, 0.75, 1] : [0, 0.5, 1]) {
    add(svg, "line", { x1: LEFT, x2: right, y1: y(share), y2: y(share), class: "grid-line" });
    add(svg, "text", { x: LEFT - 8, y: y(share) + 4, "text-anchor": "end" }, `${Math.round(100 * share)} %`);
  }
}

function curve(svg, windows, emotion, x, y, value, filled = false) {
  let end = null;
  const known = windows.filter((window) => value(window) !== null);
  const bridge = known.map((window) => `${x(window.end).toFixed(1)} ${y(value(window)).toFixed(1)}`).join("L");
  if (bridge) paint(add(svg, "path", { d: `M${bridge}`, class: "bridge" }), emotion, "stroke");
  for (const part of unbroken(windows, value)) {
    const points = part.map((window) => [x(window.end), y(value(window))]);
    const line = points.map((point) => point.map((number) => number.toFixed(1)).join(" ")).join("L");
    if (filled && points.length > 1) {
      const area = `M${points[0][0].toFixed(1)} ${y(0)}L${line}L${points.at(-1)[0].toFixed(1)} ${y(0)}Z`;
      paint(add(svg, "path", { d: area, class: "area" }), emotion, "fill");
    }
    paint(add(svg, "path", { d: `M${line}${points.length > 1 ? "" : "h0.1"}`, class: "curve" }), emotion, "stroke");
    end = { emotion, at: points.at(-1)[1] };
  }
  return end;
}

function unbroken(windows, value) {
  const parts = [];
  let open = false;
  for (const window of windows) {
    if (value(window) === null) {
      open = false;
    } else if (open) {
      parts.at(-1).push(window);
    } else {
      parts.push([window]);
      open = true;
    }
  }
  return parts;
}

function spread(labels) {
  labels.sort((one, other) => one.at - other.at);
  labels.forEach((label, i) => {
    if (i) label.at = Math.max(label.at, labels[i - 1].at + 15);
  });
  return labels;
}

function track(svg, call, party, { x, y, right, from, ribbon }) {
  const windows = call.windows.filter((window) => window.party === party);
  const talking = call.state === "live" && speaks(windows);
  add(svg, "text", { x: LEFT - 8, y: y + 11, "text-anchor": "end", class: talking ? "name talking" : "name" }, party);
  add(svg, "rect", { x: LEFT, y, width: right - LEFT, height: 14, rx: 3, class: "track" });
  for (const [i, window] of windows.entries()) {
    const middle = (window.start + window.end) / 2;
    const hop = i ? window.end - windows[i - 1].end : 1;
    if (middle <= from || window.speech < 0.05) continue;
    const wide = Math.max(1, x(middle + hop / 2) - x(middle - hop / 2) + 0.3);
    const high = Math.max(2, 14 * Math.min(1, window.speech));
    const bar = add(svg, "rect", { x: x(middle - hop / 2), y: y + (14 - high) / 2, width: wide, height: high, class: "voice" });
    if (ribbon && window.emotion) {
      paint(bar, window.emotion, "fill");
      bar.classList.remove("voice");
    }
  }
}

/** The true emotions of an embedded call's customer up to now; the ribbon above shows the estimated ones. */
function truth(svg, turns, { x, y, right, from, last }) {
  add(svg, "text", { x: LEFT - 8, y: y + 11, "text-anchor": "end", class: "name" }, "truth");
  add(svg, "rect", { x: LEFT, y, width: right - LEFT, height: 14, rx: 3, class: "track" });
  for (const { start, end, emotion } of turns.filter((turn) => turn.end > from && turn.start < last)) {
    const width = x(Math.min(end, last)) - x(start);
    paint(add(svg, "rect", { x: x(start), y, width, height: 14, class: "truth" }), emotion, "fill");
  }
}

/** Whether this party talks now: the last window contains speech, and no less than the one before. */
function speaks(windows) {
  const [before, last] = [windows.at(-2), windows.at(-1)];
  return Boolean(last) && last.speech > 0.15 && last.speech >= (before?.speech ?? 0) - 0.05;
}

function times(svg, { x, from, until, y, step }) {
  for (let time = Math.ceil(from / step) * step; time <= until; time += step) {
    const anchor = time > until - step / 4 ? "end" : "middle";
    add(svg, "text", { x: x(time), y, "text-anchor": anchor }, clock(time));
  }
}

function niceStep(span, pixels) {
  return [5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600].find((step) => (pixels * step) / span >= 56) ?? 7200;
}

/** The chart in words, for screen readers. */
function describe(call, rule, shown) {
  const known = shown.filter((window) => window.level !== null);
  if (!known.length) return `${call.name}: there are no estimates yet.`;
  const share = (window) => `${Math.round(100 * window.level)} percent`;
  const most = known.reduce((one, other) => (other.level > one.level ? other : one));
  return (
    `${call.name}: in the ${shown[0].party}’s voice the level of ${rule.emotion} is ${share(known.at(-1))} at ` +
    `${clock(known.at(-1).end)}, at most ${share(most)} at ${clock(most.end)}; an alert asks for ${Math.round(100 * rule.threshold)} percent and persistence.`
  );
}

export function clock(seconds) {
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const tail = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/** Colours `element` in the style sheet's colour of the emotion, or grey if it has none. */
export function paint(element, emotion, property) {
  element.style[property] = `var(--${CSS.escape(emotion)}, var(--other))`;
  return element;
}

/** Appends an SVG element. */
export function add(parent, name, attributes, text) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (text !== undefined) element.textContent = text;
  return parent.appendChild(element);
}
