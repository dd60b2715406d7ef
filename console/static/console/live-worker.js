// One connection for every tab of this browser. Tabs say where they stand; the worker fills the gap or sends them back to load.
"use strict";
const KEPT = 500;
const SILENT_AFTER = 20000;
const ports = new Set();
const recent = [];
let source = null;
let last = null;
let floor = null; // everything after this id is in `recent`
let heard = Date.now();
let open = false;

function tell(message) {
  for (const port of ports) port.postMessage(message);
}

function connect(url) {
  const from = last === null ? "" : `?last=${last}`;
  source = new EventSource(url + from);
  source.onopen = () => { heard = Date.now(); open = true; tell({ type: "line", open, heard }); };
  source.onerror = () => {
    open = false;
    tell({ type: "line", open, heard });
    if (source.readyState === EventSource.CLOSED) retry(url);
  };
  for (const name of ["hello", "beat"]) source.addEventListener(name, (event) => {
    heard = Date.now();
    tell({ type: "beat", now: JSON.parse(event.data).now, heard });
  });
  source.addEventListener("reload", () => tell({ type: "reload" }));
  source.addEventListener("alert", (event) => {
    heard = Date.now();
    const happening = JSON.parse(event.data);
    if (recent.some((known) => known.id === happening.id)) return;
    last = Math.max(last ?? 0, happening.id);
    recent.push(happening);
    if (recent.length > KEPT) floor = Math.max(floor ?? 0, recent.shift().id);
    tell({ type: "alert", happening });
  });
}

function retry(url) {
  source.close();
  setTimeout(() => connect(url), 1000);
}

// The tab drops what it knows: after its first known event one with a lower id may have committed late.
function join(port, message) {
  ports.add(port);
  if (source === null) {
    last = message.last;
    floor = message.last;
    connect(message.url);
  } else if (message.last < floor) port.postMessage({ type: "reload" });
  else for (const happening of recent) if (happening.id > message.first) port.postMessage({ type: "alert", happening });
  port.postMessage({ type: "line", open, heard });
}

onconnect = (event) => {
  const port = event.ports[0];
  port.onmessage = ({ data }) => {
    if (data.type === "join") join(port, data);
    if (data.type === "leave") ports.delete(port);
    if (data.type === "ring") ring(port, data);
    if (data.type === "relay") tell(data.message);
  };
};

// One tab rings: the one that asked first within a second.
const rung = new Map();
function ring(port, { key }) {
  const now = Date.now();
  for (const [known, at] of rung) if (now - at > 5000) rung.delete(known);
  if (rung.has(key)) return;
  rung.set(key, now);
  port.postMessage({ type: "ring", key });
}

// A connection can die without an error: no beat for 20 s means it is gone.
setInterval(() => {
  if (source && Date.now() - heard > SILENT_AFTER) {
    open = false;
    tell({ type: "line", open, heard });
    const url = source.url.split("?")[0];
    heard = Date.now() - SILENT_AFTER + 5000;
    retry(url);
  }
}, 1000);
