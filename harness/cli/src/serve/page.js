"use strict";

// The page that makes a browser a peer: an adapter, a session with the server, and the verdicts.

(() => {
  const GOOD = new Set(["PASS", "INFO"]);
  const LEFT_OUT = "UNSUPPORTED";
  const find = (id) => document.getElementById(id);
  const counts = new Map();
  const rows = new Map();
  let total = 0;
  let done = 0;

  /** Which browser this is: the names that `scenarios/expect` knows. */
  function browser() {
    const agent = navigator.userAgent;
    const known = [
      ["edge", /Edg(?:A|iOS)?\/([\d.]+)/], ["firefox", /Firefox\/([\d.]+)/],
      ["chromium", /(?:Chrome|Chromium|CriOS)\/([\d.]+)/], ["safari", /Version\/([\d.]+).*Safari/],
    ];
    for (const [impl, pattern] of known) {
      const found = pattern.exec(agent);
      if (found) {
        return { impl, version: found[1] };
      }
    }
    return { impl: "browser", version: agent };
  }

  /** What a browser can do that has W3C's interface; what it cannot shows in its prototype. */
  function features() {
    const connection = RTCPeerConnection.prototype;
    const all = [
      "data-channel", "dtls12", "negotiated", "pr-sctp", "stats", "stream-reset", "trickle",
      "unordered", "stun", "turn", "turn-tcp", "turn-tls", "relay-policy", "ipv6", "media",
      "rollback", "mdns",
    ];
    if ("restartIce" in connection) {
      all.push("restart");
    }
    return all;
  }

  function hello() {
    const limit = new RTCPeerConnection().sctp?.maxMessageSize;
    const { impl, version } = browser();
    // Chromium's limit is what it announces in SDP (RFC 8841 §6.1), whoever asks before.
    const maxMessageSize = limit ?? (impl === "firefox" ? 1073741823 : 262144);
    return { impl, version, features: features(), limits: { maxMessageSize } };
  }

  function element(name, text, kind = "") {
    const made = document.createElement(name);
    made.textContent = text;
    made.className = kind;
    return made;
  }

  function kindOf(verdict) {
    if (GOOD.has(verdict)) {
      return "good";
    }
    return ["NONSTRICT", LEFT_OUT, "INCONCLUSIVE"].includes(verdict) ? "odd" : "bad";
  }

  function plan({ peer, runs }) {
    total = runs;
    find("peer").textContent = peer;
    find("progress").max = Math.max(total, 1);
    find("state").textContent = `${total} runs`;
  }

  function begin({ id, title }) {
    const row = element("tr", "", "now");
    row.append(element("td", "…", "verdict"), element("td", id), element("td", title),
      element("td", ""));
    rows.set(id, row);
    find("runs").prepend(row);
    find("state").textContent = `${done} of ${total} done, now ${id}`;
  }

  function end({ id, title, verdict, standing, seconds, findings, seed }) {
    done += 1;
    counts.set(verdict, (counts.get(verdict) ?? 0) + 1);
    find("progress").value = done;
    tellCounts();
    let row = rows.get(id);
    rows.delete(id);
    if (verdict === LEFT_OUT) {
      row?.remove();
      leftOut(id, findings);
      return;
    }
    row ??= element("tr", "");
    const known = standing === "XFAIL";
    row.className = known ? "odd" : kindOf(verdict);
    const word = known ? `${verdict} (known)` : verdict;
    const what = element("td", title);
    for (const finding of findings) {
      what.append(findingOf(finding));
    }
    row.replaceChildren(element("td", word, "verdict"), element("td", id), what,
      element("td", `${seconds.toFixed(1)} s`));
    row.title = `seed ${seed}`;
    if (!row.isConnected) {
      find("runs").prepend(row);
    }
  }

  function findingOf({ requirement, expected, actual }) {
    const list = element("dl", "", "finding");
    list.append(element("dt", requirement), element("dd", `expected ${expected}; ${actual}`));
    return list;
  }

  /** What cannot be tried here, with what is missing. */
  function leftOut(id, findings) {
    const box = find("left-out");
    box.hidden = false;
    const why = findings.map(({ expected, actual }) => `${expected}: ${actual}`).join("; ");
    const row = element("tr", "");
    row.append(element("td", id), element("td", why));
    box.querySelector("tbody").append(row);
    const number = counts.get(LEFT_OUT);
    box.querySelector("summary").textContent = `${number} runs that cannot be had here, and why`;
  }

  function tellCounts() {
    const parts = [...counts].sort().map(([verdict, number]) => {
      const part = element("span", " ");
      part.prepend(element("b", `${number} ${verdict}`, kindOf(verdict)));
      return part;
    });
    find("counts").replaceChildren(...parts);
  }

  function report({ href, place, summary }) {
    const link = element("a", "the whole report");
    link.href = href;
    const again = element("a", "run again");
    again.href = location.href;
    // A server that ends with this session shows nothing any more.
    const more = href ? [link, ", ", again] : [`the whole report is in ${place} where rtcspec runs`];
    find("state").textContent = "done";
    find("end").replaceChildren(`${summary} — `, ...more);
    document.body.dataset.done = "yes";
  }

  const SHOW = {
    plan, begin, end, report,
    waiting: (why) => { find("state").textContent = why; },
    failed: (why) => { find("end").textContent = why; },
  };

  function page(message) {
    for (const [what, more] of Object.entries(message)) {
      if (Object.hasOwn(SHOW, what)) {
        SHOW[what](more);
      }
    }
  }

  function state(what, more) {
    const isDone = document.body.dataset.done === "yes";
    if (what === "lost" && !isDone) {
      find("state").textContent = `connection lost, trying again in ${(more / 1000).toFixed(1)} s`;
    } else if (what === "connected" && done > 0 && !isDone) {
      find("state").textContent = `connected again, ${done} of ${total} done`;
    } else if (what === "over" && !isDone) {
      find("state").textContent = `${more}; reload to begin again`;
    }
  }

  function start() {
    if (typeof RTCPeerConnection !== "function") {
      find("state").textContent = "this browser has no RTCPeerConnection";
      return;
    }
    const filters = new URLSearchParams(location.search).getAll("filter");
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const adapter = new peerctl.Adapter({
      RTCPeerConnection, hello: hello(), write: (message) => session.say("peerctl", message),
    });
    const session = new peerctl.Session({
      url: `${scheme}://${location.host}/session`, wish: { filters }, page, state,
      peerctl: (request) => adapter.request(request),
    });
    globalThis.rtcspec = { adapter, session };
  }

  start();
})();
