// What a client sees, by phoenix.js over `ws`: node channels.cjs PACKAGES VERSION URL
// It prints one JSON object, from the name of a check to what was seen; then "leaving", and why it was closed at last.
const [packages, version, url] = process.argv.slice(2)
const {Socket, Presence} = require(`${packages}/node_modules/${version}`)
const transport = require(`${packages}/node_modules/ws`)
const seen = {}
const within = (promise, what) => Promise.race([
  promise,
  new Promise((_, no) => setTimeout(() => no(new Error(`nothing of ${what} within 10 s`)), 10000).unref()),
])

function open(params = {}, options = {}) {
  const socket = new Socket(url, {
    transport, params, timeout: 8000,
    reconnectAfterMs: () => 20, rejoinAfterMs: () => 20, heartbeatIntervalMs: 200, ...options,
  })
  socket.codes = []
  socket.onClose(event => socket.codes.push(event.code))
  socket.connect()
  return socket
}

const answered = push => within(new Promise(done => {
  for (const status of ["ok", "error", "odd"]) push.receive(status, response => done([status, response]))
}), "a reply")
const next = (channel, event) => within(new Promise(done => {
  const ref = channel.on(event, payload => { channel.off(event, ref); done(payload) })
}), event)
const until = (test, what) => within(new Promise(done => {
  const look = () => test() ? done() : setTimeout(look, 5)
  look()
}), what)

async function join(socket, topic, params) {
  const channel = socket.channel(topic, params)
  return [channel, await answered(channel.join())]
}

