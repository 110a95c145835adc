/* The access graph by keyboard and pointer: arrow keys go from box to box along the arrows, and whatever leads to a
   box or follows from it stands out. Without this script every box is a link all the same, and the list says it all. */
"use strict";
(() => {
  const graphOf = (element) => element?.closest?.("svg.graph");
  const boxes = (graph) => [...graph.querySelectorAll("[data-node]")];
  const byKey = (graph, key) => graph.querySelector(`[data-node="${CSS.escape(key)}"]`);
  const ends = (graph, from, to) => [...graph.querySelectorAll(`path[data-${from}]`)].map((path) => [path.dataset[from], path.dataset[to], path]);
  const place = (box) => box.getBoundingClientRect();

  /* One stop for the tab key; the arrows do the rest */
  function only(graph, box) {
    for (const other of boxes(graph)) other.setAttribute("tabindex", other === box ? "0" : "-1");
  }

  /* Everything on the ways to a box and from it */
  function trace(graph, box) {
    const lit = new Set([box.dataset.node]);
    const follow = (from, to) => {
      const edges = ends(graph, from, to);
      const waiting = [box.dataset.node];
      const seen = new Set(waiting);
      while (waiting.length) {
        const key = waiting.pop();
        for (const [source, target, path] of edges) {
          if (source !== key) continue;
          path.classList.add("lit");
          lit.add(target);
          if (!seen.has(target)) { seen.add(target); waiting.push(target); }
        }
      }
    };
    clear(graph);
    follow("from", "to");
    follow("to", "from");
    for (const other of boxes(graph)) other.classList.toggle("lit", lit.has(other.dataset.node));
    graph.classList.add("traced");
  }

  function clear(graph) {
    graph.classList.remove("traced");
    for (const lit of graph.querySelectorAll(".lit")) lit.classList.remove("lit");
  }

  /* To the nearest box along an arrow, or above and below in the same column */
  function beside(graph, box, key) {
    const here = place(box);
    if (key === "ArrowRight" || key === "ArrowLeft") {
      const [from, to] = key === "ArrowRight" ? ["from", "to"] : ["to", "from"];
      const next = ends(graph, from, to).filter(([source]) => source === box.dataset.node).map(([, target]) => byKey(graph, target)).filter(Boolean);
      return next.sort((one, other) => Math.abs(place(one).top - here.top) - Math.abs(place(other).top - here.top))[0];
    }
    const column = boxes(graph).filter((other) => Math.abs(place(other).left - here.left) < 4).sort((one, other) => place(one).top - place(other).top);
    return column[column.indexOf(box) + (key === "ArrowDown" ? 1 : -1)];
  }

  document.addEventListener("keydown", (event) => {
    const graph = graphOf(event.target);
    const box = event.target.closest?.("[data-node]");
    if (!graph || !box || event.altKey || event.ctrlKey || event.metaKey) return;
    let next = null;
    if (event.key.startsWith("Arrow")) next = beside(graph, box, event.key);
    else if (event.key === "Home") next = boxes(graph)[0];
    else if (event.key === "Escape") return clear(graph);
    else return;
    event.preventDefault();
    if (!next) return;
    only(graph, next);
    next.focus();
    next.scrollIntoView({ block: "nearest", inline: "nearest" });
  });

  document.addEventListener("focusin", (event) => {
    const box = event.target.closest?.("svg.graph [data-node]");
    if (box) { only(graphOf(box), box); trace(graphOf(box), box); }
  });
  document.addEventListener("focusout", (event) => {
    const graph = graphOf(event.target);
    if (graph && graphOf(event.relatedTarget) !== graph) clear(graph);
  });
  document.addEventListener("pointerover", (event) => {
    const box = event.target.closest?.("svg.graph [data-node]");
    if (box) trace(graphOf(box), box);
  });
  document.addEventListener("pointerout", (event) => {
    const graph = graphOf(event.target);
    if (graph && !event.relatedTarget?.closest?.("[data-node]") && !graph.contains(document.activeElement)) clear(graph);
  });

  function begin() {
    for (const graph of document.querySelectorAll("svg.graph")) only(graph, boxes(graph)[0]);
  }
  document.addEventListener("htmx:afterSettle", begin);
  begin();
})();
