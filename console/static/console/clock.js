// Countdowns by the server's time; words and thresholds as in console/clocks.py.
"use strict";
window.caifeng = window.caifeng || {};
{
  const SOON = 30 * 60;
  let offset = Number(document.body.dataset.now) * 1000 - Date.now();

  const pad = (number) => String(number).padStart(2, "0");

  function span(seconds) {
    if (seconds < 600) {
      const minutes = Math.floor(seconds / 60);
      return minutes ? `${minutes}分${pad(seconds % 60)}秒` : `${seconds}秒`;
    }
    if (seconds < 3600) return `${Math.floor(seconds / 60)}分`;
    if (seconds < 86400) return `${Math.floor(seconds / 3600)}时${pad(Math.floor((seconds % 3600) / 60))}分`;
    return `${Math.floor(seconds / 86400)}天${Math.floor((seconds % 86400) / 3600)}时`;
  }

  const late = (seconds) => (seconds < 60 ? "刚超时" : `超时 ${seconds < 600 ? `${Math.floor(seconds / 60)}分` : span(seconds)}`);

  function tone(element, name) {
    element.classList.toggle("left-soon", name === "soon");
    element.classList.toggle("left-over", name === "over");
    const sign = element.querySelector("i");
    if (name && !sign) {
      const made = document.createElement("i");
      made.setAttribute("aria-hidden", "true");
      made.textContent = "!";
      element.prepend(made);
    } else if (!name && sign) sign.remove();
  }

  function show(element, now) {
    const due = Number(element.dataset.due);
    const rest = Math.floor(due - now);
    const over = now > due;
    tone(element, over ? "over" : rest <= SOON ? "soon" : "");
    const words = over ? late(Math.floor(now - due)) : `剩 ${span(rest)}`;
    const target = element.querySelector("span") || element;
    if (!("fixed" in element.dataset && !over) && target.textContent !== words) target.textContent = words;
    const bar = element.parentElement.querySelector("svg.bar") || element.closest(".running")?.querySelector("svg.bar");
    if (bar) {
      const from = Number(element.dataset.from);
      const share = over ? 100 : Math.max(0, Math.min(100, (100 * (now - from)) / Math.max(1, due - from)));
      bar.firstElementChild.setAttribute("width", share.toFixed(1));
      bar.classList.toggle("bar-soon", !over && rest <= SOON);
      bar.classList.toggle("bar-over", over);
    }
  }

  const WEEK = "日一二三四五六";
  function tick() {
    const now = (Date.now() + offset) / 1000;
    for (const element of document.querySelectorAll("[data-due]")) {
      if (element.dataset.due) show(element, now);
    }
    const here = new Date(now * 1000 + 8 * 3600 * 1000); // Asia/Shanghai, whatever the computer is set to
    for (const element of document.querySelectorAll("[data-clock]")) {
      element.textContent = `${pad(here.getUTCHours())}:${pad(here.getUTCMinutes())}:${pad(here.getUTCSeconds())}`;
    }
    for (const element of document.querySelectorAll("[data-today]")) {
      element.textContent = `${here.getUTCMonth() + 1}月${here.getUTCDate()}日 周${WEEK[here.getUTCDay()]}`;
    }
  }

  window.caifeng.serverNow = () => Date.now() + offset;
  window.caifeng.setServerTime = (milliseconds) => { offset = milliseconds - Date.now(); };
  window.caifeng.tick = tick;
  setInterval(tick, 1000);
  document.addEventListener("htmx:afterSwap", tick);
}
