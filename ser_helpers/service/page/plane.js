// The plane of emotions: valence across, arousal up, and a trail of a call's last windows that fades into the past.

import { add, clock } from "./chart.js";

const TRAIL = 15; // windows
const SIDE = 150; // of the plane, and the margins for its labels
const [LEFT, TOP, BOTTOM] = [34, 8, 34];
const WORDS = [["gloomy", "relaxed"], ["tense", "excited"]]; // of the quadrants: low and high arousal, low and high valence

/** Draws the last windows of `call` whose emotion is inferred into `svg`; returns the values of the last one as text. */
export function drawPlane(svg, call) {
  const trail = call.windows.filter((window) => window.dimensions).slice(-TRAIL);
  const x = (valence) => LEFT + ((1 + valence) / 2) * SIDE;
  const y = (arousal) => TOP + ((1 - arousal) / 2) * SIDE;
  svg.replaceChildren();
  add(svg, "rect", { x: LEFT, y: TOP, width: SIDE, height: SIDE, rx: 6, class: "track" });
  add(svg, "line", { x1: x(0), x2: x(0), y1: y(-1), y2: y(1), class: "cross" });
  add(svg, "line", { x1: x(-1), x2: x(1), y1: y(0), y2: y(0), class: "cross" });
  for (const [high, row] of WORDS.entries()) {
    for (const [right, word] of row.entries()) {
      const anchor = right ? "end" : "start";
      add(svg, "text", { x: right ? x(1) - 7 : x(-1) + 7, y: high ? y(1) + 16 : y(-1) - 8, "text-anchor": anchor, class: "quadrant" }, word);
    }
  }
  for (const value of [-1, 0, 1]) {
    add(svg, "text", { x: x(value), y: y(-1) + 14, "text-anchor": value < 0 ? "start" : value ? "end" : "middle" }, signed(value, 0));
    add(svg, "text", { x: LEFT - 6, y: y(value) + (value < 0 ? 0 : value ? 9 : 4), "text-anchor": "end" }, signed(value, 0));
  }
  add(svg, "text", { x: x(0), y: y(-1) + 29, "text-anchor": "middle", class: "axis" }, "valence →");
  add(svg, "text", { transform: `translate(11 ${y(0)}) rotate(-90)`, "text-anchor": "middle", class: "axis" }, "arousal →");
  trail.forEach(({ dimensions, end }, i) => {
    const [cx, cy] = [x(dimensions.valence), y(dimensions.arousal)];
    const opacity = ((i + 1) / trail.length) ** 1.5;
    const before = trail[i - 1];
    if (before && end - before.end < 2) {
      add(svg, "line", { x1: x(before.dimensions.valence), y1: y(before.dimensions.arousal), x2: cx, y2: cy, class: "trail", opacity });
    }
    const newest = i === trail.length - 1;
    add(svg, "circle", { cx, cy, r: newest ? 6.5 : 3, class: newest ? "place" : "past", opacity: newest ? 1 : opacity });
  });
  svg.setAttribute("viewBox", `0 0 ${LEFT + SIDE + 4} ${TOP + SIDE + BOTTOM}`);
  svg.setAttribute("role", "img");
  const values = Object.entries(trail.at(-1)?.dimensions ?? {}).map(([name, value]) => `${name} ${signed(value)}`);
  svg.setAttribute("aria-label", `${call.name}: the plane of emotions. ${describe(trail, values)}`);
  return values.map((value) => value.replace(" ", "\u00a0")).join(", ") || "No values yet";
}

/** Where the last window lies, and from where the trail came, for screen readers. */
function describe(trail, values) {
  if (!trail.length) return "There are no values yet.";
  const [first, last] = [trail[0], trail.at(-1)];
  const now = `At ${clock(last.end)}: ${values.join(", ")} (${quadrant(last)}).`;
  return trail.length > 1 ? `${now} At ${clock(first.end)} it was ${quadrant(first)}.` : now;
}

const quadrant = ({ dimensions: { valence, arousal } }) => WORDS[Number(arousal >= 0)][Number(valence >= 0)];

/** A number with a true minus sign, and a plus before positive ones. */
export function signed(value, digits = 2) {
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? text : `${value < 0 ? "−" : "+"}${text}`;
}
