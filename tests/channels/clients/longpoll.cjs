// phoenix.js over long poll: node longpoll.cjs PACKAGE URL MODE
// MODE is "poll", or "fallback": then its WebSocket never opens.
const { Socket, LongPoll } = require(process.argv[2]);
const [url, mode] = process.argv.slice(3);
const seen = [];

class Silent {
  // A WebSocket that a proxy swallows.
  constructor() { this.readyState = 0; }
  close() { if (this.onclose) this.onclose({ code: 1006, reason: "", wasClean: false }); }
  send() {}
}

const stored = {};
const storage = {
  getItem: (key) => stored[key] ?? null,
  setItem: (key, value) => { stored[key] = value; },
  removeItem: (key) => { delete stored[key]; },
};
const options = { authToken: "s3cret/+?", params: { nested: { a: 1 } } };
const socket = mode === "fallback"
  ? new Socket(url, { ...options, transport: Silent, longPollFallbackMs: 200, sessionStorage: storage })
  : new Socket(url, { ...options, transport: LongPoll });
socket.onOpen(() => seen.push("open"));

const pushed = (channel, event, payload) =>
  new Promise((resolve) => {
    const push = channel.push(event, payload);
    for (const status of ["ok", "error", "timeout"]) {
      push.receive(status, (response) => resolve([status, response]));
    }
  });
const joined = (channel) =>
  new Promise((resolve) => {
    const join = channel.join();
    for (const status of ["ok", "error", "timeout"]) {
      join.receive(status, (response) => resolve([status, response]));
    }
  });

async function main() {
  socket.connect();
  const room = socket.channel("room:1", { name: "ada" });
  room.on("shout", (payload) => seen.push(["shout", payload]));
  seen.push(["join", ...(await joined(room))]);
  const closed = socket.channel("room:closed");
  seen.push(["join", ...(await joined(closed))]);
  closed.leave();
  const many = Array.from({ length: 150 }, (_, number) => pushed(room, "echo", { number }));
  const echoed = await Promise.all(many);
  seen.push(["echoed", echoed.every(([status, { number }], at) => status === "ok" && number === at)]);
  seen.push(["size", ...(await pushed(room, "size", new Uint8Array([0, 91, 255]).buffer))]);
  seen.push(["shout", ...(await pushed(room, "shout", { text: "é" }))]);
  seen.push(["unknown", ...(await pushed(room, "unknown", {}))]);
  const rejoined = new Promise((resolve) => room.onError(() => {
    room.joinPush.receive("ok", () => resolve());
  }));
  room.push("crash", {});
  await rejoined;
  seen.push("rejoined");
  await new Promise((resolve) => room.leave().receive("ok", resolve));
  seen.push("left", Object.keys(stored));
}

const bound = setTimeout(() => { seen.push("timeout"); done(); }, 20000);
const done = () => { console.log(JSON.stringify(seen)); process.exit(0); };
main().then(() => { clearTimeout(bound); socket.disconnect(done); });