const checks = {
  async "params arrive nested, and the token apart"() {
    const socket = open({name: "ada", nested: {a: 1, b: {c: "é"}}, list: null}, {authToken: "s3cret.token"})
    const [, answer] = await join(socket, "room:params", {})
    socket.disconnect()
    return answer
  },
  async "a join that is refused, that crashes, that has no route"(one) {
    const answers = []
    for (const [topic, params] of [["room:no", {refuse: "unauthorized"}], ["room:bad", {crash: 1}], ["nowhere", {}]]) {
      const [channel, answer] = await join(one, topic, params)
      channel.leave()
      answers.push(answer)
    }
    return answers
  },
  async "a push is answered ok, error, with any status, later, and where it is not understood"(one) {
    const [channel] = await join(one, "room:push", {})
    const answers = []
    for (const [event, payload] of [
      ["echo", {a: [1, null, "é"]}], ["refuse", {}], ["odd", {}], ["later", {}], ["unknown", {}], ["typed", {n: "x"}],
    ]) answers.push(await answered(channel.push(event, payload)))
    return answers
  },
  async "a broadcast reaches all, and one from others only them"(one, two) {
    const [[ada], [bob]] = [await join(one, "room:cast", {}), await join(two, "room:cast", {})]
    const heard = []
    ada.on("shout", payload => heard.push(["ada", payload]))
    bob.on("shout", payload => heard.push(["bob", payload]))
    await answered(ada.push("shout", {n: 1}))
    await answered(ada.push("shout_to_others", {n: 2}))
    await until(() => heard.length === 3, "three shouts")
    return heard.sort()
  },
  async "binary goes both ways"(one) {
    const [channel] = await join(one, "room:binary", {})
    const [pushed, cast] = [next(channel, "blob"), next(channel, "blob_cast")]
    const [status, response] = await answered(channel.push("blob", Uint8Array.from([0, 1, 255]).buffer))
    return [status, ...[response, await pushed, await cast].map(one => [...new Uint8Array(one)])]
  },
  async "what is pushed after the join comes behind its reply"(one) {
    const channel = one.channel("room:after", {})
    const order = []
    channel.on("welcome", payload => order.push(payload))
    await answered(channel.join().receive("ok", () => order.push("joined")))
    await until(() => order.length === 2, "the welcome")
    return order
  },
  async "leave closes the channel, and it can be joined again"(one) {
    const [channel] = await join(one, "room:leave", {})
    let closed = 0
    channel.onClose(() => { closed++ })
    await answered(channel.leave())
    await until(() => closed === 1, "the close")
    const [again, answer] = await join(one, "room:leave", {})
    return [channel.state, answer[0], (await answered(again.push("echo", {x: 1})))[1]]
  },
  async "a channel that stops is closed, and does not come back"(one) {
    const [channel] = await join(one, "room:stop", {})
    let closed = 0
    channel.onClose(() => { closed++ })
    channel.push("stop", {})
    await until(() => closed === 1, "the close")
    return channel.state
  },
  async "a channel that crashes is joined again by itself, and others do not notice"(one) {
    const [[channel], [other]] = [await join(one, "room:crash", {}), await join(one, "room:calm", {})]
    const reasons = []
    let errors = 0
    channel.onError(reason => reasons.push(reason && reason.reason))
    other.onError(() => { errors++ })
    channel.push("boom", {})
    await until(() => reasons.length === 1 && channel.state === "joined", "the second join")
    return [reasons, errors, (await answered(channel.push("echo", {x: 2})))[1]]
  },
  async "a slow join holds up neither another topic nor heartbeats"(one) {
    const slow = one.channel("room:slow", {sleep: 0.6})
    const order = []
    const joined = answered(slow.join().receive("ok", () => order.push("slow")))
    const [quick] = await join(one, "room:quick", {})
    order.push("quick", (await answered(quick.push("echo", {})))[0])
    await joined
    return [order, one.codes]
  },
  async "who is here comes as a state, then as diffs, also after a change"(one, two) {
    const watch = channel => {
      const presence = new Presence(channel)
      const told = []
      presence.onJoin((key, known, joined) => told.push(["+", key, joined.metas.map(meta => meta.tab)]))
      presence.onLeave((key, left, gone) => told.push(["-", key, gone.metas.map(meta => meta.tab)]))
      return [told, () => presence.list((key, {metas, name}) => [key, name, metas.map(meta => meta.tab)]).sort()]
    }
    const mine = one.channel("room:here", {})
    const [told, list] = watch(mine)
    await answered(mine.join())
    await until(() => list().length === 1, "oneself")
    const other = two.channel("room:here", {})
    const [, others] = watch(other)
    await answered(other.join())
    await until(() => list().length === 2 && others().length === 2, "both")
    await answered(other.push("move", {tab: 7}))
    await until(() => JSON.stringify(list()).includes("7") && JSON.stringify(others()).includes("7"), "the change")
    const both = [list(), others()]
    await answered(other.leave())
    await until(() => list().length === 1, "oneself alone")
    return [...both, told]
  },
  async "heartbeats keep it, and all sockets of a user can be ended with 1001 and come back"() {
    const socket = open({name: "carol"})
    const [channel] = await join(socket, "room:back", {})
    await new Promise(done => setTimeout(done, 500))
    const before = [...socket.codes]
    channel.push("disconnect_me", {})
    await until(() => socket.codes.length === 1 && channel.state === "joined", "the way back")
    socket.disconnect()
    return [before, socket.codes]
  },
  async "a refused socket tries again, and hears of errors"() {
    const socket = open({refuse: "401"})
    let errors = 0
    socket.onError(() => { errors++ })
    await until(() => errors >= 3, "three errors")
    socket.disconnect()
    return socket.isConnected()
  },
}

async function main() {
  const [one, two] = [open({name: "ada"}), open({name: "bob"})]
  for (const [name, check] of Object.entries(checks)) {
    try { seen[name] = await check(one, two) } catch (error) { seen[name] = `failed: ${error.message}` }
  }
  seen["nothing else has closed"] = [...one.codes, ...two.codes]
  two.disconnect()
  const [channel] = await join(one, "room:last", {})
  console.log(JSON.stringify(seen))
  console.log("leaving")
  await until(() => one.codes.length > 0, "the close")
  console.log(JSON.stringify([one.codes[0], channel.state]))
  process.exit(0)
}

main()
