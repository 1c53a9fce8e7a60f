// The client: requests to a zmesosd and their answers. docs/protocol.md describes both.

import { nextPage } from './asking.js'
import { MAX_ITEM_BYTES, MOST, embeddedSize, split } from './batches.js'
import { had } from './calls.js'
import { Prepared, prepare } from './codec.js'
import { Misused, NotFound, ZmesosError, invalid } from './errors.js'
import { DEFAULT_EVENTS } from './events.js'
import type { messages } from './generated/messages.js'
import { TaskHandle } from './handle.js'
import { type TaskFilter, conditions } from './journal.js'
import { Lease, type LeaseOptions, leaseRequest } from './leases.js'
import { mapTasks, type MapOptions } from './mapping.js'
import { Operating } from './operations.js'
import { type Result, allChecked, checked, refusedResult, resultOf } from './results.js'
import { type LabelLike, type TaskOptions, asLabel, duration, taskSpec } from './specs.js'
import { type Task, asTask } from './states.js'
import { type CallOptions, Requester, eitherSignal } from './transport.js'
import { Watcher, asTheyCome } from './waiting.js'

export const DEFAULT_CONTROL = 'tcp://127.0.0.1:5560'
export const DEFAULT_PIPELINE = 'tcp://127.0.0.1:5561'

export interface ClientOptions {
  /** Endpoints. Where `control` is another than the default, so are the other two. */
  control?: string | undefined
  /** Without it there is no wait(), subscribe() and follow(). */
  events?: string | undefined
  /** Without it requests go through `control`, where the daemon takes them in turn. */
  pipeline?: string | undefined
  /** Milliseconds for a call (5,000), in which the request is sent up to `attempts` times (3): the same bytes, so a task
   * is never launched twice. TimedOut then says nothing about whether it was done. */
  timeout?: number | undefined
  attempts?: number | undefined
}

/** A specification, or what taskSpec() makes one of. */
export type LaunchLike = messages.TaskSpecInit

/**
 * A connection to a zmesosd, for any number of calls at once. All times are milliseconds.
 *
 * It holds nothing that matters: what has been launched is on the daemon's disk, and another client can go on with it.
 */
export class Client extends Operating {
  readonly #watcher = new Watcher(this)

  constructor(options: ClientOptions = {}) {
    const { control = DEFAULT_CONTROL, timeout = 5000, attempts = 3 } = options
    const usual = control === DEFAULT_CONTROL
    if (!(timeout > 0)) throw invalid('takes milliseconds above 0', 'timeout')
    if (!Number.isInteger(attempts) || attempts < 1) throw invalid('takes a number of at least 1', 'attempts')
    const pipeline = options.pipeline ?? (usual ? DEFAULT_PIPELINE : undefined)
    super(new Requester(pipeline ?? control, timeout, attempts), options.events ?? (usual ? DEFAULT_EVENTS : undefined))
  }

  /** Closes the sockets; calls under way throw. The tasks go on. Again: nothing. */
  close(): void {
    this.#watcher.close()
    this.requester.close()
  }

  // ---- launching ---------------------------------------------------------------------------------------

  /**
   * Launches one task: by a command and options, by options alone, or by a whole specification as { spec }.
   *
   * When it returns, the task is on the daemon's disk and will run. Throws Invalid, Conflict, ... if refused.
   */
  async launch(
    what: string | readonly string[] | TaskOptions | { spec: LaunchLike },
    options: TaskOptions = {},
    call?: CallOptions,
  ): Promise<TaskHandle> {
    const [result] = await this.launchMany([specOf(what, options)], call)
    const taken = checked(had(result, 'a result'))
    return new TaskHandle(this, taken.id, taken)
  }

  /** A handle on a task that was launched before, by whomever. Nothing is asked. */
  handle(id: string): TaskHandle {
    return new TaskHandle(this, id)
  }

