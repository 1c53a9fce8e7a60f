// Every request of the client, against the real daemon.
import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'

import {
  Client, Conflict, Invalid, Misused, NotFound, TaskHandle, TimedOut, TooLarge, equals, isOver, newId, reserved,
  scalars, taskSpec,
} from 'zmesos'

import { Cluster, Cutter, PATIENCE, all, refused, waitFor } from './cluster.mjs'

const SMALL = { cpus: 0.1, mem: 32 }
const SLEEP = { ...SMALL, command: 'sleep 600' }
let cluster
let client

before(async () => {
  cluster = await Cluster.start({ daemon: ['--role', 'db'] })
  client = cluster.client()
})
after(() => cluster?.close())

test('a task is launched, waited for and looked at', async () => {
  assert.ok((await client.ping()) >= 0)
  const task = await client.launch('exit 3', SMALL)
  assert.ok(task instanceof TaskHandle)
  assert.equal(task.result.state, 'QUEUED')
  const ended = await task.wait({ timeout: PATIENCE })
  assert.equal(ended.state, 'FAILED')
  assert.equal(await task.state(), 'FAILED')
  const [attempt, ...others] = await task.history()
  assert.deepEqual([attempt.number, attempt.state, others.length], [1, 'FAILED', 0])
  assert.equal((await client.handle(task.id).task({ withSpec: true })).spec.command.value, 'exit 3')
  assert.ok(BigInt(Date.now()) * 1_000_000n - ended.createdNs < 3_600_000_000_000n)
})

test('the same id again is known, another specification a Conflict', async () => {
  const spec = taskSpec({ ...SMALL, command: 'true', id: newId() })
  assert.equal((await client.launch({ spec })).result.known, false)
  const again = await client.launch({ spec })
  assert.equal(again.result.known, true)
  assert.ok(again.result.kept > 0)
  await refused(() => client.launch('false', { ...SMALL, id: spec.id }), Conflict)
})

test('many with some refused', async () => {
  const specs = [taskSpec({ ...SMALL, command: 'true' }), taskSpec({ ...SMALL, cpus: -1, command: 'true' }), taskSpec({ ...SMALL, command: 'true' })]
  const results = await client.launchMany(specs)
  assert.deepEqual(results.map((result) => [result.id, result.code]), [[specs[0].id, 'OK'], [specs[1].id, 'INVALID'], [specs[2].id, 'OK']])
  assert.equal(results[1].field, 'launch.tasks[1].cpus')
  const ended = await client.wait([specs[0].id, specs[2].id], { timeout: PATIENCE })
  assert.deepEqual([...ended.keys()], [specs[0].id, specs[2].id])
})

test('more than a request holds is cut, and what no request holds is refused by itself', async () => {
  const ids = Array.from({ length: 2500 }, (_, n) => `cut-${n}`)
  const big = (id, size) => ({ id, cpus: 1000, data: new Uint8Array(size), command: { value: 'true' } })
  const results = await client.launchMany(ids.map((id) => ({ id, cpus: 1000, command: { value: 'true' } })))
  assert.deepEqual(results.map(({ id }) => id), ids)
  assert.equal(results.every(({ ok }) => ok), true)
  const large = await client.launchMany([big('l-0', 600_000), big('l-1', 600_000), big('l-2', 1 << 20), big('l-3', 10)])
  assert.deepEqual(large.map(({ code }) => code), ['OK', 'OK', 'TOO_LARGE', 'OK'])
  await refused(() => client.launch({ spec: big('l-4', 1 << 20) }), TooLarge)
  assert.equal((await all(client.tasks({ prefix: 'cut-', pageSize: 700 }))).length, 2500)
  assert.equal((await client.kill([...ids, 'l-0', 'l-1', 'l-3'])).length, 2503)
})

test('kill by id and by label, and an unknown id beside a known one', async () => {
  const label = newId('label')
  const tasks = []
  for (let n = 0; n < 3; n += 1) tasks.push(await client.launch({ ...SLEEP, labels: { which: label } }))
  await waitFor(async () => (await tasks[0].state()) === 'RUNNING', 'a task that runs')
  await assert.rejects(client.kill([tasks[0].id, 'nobody'], { grace: 1000 }), (error) => {
    assert.ok(error instanceof NotFound)
    assert.deepEqual(error.results.map(({ code }) => code), ['OK', 'NOT_FOUND'])
    return true
  })
  assert.equal((await tasks[0].wait({ timeout: PATIENCE })).state, 'KILLED')
  const killed = await client.kill({ label: `which=${label}` })
  assert.equal(killed.length, 2)
  const ended = await all(client.asCompleted(tasks.map(({ id }) => id), { timeout: PATIENCE }))
  assert.deepEqual(new Set(ended.map(({ id, state }) => `${id} ${state}`)), new Set(tasks.map(({ id }) => `${id} KILLED`)))
  assert.deepEqual(await all(client.tasks({ state: 'RUNNING', label: ['which', label] })), [])
})

