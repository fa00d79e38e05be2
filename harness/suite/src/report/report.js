"use strict";
const text = document.getElementById("text");
const verdict = document.getElementById("verdict");
const peer = document.getElementById("peer");
const runs = [...document.querySelectorAll("details.run")];
const lines = [...document.querySelectorAll(".overview tbody tr")];

// A run's details are compressed until somebody wants to see them.
async function unpack(run) {
  const body = run.querySelector(".body");
  const packed = body.dataset.packed;
  if (!packed) return;
  delete body.dataset.packed;
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  body.innerHTML = await new Response(stream).text();
}

function filter() {
  const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
  const has = (content) => words.every((word) => content.includes(word));
  let shown = 0;
  const ids = new Set();
  for (const run of runs) {
    const { verdict: own, peer: who, unexpected } = run.dataset;
    const fits = !verdict.value || own === verdict.value
      || (verdict.value === "unexpected" && unexpected !== undefined);
    run.hidden = !(fits && (!peer.value || who === peer.value) && has(run.textContent.toLowerCase()));
    if (run.hidden) continue;
    shown += 1;
    ids.add(run.querySelector(".id").textContent.split("@")[0]);
  }
  for (const line of lines) line.hidden = !ids.has(line.dataset.text);
  document.getElementById("shown").textContent = `${shown} of ${runs.length}`;
}

// A link to a run opens it, even if a filter hides it.
function follow() {
  const run = location.hash && document.getElementById(location.hash.slice(1));
  if (!run) return;
  run.hidden = false;
  run.open = true;
  run.scrollIntoView();
}

for (const run of runs) {
  run.addEventListener("toggle", () => run.open && unpack(run));
  if (run.open) unpack(run);
}
for (const control of [text, verdict, peer]) control.addEventListener("input", filter);
window.addEventListener("hashchange", follow);
filter();
follow();
