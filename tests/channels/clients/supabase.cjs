// The client of Supabase: node supabase.cjs PACKAGES URL VERSION
const packages = process.argv[2] + "/node_modules/";
const { RealtimeClient } = require(packages + "@supabase/realtime-js");
const ws = require(packages + "ws");
const [url, vsn] = process.argv.slice(3);
const seen = [];
const options = { params: { apikey: "public" }, transport: ws, vsn };
const ada = new RealtimeClient(url, options);
const bob = new RealtimeClient(url, { ...options, accessToken: async () => "let me in" });
console.warn = () => {};

const plain = (value) => value instanceof ArrayBuffer ? Array.from(new Uint8Array(value)) : value;
const subscribed = (channel) =>
  new Promise((resolve) =>
    channel.subscribe((status, error) => resolve([status, error ? error.message : null])));
const once = (channel, type, event) =>
  new Promise((resolve) => channel.on(type, { event }, resolve));

async function main() {
  const mine = ada.channel("room 1", {
    config: { broadcast: { ack: true }, presence: { key: "ada" } },
  });
  const his = bob.channel("room 1", { config: { broadcast: { self: true }, presence: { key: "bob" } } });
  mine.on("broadcast", { event: "*" }, ({ event, payload }) => seen.push(["ada", event, plain(payload)]));
  his.on("broadcast", { event: "*" }, ({ event, payload }) => seen.push(["bob", event, plain(payload)]));
  const came = once(mine, "presence", "join");
  const left = once(mine, "presence", "leave");
  mine.on("presence", { event: "sync" }, () => {});
  seen.push(await subscribed(mine), await subscribed(his));
  seen.push(await mine.send({ type: "broadcast", event: "move", payload: { x: 1 } }));
  const end = once(mine, "broadcast", "end");
  await his.send({ type: "broadcast", event: "pixels", payload: vsn === "2.0.0" ? new Uint8Array([1, 255]).buffer : [] });
  await his.httpSend("rest", { x: 2 });
  await his.httpSend("bytes", new Uint8Array([3]));
  await his.send({ type: "broadcast", event: "end", payload: {} });
  await end;
  seen.push(await his.track({ tab: 1 }));
  const { key, newPresences } = await came;
  seen.push([key, newPresences.map(({ tab }) => tab)], await his.untrack());
  seen.push([(await left).key, Object.keys(mine.presenceState())]);
  seen.push(await subscribed(ada.channel("closed")));
  await bob.setAuth();
  seen.push(await subscribed(bob.channel("closed")));
  const changes = ada.channel("changes");
  changes.on("postgres_changes", { event: "*", schema: "public" }, () => {});
  seen.push(await subscribed(changes));
  const unjoined = ada.channel("closed");
  seen.push(await unjoined.send({ type: "broadcast", event: "no", payload: {} }));
  seen.push(await mine.unsubscribe());
}

const bound = setTimeout(() => { seen.push("timeout"); done(); }, 20000);
const done = () => { console.log(JSON.stringify(seen)); process.exit(0); };
main().then(() => { clearTimeout(bound); done(); });