  /**
   * Launches any number of tasks in batches; one result for each, in order, refused ones included.
   *
   * Tasks of one `group` go in one request, behind all others. If the daemon stops answering in between, the error's
   * `results` has those known by then.
   */
  async launchMany(specs: Iterable<LaunchLike>, options?: CallOptions): Promise<Result[]> {
    const singles: Launched[] = []
    const groups = new Map<string, Launched[]>()
    let count = 0
    for (const spec of specs) {
      const launched = { place: count, prepared: prepare('zmesos.v1.TaskSpec', spec, `launch.tasks[${count}]`) }
      const group = launched.prepared.wire['group'] as string | undefined
      if (group === undefined) singles.push(launched)
      else groups.set(group, [...(groups.get(group) ?? []), launched])
      count += 1
    }
    const runs = [...split(singles, ({ prepared }) => prepared.size, MOST.launch), ...groups.values()]
    const results: (Result | undefined)[] = new Array<undefined>(count).fill(undefined)
    try {
      for (const run of runs) {
        const told = tooLarge(run) ?? (await this.#launchRun(run, options))
        run.forEach(({ place }, at) => (results[place] = told[at]))
      }
    } catch (error) {
      if (error instanceof ZmesosError) error.results = results.filter((result) => result !== undefined)
      throw error
    }
    return results.map((result) => had(result, 'a result'))
  }

  /**
   * Launches tasks that are placed together on one agent, and live and die together: all of them, or none.
   *
   * name: of the group; default: what the specifications say, else the id of the first task. A name that is kept with
   * other members is a Conflict. One result for each; throws the first refusal, whose `results` has all.
   */
  async launchGroup(specs: Iterable<LaunchLike>, name?: string, options?: CallOptions): Promise<Result[]> {
    const all = [...specs]
    const group = name ?? all[0]?.group ?? all[0]?.id
    if (group === undefined) throw invalid('a group has at least one task, and a name', 'launch.tasks')
    const results = await this.launchMany(all.map((spec) => ({ ...spec, group })), options)
    // One that is at fault says more than those that are only refused with it.
    const refused = results.filter((result) => !result.ok)
    return allChecked(results, refused.find((result) => result.field !== '') ?? refused[0])
  }

  /**
   * Runs a task for each specification, at most `concurrency` (100) at a time, and gives those that are over in the order
   * of the specifications. Throws the first refusal. Leaving the loop launches no more; what was launched goes on.
   */
  map(
    specs: Iterable<LaunchLike> | AsyncIterable<LaunchLike>,
    options: MapOptions = {},
  ): AsyncGenerator<Task, void, undefined> {
    return mapTasks(this, specs, options)
  }

  async #launchRun(run: readonly Launched[], options: CallOptions | undefined): Promise<Result[]> {
    const tasks = run.map(({ prepared }) => prepared as messages.TaskSpecInit)
    return this.askItems([[{ launch: { tasks } }, run.length]], options)
  }

  // ---- killing -----------------------------------------------------------------------------------------

  /**
   * Ends the tasks with these ids, or all that carry the label.
   *
   * When it returns, the wish is on the daemon's disk, which repeats it until they are over; wait() for that. grace:
   * milliseconds between SIGTERM and SIGKILL, instead of the task's own. If some are refused, the rest is killed all the
   * same, the first refusal is thrown, and its `results` has all. Of a label the first 10,000 are listed.
   */
  async kill(
    which: string | readonly string[] | { label: LabelLike },
    { grace, ...call }: CallOptions & { grace?: number } = {},
  ): Promise<Result[]> {
    const killPolicy = grace === undefined ? undefined : { gracePeriod: duration(grace, 'kill.kill_policy') }
    if (typeof which === 'object' && 'label' in which) {
      const { items } = await this.ask({ kill: { label: asLabel(which.label), killPolicy } }, call)
      return had(items, 'items').items.map((item) => resultOf(item))
    }
    const make = (taskIds: string[]) => ({ kill: { taskIds, killPolicy } })
    return this.askEachId(typeof which === 'string' ? [which] : which, MOST.kill, make, call)
  }

  // ---- restored tasks and backups ----------------------------------------------------------------------

