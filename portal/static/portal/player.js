/* Replays of terminal recordings: asciinema-player in each [data-player-src], and a list of commands that leads into it. */
"use strict";
(() => {
  /* The moments of all events of an asciicast (1, 2 or 3) in seconds, and the recording as the player reads it */
  function read(text) {
    const line = text.slice(0, text.indexOf("\n") + 1 || undefined);
    let header;
    try { header = JSON.parse(line); } catch { header = JSON.parse(text); }
    let now = 0;
    /* The player takes a version 1 that stands on one line for a header, so it gets the parsed object */
    if (header.version === 1) return { data: header, times: header.stdout.map(([delay]) => (now += delay)) };
    const events = text.slice(line.length).split("\n").filter((row) => row.startsWith("[")).map((row) => JSON.parse(row)[0]);
    return { data: text, times: header.version === 3 ? events.map((delay) => (now += delay)) : events };
  }

  /* Where a moment of the recording lies once idle time is cut to `limit`: the player counts its marks in that time */
  function squeezed(times, limit) {
    return (wanted) => {
      let before = 0;
      let shown = 0;
      for (const time of times) {
        if (time >= wanted) break;
        shown += Math.min(time - before, limit);
        before = time;
      }
      return shown + Math.min(wanted - before, limit);
    };
  }

  async function mount(place) {
    if (!window.AsciinemaPlayer || place.dataset.playerMounted) return;
    place.dataset.playerMounted = "1";
    const { playerSrc, playerIdle, playerMarks, playerStart } = place.dataset;
    const limit = playerIdle ? Number(playerIdle) : Infinity;
    const marks = playerMarks ? [...document.querySelectorAll(`#${CSS.escape(playerMarks)} [data-at]`)] : [];
    marks.sort((a, b) => Number(a.dataset.at) - Number(b.dataset.at));
    let recording;
    try {
      const answer = await fetch(playerSrc, { credentials: "same-origin" });
      if (!answer.ok) throw new Error(String(answer.status));
      recording = read(await answer.text());
    } catch {
      /* What stands in its place already says where else the session can be read */
      place.dataset.playerFailed = "1";
      return;
    }
    const at = squeezed(recording.times, limit);
    const options = {
      fit: "width",
      preload: true,
      controls: true,
      idleTimeLimit: limit,
      terminalFontFamily: getComputedStyle(place).getPropertyValue("--mono"),
      markers: marks.map((mark) => [at(Number(mark.dataset.at)), mark.dataset.label || mark.textContent.trim().slice(0, 80)]),
    };
    if (playerStart) options.startAt = Number(playerStart);
    place.replaceChildren();
    const player = window.AsciinemaPlayer.create({ data: recording.data, parser: "asciicast" }, place, options);

    function show(index) {
      marks.forEach((mark, position) => {
        if (position === index) mark.setAttribute("aria-current", "true");
        else mark.removeAttribute("aria-current");
      });
    }
    marks.forEach((mark, index) => mark.addEventListener("click", (event) => {
      event.preventDefault();
      player.seek({ marker: index });
      show(index);
    }));
    player.addEventListener("marker", (event) => show(event.index));
  }

  document.querySelectorAll("[data-player-src]").forEach(mount);
  document.addEventListener("htmx:afterSettle", (event) => event.detail.elt.querySelectorAll?.("[data-player-src]").forEach(mount));
})();
