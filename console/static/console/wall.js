// 大屏: renewed when something happened, and every minute.
"use strict";
{
  const place = document.querySelector("#wall-body");
  let timer = 0;
  async function renew() {
    const answer = await fetch(place.dataset.url, { headers: { "X-Fragment": "1" } }).catch(() => null);
    if (answer?.ok) { place.innerHTML = await answer.text(); window.caifeng.tick(); }
  }
  document.addEventListener("caifeng:alert", () => { clearTimeout(timer); timer = setTimeout(renew, 500); });
  document.addEventListener("caifeng:missed", renew);
  setInterval(renew, 60000);
}
