// Operations on resources: reservations, volumes, disks. The requests are a part of Client; the functions make what they
// take. docs/reservations.md shows a whole course of it.

import { nextPage } from './asking.js'
import { MOST, split } from './batches.js'
import { had } from './calls.js'
import { prepare } from './codec.js'
import type { Constraint } from './constraints.js'
import { NotFound, TimedOut } from './errors.js'
import type { mesos, messages } from './generated/messages.js'
import { Journal } from './journal.js'
import { type Result, checked } from './results.js'
import { type LabelLike, asLabel, labelsOf, newId } from './specs.js'
import { type Operation, type OperationState, asOperation, operationIsOver } from './states.js'
import { type CallOptions, now, pause } from './transport.js'

const LOOK_EVERY = 200 // ms between looks at operations that are waited for

// ---- what to ask for -----------------------------------------------------------------------------------

/** Scalars by name, as { cpus: 2, mem: 1024 }; mem and disk in MB. */
export type Amounts = Readonly<Record<string, number>>

/** Scalars with a dynamic reservation for the role. principal: of the framework, where it has one. */
export function reserved(role: string, amounts: Amounts, principal?: string): mesos.ResourceInit[] {
  return Object.entries(amounts).map(([name, value]) => ({
    name,
    type: 'SCALAR',
    scalar: { value },
    reservations: [{ type: 'DYNAMIC', role, principal }],
  }))
}

/** A persistent volume on the agent's root disk, which is reserved for the role. */
export interface VolumeOptions {
  role: string
  persistenceId: string
  /** MB. */
  size: number
  /** Where a task that uses it finds it. */
  containerPath: string
  principal?: string | undefined
}

export function volume({ role, persistenceId, size, containerPath, principal }: VolumeOptions): mesos.ResourceInit {
  const [disk] = reserved(role, { disk: size }, principal)
  return {
    ...(disk as mesos.ResourceInit),
    disk: { persistence: { id: persistenceId, principal }, volume: { containerPath, mode: 'RW' } },
  }
}

/** What an operation is asked for with. */
export interface OperationOptions {
  /** Default: made up. Keep it to ask for the same thing safely again. */
  id?: string | undefined
  role?: string | undefined
  /** Of the agent, as equals('agent_id', ...). */
  constraints?: readonly Constraint[] | undefined
  labels?: Readonly<Record<string, string>> | undefined
  /** Who says by a lease of which offer it is had. */
  placer?: string | undefined
}

export function operationSpec(
  operation: mesos.Offer.OperationInit,
  { id, role, constraints, labels, placer }: OperationOptions = {},
): messages.OperationSpecInit {
  return { id: id ?? newId('operation'), role, placer, operation, constraints, labels: labels && labelsOf(labels) }
}

/** Which operations: all conditions that are given must hold. */
export interface OperationFilter {
  state?: OperationState | readonly OperationState[] | undefined
  label?: LabelLike | undefined
  /** Of the id. */
  prefix?: string | undefined
  withSpec?: boolean | undefined
  /** Operations asked for at a time: 1 to 1,000 (500). */
  pageSize?: number | undefined
}

// ---- the requests --------------------------------------------------------------------------------------

export abstract class Operating extends Journal {
  /**
   * One operation. When it returns, the operation is on the daemon's disk and waits for an offer. Throws Invalid,
   * Conflict, ... if refused.
   */
  async operate(
    operation: mesos.Offer.OperationInit,
    options: OperationOptions = {},
    call?: CallOptions,
  ): Promise<Result> {
    const [result] = await this.operateMany([operationSpec(operation, options)], call)
    return checked(had(result, 'a result'))
  }

  /** Any number of operations, in batches; one result for each, in order, refused ones included. */
  async operateMany(specs: Iterable<messages.OperationSpecInit>, options?: CallOptions): Promise<Result[]> {
    const prepared = Array.from(specs, (spec, place) =>
      prepare('zmesos.v1.OperationSpec', spec, `operate.operations[${place}]`),
    )
    const requests = function* (): Generator<[{ operate: messages.OperateInit }, number]> {
      for (const run of split(prepared, (spec) => spec.size, MOST.operate)) {
        yield [{ operate: { operations: run as messages.OperationSpecInit[] } }, run.length]
      }
    }
    return this.askItems(requests(), options)
  }

  /**
   * Gives operations up: those that wait, and those that are out of sight (which may have been done). If some are refused,
   * the rest is cancelled all the same, the first refusal is thrown, and its `results` has all.
   */
  async cancelOperations(ids: string | readonly string[], options?: CallOptions): Promise<Result[]> {
    const make = (run: string[]) => ({ cancelOperations: { operationIds: run } })
    return this.askEachId(typeof ids === 'string' ? [ids] : ids, MOST.cancel, make, options)
  }

  /** One operation. NotFound if there is none with this id. */
  async operation(id: string, options: CallOptions & { withSpec?: boolean } = {}): Promise<Operation> {
    const found = (await this.getOperations([id], options)).get(id)
    if (found === undefined) throw new NotFound('NOT_FOUND', `no operation ${id}`)
    return found
  }

  /** Operations by id; those that are not known are left out. */
  async getOperations(
    ids: Iterable<string>,
    { withSpec, ...call }: CallOptions & { withSpec?: boolean } = {},
  ): Promise<Map<string, Operation>> {
    const found = new Map<string, Operation>()
    for (const operationIds of split(ids, (id) => Buffer.byteLength(id), MOST.get)) {
      const { operations } = await this.ask({ getOperations: { operationIds, withSpec } }, call)
      for (const operation of had(operations, 'operations').operations.map(asOperation)) found.set(operation.id, operation)
    }
    return found
  }

  /** The operations under the filter, oldest first, a page at a time as they are iterated. */
  async *operations(filter: OperationFilter = {}, options?: CallOptions): AsyncGenerator<Operation, void, undefined> {
    const asked: messages.ListOperationsInit = {
      states: filter.state === undefined ? [] : typeof filter.state === 'string' ? [filter.state] : filter.state,
      label: filter.label === undefined ? undefined : asLabel(filter.label),
      idPrefix: filter.prefix,
      withSpec: filter.withSpec,
      pageSize: filter.pageSize ?? 500,
    }
    for (let after = 0n; ; ) {
      const page = had((await this.ask({ listOperations: { ...asked, after } }, options)).operations, 'operations')
      yield* page.operations.map(asOperation)
      if (page.next === undefined) return
      after = nextPage(after, page.next)
    }
  }

  /**
   * Waits until the operations are over and returns them by id. TimedOut if they are not within `timeout` milliseconds
   * (undefined: waits for ever); NotFound for an unknown id.
   */
  async waitOperations(
    ids: string | readonly string[],
    { timeout, signal }: CallOptions = {},
  ): Promise<Map<string, Operation>> {
    const wanted = typeof ids === 'string' ? [ids] : ids
    const deadline = timeout === undefined ? Infinity : now() + timeout
    for (;;) {
      const found = await this.getOperations(wanted, { signal })
      const unknown = wanted.find((id) => !found.has(id))
      if (unknown !== undefined) throw new NotFound('NOT_FOUND', `no operation ${unknown}`)
      const open = [...found.values()].filter((operation) => !operationIsOver(operation))
      if (open.length === 0) return found
      if (now() > deadline) {
        throw new TimedOut(`${open.length} of the operations were not over within ${(timeout ?? 0) / 1000} s`)
      }
      await pause(LOOK_EVERY, signal)
    }
  }
}
