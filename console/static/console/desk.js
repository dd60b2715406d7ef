// 值班台: selection, preview, keys, ticking, and news that never moves the list.
"use strict";
{
  const caifeng = window.caifeng;
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  const feed = one("#feed");
  const peek = one("#peek");
  const rows = () => all(".row", feed);
  let selected = null;
  let shown = null; // number the preview shows
  let loading = null;

  function select(row, { scroll = true, load = true } = {}) {
    if (!row) return;
    for (const other of all(".row-sel", feed)) { other.classList.remove("row-sel"); other.removeAttribute("aria-current"); }
    row.classList.add("row-sel");
    row.setAttribute("aria-current", "true");
    selected = row;
    if (scroll) row.scrollIntoView({ block: "nearest" });
    if (load) preview(row);
  }

  let timer = 0;
  function preview(row) {
    clearTimeout(timer);
    if (getComputedStyle(peek).display === "none" || row.dataset.number === shown) return Promise.resolve();
    loading = new Promise((done) => {
      timer = setTimeout(async () => {
        await htmx.ajax("GET", `${row.dataset.url}peek`, { target: "#peek", swap: "innerHTML" });
        shown = row.dataset.number;
        read(row);
        done();
      }, 60);
    });
    return loading;
  }
  function read(row) {
    row.classList.remove("row-new");
    one(".unread", row)?.remove();
    one(".tag-new", row)?.remove();
  }

  const first = rows()[0];
  if (first) { select(first, { scroll: false, load: false }); shown = first.dataset.number; }

  feed.addEventListener("click", (event) => {
    const row = event.target.closest(".row");
    if (!row || event.target.closest(".box")) return;
    const wide = getComputedStyle(peek).display !== "none";
    if (wide && !event.ctrlKey && !event.metaKey && event.button === 0 && event.detail < 2) {
      event.preventDefault();
      select(row, { scroll: false });
    }
  });
  feed.addEventListener("dblclick", (event) => {
    const row = event.target.closest(".row");
    if (row) location.href = row.dataset.url;
  });
  feed.addEventListener("focusin", (event) => {
    const row = event.target.closest(".row");
    if (row && event.target.matches("a")) select(row, { scroll: false });
  });

  function step(by) {
    const list = rows();
    const at = list.indexOf(selected);
    const next = list[Math.max(0, Math.min(list.length - 1, at + by))];
    select(next);
    if (next && document.activeElement?.closest?.(".row")) one("h3 a", next).focus({ preventScroll: true });
    if (at + by >= list.length - 5) one(".more", feed)?.scrollIntoView({ block: "nearest" });
  }

  async function act(key) {
    if (!selected) return;
    if (shown !== selected.dataset.number) await preview(selected);
    caifeng.press(key, peek);
  }

  document.addEventListener("keydown", (event) => {
    if (caifeng.typing(event) || one("dialog[open]")) return;
    const key = event.key.toLowerCase();
    const run = {
      j: () => step(1), k: () => step(-1), arrowdown: () => step(1), arrowup: () => step(-1),
      enter: () => { if (selected && !event.target.closest("a, button, summary")) location.href = selected.dataset.url; else return false; },
      x: () => { const box = selected && one(".box", selected); if (box) { box.checked = !box.checked; ticked(); } },
      v: showNew,
      a: () => act("A"), g: () => act("G"), r: () => act("R"), h: () => act("H"), p: () => act("P"), e: () => act("E"), n: () => act("N"),
    }[key];
    if (run && run() !== false) event.preventDefault();
  });

  // ---- rows after an action or an event: renewed where they stand
  async function renew(id, url) {
    const row = one(`#row-${id}`);
    if (!row) return;
    const answer = await fetch(url, { headers: { "X-Fragment": "1" } });
    const there = one(`#row-${id}`);
    if (!there) return;
    if (!answer.ok) { there.classList.add("row-done"); return; }
    const holder = document.createElement("template");
    holder.innerHTML = await answer.text();
    const fresh = holder.content.querySelector(".row");
    fresh.classList.toggle("row-sel", there === selected);
    if (there === selected) { fresh.setAttribute("aria-current", "true"); selected = fresh; }
    one(".box", fresh).checked = one(".box", there)?.checked || false;
    const focused = there.contains(document.activeElement);
    there.replaceWith(fresh);
    if (focused) one("h3 a", fresh).focus({ preventScroll: true });
    caifeng.tick();
  }

  peek.addEventListener("htmx:afterSwap", () => {
    const acted = one("[data-acted]", peek);
    if (acted) renew(acted.dataset.acted, acted.dataset.rowUrl);
  });

  // ---- news
  const news = new Set();
  const pend = one("[data-pending]");
  function showPending() {
    pend.hidden = !news.size;
    one("[data-pending-text]").textContent = `新到 ${news.size} 条，未插入列表`;
  }
  function showNew() {
    if (!news.size) return false;
    location.reload();
    return true;
  }
  pend.addEventListener("click", showNew);

  let tabsTimer = 0;
  function renewTabs() {
    clearTimeout(tabsTimer);
    tabsTimer = setTimeout(async () => {
      const tabs = one("#tabs");
      const answer = await fetch(tabs.dataset.url, { headers: { "X-Fragment": "1" } });
      if (answer.ok) {
        const holder = document.createElement("template");
        holder.innerHTML = await answer.text();
        tabs.replaceWith(holder.content.querySelector("#tabs"));
      }
    }, 400 + Math.random() * 600);
  }

  const dirty = new Map();
  let dirtyTimer = 0;
  document.addEventListener("caifeng:alert", ({ detail }) => {
    const row = one(`#row-${detail.alert}`);
    if (!row && detail.kind === "open") { news.add(detail.alert); showPending(); }
    if (row) dirty.set(detail.alert, `/alerts/${encodeURIComponent(detail.number)}/row`);
    clearTimeout(dirtyTimer);
    dirtyTimer = setTimeout(() => {
      for (const [id, url] of dirty) renew(id, url);
      dirty.clear();
    }, 50);
    if (detail.number === shown && detail.actor !== document.body.dataset.login && !one("#act-form form", peek)) {
      shown = null;
      if (selected?.dataset.number === detail.number) preview(selected);
    }
    renewTabs();
  });
  document.addEventListener("caifeng:missed", () => {
    caifeng.banner("missed", "离线时间较长，列表可能不全。", { label: "重新载入", run: () => location.reload() });
  });

  // ---- ticking
  const bulk = one("#bulk");
  const bulkForm = one("#bulk-form");
  const boxes = () => all(".box:checked", feed);
  function ticked() {
    const count = boxes().length;
    bulk.hidden = !count;
    for (const place of all("[data-ticked]")) place.textContent = count;
    if (!count && !one("[data-bulk-done]", bulkForm)) bulkForm.replaceChildren();
  }
  feed.addEventListener("change", (event) => { if (event.target.matches(".box")) ticked(); });
  one("[data-untick]").addEventListener("click", () => { for (const box of boxes()) box.checked = false; ticked(); });
  bulk.addEventListener("click", async (event) => {
    const action = event.target.closest("[data-bulk]")?.dataset.bulk;
    if (!action) return;
    await htmx.ajax("GET", `/alerts/act/${action}`, { target: "#bulk-form", swap: "innerHTML" });
    ticked();
    one("textarea, select, button", bulkForm)?.focus();
  });
  bulkForm.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.verb === "post") event.detail.parameters.alert = boxes().map((box) => box.value);
  });
  bulkForm.addEventListener("htmx:afterSwap", () => {
    const done = one("[data-bulk-done]", bulkForm);
    if (!done) return;
    caifeng.say(one("b", done).textContent);
    for (const place of all("[data-acted-number]", done)) {
      const row = one(`.row[data-number="${CSS.escape(place.dataset.actedNumber)}"]`, feed);
      if (row) { one(".box", row).checked = false; renew(row.dataset.alert, `${row.dataset.url}row`); }
    }
    ticked();
    renewTabs();
  });
  bulkForm.addEventListener("click", (event) => {
    if (event.target.closest("[data-cancel-bulk]")) bulkForm.replaceChildren();
  });
  feed.addEventListener("htmx:afterSettle", () => { const loaded = one("[data-loaded]"); if (loaded) loaded.textContent = rows().length; });
}
