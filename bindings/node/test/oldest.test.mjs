// What is told of lost events where a follower began with the oldest. The daemon is scripted: what it publishes, keeps and loses is said
// by the test.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Client, StartedOver, decode, encode } from 'zmesos'
import * as zmq from 'zeromq'

import { PATIENCE } from './cluster.mjs'

const BEAT = 20 // ms

/** The journal has the topics of class TASK, by number; those below `oldest` are gone. */
class Daemon {
  journal = []
  oldest = 1n
  #asked = new zmq.Reply({ linger: 0 })
  #events = new zmq.Publisher({ linger: 0 })
  #beats = 0n
  #sending = Promise.resolve()

  async begin() {
    await this.#asked.bind('tcp://127.0.0.1:*')
    await this.#events.bind('tcp://127.0.0.1:*')
    this.#answer().catch(() => {}) // its socket was closed
    this.timer = setInterval(() => this.#beat(), BEAT)
    const control = this.#asked.lastEndpoint
    return new Client({ control, pipeline: control, events: this.#events.lastEndpoint, timeout: PATIENCE })
  }

  async end() {
    clearInterval(this.timer)
    await this.#sending
    this.#asked.close()
    this.#events.close()
  }

  publish(topic, heard = true) {
    this.journal.push(topic)
    if (heard) this.#send(topic, this.#header(BigInt(this.journal.length), 'TASK'), '')
  }

  get #head() {
    return BigInt(this.journal.length)
  }

  #send(...parts) {
    this.#sending = this.#sending.then(() => this.#events.send(parts)) // one at a time
  }

  #header(number, name) {
    return encode('zmesos.v1.EventHeader', { version: 1, store: 's', run: 1n, class: name, number })
  }

  #beat() {
    const status = { store: 's', run: 1n, heads: [{ class: 'TASK', number: this.#head }] }
    this.#send('zmesos/HEARTBEAT', this.#header(++this.#beats, 'DAEMON'), encode('zmesos.v1.DaemonStatus', status))
  }

  async #answer() {
    for await (const [data] of this.#asked) {
      const request = decode('zmesos.v1.Request', data)
      await this.#asked.send(encode('zmesos.v1.Reply', { version: 1, id: request.id, code: 'OK', ...this.#reply(request) }))
    }
  }

  #reply({ tail, replay }) {
    const { prefixes = [] } = tail ?? replay
    const from = tail ? tail.after + 1n : replay.from
    if (from < this.oldest) return { code: 'TRUNCATED', message: 'not kept', [tail ? 'tail' : 'replay']: { oldest: this.oldest } }
    const found = this.journal
      .map((topic, at) => ({ topic, number: BigInt(at + 1) }))
      .filter(({ topic, number }) => number >= from && (prefixes.length === 0 || prefixes.some((one) => topic.startsWith(one))))
    if (tail) return { tail: { until: tail.until, count: BigInt(found.filter(({ number }) => number <= tail.until).length) } }
    const events = found.map(({ topic, number }) => ({ topic, header: decode('zmesos.v1.EventHeader', this.#header(number, 'TASK')) }))
    return { replay: { events, next: this.#head + 1n, head: this.#head } }
  }
}

/** Numbers of events, and what is said of lost ones, until that many have come. */
async function told(follower, count) {
  const found = []
  while (found.length < count) {
    const one = await follower.recv({ timeout: PATIENCE })
    assert.notEqual(one, undefined)
    found.push(one instanceof StartedOver ? [one.reason, ...one.missed] : one.number)
  }
  return found
}

for (const prefix of ['task/', 'task/job/']) {
  test(`what is gone before the oldest is not lost: ${prefix}`, async () => {
    const daemon = new Daemon()
    const client = await daemon.begin()
    daemon.journal = Array(9).fill('task/job/RUNNING')
    daemon.oldest = 6n
    const follower = client.follow(prefix, { start: 'oldest' })
    assert.deepEqual(await told(follower, 4), [6n, 7n, 8n, 9n])
    follower.close()
    client.close()
    await daemon.end()
  })

  for (const there of [0, 3]) {
    test(`what is lost later is said: ${prefix} after ${there} of others`, async () => {
      const daemon = new Daemon()
      const client = await daemon.begin()
      daemon.journal = Array(there).fill('task/other/RUNNING')
      const follower = await client.follow(prefix, { start: 'oldest' }).ready()
      const first = [1n, 2n, 3n].slice(0, prefix === 'task/' ? there : 0)
      assert.deepEqual(await told(follower, first.length), first)
      const head = BigInt(there)
      daemon.publish('task/job/RUNNING')
      assert.deepEqual(await told(follower, 1), [head + 1n])
      daemon.publish('task/job/RUNNING', false)
      daemon.publish('task/job/FINISHED', false)
      daemon.oldest = head + 3n
      assert.deepEqual(await told(follower, 2), [['TRUNCATED', head + 2n, head + 2n], head + 3n])
      follower.close()
      client.close()
      await daemon.end()
    })
  }
}
