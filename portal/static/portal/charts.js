// Draws each .chart from the table of the same name: a column whose head names a tone in data-series is a series, its
// cells carry data-value. The table stays: it is what screen readers, printers and doubters read.
"use strict";
(() => {
  const FACES = [[], [6, 3], [2, 3]]; // told apart without colour

  const read = (table) => {
    const heads = [...table.tHead.rows[0].cells];
    const columns = heads.flatMap((head, at) => ("series" in head.dataset ? [at] : []));
    const rows = [...table.tBodies[0].rows];
    return {
      labels: rows.map((row) => row.cells[0].firstChild.textContent.trim()),
      names: columns.map((at) => heads[at].textContent.trim()),
      tones: columns.map((at) => `--${heads[at].dataset.series}`),
      values: columns.map((at) => rows.map((row) => Number(row.cells[at].dataset.value))),
    };
  };

  const stacked = (values) => {
    const sums = values[0].map(() => 0);
    return values.map((series) => series.map((value, at) => (sums[at] += value)));
  };

  const draw = (figure) => {
    const table = document.getElementById(figure.dataset.chart);
    const { labels, names, tones, values } = read(table);
    if (!labels.length) return;
    // A canvas wants a colour, and the theme's names stand for two: an element is asked what it came to.
    const tone = (name, strength = 100) => {
      figure.style.color = `color-mix(in srgb, var(${name}) ${strength}%, var(--sheet))`;
      const found = getComputedStyle(figure).color;
      figure.style.color = "";
      return found;
    };
    const width = Math.max(260, figure.parentElement.clientWidth - 32); // the figure itself is empty, and hidden
    const bars = uPlot.paths.bars({ size: [0.6, 64] });
    const room = Math.floor((width - 90) / labels.length / 7.5); // letters below one bar
    // Where a bar is narrow the end of its name tells more: quarters begin alike.
    const cut = (text) => (room < 7 ? text.slice(-Math.max(2, room - 1)) : `${text.slice(0, room - 1)}\u2026`);
    const short = (text) => (text.length > room ? cut(text) : text);
    const axis = { stroke: tone("--ink-2"), grid: { stroke: tone("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
    const sums = stacked(values);
    new uPlot(
      {
        width,
        height: 220,
        cursor: { show: false },
        legend: { live: false },
        scales: { x: { time: false, range: [-0.6, labels.length - 0.4] }, y: { range: (_plot, _low, high) => [0, high || 1] } },
        axes: [
          { ...axis, grid: { show: false }, splits: () => labels.map((_label, at) => at), values: () => labels.map(room < 7 && labels.length > 6 ? (_l, at) => String(at + 1) : short) },
          { ...axis, size: 74, values: (_plot, ticks) => ticks.map((tick) => `${tick.toLocaleString()} h`) },
        ],
        // The highest sum is drawn first, so that the lower ones lie over it.
        series: [{}, ...names.map((label, at) => ({ label, stroke: tone(tones[at]), fill: tone(tones[at], 40), dash: FACES[at], width: 1.5, paths: bars, points: { show: false } })).reverse()],
      },
      [labels.map((_label, at) => at), ...sums.slice().reverse()],
      figure,
    );
    figure.setAttribute("role", "img");
    figure.setAttribute("aria-label", `${figure.dataset.chartLabel}. ${table.getAttribute("aria-label") || ""}`.trim());
  };

  const all = () => document.querySelectorAll(".chart").forEach((figure) => { figure.replaceChildren(); draw(figure); });
  if (typeof uPlot === "function") {
    all();
    let waiting;
    window.addEventListener("resize", () => { clearTimeout(waiting); waiting = setTimeout(all, 150); });
  }
})();
