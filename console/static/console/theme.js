// Before the first paint: the theme this browser was last set to.
"use strict";
{
  const kept = localStorage.getItem("caifeng.theme");
  if (kept === "dark" || kept === "light") document.documentElement.dataset.theme = kept;
}
