// What the service says: one request at a time by get(), and what is new by server-sent events.

export class Refused extends Error {
  constructor(status, body) {
    super(body?.error ?? `the dashboard answered ${status}`);
    this.status = status;
  }
}

export async function get(address, options = {}) {
  const answer = await fetch(address, { cache: "no-store", credentials: "same-origin", ...options });
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, body);
  return body;
}

// Calls handlers[kind](data). The browser connects again by itself and says what it had; `reset` says that all is to be asked
// for anew. lost(true) and lost(false) tell of the connection. A page that nobody sees lets go of it: browsers have six for a site.
export function listen(handlers, lost) {
  let source = null, last = "", timer = null;
  const connect = () => {
    close();
    source = new EventSource(last ? `/api/events?after=${encodeURIComponent(last)}` : "/api/events");
    for (const [kind, handle] of Object.entries(handlers)) {
      source.addEventListener(kind, (event) => { last = event.lastEventId || last; handle(JSON.parse(event.data)); });
    }
    source.onopen = () => lost(false);
    source.onerror = () => {
      lost(true);
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(connect, 3000); // refused: the browser does not try again
    };
  };
  const close = () => {
    clearTimeout(timer);
    source?.close();
  };
  connect();
  document.addEventListener("visibilitychange", () => (document.hidden ? close() : connect()));
  addEventListener("pagehide", close);
  addEventListener("pageshow", (event) => { if (event.persisted) connect(); });
}

// Runs `work` when asked, not more often than each `pause` ms, never twice at once, and once more if it was asked meanwhile.
export function throttled(work, pause) {
  let running = false, again = false, last = -Infinity, timer = null;
  const run = async () => {
    timer = null;
    running = true;
    again = false;
    last = performance.now();
    try { await work(); } finally {
      running = false;
      if (again) ask();
    }
  };
  const ask = () => {
    if (running) { again = true; return; }
    timer ??= setTimeout(run, Math.max(0, last + pause - performance.now()));
  };
  return ask;
}
