/* "/" leads to the search box, and an address holds only what was said. Both are help: lists work without. */
"use strict";
(() => {
  const OFF = "portal.keys.off";

  function isTyping(target) {
    if (target.isContentEditable || target.matches("select, textarea")) return true;
    return target.matches("input") && !["checkbox", "radio", "button", "submit"].includes(target.type);
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]") || localStorage.getItem(OFF)) return;
    const boxes = [...document.querySelectorAll("[data-seek]")];
    if (!boxes.length) return;
    event.preventDefault();
    /* On a narrow page the box stands in the menu */
    const box = boxes.find((one) => one.checkVisibility()) || boxes[boxes.length - 1];
    const menu = box.closest("details");
    if (menu) menu.open = true;
    box.focus();
    box.select();
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "get" || !form.matches(".filters, .seek")) return;
    for (const control of form.elements) {
      if (control.name && !control.value) {
        control.disabled = true;
        control.dataset.unsaid = "1";
      }
    }
  });
  addEventListener("pageshow", () => {
    for (const control of document.querySelectorAll("[data-unsaid]")) {
      control.disabled = false;
      delete control.dataset.unsaid;
    }
  });
})();
