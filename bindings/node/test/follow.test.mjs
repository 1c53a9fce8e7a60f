// Events and followers against the real daemon. That a follower misses nothing is proved in tests/system/test_node.py, where
// what it gave is held against the daemon's database.
import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import { Invalid, Misused, Position, Snapshot, StartedOver, TimedOut, TooLarge, Truncated } from 'zmesos'

import { Cluster, PATIENCE, all, refused, waitFor } from './cluster.mjs'

const TRUE = { cpus: 0.1, mem: 16, command: 'true' }
const STATES = ['QUEUED', 'LAUNCHING', 'STARTING', 'RUNNING', 'FINISHED']
let cluster
let client

before(async () => {
  cluster = await Cluster.start({ daemon: ['--keep-events', '200'] })
  client = cluster.client()
})
after(() => cluster?.close())

/** Events until one has this topic; their topics. */
async function until(events, topic) {
  const topics = []
  for await (const event of events) {
    topics.push(event.topic)
    if (event.topic === topic) return topics
  }
}

test('a subscription has what is published from ready() on', async () => {
  const events = client.subscribe(['task/', 'mesos/UPDATE/', 'zmesos/'])
  const status = await events.ready({ timeout: PATIENCE })
  assert.equal(status.subscription, 'SUBSCRIBED')
  const task = await client.launch({ ...TRUE, id: 'seen' })
  await task.wait({ timeout: PATIENCE })
  const found = await all(events.catchUp(await client.status(), { timeout: PATIENCE }))
  assert.equal(events.missed, 0n)
  const own = found.filter(({ taskId }) => taskId === 'seen')
  assert.deepEqual(own.filter(({ task: view }) => view).map(({ task: view }) => view.state), STATES)
  const update = own.find(({ mesos }) => mesos?.update?.status.state === 'TASK_FINISHED')
  assert.equal(update.eventClass, 'UPDATE')
  assert.ok(update.mesos.update.status.uuid instanceof Uint8Array && update.body.length > 0)
  assert.ok(Math.abs(Date.now() - update.time.getTime()) < 3_600_000)
  assert.match(String(update), /^mesos\/UPDATE\/seen\/1  TASK_FINISHED, agent /)
  assert.match(String(own.at(-1)), /seen/)
  assert.equal(await events.recv({ timeout: 0 }).then((event) => event === undefined || event.topic.length > 0), true)
  events.close()
  await refused(() => events.recv(), Misused)
})

test('one call at a time, and an aborted one loses nothing', async () => {
  const events = client.subscribe('task/')
  await events.ready({ timeout: PATIENCE })
  const stop = new AbortController()
  const waiting = events.recv({ signal: stop.signal })
  await refused(() => events.recv(), Misused)
  stop.abort()
  await assert.rejects(waiting, { name: 'AbortError' })
  await client.launch({ ...TRUE, id: 'after-abort' })
  const event = await events.recv({ timeout: PATIENCE })
  assert.equal(event.topic, 'task/after-abort/QUEUED')
  await until(events, 'task/after-abort/FINISHED')
  assert.equal(events.closed, true) // leaving the loop has closed it
  assert.equal(events.missed, 0n)
})

test('a follower under a prefix, under a class, and from the oldest', async () => {
  const follower = await client.follow('task/job/').ready()
  await client.launch({ ...TRUE, id: 'job' })
  assert.deepEqual(await until(follower, 'task/job/FINISHED'), STATES.map((state) => `task/job/${state}`))
  const oldest = client.follow('task/', { start: 'oldest' })
  const topics = await until(oldest, 'task/job/FINISHED')
  assert.equal(new Set(topics).size, topics.length)
  assert.ok(topics.length > STATES.length)
})