  /**
   * Says what to do with tasks that are held since the daemon was started from a backup: RUN as any other task, or DROP as
   * a kill. Those with these ids, and the operations with those, or all that are held (the first 10,000 are listed). If
   * some are refused, the rest is released all the same, the first refusal is thrown, and its `results` has all.
   */
  async release(
    action: messages.Release.Action,
    { tasks = [], operations = [] }: { tasks?: readonly string[]; operations?: readonly string[] } = {},
    options?: CallOptions,
  ): Promise<Result[]> {
    if (tasks.length === 0 && operations.length === 0) {
      const { items } = await this.ask({ release: { action } }, options)
      return had(items, 'items').items.map((item) => resultOf(item))
    }
    const released = await this.askEachId(tasks, MOST.release, (taskIds) => ({ release: { action, taskIds } }), options)
    const make = (operationIds: string[]) => ({ release: { action, operationIds } })
    return [...released, ...(await this.askEachId(operations, MOST.release, make, options))]
  }

  /**
   * Has the daemon write a copy of its state into a file that does not exist, on the daemon's machine and by an absolute
   * path; returns its path and size once it is on disk. The request is sent once: TimedOut (after ten minutes unless
   * `timeout` says otherwise) says that the copy is not done yet, or that there is no daemon. Without a pipeline it goes
   * through `control`, where all other clients wait until it is done.
   */
  async backup(path: string, options: CallOptions = {}): Promise<messages.BackupDone> {
    const call = { ...options, timeout: options.timeout ?? 600_000, attempts: 1 }
    return had((await this.ask({ backup: { path } }, call)).backup, 'backup')
  }

  // ---- placing -----------------------------------------------------------------------------------------

  /**
   * Offers for this client alone, for `duration` milliseconds (10,000): the daemon's own matching leaves them alone. It
   * holds what fits and is free now, which may be nothing, and what comes while it lasts: see Lease.renew().
   */
  async lease(options: LeaseOptions = {}, call?: CallOptions): Promise<Lease> {
    return new Lease(this, had((await this.ask({ lease: leaseRequest(options) }, call)).lease, 'a lease'))
  }

  // ---- looking -----------------------------------------------------------------------------------------

  /** One task. NotFound if there is none with this id. */
  async task(id: string, options: CallOptions & { withSpec?: boolean } = {}): Promise<Task> {
    const found = (await this.get([id], options)).get(id)
    if (found === undefined) throw new NotFound('NOT_FOUND', `no task ${id}`)
    return found
  }

  /** Tasks by id; those that are not known are left out. */
  async get(
    ids: Iterable<string>,
    { withSpec, ...call }: CallOptions & { withSpec?: boolean } = {},
  ): Promise<Map<string, Task>> {
    const found = new Map<string, Task>()
    for (const taskIds of split(ids, (id) => Buffer.byteLength(id), MOST.get)) {
      const { tasks } = await this.ask({ get: { taskIds, withSpec } }, call)
      for (const task of had(tasks, 'tasks').tasks.map(asTask)) found.set(task.id, task)
    }
    return found
  }

  /** The tasks under the filter, oldest first, a page at a time as they are iterated. */
  async *tasks(filter: TaskFilter = {}, options?: CallOptions): AsyncGenerator<Task, void, undefined> {
    const asked = { ...conditions(filter), pageSize: filter.pageSize ?? 500 }
    for (let after = 0n; ; ) {
      const page = had((await this.ask({ list: { ...asked, after } }, options)).tasks, 'tasks')
      yield* page.tasks.map(asTask)
      if (page.next === undefined) return
      after = nextPage(after, page.next)
    }
  }

  /**
   * What is known of agents, in the order of their ids, a page at a time as they are iterated: those that made an offer in
   * this subscription, and those that run tasks of ours. `used` is what our tasks there ask for, `known` what the agent has
   * as far as its offers show (absent: no offer yet); mem and disk in MB.
   */
  async *agents(
    { pageSize = 500, ...call }: CallOptions & { pageSize?: number } = {},
  ): AsyncGenerator<messages.Agent, void, undefined> {
    for (let after: string | undefined; ; ) {
      const page = had((await this.ask({ listAgents: { pageSize, after } }, call)).agents, 'agents')
      yield* page.agents
      if (page.next === undefined) return
      after = nextPage(after ?? '', page.next)
    }
  }

