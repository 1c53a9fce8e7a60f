// How long things wait: where nobody is, after a wait that was aborted, and for longer than a timer of node takes. No daemon.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Client, TimedOut } from 'zmesos'

import { PATIENCE, refused } from './cluster.mjs'

const NOBODY = { control: 'ipc:///nonexistent/c', pipeline: 'ipc:///nonexistent/p', events: 'ipc:///nonexistent/e' }
const MONTH = 30 * 86_400_000 // more than 2^31 ms

/** What the promise gives within the limit; 'nothing' else. */
async function soon(promise, limit) {
  let timer
  try {
    return await Promise.race([promise, new Promise((resolve) => (timer = setTimeout(resolve, limit, 'nothing')))])
  } finally {
    clearTimeout(timer)
  }
}

test('a timeout counts also after a wait without one that was aborted', async () => {
  const client = new Client(NOBODY)
  const events = client.subscribe('task/')
  const stop = new AbortController()
  const waiting = events.recv({ signal: stop.signal })
  stop.abort()
  await assert.rejects(waiting, { name: 'AbortError' })
  assert.equal(await soon(events.recv({ timeout: 100 }), PATIENCE), undefined)
  assert.equal(await soon(events.recv({ timeout: 0 }), PATIENCE), undefined)
  await refused(() => soon(events.ready({ timeout: 100 }), PATIENCE), TimedOut)
  events.close()
  client.close()
})

test('many are waited for without a warning', async () => {
  const client = new Client({ ...NOBODY, timeout: 300 })
  const ids = Array.from({ length: 20 }, (_, number) => `task-${number}`)
  const warnings = []
  const note = (warning) => warnings.push(warning.name)
  process.on('warning', note)
  await refused(() => client.wait(ids), TimedOut)
  await refused(() => client.wait(ids, { signal: new AbortController().signal }), TimedOut)
  await new Promise((resolve) => setImmediate(resolve))
  process.off('warning', note)
  assert.deepEqual(warnings, [])
  client.close()
})

for (const timeout of [2 ** 31, MONTH, Infinity]) {
  test(`a timeout of ${timeout} ms is none of a moment`, async () => {
    const client = new Client({ ...NOBODY, timeout: PATIENCE })
    const events = client.subscribe('task/')
    const calls = [client.wait('task', { timeout }), events.recv({ timeout }), client.ping({ timeout })]
    assert.deepEqual(await Promise.all(calls.map((call) => soon(call, 500))), ['nothing', 'nothing', 'nothing'])
    client.close()
    events.close()
    for (const call of calls) await assert.rejects(call, { name: 'Misused' })
  })
}