test('a position goes on where a follower stopped, through JSON', async () => {
  const follower = await client.follow('task/').ready()
  await client.launch({ ...TRUE, id: 'first' })
  const taken = [await follower.recv(), await follower.recv()].map(({ topic }) => topic)
  const kept = JSON.parse(JSON.stringify(follower.position))
  follower.close()
  await client.wait('first', { timeout: PATIENCE }) // else the second may be over before it
  await (await client.launch({ ...TRUE, id: 'second' })).wait({ timeout: PATIENCE })
  const rest = await until(client.follow('task/', { start: Position.fromJSON(kept) }), 'task/second/FINISHED')
  const both = [...taken, ...rest]
  for (const id of ['first', 'second']) {
    assert.deepEqual(both.filter((topic) => topic.startsWith(`task/${id}/`)), STATES.map((state) => `task/${id}/${state}`))
  }
})

test('a snapshot with the events after it is what the daemon says', async () => {
  const ids = Array.from({ length: 6 }, (_, n) => `snap-${n}`)
  await client.launchMany(ids.slice(0, 3).map((id) => ({ id, cpus: 0.1, command: { value: 'true' } })))
  const snapshot = await client.snapshot({ prefix: 'snap-', pageSize: 2 })
  assert.ok(snapshot instanceof Snapshot)
  const follower = client.follow('task/snap-', { start: snapshot.position })
  await client.launchMany(ids.slice(3).map((id) => ({ id, cpus: 0.1, command: { value: 'true' } })))
  const over = new Set()
  for await (const event of follower) {
    snapshot.apply(event)
    if (event.task.state === 'FINISHED') over.add(event.task.id)
    if ([...snapshot.tasks.values()].filter(({ state }) => state === 'FINISHED').length === ids.length) break
  }
  const said = await all(client.tasks({ prefix: 'snap-' }))
  assert.deepEqual(said.map(({ id, revision }) => [id, revision]), ids.map((id) => [id, snapshot.tasks.get(id).revision]))
})

test('what is not kept any more is said', async () => {
  const follower = await client.follow('task/', { highWater: 100 }).ready()
  const begun = follower.position.numbers.get('TASK')
  await client.launchMany(Array.from({ length: 400 }, (_, n) => ({ id: `old-${n}`, cpus: 1000, command: { value: 'true' } })))
  await client.kill(Array.from({ length: 400 }, (_, n) => `old-${n}`))
  await cluster.daemon.end('SIGTERM') // what is in its memory would do
  await cluster.startDaemon()
  const head = (await client.status()).heads.find((one) => one.class === 'TASK').number
  const pruned = async () => {
    try {
      return (await client.replay('TASK').next()).value.number > head - 200n
    } catch (error) {
      if (error instanceof Truncated) return error.oldest > head - 200n
      throw error
    }
  }
  await waitFor(pruned, 'old events to go') // by and by
  const late = client.follow('task/', { start: new Position(follower.position.store, new Map([['TASK', begun]])) })
  let told
  const numbers = []
  for await (const event of late) {
    if (event instanceof StartedOver) told = event
    else numbers.push(event.number)
    if (late.position.numbers.get('TASK') === head) break
  }
  assert.deepEqual([told.reason, told.eventClass, told.missed[0]], ['TRUNCATED', 'TASK', begun + 1n])
  assert.equal(numbers[0], told.missed[1] + 1n)
  assert.equal(BigInt(numbers.length), head - told.missed[1])
  await assert.rejects(all(client.replay('TASK')), (error) => {
    assert.ok(error instanceof Truncated)
    assert.ok(error.oldest > 1n && error.oldest <= head)
    return true
  })
  const oldest = told.missed[1] + 1n
  assert.deepEqual((await all(client.replay('TASK', { start: oldest }))).map(({ number }) => number), numbers)
  const tail = await client.tail('TASK', { after: oldest - 1n })
  assert.deepEqual([tail.count, tail.last], [BigInt(numbers.length), head])
  follower.close()
})

