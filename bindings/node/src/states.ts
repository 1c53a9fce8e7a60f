// The states of tasks and of operations: which are the end; and views of which it is certain what they have.

import { ProtocolError } from './errors.js'
import type { messages } from './generated/messages.js'

export type TaskState = messages.TaskState
export type OperationState = messages.Operation.State

/** A task as the daemon sees it, with what every one has. */
export type Task = messages.Task & { id: string; state: TaskState; revision: bigint }

/** An operation as the daemon sees it, with what every one has. */
export type Operation = messages.Operation & { id: string; state: OperationState; revision: bigint }

const OVER: ReadonlySet<string> = new Set(['FINISHED', 'FAILED', 'KILLED', 'ERROR', 'GONE', 'LOST'])
const OPERATION_OVER: ReadonlySet<string> = new Set(['FINISHED', 'FAILED', 'ERROR', 'DROPPED', 'GONE', 'CANCELLED'])

/** Whether the task has come to its end. LOST counts, though such a task may still come back as RUNNING. */
export function isOver(task: { readonly state?: TaskState }): boolean {
  return task.state !== undefined && OVER.has(task.state)
}

/** Whether it has come to its end. CANCELLED counts, though one that had been sent may still become FINISHED. */
export function operationIsOver(operation: { readonly state?: OperationState }): boolean {
  return operation.state !== undefined && OPERATION_OVER.has(operation.state)
}

/** ProtocolError for one without an id, a state known here, or a revision. */
export function asTask(task: messages.Task): Task {
  return whole('task', task)
}

export function asOperation(operation: messages.Operation): Operation {
  return whole('operation', operation)
}

function whole<Of extends { id?: string; state?: string; revision?: bigint }>(
  what: string,
  view: Of,
): Of & { id: string; state: NonNullable<Of['state']>; revision: bigint } {
  const { id, state, revision } = view
  if (id === undefined || revision === undefined) throw new ProtocolError(`a ${what} without an id or a revision`)
  if (state === undefined) throw new ProtocolError(`the ${what} ${id} has a state that this package does not know`)
  return view as Of & { id: string; state: NonNullable<Of['state']>; revision: bigint }
}
