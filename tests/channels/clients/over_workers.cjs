// Clients on two workers, by phoenix.js over `ws`: node over_workers.cjs PACKAGES URL
// It prints one JSON object: on how many workers they are, and what was seen there.
const [packages, url] = process.argv.slice(2)
const {Socket, Presence} = require(`${packages}/node_modules/phoenix`)
const transport = require(`${packages}/node_modules/ws`)
const AT_LEAST = 4, AT_MOST = 64, SHOUTS = 20

const within = (promise, what) => Promise.race([
  promise,
  new Promise((_, no) => setTimeout(() => no(new Error(`nothing of ${what} within 30 s`)), 30000).unref()),
])
const until = (test, what) => within(new Promise(done => {
  const look = () => test() ? done() : setTimeout(look, 5)
  look()
}), what)

async function enter(name) {
  const socket = new Socket(url, {transport, params: {name}})
  socket.connect()
  const channel = socket.channel("room:all", {})
  const client = {name, socket, channel, heard: {}, presence: new Presence(channel)}
  channel.on("shout", ({from, number}) => (client.heard[from] ??= []).push(number))
  const {pid} = await within(new Promise((done, no) => channel.join().receive("ok", done).receive("error", no)), "a join")
  return Object.assign(client, {pid})
}

const here = client => client.presence.list(name => name).sort().join()
const count = client => Object.values(client.heard).reduce((sum, ones) => sum + ones.length, 0)

async function main() {
  const clients = []
  const pids = new Set()
  while (clients.length < AT_LEAST || pids.size < 2 && clients.length < AT_MOST) {
    clients.push(await enter(`c${clients.length}`))
    pids.add(clients.at(-1).pid)
  }
  const all = clients.map(one => one.name).sort().join()
  await until(() => clients.every(one => here(one) === all), "all in each list")

  for (let number = 0; number < SHOUTS; number++)
    for (const {name, channel} of clients) channel.push("shout", {from: name, number})
  await until(() => clients.every(one => count(one) >= SHOUTS * clients.length), "all shouts at each")
  const inOrder = JSON.stringify([...Array(SHOUTS).keys()])
  const right = clients.every(one => clients.every(({name}) => JSON.stringify(one.heard[name]) === inOrder))

  const gone = clients.pop()
  gone.socket.disconnect()
  const rest = clients.map(one => one.name).sort().join()
  await until(() => clients.every(one => here(one) === rest), "the one that has gone")
  console.log(JSON.stringify({workers: pids.size, "each heard each, in order": right}))
  process.exit(0)
}

main().catch(error => { console.error(error); process.exit(1) })