test('another history is said', async () => {
  const copy = join(cluster.directory, 'copy.db')
  await client.backup(copy)
  const follower = await client.follow('task/').ready()
  const before = follower.position
  const { store } = before
  await cluster.daemon.end('SIGTERM')
  copyFileSync(copy, join(cluster.directory, 'state', 'zmesos.db'))
  await cluster.startDaemon()
  const told = await waitFor(() => follower.recv({ timeout: 1000 }), 'a word of the other history')
  assert.ok(told instanceof StartedOver)
  assert.deepEqual([told.reason, told.eventClass, told.missed], ['STORE', undefined, undefined])
  assert.equal(told.position.store, (await client.status()).store)
  assert.notEqual(told.position.store, store)
  await client.launch({ ...TRUE, id: 'new-history' })
  assert.deepEqual(await until(follower, 'task/new-history/FINISHED'), STATES.map((state) => `task/new-history/${state}`))
  // A position of another history, and one with numbers that were not given yet.
  const ahead = new Position(told.position.store, new Map([['TASK', told.position.numbers.get('TASK') + 1000n]]))
  for (const start of [before, ahead]) {
    const late = client.follow('task/', { start })
    const word = await late.recv({ timeout: PATIENCE })
    assert.ok(word instanceof StartedOver)
    assert.deepEqual([word.reason, word.position.store], ['STORE', told.position.store])
    late.close()
  }
})

test('a class that a position lacks is said, where there was anything of it', async () => {
  await client.launch({ ...TRUE, id: 'lacking-before' })
  await client.wait('lacking-before', { timeout: PATIENCE })
  const before = await client.follow('task/').ready()
  const { position } = before
  before.close()
  const follower = client.follow(['task/', 'mesos/UPDATE/', 'zmesos/ORPHAN/'], { start: position })
  const told = await follower.recv({ timeout: PATIENCE })
  assert.ok(told instanceof StartedOver)
  const head = told.position.numbers.get('UPDATE')
  assert.ok(head > 0n)
  assert.deepEqual([told.reason, told.eventClass, told.missed], ['ADDED', 'UPDATE', [1n, head]])
  assert.deepEqual(told.position.numbers.get('TASK'), position.numbers.get('TASK'))
  assert.deepEqual(follower.position.numbers, told.position.numbers)
  await client.launch({ ...TRUE, id: 'lacking-after' })
  const topics = await until(follower, 'task/lacking-after/FINISHED')
  assert.ok(topics.every((topic) => topic !== undefined)) // it is said once
  const own = topics.filter((topic) => topic.startsWith('task/lacking-'))
  assert.deepEqual(own, STATES.map((state) => `task/lacking-after/${state}`))
})

test('replay, tail, snapshot and follow are refused with the field', async () => {
  const head = (await client.status()).heads.find((one) => one.class === 'TASK').number
  for (const [what, field] of [
    [() => all(client.replay('OFFERS')), 'replay.class'],
    [() => all(client.replay('NONSENSE')), 'replay.class'],
    [() => all(client.replay('TASK', { start: head + 2n })), 'replay.from'],
    [() => all(client.replay('TASK', { start: 0 })), 'replay.from'],
    [() => all(client.replay('TASK', { prefixes: ['mesos/'] })), 'replay.prefixes[0]'],
    [() => client.tail('TASK', { after: head + 1n }), 'tail.after'],
    [() => client.snapshot({ pageSize: 0 }), 'snapshot.page_size'],
    [() => client.snapshot({ state: 'ASLEEP' }), 'snapshot.states[0]'],
    [() => client.follow('zmesos/HEARTBEAT'), 'prefixes'],
    [() => client.follow('task/', { start: 'yesterday' }), 'start'],
    [() => client.follow(new Array(10_001).fill('task/')), 'prefixes'],
    [() => client.follow('task/', { highWater: -1 }), 'highWater'],
    [() => client.follow(['task/', 7]), 'prefixes[1]'],
    [() => client.subscribe({}), 'prefixes'],
  ]) {
    await refused(what, Invalid, field)
  }
  await refused(() => client.snapshot({ pageSize: 251 }), TooLarge, 'snapshot.page_size')
  client.follow(new Array(10_000).fill('task/')).close()
  assert.throws(() => client.follow('task/').position, Misused)
})

test('nobody publishes there', async () => {
  const deaf = cluster.client({ events: cluster.endpoints.control })
  await refused(() => deaf.follow('task/', { ready: 200 }).ready(), TimedOut)
  assert.throws(() => cluster.client({ events: 'nowhere' }).subscribe(), Misused)
})