test('unknown tasks', async () => {
  await refused(() => client.task('nobody'), NotFound)
  await refused(() => client.wait('nobody'), NotFound)
  assert.equal((await client.get(['nobody'])).size, 0)
  assert.equal((await client.why('nobody')).size, 0)
  await refused(() => client.operation('nobody'), NotFound)
  assert.equal((await client.getOperations(['nobody'])).size, 0)
})

test('why a task waits', async () => {
  const task = await client.launch({ cpus: 500, command: 'true' })
  const reasons = await waitFor(async () => {
    const found = (await task.why())?.reasons.filter(({ kind }) => kind === 'CPUS')
    return found?.length > 0 && found
  }, 'a reason')
  assert.equal(reasons[0].wanted, 500)
  await task.kill()
  assert.equal((await task.wait({ timeout: PATIENCE })).state, 'KILLED')
})

test('groups live and die together', async () => {
  const members = [0, 1].map(() => taskSpec({ ...SLEEP, disk: 1 }))
  const results = await client.launchGroup(members)
  assert.equal(results.length, 2)
  await waitFor(async () => (await client.task(members[1].id)).state === 'RUNNING', 'a member that runs')
  await client.kill(members[0].id)
  const ended = await client.wait(members.map(({ id }) => id), { timeout: PATIENCE })
  assert.deepEqual([...ended.values()].map(isOver), [true, true])
  await assert.rejects(client.launchGroup([taskSpec(SLEEP), taskSpec({ ...SLEEP, cpus: -1 })]), (error) => {
    assert.ok(error instanceof Invalid)
    assert.equal(error.field, 'launch.tasks[1].cpus')
    assert.deepEqual(error.results.map(({ ok }) => ok), [false, false])
    return true
  })
  await refused(() => client.launchGroup([]), Invalid)
})

test('map runs some at a time and gives them in order', async () => {
  const names = Array.from({ length: 12 }, (_, n) => `map-${n}`)
  let most = 0
  const watching = (async () => {
    while (names.length > 0) {
      const open = (await all(client.tasks({ prefix: 'map-' }))).filter((task) => !isOver(task)).length
      most = Math.max(most, open)
    }
  })()
  const specs = names.map((id, n) => taskSpec({ ...SMALL, id, command: `exit ${n % 2}` }))
  const ended = await all(client.map(specs, { concurrency: 4, timeout: PATIENCE }))
  assert.deepEqual(ended.map(({ id, state }) => [id, state]), names.map((id, n) => [id, n % 2 ? 'FAILED' : 'FINISHED']))
  names.length = 0
  await watching
  assert.ok(most >= 1 && most <= 4, `${most} at a time`)
  await refused(() => all(client.map([{ id: 'a/b' }])), Invalid)
  await refused(() => all(client.map([], { concurrency: 0 })), Invalid, 'concurrency')
})

test('a task that is tried again is over once', async () => {
  const task = await client.launch({ ...SMALL, command: 'false', retry: { maxAttempts: 3, backoff: 10 } })
  const ended = await task.wait({ timeout: PATIENCE })
  assert.deepEqual(ended.attempts.map(({ number }) => number), [1, 2, 3])
})

test('a wait that is too long, and one that is aborted; the task goes on', async () => {
  const task = await client.launch(SLEEP)
  await refused(() => task.wait({ timeout: 50 }), TimedOut)
  const stop = new AbortController()
  const waits = [task.wait({ signal: stop.signal }), client.wait([task.id], { signal: stop.signal })]
  const other = task.wait({ timeout: PATIENCE })
  setTimeout(() => stop.abort(new Error('enough')), 20)
  for (const wait of waits) await assert.rejects(wait, /enough/)
  await assert.rejects(task.wait({ signal: AbortSignal.abort() }), { name: 'AbortError' })
  await task.kill()
  assert.equal((await other).state, 'KILLED')
})

test('reservations are made, seen and undone', async () => {
  const somewhere = await (await client.launch('true', SMALL)).wait({ timeout: PATIENCE })
  const there = [equals('agent_id', somewhere.attempts[0].agentId)]
  const reserve = { type: 'RESERVE', reserve: { resources: reserved('db', { cpus: 1 }) } }
  const made = await client.operate(reserve, { constraints: there, labels: { for: 'node' } })
  const over = await client.waitOperations(made.id, { timeout: PATIENCE })
  assert.equal(over.get(made.id).state, 'FINISHED')
  assert.equal((await client.operation(made.id, { withSpec: true })).spec.operation.type, 'RESERVE')
  assert.deepEqual((await all(client.operations({ state: 'FINISHED', label: 'for=node' }))).map(({ id }) => id), [made.id])
  const undone = await client.operate({ type: 'UNRESERVE', unreserve: { resources: reserved('db', { cpus: 1 }) } })
  assert.equal((await client.waitOperations(undone.id, { timeout: PATIENCE })).get(undone.id).state, 'FINISHED')
  const never = await client.operate(reserve, { constraints: [equals('agent_id', 'nowhere')] })
  await refused(() => client.waitOperations(never.id, { timeout: 50 }), TimedOut)
  assert.equal((await client.cancelOperations(never.id))[0].state, 'CANCELLED')
  await refused(() => client.cancelOperations('nobody'), NotFound)
  await refused(() => client.operate({ type: 'RESERVE', reserve: { resources: [] } }), Invalid)
})