  /**
   * Why tasks wait, by id; those that are not known are left out. `reasons` are in order: what stands above all else
   * first, then what offers lacked, by the offers that it cost.
   */
  async why(ids: string | readonly string[], options?: CallOptions): Promise<Map<string, messages.Explanation>> {
    const found = new Map<string, messages.Explanation>()
    for (const taskIds of split(typeof ids === 'string' ? [ids] : ids, (id) => Buffer.byteLength(id), MOST.get)) {
      const { explanations } = await this.ask({ why: { taskIds } }, options)
      for (const view of had(explanations, 'explanations').explanations) found.set(view.taskId ?? '', view)
    }
    return found
  }

  /** Where the files of a task's attempt are (undefined: the last); docs/protocol.md "What a task wrote" has the rest. */
  async sandbox(taskId: string, attempt?: number, options?: CallOptions): Promise<messages.SandboxPlace> {
    return had((await this.ask({ sandbox: { taskId, attempt } }, options)).sandbox, 'sandbox')
  }

  // ---- waiting -----------------------------------------------------------------------------------------

  /**
   * Waits until the tasks are over and returns them as they ended: one for an id, a Map for several. A task with attempts
   * left is not over, whatever became of the one before.
   *
   * TimedOut if they are not over within `timeout` milliseconds (undefined: waits for ever); NotFound for an unknown id.
   */
  wait(id: string, options?: CallOptions): Promise<Task>
  wait(ids: readonly string[], options?: CallOptions): Promise<Map<string, Task>>
  async wait(ids: string | readonly string[], options: CallOptions = {}): Promise<Task | Map<string, Task>> {
    this.#needEvents()
    if (typeof ids === 'string') return this.#watcher.watch(ids, options)
    const stop = new AbortController() // what is not over when one fails is not waited for any more
    const { signal } = options
    try {
      const all = eitherSignal(signal, stop.signal)
      const tasks = await Promise.all(ids.map((id) => this.#watcher.watch(id, { ...options, signal: all })))
      return new Map(tasks.map((task) => [task.id, task]))
    } finally {
      stop.abort()
    }
  }

  /** The tasks in the order in which they come to their end. Throws as wait() does. */
  async *asCompleted(ids: Iterable<string>, options: CallOptions = {}): AsyncGenerator<Task, void, undefined> {
    this.#needEvents()
    const stop = new AbortController()
    try {
      const signal = eitherSignal(options.signal, stop.signal)
      yield* asTheyCome([...new Set(ids)].map((id) => this.#watcher.watch(id, { ...options, signal })))
    } finally {
      stop.abort()
    }
  }

  #needEvents(): void {
    if (this.eventsEndpoint === undefined) throw new Misused('this client was given no events endpoint')
  }
}

interface Launched {
  readonly place: number
  readonly prepared: Prepared
}

function specOf(
  what: string | readonly string[] | TaskOptions | { spec: LaunchLike },
  options: TaskOptions,
): LaunchLike {
  if (typeof what === 'string' || Array.isArray(what)) return taskSpec({ ...options, command: what as string })
  if (Object.keys(options).length > 0) throw invalid('launch takes a command and options, or options, or a spec', 'options')
  if ('spec' in what) return what.spec
  return taskSpec(what as TaskOptions)
}

/** The results of a run that no request can hold. */
function tooLarge(run: readonly Launched[]): Result[] | undefined {
  const size = run.reduce((sum, { prepared }) => sum + embeddedSize(prepared.size), 0)
  if (run.length <= MOST.launch && size <= MAX_ITEM_BYTES) return undefined
  const what = run.length === 1 ? 'the specification has' : `a group of ${run.length} tasks has`
  const words = `${what} ${size} bytes, a request at most 1,000 tasks of 1 MiB`
  return run.map(({ prepared }) => refusedResult(String(prepared.wire['id'] ?? ''), 'TOO_LARGE', words))
}
