// What became of one item of a launch, a kill, a release, a confirm, an operate, a cancelOperations or a placement.

import { refusal } from './errors.js'
import type { messages } from './generated/messages.js'

/** One item's answer. */
export interface Result {
  /** Of the task or operation. */
  readonly id: string
  /** OK, or why it was refused. */
  readonly code: string
  readonly ok: boolean
  /** A sentence for people, or ''. */
  readonly message: string
  /** What was at fault, as launch.tasks[3].cpus, or ''. */
  readonly field: string
  /** Whether the same request may succeed later. */
  readonly retry: boolean
  readonly state?: messages.TaskState | messages.Operation.State
  readonly revision?: bigint
  /** Nothing was done now: the same was launched before, or the task was not held, or the update was acknowledged. */
  readonly known: boolean
  /** Of a launch: for how many milliseconds at most the id stays known after the task is over. */
  readonly kept?: number
  /** Of a placement: what the offers lack, as CPUS or CONSTRAINT. */
  readonly reason?: messages.Reason.Kind
}

/** A result that was not heard from the daemon. */
export function refusedResult(id: string, code: string, message: string): Result {
  return { id, code, ok: false, message, field: '', retry: false, known: false }
}

export function resultOf(item: messages.Item, items?: messages.Items): Result {
  const code = item.code ?? 'UNKNOWN' // a code of a newer daemon
  const state = item.operationState ?? item.state
  return {
    id: item.operationId ?? item.taskId ?? '',
    code,
    ok: code === 'OK',
    message: item.message ?? '',
    field: item.field ?? '',
    retry: item.retry ?? false,
    ...(state !== undefined && { state }),
    ...(item.revision !== undefined && { revision: item.revision }),
    known: item.known ?? false,
    ...(items?.keptMs !== undefined && { kept: Number(items.keptMs) }),
    ...(item.reason?.kind !== undefined && { reason: item.reason.kind }),
  }
}

/** The result if the item was taken; throws the refusal otherwise. */
export function checked(result: Result): Result {
  if (!result.ok) throw refusal(result.code, result.message, result.field, result.retry)
  return result
}

/** All results if every item was taken; throws the first refusal otherwise, whose `results` has all. */
export function allChecked(results: Result[], first = results.find((result) => !result.ok)): Result[] {
  if (first === undefined) return results
  const error = refusal(first.code, first.message, first.field, first.retry)
  error.results = results
  throw error
}
