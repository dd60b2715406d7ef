// The frame of every page: the line to the server, sound, mute, drafts, session, theme.
"use strict";
{
  const body = document.body;
  const caifeng = window.caifeng;
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => from.querySelectorAll(selector);
  const LOST_AFTER = 20000;
  const MUTE = 15 * 60 * 1000;
  const csrf = () => one("[name=csrfmiddlewaretoken]")?.value || "";

  caifeng.say = (text) => {
    const place = one("#say");
    if (place) { place.textContent = ""; setTimeout(() => { place.textContent = text; }, 30); }
  };

  // ---- theme
  one("[data-theme-toggle]")?.addEventListener("click", () => {
    const dark = document.documentElement.dataset.theme
      ? document.documentElement.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "light" : "dark";
    localStorage.setItem("caifeng.theme", dark ? "light" : "dark");
  });
  one("[data-more]")?.addEventListener("click", (event) => {
    event.preventDefault();
    const shown = document.documentElement.classList.toggle("rail-open");
    event.currentTarget.setAttribute("aria-expanded", String(shown));
    if (shown) scrollTo(0, 0);
  });

  // ---- sound: unlocked by 上岗, one voice per level, higher is more urgent
  let audio = null;
  let standing = sessionStorage.getItem("caifeng.standing") === "1";
  window.__beeps = 0;
  function beep(frequency, at, length) {
    const tone = audio.createOscillator();
    const volume = audio.createGain();
    tone.frequency.value = frequency;
    volume.gain.setValueAtTime(0.0001, at);
    volume.gain.exponentialRampToValueAtTime(0.25, at + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, at + length);
    tone.connect(volume).connect(audio.destination);
    tone.start(at);
    tone.stop(at + length);
  }
  const TONES = { I: [880, 880, 880], II: [740, 740], III: [587], IV: [440], lost: [330, 247, 330, 247] };
  const mutedUntil = () => Number(localStorage.getItem("caifeng.mute") || 0);
  caifeng.ring = (level) => {
    if (!audio || audio.state !== "running") return false;
    if (Date.now() < mutedUntil() && level !== "lost") return false;
    (TONES[level] || TONES.IV).forEach((frequency, place) => beep(frequency, audio.currentTime + place * 0.28, 0.22));
    window.__beeps += 1;
    return true;
  };
  function unlock() {
    if (!audio && window.AudioContext) audio = new AudioContext();
    return audio ? audio.resume() : Promise.resolve();
  }
  function showSound() {
    const left = mutedUntil() - Date.now();
    const sound = one("[data-sound]");
    if (!sound) return;
    const on = standing && audio && audio.state === "running";
    sound.className = !on || left > 0 ? "warn" : "";
    sound.textContent = !on ? "未开" : left > 0 ? `已静音，剩 ${Math.ceil(left / 60000)}分` : "开";
    const toggle = (selector, shown) => { const found = one(selector); if (found) found.hidden = !shown; };
    toggle("[data-stand]", !on);
    toggle("[data-mute]", on);
    toggle("[data-leave]", on);
    const mute = one("[data-mute]");
    if (mute && on) mute.firstChild.textContent = left > 0 ? "取消静音 " : "静音 15 分钟 ";
  }
  function showNotify() {
    const place = one("[data-notify]");
    if (!place) return;
    const words = !window.isSecureContext ? "不可用：非 HTTPS"
      : !("Notification" in window) ? "浏览器不支持"
        : { granted: "开", denied: "被浏览器禁止", default: "未开" }[Notification.permission];
    place.textContent = words;
    place.classList.toggle("warn", words !== "开");
  }
  async function post(url, fields) {
    return fetch(url, { method: "POST", headers: { "X-CSRFToken": csrf(), "X-Fragment": "1" }, body: new URLSearchParams(fields) });
  }
  async function stand(on) {
    standing = on;
    sessionStorage.setItem("caifeng.standing", on ? "1" : "0");
    if (on) {
      await unlock();
      caifeng.ring("IV");
      if (window.isSecureContext && "Notification" in window && Notification.permission === "default") {
        await Notification.requestPermission();
      }
    } else if (audio) { await audio.close(); audio = null; }
    showSound();
    showNotify();
    post(body.dataset.postUrl, { on: on ? "1" : "0" });
  }
  function mute() {
    localStorage.setItem("caifeng.mute", String(Date.now() < mutedUntil() ? 0 : Date.now() + MUTE));
    showSound();
    caifeng.say(one("[data-sound]")?.textContent || "");
  }
  one("[data-stand]")?.addEventListener("click", () => stand(true));
  one("[data-leave]")?.addEventListener("click", () => stand(false));
  one("[data-mute]")?.addEventListener("click", mute);
  caifeng.mute = mute;
  if (standing) for (const name of ["pointerdown", "keydown"]) {
    addEventListener(name, () => unlock().then(showSound), { once: true });
  }

  function notify(happening) {
    if (!standing || !window.isSecureContext || !("Notification" in window) || Notification.permission !== "granted") return;
    const shown = new Notification(`${happening.number} ${happening.level}级${happening.suggested ? "（建议）" : ""}`, {
      body: happening.title, tag: `alert-${happening.alert}`, requireInteraction: ["I", "II"].includes(happening.level),
    });
    shown.onclick = () => { focus(); location.href = `/alerts/${encodeURIComponent(happening.number)}/`; };
  }

  // ---- the line
  let heard = Date.now();
  let connected = false;
  let greeted = false;
  let lostSince = 0;
  let rangLost = 0;
  let pending = 0;
  const title = document.title;

  function showLine() {
    const silent = Date.now() - heard;
    const lost = (greeted && !connected) || silent > LOST_AFTER;
    if (!lost) lostSince = 0;
    else if (!lostSince) lostSince = Math.min(Date.now(), heard + LOST_AFTER);
    const line = one("#line");
    if (!line) return;
    line.classList.toggle("line-off", lost);
    one(".dot", line)?.classList.toggle("dot-off", lost);
    const seconds = lost ? Math.floor((Date.now() - lostSince) / 1000) : Math.floor(silent / 1000);
    one("[data-line]").textContent = lost
      ? `中断 ${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}` : greeted ? "已连接" : "连接中";
    const age = one("[data-line-age]");
    if (age) age.textContent = lost || !greeted ? "" : `${seconds} 秒前`;
    const offline = lost && seconds >= 3;
    body.classList.toggle("offline", offline);
    if (offline) banner("line", "数据中断，正在重连。倒计时按末次校时继续。");
    else if (!lost) unbanner("line");
    if (lost && silent >= LOST_AFTER && Date.now() - rangLost > LOST_AFTER) {
      rangLost = Date.now();
      askToRing(`lost-${Math.floor(Date.now() / LOST_AFTER)}`, "lost");
    }
  }

  const banners = new Map();
  function banner(key, text, act) {
    if (banners.get(key)?.text === text) return;
    banners.set(key, { text, act });
    drawBanner();
  }
  function unbanner(key) {
    if (banners.delete(key)) drawBanner();
  }
  function drawBanner() {
    const place = one("#banner");
    if (!place) return;
    const [key] = [...banners.keys()].slice(-1);
    place.hidden = !key;
    place.replaceChildren();
    if (!key) return;
    const { text, act } = banners.get(key);
    place.classList.toggle("banner-soon", key === "session");
    place.append(text);
    if (act) {
      const button = document.createElement(act.href ? "a" : "button");
      button.className = "btn btn-s";
      button.textContent = act.label;
      if (act.href) button.href = act.href;
      else { button.type = "button"; button.onclick = act.run; }
      place.append(button);
    }
  }
  caifeng.banner = banner;

  const RING_KINDS = new Set(["open", "graver", "reopen", "return"]);
  const waiting = new Map();
  let toWorker = null;
  function askToRing(key, level) {
    if (!toWorker) { caifeng.ring(level); return; }
    waiting.set(key, level);
    toWorker({ type: "ring", key });
  }

  function happened(happening) {
    heard = Date.now();
    document.dispatchEvent(new CustomEvent("caifeng:alert", { detail: happening }));
    if (!RING_KINDS.has(happening.kind) || happening.actor === body.dataset.login) return;
    if (happening.kind === "open" && document.hidden) {
      pending += 1;
      document.title = `(${pending}) ${title}`;
    }
    if (standing && audio) askToRing(`alert-${happening.id}`, happening.level);
    caifeng.say(`新告警 ${happening.number} ${happening.title}`);
  }
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) { pending = 0; document.title = title; }
  });

  // A replay looks back some seconds for what committed late; what this page shows already is no news.
  const known = new Set((body.dataset.known || "").split(" ").map(Number));

  function receive(message) {
    if (message.type === "line") { connected = message.open; greeted ||= message.open; if (message.open) heard = Math.max(heard, message.heard); }
    if (message.type === "beat") { connected = greeted = true; heard = Date.now(); caifeng.setServerTime(message.now); }
    if (message.type === "alert") {
      connected = true;
      if (!known.has(message.happening.id)) happened(message.happening);
    }
    if (message.type === "reload") document.dispatchEvent(new CustomEvent("caifeng:missed"));
    if (message.type === "ring" && waiting.has(message.key)) {
      const level = waiting.get(message.key);
      waiting.delete(message.key);
      if (caifeng.ring(level) && level !== "lost") notifyOnce(message.key);
    }
    showLine();
  }
  const byKey = new Map();
  document.addEventListener("caifeng:alert", ({ detail }) => {
    byKey.set(`alert-${detail.id}`, detail);
    if (byKey.size > 200) byKey.delete(byKey.keys().next().value);
  });
  function notifyOnce(key) { if (byKey.has(key)) notify(byKey.get(key)); }

  function direct(url, from) {
    let last = from;
    let source = null;
    const connect = () => {
      source = new EventSource(`${url}?last=${last}`);
      source.onopen = () => receive({ type: "line", open: true, heard: Date.now() });
      source.onerror = () => {
        receive({ type: "line", open: false, heard });
        if (source.readyState === EventSource.CLOSED) setTimeout(connect, 1000);
      };
      for (const name of ["hello", "beat"]) {
        source.addEventListener(name, (event) => receive({ type: "beat", now: JSON.parse(event.data).now }));
      }
      source.addEventListener("reload", () => receive({ type: "reload" }));
      const seen = new Set();
      source.addEventListener("alert", (event) => {
        const happening = JSON.parse(event.data);
        if (seen.has(happening.id)) return;
        seen.add(happening.id);
        last = Math.max(last, happening.id);
        receive({ type: "alert", happening });
      });
    };
    connect();
  }

  if (body.dataset.live) {
    const last = Math.max(0, ...known);
    if (window.SharedWorker) {
      // The name keeps two people of one browser apart.
      const worker = new SharedWorker(body.dataset.worker, { name: `caifeng-${body.dataset.login}` });
      worker.onerror = () => { toWorker = null; direct(body.dataset.live, last); };
      worker.port.onmessage = ({ data }) => receive(data);
      toWorker = (message) => worker.port.postMessage(message);
      toWorker({ type: "join", url: body.dataset.live, last, first: Math.min(...known) });
      addEventListener("pagehide", () => toWorker && toWorker({ type: "leave" }));
      addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });
    } else direct(body.dataset.live, last);
    setInterval(() => { showLine(); showSound(); }, 1000);
    showSound();
    showNotify();
  }

  // ---- drafts: what was typed survives a reload, an expired login and a refused form
  const draftKey = (form) => `caifeng.draft:${body.dataset.login}:${form.dataset.draft}`;
  document.addEventListener("input", (event) => {
    const form = event.target.closest?.("form[data-draft]");
    if (!form) return;
    const kept = {};
    for (const field of form.elements) {
      if (field.name && !["hidden", "password", "submit"].includes(field.type)
          && !(["checkbox", "radio"].includes(field.type) && !field.checked)) (kept[field.name] ||= []).push(field.value);
    }
    localStorage.setItem(draftKey(form), JSON.stringify(kept));
  });
  function restore(root) {
    for (const form of all("form[data-draft]", root)) {
      const kept = JSON.parse(localStorage.getItem(draftKey(form)) || "null");
      if (!kept || one(".fault", form)) continue;
      for (const field of form.elements) {
        if (!(field.name in kept) || ["hidden", "password"].includes(field.type)) continue;
        if (["checkbox", "radio"].includes(field.type)) field.checked = kept[field.name].includes(field.value);
        else field.value = kept[field.name][0];
      }
    }
  }
  restore(document);
  document.addEventListener("htmx:afterSwap", (event) => {
    const form = one("form[data-draft]", event.target) || (event.target.matches?.("form[data-draft]") && event.target);
    if (form) { restore(event.target); one("textarea, select, input:not([type=hidden])", form)?.focus(); }
    const said = one("[data-say]", event.target);
    if (said) caifeng.say(said.dataset.say);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.detail.elt.closest?.("form[data-draft]");
    if (form && event.detail.successful && event.detail.requestConfig.verb === "post") localStorage.removeItem(draftKey(form));
  });
  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-draft]");
    if (form && !form.hasAttribute("hx-post")) sessionStorage.setItem("caifeng.sent", draftKey(form));
  });
  if (sessionStorage.getItem("caifeng.sent") && !one(".fault")) {
    localStorage.removeItem(sessionStorage.getItem("caifeng.sent"));
    sessionStorage.removeItem("caifeng.sent");
  }
  document.addEventListener("click", (event) => {
    const cancel = event.target.closest("[data-cancel]");
    if (cancel) caifeng.closeForm();
  });
  caifeng.closeForm = () => {
    const form = one("#act-form form");
    if (!form) return false;
    localStorage.removeItem(draftKey(form));
    one("#act-form").replaceChildren();
    return true;
  };
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.detail.parameters.csrfmiddlewaretoken) event.detail.headers["X-CSRFToken"] = csrf();
  });
  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    if (status === 401) {
      const next = encodeURIComponent(location.pathname + location.search);
      banner("login", "登录已到期，已填内容已保留。", { label: "重新登录", href: `/login?next=${next}` });
    } else {
      const words = { 403: "当前角色不能办理。", 404: "告警不在可见范围，可能已改派，请刷新。" }[status]
        || `服务器未能办理（${status}），请稍后再试；仍不行请报管理员。`;
      banner("error", words, { label: "知道了", run: () => unbanner("error") });
    }
  });
  document.addEventListener("htmx:sendError", () => {
    banner("error", "未能连到服务器，办理没有生效。", { label: "知道了", run: () => unbanner("error") });
  });
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (body.classList.contains("offline") && event.detail.requestConfig.verb === "post") {
      event.preventDefault();
      banner("error", "数据中断，暂不能办理；已填内容会保留。", { label: "知道了", run: () => unbanner("error") });
    } else unbanner("error");
  });

  // ---- the session's end
  const WARN = 5 * 60;
  let ends = Date.now() + Number(body.dataset.session || 0) * 1000;
  async function session() {
    const left = Math.floor((ends - Date.now()) / 1000);
    if (left > WARN) { unbanner("session"); return; }
    const answer = await fetch(body.dataset.sessionUrl, { headers: { "X-Fragment": "1" } }).catch(() => null);
    if (!answer) return;
    if (answer.status === 401) {
      const next = encodeURIComponent(location.pathname + location.search);
      banner("login", "登录已到期，已填内容已保留。", { label: "重新登录", href: `/login?next=${next}` });
      return;
    }
    const { seconds } = await answer.json();
    ends = Date.now() + seconds * 1000;
    if (seconds <= WARN) {
      banner("session", `登录 ${Math.max(1, Math.ceil(seconds / 60))} 分钟后到期，已填内容会保留。`, {
        label: "继续登录",
        run: async () => {
          const again = await post(body.dataset.extendUrl, {});
          if (again.ok) { ends = Date.now() + (await again.json()).seconds * 1000; unbanner("session"); }
        },
      });
    }
  }
  if (body.dataset.sessionUrl) { session(); setInterval(session, 30000); }

  // ---- keys common to all pages; never while a word is being composed, never in a field
  caifeng.typing = (event) => event.isComposing || event.keyCode === 229 || event.ctrlKey || event.altKey || event.metaKey
    || event.target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true]");
  caifeng.press = (key, root = document) => {
    const button = one(`[data-key="${key}"]:not([aria-disabled]):not([data-refusal])`, root);
    if (button) { button.click(); return true; }
    const refused = one(`[data-key="${key}"][data-refusal]`, root);
    if (refused) { caifeng.say(refused.dataset.refusal); flash(refused.dataset.refusal); return true; }
    return false;
  };
  function flash(text) {
    banner("refused", text, { label: "知道了", run: () => unbanner("refused") });
    setTimeout(() => unbanner("refused"), 6000);
  }
  document.addEventListener("click", (event) => {
    const refused = event.target.closest("button[aria-disabled][data-refusal]");
    if (refused) caifeng.say(refused.dataset.refusal);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.isComposing && !one("dialog[open]") && caifeng.closeForm()) { event.preventDefault(); return; }
    if (caifeng.typing(event)) return;
    if (event.key === "?") { one("#help")?.showModal?.(); event.preventDefault(); }
    if (event.key === "/") { const field = one("[data-search]"); if (field) { field.focus(); field.select(); event.preventDefault(); } }
    if (event.key.toLowerCase() === "m" && one("[data-mute]:not([hidden])")) { mute(); event.preventDefault(); }
  });
}
