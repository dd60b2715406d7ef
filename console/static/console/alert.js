// 告警详情: keys, and news of this alert.
"use strict";
{
  const caifeng = window.caifeng;
  const page = document.querySelector("#page-body");
  document.addEventListener("keydown", (event) => {
    if (caifeng.typing(event) || document.querySelector("dialog[open]")) return;
    const key = event.key.toUpperCase();
    if ("AGRHPENJK".includes(key) && key.length === 1 && caifeng.press(key, page)) event.preventDefault();
  });
  document.addEventListener("caifeng:alert", ({ detail }) => {
    if (String(detail.alert) !== page.dataset.alert || detail.actor === document.body.dataset.login) return;
    caifeng.banner("news", `${detail.number} 已更新。`, { label: "显示", run: () => location.reload() });
  });
}