test('tasks are placed on leased offers', async () => {
  const tasks = [await client.launch({ ...SMALL, command: 'true', placer: 'me' }), await client.launch({ ...SMALL, command: 'true', placer: 'me' })]
  assert.equal((await all(client.tasks({ placer: 'me' }))).length, 2)
  const lease = await client.lease({ duration: 30_000, cpus: 1 })
  const placed = await lease.with(async () => {
    const offer = await waitFor(async () => (await lease.renew()).offers[0], 'an offer')
    assert.ok(scalars(offer).cpus >= 1)
    assert.ok(lease.left > 0 && lease.left <= 30_000)
    const results = await lease.place({ offers: offer, tasks: [...tasks.map(({ id }) => id), 'nobody'] })
    assert.equal(lease.offers.includes(offer), false)
    return results
  })
  assert.deepEqual(placed.map(({ code }) => code), ['OK', 'OK', 'NOT_FOUND'])
  assert.equal(lease.over, true)
  for (const task of tasks) assert.equal((await task.wait({ timeout: PATIENCE })).state, 'FINISHED')
  await refused(() => lease.renew(), NotFound)
})

test('agents are told page by page', async () => {
  const agents = await waitFor(async () => {
    const found = await all(client.agents({ pageSize: 1 }))
    return found.length === 2 && found
  }, 'both agents')
  assert.deepEqual(agents.map(({ id }) => id), agents.map(({ id }) => id).sort())
  assert.match(agents[0].hostname, /^agent[12]$/)
  assert.equal(typeof agents[0].tasks, 'bigint')
})

test('a consumer has each update before Mesos may forget it', async () => {
  const consumer = { name: 'ledger', afterTimeout: 'WAIT' }
  const task = await client.launch({ ...SMALL, command: 'true', consumer })
  const states = []
  await waitFor(async () => {
    const updates = await all(client.unconfirmed('ledger'))
    states.push(...updates.map(({ state }) => state))
    const results = await client.confirm('ledger', updates)
    assert.equal(results.every(({ ok }) => ok), true)
    return states.includes('TASK_FINISHED')
  }, 'all updates')
  assert.equal(await task.state(), 'FINISHED')
  assert.deepEqual(await client.confirm('ledger', []), [])
  const [strange] = await client.confirm('ledger', [{ taskId: 'nobody', attempt: 1, uuid: new Uint8Array(16) }])
  assert.equal(strange.code, 'NOT_FOUND')
})

test('a copy of the state', async () => {
  const path = join(cluster.directory, 'copy.db')
  const done = await client.backup(path)
  assert.equal(done.path, path)
  assert.ok(done.bytes > 0n && existsSync(path))
  await refused(() => client.backup(path), Conflict)
  await refused(() => client.backup('copy.db'), Invalid, 'backup.path')
  assert.deepEqual(await client.release('RUN'), [])
})

test('what concerns the framework', async () => {
  await client.suppress()
  assert.ok((await client.status()).suppressedRoles.length > 0)
  await client.revive()
  assert.equal((await client.status()).suppressedRoles.length, 0)
  assert.equal(typeof (await client.reconcile()), 'bigint')
  const { token, begun } = await client.teardown()
  assert.ok(token !== undefined && begun !== true)
  await refused(() => client.updateFramework({ name: '' }), Invalid)
  await client.updateFramework({ name: 'of node', failoverTimeout: 100_000, labels: { a: 'b' } })
  await client.reconcileOperations()
  await refused(() => client.message(Uint8Array.of(1), { task: 'nobody' }), NotFound)
  await refused(() => client.sandbox('nobody'), NotFound)
})

test('what is sent is checked by the daemon, too', async () => {
  await refused(() => client.launch('true', { cpus: 1, name: 'x'.repeat(256) }), TooLarge, 'launch.tasks[0].name')
  await refused(() => client.launch('true', { cpus: 1, role: 'other' }), Invalid, 'launch.tasks[0].role')
  await refused(() => all(client.tasks({ pageSize: 0 })), Invalid, 'list.page_size')
  await refused(() => client.ask({}), Error)
  await refused(() => client.launch('true', { cpus: 1, colour: 'red' }), Invalid, 'colour')
  await refused(() => client.launch({ cpus: 1 }, { mem: 1 }), Invalid)
  assert.throws(() => new Client({ timeout: 0 }), Invalid)
  for (const timeout of [0, -1, NaN]) await refused(() => client.status({ timeout }), Invalid, 'timeout')
  assert.throws(() => new Client({ attempts: 1.5 }), Invalid)
})

