/* The review by keyboard: j k move, 1 2 3 decide, e evidence, u undo, s to the sign-off, ? help. Single keys
   can be turned off. */
"use strict";
(() => {
  const OFF = "portal.keys.off";
  const rows = () => [...document.querySelectorAll("tr[data-item]")];
  let currentId = "";

  function current() {
    const focused = document.activeElement?.closest("tr[data-item]");
    return focused || document.getElementById(currentId) || null;
  }

  function mark(row) {
    for (const other of document.querySelectorAll("tr[data-item].current")) other.classList.remove("current");
    row.classList.add("current");
    currentId = row.id;
  }

  function go(step) {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(current());
    const next = all[at < 0 ? 0 : Math.min(Math.max(at + step, 0), all.length - 1)];
    next.setAttribute("tabindex", "-1");
    next.focus();
    next.scrollIntoView({ block: "nearest" });
    mark(next);
  }

  /* The button may stand in the row itself or in a row that belongs to it (evidence, a form for the reason) */
  function press(key) {
    const row = current();
    if (!row) return go(0);
    let button = row.querySelector(`[data-key="${key}"]`);
    for (let next = row.nextElementSibling; !button && next && !next.matches("[data-item]"); next = next.nextElementSibling) {
      button = next.querySelector(`[data-key="${key}"]`);
    }
    if (button && !button.disabled) button.click();
  }

  function isTyping(target) {
    if (target.isContentEditable || target.matches("select, textarea")) return true;
    return target.matches("input") && !["checkbox", "radio", "button", "submit"].includes(target.type);
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.repeat && !"jk".includes(event.key)) return;
    if (document.querySelector("dialog[open]")) return;
    if (isTyping(event.target)) {
      /* Out of a field, back to its line, where the single keys count again */
      if (event.key === "Escape") event.target.closest("tr[data-item]")?.focus();
      return;
    }
    const help = document.getElementById("keys");
    if (event.key === "?" && help) {
      event.preventDefault();
      return help.showModal();
    }
    if (localStorage.getItem(OFF)) return;
    if (event.key === "j" || event.key === "k") go(event.key === "j" ? 1 : -1);
    else if ("123eu".includes(event.key)) press(event.key);
    else if (event.key === "s" && document.querySelector(".standing a")) document.querySelector(".standing a").focus();
    else return;
    event.preventDefault();
  });

  document.addEventListener("focusin", (event) => {
    const row = event.target.closest("tr[data-item]");
    if (row) mark(row);
  });

  /* A row that the server drew again is the same row */
  document.addEventListener("htmx:afterSettle", () => {
    const row = document.getElementById(currentId);
    if (row?.matches("tr[data-item]")) mark(row);
  });

  for (const toggle of document.querySelectorAll("[data-shortcuts]")) {
    toggle.checked = !localStorage.getItem(OFF);
    toggle.addEventListener("change", () => {
      if (toggle.checked) localStorage.removeItem(OFF);
      else localStorage.setItem(OFF, "1");
    });
  }
})();
