// Requests that concern the framework as a whole, or that are sent to the master as they are: a part of Client.

import { Asking } from './asking.js'
import { ProtocolError } from './errors.js'
import type { mesos, messages } from './generated/messages.js'
import { duration, labelsOf } from './specs.js'
import { type CallOptions, now } from './transport.js'

/** Where an executor is: that of a task's current attempt, or of that id on that agent. */
export interface ExecutorPlace {
  task?: string | undefined
  executor?: string | undefined
  agent?: string | undefined
}

/** What of the framework is to be changed while it runs. */
export interface FrameworkChange {
  addRoles?: readonly string[] | undefined
  /** All of whose tasks are over. */
  removeRoles?: readonly string[] | undefined
  name?: string | undefined
  /** Milliseconds. */
  failoverTimeout?: number | undefined
  /** '': none. */
  webuiUrl?: string | undefined
  /** In place of all there were. */
  labels?: Readonly<Record<string, string>> | undefined
}

export abstract class Calls extends Asking {
  /** How the daemon is: its framework, master, subscription, counts by state. */
  async status(options?: CallOptions): Promise<messages.DaemonStatus> {
    return had((await this.ask({ status: {} }, options)).status, 'status')
  }

  /** Milliseconds that the daemon took to answer. */
  async ping(options?: CallOptions): Promise<number> {
    const began = now()
    await this.ask({ ping: {} }, options)
    return now() - began
  }

  /** Has the daemon ask the master about every task that is not over; how many these are. */
  async reconcile(options?: CallOptions): Promise<bigint> {
    return (await this.ask({ reconcile: {} }, options)).reconcile?.tasks ?? 0n
  }

  /**
   * Ends the framework and all its tasks, for good. Without a token nothing is done, and the answer has one, and how many
   * tasks; with it, within a minute, the wish is on disk when this returns (`begun`). zmesosd ends when the master has done
   * it.
   */
  async teardown(token?: string, options?: CallOptions): Promise<messages.TeardownReply> {
    return had((await this.ask({ teardown: { token } }, options)).teardown, 'teardown')
  }

  /** No offers for these roles (none: all), whatever waits, until they are revived; also after a restart. */
  async suppress(roles: readonly string[] = [], options?: CallOptions): Promise<void> {
    await this.ask({ suppress: { roles } }, options)
  }

  /** Takes suppress() back; for other roles, asks for all offers once more. */
  async revive(roles: readonly string[] = [], options?: CallOptions): Promise<void> {
    await this.ask({ revive: { roles } }, options)
  }

  /** Changes the framework while it runs; the master has done it when this returns. */
  async updateFramework(change: FrameworkChange, options?: CallOptions): Promise<void> {
    const { failoverTimeout, labels, ...rest } = change
    const body: messages.UpdateFrameworkInit = {
      ...rest,
      failoverTimeout:
        failoverTimeout === undefined ? undefined : duration(failoverTimeout, 'update_framework.failover_timeout'),
      labels: labels && labelsOf(labels),
    }
    await this.ask({ updateFramework: body }, options)
  }

  /**
   * Bytes for an executor, at most 512 KiB. They are sent once: after TimedOut they may have been sent or not. The master
   * has them when this returns; whether the executor gets them nobody tells.
   */
  async message(data: Uint8Array, place: ExecutorPlace, options?: CallOptions): Promise<void> {
    await this.ask({ message: { executor: executorOf(place), data } }, { ...options, attempts: 1 })
  }

  /** Ends an executor, and with it its tasks. It is sent once, as a message is. */
  async shutdownExecutor(place: ExecutorPlace, options?: CallOptions): Promise<void> {
    await this.ask({ shutdownExecutor: { executor: executorOf(place) } }, { ...options, attempts: 1 })
  }

  /** Tells the master what is wished for. Mesos's own allocator ignores it. */
  async requestResources(requests: readonly mesos.RequestInit[], options?: CallOptions): Promise<void> {
    await this.ask({ requestResources: { requests } }, options)
  }

  /**
   * Has the master asked about operations by id (none: all that it knows), with the agent where it is known. The answers
   * are events of class OPERATION_UPDATE.
   */
  async reconcileOperations(
    operations: readonly messages.ReconcileOperations.OperationInit[] = [],
    options?: CallOptions,
  ): Promise<void> {
    await this.ask({ reconcileOperations: { operations } }, options)
  }
}

function executorOf({ task, executor, agent }: ExecutorPlace): messages.ExecutorInit {
  return { taskId: task, executorId: executor, agentId: agent }
}

/** The result of a reply, which has to be there. */
export function had<Value>(value: Value | undefined, what: string): Value {
  if (value === undefined) throw new ProtocolError(`a reply without ${what}`)
  return value
}
