/* What every page needs. All of it is help: each page works without a script as well. */
"use strict";
(() => {
  const root = document.documentElement;
  root.classList.add("scripted");
  const words = document.getElementById("words").dataset;
  /* Two places that screen readers watch: one waits for a pause, one does not */
  const [told, warned] = [document.getElementById("told"), document.getElementById("warned")];

  /* Saying something without moving anybody's focus. Text only: nothing from a response becomes markup. */
  function say(text, { tone = "info", title = "", request = "", again = false } = {}) {
    const toast = document.createElement("div");
    toast.className = `toast ${tone}`;
    const add = (tag, content) => {
      const element = document.createElement(tag);
      element.textContent = content;
      toast.append(element);
      return element;
    };
    if (title) add("p", "").append(Object.assign(document.createElement("strong"), { textContent: title }));
    if (text) add("p", text);
    if (request) add("small", `${words.request} ${request}`);
    if (again) {
      const link = add("a", words.again);
      link.href = location.href;
    }
    const close = add("button", "×");
    close.type = "button";
    close.className = "button quiet small";
    close.setAttribute("aria-label", words.close);
    close.addEventListener("click", () => toast.remove());
    const place = tone === "bad" ? warned : told;
    place.append(toast);
    while (place.children.length > 3) place.firstElementChild.remove();
    /* What went wrong stays until it is closed; a confirmation leaves, unless somebody is reading it. */
    if (tone !== "bad") {
      const leave = () => (toast.matches(":hover, :focus-within") ? setTimeout(leave, 2000) : toast.remove());
      setTimeout(leave, 8000);
    }
  }

  /* htmx: say in words what did not work, with what to do, and leave the page as it was */
  function explain(xhr) {
    const request = xhr.getResponseHeader("X-Request-ID") || "";
    const type = xhr.getResponseHeader("Content-Type") || "";
    if (xhr.status === 401) return say(words.gone, { tone: "bad", request });
    let title = "";
    let text = words.wrong;
    if (type.startsWith("text/html")) {
      const answer = new DOMParser().parseFromString(xhr.responseText, "text/html");
      if (!answer.querySelector(".frame, .door")) {
        title = answer.querySelector("strong")?.textContent.trim() || "";
        const said = [...answer.querySelectorAll("div p, div li")].map((part) => part.textContent.trim());
        text = said.filter(Boolean).join(" ") || text;
      }
    }
    say(text, { tone: "bad", title, request, again: xhr.status === 409 });
  }
  document.addEventListener("htmx:responseError", (event) => explain(event.detail.xhr));
  document.addEventListener("htmx:sendError", () => say(words.offline, { tone: "bad" }));
  document.addEventListener("htmx:timeout", () => say(words.slow, { tone: "bad" }));
  document.addEventListener("portal:say", (event) => {
    for (const message of event.detail.messages || []) say(message.text, { tone: message.tone });
  });

  /* A whole page where a part was asked for: the sign-in ended, or the server led elsewhere */
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, boosted, requestConfig } = event.detail;
    if (boosted || requestConfig?.boosted || xhr.status >= 400 || !/^\s*<!doctype/i.test(xhr.responseText)) return;
    event.detail.shouldSwap = false;
    const there = new URL(xhr.responseURL || location.href, location.href);
    if (words.login && there.pathname === words.login) say(words.gone, { tone: "bad" });
    else location.assign(there);
  });

  /* Focus: never lost with the thing that held it */
  let held = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const active = document.activeElement;
    const target = event.detail.target;
    held = target && active && active !== document.body && target.contains(active)
      ? { id: active.id, name: active.name, value: active.value, row: active.closest("[id]")?.id, target: target.id }
      : null;
  });
  document.addEventListener("htmx:afterSettle", (event) => {
    const fresh = event.detail.elt;
    const wanted = fresh.matches?.("[data-focus]") ? fresh : fresh.querySelector?.("[data-focus]");
    if (wanted) return wanted.focus();
    if (!held || (document.activeElement && document.activeElement !== document.body)) return;
    const byId = (id) => (id ? document.getElementById(id) : null);
    const place = byId(held.row) || byId(held.target);
    const again = byId(held.id)
      || (held.name && place?.querySelector(`[name="${CSS.escape(held.name)}"][value="${CSS.escape(held.value || "")}"]`))
      || place;
    held = null;
    if (!again) return;
    if (again.tabIndex < 0 && !again.hasAttribute("tabindex")) again.setAttribute("tabindex", "-1");
    again.focus({ preventScroll: true });
  });
  const first = document.querySelector("[data-focus]");
  if (first) first.focus();

  /* A list walked by arrow keys waits until it is left or confirmed: else each step would be sent, and of a
     reason each would be a decision. What is picked from the open list goes at once. */
  const WAITS = "[data-autosubmit] select, select[data-waits]";
  const WALKS = /^(Arrow|Home|End|Page|\S$)/;
  document.addEventListener("keydown", (event) => {
    const control = event.target;
    if (!control.matches?.(WAITS)) return;
    if (event.key === "Enter") settle(control);
    else if (event.key === "Escape" && control.dataset.changed) {
      for (const option of control.options) option.selected = option.defaultSelected;
      delete control.dataset.changed;
    }
    else if (!event.altKey && WALKS.test(event.key)) control.dataset.keyed = "1";
  });
  document.addEventListener("change", (event) => {
    const control = event.target;
    if (!control.dataset?.keyed) return;
    event.stopPropagation();
    control.dataset.changed = "1";
  }, true);
  document.addEventListener("pointerdown", (event) => { if (event.target.dataset) delete event.target.dataset.keyed; });
  document.addEventListener("focusout", (event) => settle(event.target));
  function settle(control) {
    const { keyed, changed } = control.dataset || {};
    if (!keyed) return;
    delete control.dataset.keyed;
    delete control.dataset.changed;
    if (changed) control.dispatchEvent(new Event("change", { bubbles: true }));
  }

  /* Filters go at once, and the focus comes back to what was changed */
  const KEPT = "portal.filter";
  document.addEventListener("change", (event) => {
    const control = event.target;
    const form = control.form;
    if (!form?.matches("[data-autosubmit]") || control.matches("[type=search], [type=text]")) return;
    if (control.id) sessionStorage.setItem(KEPT, control.id);
    form.requestSubmit();
  });
  const kept = sessionStorage.getItem(KEPT);
  if (kept) {
    sessionStorage.removeItem(KEPT);
    document.getElementById(kept)?.focus({ preventScroll: true });
  }

  /* A form is sent once, however often its button is pressed */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || [...form.attributes].some((a) => /^(data-)?hx-(post|put|patch|delete)$/.test(a.name))) return;
    if (form.dataset.sent) event.preventDefault();
    else form.dataset.sent = "1";
  });
  addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));

  /* Uploads tell how far they are */
  document.addEventListener("htmx:xhr:progress", (event) => {
    const bar = event.target.querySelector?.("progress[data-upload]");
    if (!bar || !event.detail.lengthComputable) return;
    bar.hidden = false;
    bar.max = event.detail.total;
    bar.value = event.detail.loaded;
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens)?.showModal();
    const copier = event.target.closest("[data-copies]");
    if (copier) {
      const source = document.getElementById(copier.dataset.copies);
      navigator.clipboard?.writeText(source.value ?? source.textContent).then(() => say(words.copied, { tone: "good" }));
    }
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
  });

  /* Light, dark, or as the system has it: kept in a cookie, so that the next page is drawn right at once */
  function paint() {
    for (const button of document.querySelectorAll("[data-theme-choice]")) {
      button.setAttribute("aria-pressed", String(button.dataset.themeChoice === (root.dataset.theme || "")));
    }
  }
  for (const group of document.querySelectorAll("[data-themes]")) {
    group.hidden = false;
    group.addEventListener("click", (event) => {
      const choice = event.target.closest("[data-theme-choice]")?.dataset.themeChoice;
      if (choice === undefined) return;
      if (choice) root.dataset.theme = choice;
      else delete root.dataset.theme;
      const secure = location.protocol === "https:" ? "; secure" : "";
      document.cookie = `theme=${choice}; path=/; max-age=${choice ? 31536000 : 0}; samesite=lax${secure}`;
      paint();
    });
  }
  paint();
})();
