"use strict";

// Messages that survive a connection: a session over WebSockets (harness/control/PEERCTL.md §8).
//
// Needs nothing but the language, timers and `WebSocket`: a page has them, and node from version 22.

(() => {
  /** Before the first attempt to come back, and at most before a later one. */
  const FIRST_MS = 250;
  const LONGEST_MS = 8000;
  /** Who says nothing for so long is not there: the server says something every five seconds. */
  const SILENCE_MS = 15000;
  const GLANCE_MS = 3000;

  /** One side of a session. */
  class Session {
    /**
     * @param {object} host
     * @param {string} host.url where to connect, `ws://...`
     * @param {object} [host.wish] what a page wishes, for the first greeting
     * @param {(message: object) => void} host.peerctl takes requests
     * @param {(message: object) => void} [host.page] takes what is for the page
     * @param {(state: string, more: any) => void} [host.state] is told `connected`,
     *   `lost` with the milliseconds until the next attempt, and `over` with the reason
     */
    constructor({ url, wish, peerctl, page = () => {}, state = () => {} }) {
      Object.assign(this, { url, wish, peerctl, page, state });
      this.id = null;
      this.said = 0;
      this.seen = 0;
      this.kept = [];
      this.delay = FIRST_MS;
      this.over = false;
      this.connect();
    }

    /** Says something; it is kept until it was seen. */
    say(kind, body) {
      this.said += 1;
      const frame = { n: this.said, text: JSON.stringify({ n: this.said, [kind]: body }) };
      this.kept.push(frame);
      if (this.greeted) {
        this.send(frame.text);
      }
    }

    send(text) {
      this.sentAt = Date.now();
      this.socket.send(text);
    }

    connect() {
      const socket = new WebSocket(this.url);
      this.socket = socket;
      this.greeted = false;
      this.heardAt = Date.now();
      socket.onopen = () => {
        const { id, seen, wish } = this;
        const greeting = id ? { peerctl: 1, session: id, seen } : { peerctl: 1, page: wish };
        this.send(JSON.stringify(greeting));
      };
      socket.onmessage = ({ data }) => {
        if (socket === this.socket) {
          this.heardAt = Date.now();
          this.frame(JSON.parse(data));
        }
      };
      socket.onclose = ({ code, reason }) => {
        if (code === 1000 && socket === this.socket) {
          this.end(reason || "the session is over");
        } else {
          this.lost(socket);
        }
      };
      clearInterval(this.watching);
      this.watching = setInterval(() => {
        if (Date.now() - this.heardAt > SILENCE_MS) {
          socket.close(4000);
          this.lost(socket);
        }
      }, GLANCE_MS);
    }

    frame(frame) {
      if (frame.over !== undefined) {
        this.end(frame.over);
        return;
      }
      if (frame.session !== undefined) {
        this.greetedBy(frame);
        return;
      }
      this.wasSeen(frame.seen ?? 0);
      if (frame.n === undefined) {
        // The server shows that it is there: so do we.
        this.send(JSON.stringify({ seen: this.seen }));
        return;
      }
      if (frame.n > this.seen + 1) {
        this.socket.close(4001);
        return;
      }
      if (frame.n === this.seen + 1) {
        this.seen = frame.n;
        this.send(JSON.stringify({ seen: this.seen }));
        if (frame.peerctl !== undefined) {
          this.peerctl(frame.peerctl);
        } else if (frame.page !== undefined) {
          this.page(frame.page);
        }
      }
    }

    greetedBy({ session, seen }) {
      this.id = session;
      this.greeted = true;
      this.delay = FIRST_MS;
      this.wasSeen(seen);
      for (const { text } of this.kept) {
        this.send(text);
      }
      this.state("connected");
    }

    wasSeen(seen) {
      while (this.kept.length > 0 && this.kept[0].n <= seen) {
        this.kept.shift();
      }
    }

    lost(socket) {
      if (socket !== this.socket || this.over) {
        return;
      }
      this.socket = null;
      this.greeted = false;
      clearInterval(this.watching);
      // Not all at once, when a server comes back to many.
      const delay = Math.round(this.delay * (0.75 + Math.random() / 2));
      this.delay = Math.min(2 * this.delay, LONGEST_MS);
      this.state("lost", delay);
      setTimeout(() => this.connect(), delay);
    }

    end(reason) {
      this.over = true;
      clearInterval(this.watching);
      this.state("over", reason);
    }
  }

  const exported = { Session };
  if (typeof module === "object") {
    module.exports = exported;
  } else {
    globalThis.peerctl = { ...globalThis.peerctl, ...exported };
  }
})();