test('many calls at once share a few sockets', async () => {
  const cutter = await Cutter.start(cluster.endpoints.pipeline) // which cuts nothing, and counts
  try {
    const other = cluster.client({ pipeline: cutter.endpoint, attempts: 1 }) // a request asked again has a socket of its own
    const answers = await Promise.all(Array.from({ length: 300 }, () => other.ask({ ping: {} })))
    assert.equal(answers.every(({ code }) => code === 'OK'), true)
    assert.ok(cutter.connections <= 32, `${cutter.connections} connections`)
    other.close()
  } finally {
    await cutter.close()
  }
})

test('an end of which no event comes is found all the same', async () => {
  const deaf = cluster.client({ events: cluster.endpoints.control }) // where nothing is published
  const tasks = [await deaf.launch('sleep 1', SMALL), await deaf.launch('sleep 1', SMALL)]
  const ended = await deaf.wait(tasks.map(({ id }) => id), { timeout: PATIENCE })
  assert.deepEqual([...ended.values()].map(({ state }) => state), ['FINISHED', 'FINISHED'])
})

test('without a pipeline everything goes through control', async () => {
  const other = cluster.client({ pipeline: undefined })
  const answers = await Promise.all(Array.from({ length: 50 }, () => other.ping()))
  assert.equal(answers.length, 50)
  const lone = new Client({ control: cluster.endpoints.control })
  await refused(() => lone.wait('x'), Misused)
  assert.throws(() => lone.follow('task/'), Misused)
  lone.close()
})

test('nobody there, nobody who answers, and no endpoint', async () => {
  const silent = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => silent.once('listening', resolve))
  const mute = new Client({ control: `tcp://127.0.0.1:${silent.address().port}`, timeout: 200 })
  try {
    await refused(() => mute.ping(), TimedOut)
    await assert.rejects(mute.ping({ timeout: PATIENCE, signal: AbortSignal.timeout(50) }), { name: 'TimeoutError' })
    const asked = mute.ping({ timeout: PATIENCE })
    mute.close()
    await refused(() => asked, Misused)
    await refused(() => mute.ping(), Misused)
    await refused(() => new Client({ control: 'nowhere' }).ping(), Misused)
  } finally {
    mute.close()
    silent.close()
  }
})

test('requests go through a connection that is cut again and again, each task launched once', async () => {
  const cutter = await Cutter.start(cluster.endpoints.pipeline)
  // What is cut off is asked again after two seconds: a slow disk may take one.
  const other = cluster.client({ pipeline: cutter.endpoint, timeout: 5 * PATIENCE, attempts: 150 })
  try {
    const ids = Array.from({ length: 200 }, (_, n) => `through-${n}`)
    let answered = 0
    const launches = ids.map(async (id) => {
      const task = await other.launch({ id, cpus: 1000, command: 'true' })
      answered += 1
      return task.id
    })
    for (let cuts = 0; cuts < 10; cuts += 1) {
      const { connections } = cutter
      await waitFor(() => cutter.connections > connections || answered === ids.length, 'another connection')
      cutter.cut()
    }
    assert.deepEqual(await Promise.all(launches), ids)
    await waitFor(() => cutter.connections > 32, 'what was cut off to connect again')
    assert.deepEqual((await all(client.tasks({ prefix: 'through-' }))).map(({ id }) => id).sort(), ids.sort())
    await client.kill(ids)
  } finally {
    await cutter.close()
  }
})

test('a task launched while the daemon is away happens once, and a wait goes through kill -9', async () => {
  const gate = join(cluster.directory, 'gate')
  const sleeper = await client.launch({ ...SMALL, command: `while ! test -e ${gate}; do sleep 0.1; done` })
  await waitFor(async () => (await sleeper.state()) === 'RUNNING', 'a task that runs')
  const wait = sleeper.wait({ timeout: PATIENCE })
  await cluster.daemon.end('SIGKILL')
  const launch = client.launch('true', { ...SMALL, id: 'while-away' })
  await refused(() => cluster.client({ timeout: 300, attempts: 1 }).ping(), TimedOut)
  writeFileSync(gate, '')
  await cluster.startDaemon()
  const task = await launch
  assert.equal((await task.wait({ timeout: PATIENCE })).attempts.length, 1)
  assert.equal((await wait).state, 'FINISHED')
  assert.equal((await client.status()).run, 2n)
})
