#!/usr/bin/env node
// Launches four tasks, kills one, and prints what becomes of them.
//
// usage: hello.mjs [--control ENDPOINT] [--events ENDPOINT] [--pipeline ENDPOINT] [--timeout SECONDS]
//
// Exits 1 unless every task came to the end meant for it.
import { parseArgs } from 'node:util'

import { Client, StartedOver, isOver, newId } from 'zmesos'

async function main() {
  const text = { type: 'string' }
  const { values } = parseArgs({ options: { control: text, events: text, pipeline: text, timeout: text } })
  const { timeout = '60', ...endpoints } = values
  const client = new Client(endpoints)
  try {
    return await run(client, AbortSignal.timeout(Number(timeout) * 1000))
  } finally {
    client.close()
  }
}

async function run(client, signal) {
  const batch = newId('hello')
  // From here on every event of these tasks is told, once, whatever happens to the connection or the daemon.
  const follower = await client.follow(`task/${batch}.`, { signal }).ready()

  const small = { cpus: 0.1, mem: 32 }
  const tasks = []
  for (const n of [1, 2, 3]) {
    tasks.push(await client.launch(`echo hello from task ${n}; sleep 0.${n}`, { ...small, id: `${batch}.${n}` }))
  }
  const endless = await client.launch('sleep 600', { ...small, id: `${batch}.4` })
  tasks.push(endless)

  const ends = new Map()
  for await (const event of follower) {
    if (event instanceof StartedOver) throw new Error('events were lost for good: the daemon keeps too few')
    console.log(String(event))
    const { id, state } = event.task
    if (id === endless.id && state === 'RUNNING') await endless.kill()
    if (isOver(event.task)) ends.set(id, state)
    if (ends.size === tasks.length) break
  }
  const count = (state) => [...ends.values()].filter((end) => end === state).length
  console.log(`hello: ${tasks.length} launched, ${count('FINISHED')} FINISHED, ${count('KILLED')} KILLED`)
  return count('FINISHED') === 3 && ends.get(endless.id) === 'KILLED' ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`hello.mjs: ${error.message}`)
  process.exitCode = 1
}
