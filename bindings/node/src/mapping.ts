// Many tasks, some at a time.

import type { Client, LaunchLike } from './client.js'
import { invalid } from './errors.js'
import { newId } from './specs.js'
import type { Task } from './states.js'
import { type CallOptions, eitherSignal } from './transport.js'

const CONCURRENCY = 100

export interface MapOptions extends CallOptions {
  /** How many are launched and not over at a time (100). */
  concurrency?: number | undefined
}

interface Run {
  readonly task: Promise<Task>
  over: boolean
}

/** Client.map(). `timeout` is for the end of each task. */
export async function* mapTasks(
  client: Client,
  specs: Iterable<LaunchLike> | AsyncIterable<LaunchLike>,
  { concurrency = CONCURRENCY, timeout, signal }: MapOptions,
): AsyncGenerator<Task, void, undefined> {
  if (!Number.isInteger(concurrency) || concurrency < 1) throw invalid('takes a number of at least 1', 'concurrency')
  const stop = new AbortController()
  const call = { timeout, signal: eitherSignal(signal, stop.signal) }
  const runs: Run[] = [] // in the order of the specifications
  let open = 0
  let failed = false
  let wake = (): void => {}
  const begin = (spec: LaunchLike): Run => {
    open += 1
    const run = { over: false, task: runTask(client, spec, call) }
    run.task
      .catch(() => {
        failed = true // thrown in its turn
      })
      .finally(() => {
        run.over = true
        open -= 1
        wake()
      })
    return run
  }
  try {
    for await (const spec of specs) {
      while (open >= concurrency && !failed) {
        while (runs[0]?.over) yield await (runs.shift() as Run).task
        if (open >= concurrency && !failed) await new Promise<void>((resolve) => (wake = resolve))
      }
      if (failed) break
      runs.push(begin(spec))
    }
    for (const run of runs) yield await run.task
  } finally {
    stop.abort()
  }
}

async function runTask(client: Client, spec: LaunchLike, call: CallOptions): Promise<Task> {
  const named = { ...spec, id: spec.id ?? newId(spec.name ?? 'task') }
  const task = await client.launch({ spec: named }, {}, { signal: call.signal })
  return task.wait(call)
}
