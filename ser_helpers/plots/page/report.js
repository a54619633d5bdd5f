"use strict";
// Players, curves and sentences of a report. Every section has one player; sections without a recording have none.

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];  // seconds between ticks
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const [INK, LINE, BAND] = ["#222", "#ddd", "#0000001c"];  // on white, as the figures

function player(section) {
  const audio = section.querySelector("audio");
  let stop = Infinity;
  if (audio) {
    audio.addEventListener("error", () => { section.querySelector(".missing").hidden = false; });
    audio.addEventListener("timeupdate", () => { if (audio.currentTime >= stop) { audio.pause(); stop = Infinity; } });
  }
  return {
    audio,
    play(start, end = Infinity) {
      if (!audio) return;
      for (const other of document.querySelectorAll("audio")) if (other !== audio) other.pause();
      stop = end;
      audio.currentTime = start;
      audio.play().catch(() => {});  // the error event says why
    },
  };
}

function chart(box, curves, seconds, bands, { audio, play }) {
  const axis = { stroke: INK, grid: { stroke: LINE, width: 1 }, ticks: { show: false } };
  const value = (_, number) => (number === null || number === undefined ? "–" : number.toFixed(2));
  const size = () => ({ width: box.clientWidth, height: 240 });
  const drawBands = (plot) => {
    const { ctx, bbox } = plot;
    const at = (time) => Math.min(Math.max(plot.valToPos(time, "x", true), bbox.left), bbox.left + bbox.width);
    ctx.save();
    ctx.fillStyle = BAND;
    for (const [start, end] of bands) ctx.fillRect(at(start), bbox.top, at(end) - at(start), bbox.height);
    if (audio && audio.currentTime > 0) {
      ctx.fillStyle = INK;
      ctx.fillRect(at(audio.currentTime), bbox.top, 2, bbox.height);
    }
    ctx.restore();
  };
  const plot = new uPlot({
    ...size(),
    cursor: { drag: { x: true, y: false, dist: 8 }, y: false },
    scales: { x: { time: false, range: (_, from, to) => (from === to ? [0, seconds] : [from, to]) },
      y: { range: curves.range } },
    axes: [{ ...axis, incrs: STEPS, values: (_, times) => times.map(clock) }, { ...axis, size: 44 }],
    series: [{ label: "time", value: (_, time) => (time === null ? "–" : clock(time)) },
      ...curves.names.map((label, k) => ({ label, stroke: curves.colours[k], width: 2, value, spanGaps: false }))],
    hooks: { drawAxes: [drawBands] },
  }, [curves.times, ...curves.values], box);
  plot.over.addEventListener("click", () => play(plot.posToVal(plot.cursor.left, "x")));
  if (audio) audio.addEventListener("timeupdate", () => plot.redraw(false));
  new ResizeObserver(() => plot.setSize(size())).observe(box);
}

const data = JSON.parse(document.getElementById("data").textContent);
for (const section of document.querySelectorAll("section[data-recording]")) {
  const recording = data[Number(section.dataset.recording)];
  const sound = player(section);
  for (const box of section.querySelectorAll(".chart")) {
    chart(box, recording[box.dataset.curves], recording.seconds, recording.bands, sound);
  }
  section.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-start]");
    if (button) sound.play(Number(button.dataset.start), button.dataset.end ? Number(button.dataset.end) : Infinity);
  });
}
