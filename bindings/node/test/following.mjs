// Follows, and tells what it got: for tests/system/test_node.py, which holds it against the daemon's database.
//
//     node following.mjs OPTIONS      (JSON: endpoints, prefixes, highWater)
//
// A line of JSON for each event, and for the position where there was none for a moment. On standard input: hold (and a line when it
// does), go, end.
import { createInterface } from 'node:readline'

import { Client, StartedOver } from 'zmesos'

const { endpoints, prefixes, highWater } = JSON.parse(process.argv[2])
const client = new Client(endpoints)
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`)

let held
let go = () => {}
let ended = false
createInterface({ input: process.stdin })
  .on('line', (line) => {
    if (line === 'hold') held = new Promise((resolve) => (go = resolve))
    if (line === 'go') {
      held = undefined
      go()
    }
    if (line === 'end') ended = true
  })
  .on('close', () => (ended = true))

const follower = await client.follow(prefixes, { highWater, ready: 60_000 }).ready()
say({ position: follower.position })
while (!ended) {
  if (held) say({ held: true })
  await held
  const found = await follower.recv({ timeout: 100 })
  if (found === undefined) say({ position: follower.position })
  else if (found instanceof StartedOver) say({ startedOver: found.reason })
  else say({ class: found.eventClass, number: Number(found.number), topic: found.topic, state: found.task?.state })
}
say({ replayed: follower.replayed })
follower.close()
process.stdin.destroy()
client.close()
