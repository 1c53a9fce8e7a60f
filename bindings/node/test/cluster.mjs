// The real programs for the tests: a zmesos-local and a zmesosd of one's own, ended whatever happens.
//
// Programs are in $ZMESOS_BUILD/bin (default: build/dev of the tree that this is in).
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { Client } from 'zmesos'

const HERE = dirname(fileURLToPath(import.meta.url))
const BUILD = resolve(process.env.ZMESOS_BUILD ?? join(HERE, '..', '..', '..', 'build', 'dev'))
export const PATIENCE = 60_000 // how long anything may take before a test gives up: generous, never asserted

/** The first true value of condition(), looked at often until the limit. */
export async function waitFor(condition, what, limit = PATIENCE) {
  const deadline = performance.now() + limit
  for (;;) {
    const value = await condition()
    if (value) return value
    if (performance.now() > deadline) throw new Error(`waited ${limit / 1000} s in vain for ${what}`)
    await sleep(20)
  }
}

/** Everything that an async iterator gives. */
export async function all(things) {
  const found = []
  for await (const thing of things) found.push(thing)
  return found
}

class Program {
  constructor(name, args, log) {
    this.process = spawn(join(BUILD, 'bin', name), args, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.process.stderr.pipe(createWriteStream(log, { flags: 'a' }))
    this.ended = once(this.process, 'exit').catch(() => {})
    this.name = name
  }

  /** The rest of the first line of standard output, which has to start so. */
  async firstLine(start) {
    const lines = createInterface({ input: this.process.stdout })
    const line = await Promise.race([once(lines, 'line').then(([text]) => text), once(lines, 'close').then(() => '')])
    if (!line.startsWith(start)) throw new Error(`${this.name} said ${JSON.stringify(line)}`)
    return line.slice(start.length).trim()
  }

  async end(signal) {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill(signal)
    await this.ended
  }
}

/** A master with two agents and a zmesosd that is subscribed to it. */
export class Cluster {
  endpoints = { control: 'tcp://127.0.0.1:*', pipeline: 'tcp://127.0.0.1:*', events: 'tcp://127.0.0.1:*' }
  #clients = []

  static async start({ local = [], daemon = [] } = {}) {
    const made = new Cluster()
    made.directory = mkdtempSync(join(tmpdir(), 'zmesos-node-'))
    made.flags = daemon
    try {
      mkdirSync(join(made.directory, 'state'), { mode: 0o700 })
      const resources = 'cpus:4;mem:4096;disk:10240;ports:[31000-32000]'
      made.local = new Program(
        'zmesos-local',
        ['--port', '0', '--work-dir', join(made.directory, 'work'), '--agents', '2', '--resources', resources, ...local],
        join(made.directory, 'local.log'),
      )
      made.master = await made.local.firstLine('listening on ')
      await made.startDaemon()
      const client = made.client()
      await waitFor(async () => (await client.status()).subscription === 'SUBSCRIBED', 'a subscription')
    } catch (error) {
      await made.close()
      throw error
    }
    return made
  }

  /** Starts zmesosd, on the same endpoints where it has run before. */
  async startDaemon() {
    const places = Object.entries(this.endpoints).flatMap(([name, endpoint]) => [`--${name}`, endpoint])
    this.daemon = new Program(
      'zmesosd',
      ['--state', join(this.directory, 'state'), '--master', this.master, '--failover-timeout', '120', ...places, ...this.flags],
      join(this.directory, 'daemon.log'),
    )
    const ready = await this.daemon.firstLine('zmesosd ready ')
    const told = Object.fromEntries(ready.split(' ').map((word) => word.split(/=(.*)/, 2)))
    for (const name of Object.keys(this.endpoints)) this.endpoints[name] = told[name]
  }

  /** kill -9, and started again. */
  async killDaemon() {
    await this.daemon.end('SIGKILL')
    await this.startDaemon()
  }

  client(options = {}) {
    const client = new Client({ timeout: PATIENCE, attempts: 30, ...this.endpoints, ...options })
    this.#clients.push(client)
    return client
  }

  async close() {
    for (const client of this.#clients) client.close()
    await this.daemon?.end('SIGTERM')
    await this.local?.end('SIGTERM')
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** A TCP proxy in front of an endpoint, that can cut all its connections. */
export class Cutter {
  connections = 0
  #pairs = new Set()

  static async start(endpoint) {
    const made = new Cutter()
    const [host, port] = endpoint.replace('tcp://', '').split(':')
    made.server = createServer((near) => {
      const far = connect(Number(port), host)
      const pair = [near, far]
      made.#pairs.add(pair)
      made.connections += 1
      for (const [from, to] of [[near, far], [far, near]]) {
        from.on('error', () => {})
        from.on('close', () => {
          to.destroy()
          made.#pairs.delete(pair)
        })
        from.pipe(to)
      }
    })
    made.server.listen(0, '127.0.0.1')
    await once(made.server, 'listening')
    made.endpoint = `tcp://127.0.0.1:${made.server.address().port}`
    return made
  }

  cut() {
    for (const pair of this.#pairs) for (const end of pair) end.destroy()
  }

  async close() {
    this.server.close()
    this.cut()
    await once(this.server, 'close')
  }
}

/** What was asked for is refused, by this class and for this field. */
export async function refused(what, type, field) {
  await assert.rejects(
    async () => what(),
    (error) => {
      assert.ok(error instanceof type, `${error.constructor.name} instead of ${type.name}: ${error.message}`)
      if (field !== undefined) assert.equal(error.field, field)
      assert.ok(error.message.length > 0)
      return true
    },
  )
}
