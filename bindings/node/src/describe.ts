// Events as lines for people.

import type { Event } from './event.js'
import type { messages, scheduler } from './generated/messages.js'

/** The topic, and what of the body is worth a line. */
export function describe(event: Event): string {
  const words = wordsOf(event)
  return words === '' ? event.topic : `${event.topic}  ${words}`
}

function wordsOf(event: Event): string {
  if (event.task) return ofTask(event.task)
  if (event.mesos) return ofMesos(event.mesos)
  if (event.operation) return ofOperation(event.operation)
  if (event.orphan) return ofOrphan(event.orphan)
  if (event.lease) return ofLease(event.lease)
  if (event.explanation) return event.explanation.reasons.map((reason) => reason.message ?? '').join('; ')
  if (event.unconfirmed) return ofUnconfirmed(event.unconfirmed)
  if (event.status) return ofStatus(event.status)
  return `${event.body.length} bytes`
}

/** What there is of these, with commas. */
function list(...words: (string | false | undefined)[]): string {
  return words.filter((word) => word !== undefined && word !== false && word !== '').join(', ')
}

function ofTask(task: messages.Task): string {
  const attempt = task.attempts.at(-1)
  const where: (string | false)[] =
    attempt === undefined
      ? []
      : task.state === 'QUEUED'
        ? [`after attempt ${attempt.number}`] // and not where that one was
        : [(attempt.number ?? 1) > 1 && `attempt ${attempt.number}`, attempt.hostname ? `on ${attempt.hostname}` : false]
  return list(`revision ${task.revision}`, task.held && 'held', task.adopted && 'adopted', ...where, task.message)
}

function ofOperation(operation: messages.Operation): string {
  const placed = operation.hostname !== undefined && operation.state !== 'QUEUED'
  return list(
    operation.type,
    `revision ${operation.revision}`,
    operation.held && 'held',
    placed && `on ${operation.hostname}`,
    operation.message,
  )
}

function ofOrphan(orphan: messages.Orphan): string {
  return list(
    orphan.action,
    orphan.taskId && `as ${orphan.taskId}`,
    orphan.agentId && `on agent ${orphan.agentId}`,
    orphan.message,
  )
}

function ofUnconfirmed(update: messages.UnconfirmedUpdate): string {
  return list(update.state, update.outcome, `not confirmed by ${update.consumer}`)
}

function ofLease(change: messages.LeaseChange): string {
  return list(
    change.came.length > 0 && `${change.came.length} offers came`,
    change.gone.length > 0 && `${change.gone.length} offers went`,
    change.why,
    change.over ? 'over' : `has ${change.offers ?? 0n}`,
  )
}

function ofMesos(event: scheduler.Event): string {
  const update = event.update?.status
  if (update) return list(update.state, update.agentId && `agent ${update.agentId.value}`, update.message)
  const operation = event.updateOperationStatus?.status
  if (operation) {
    return list(
      operation.operationId?.value,
      operation.state,
      operation.agentId && `agent ${operation.agentId.value}`,
      operation.message,
    )
  }
  if (event.offers) {
    const hosts = [...new Set(event.offers.offers.map((offer) => offer.hostname))].sort()
    return `${event.offers.offers.length} from ${hosts.join(', ')}`
  }
  if (event.subscribed) return `framework ${event.subscribed.frameworkId.value}`
  if (event.rescind) return `offer ${event.rescind.offerId.value}`
  if (event.message) return `${event.message.data.length} bytes from executor ${event.message.executorId.value}`
  if (event.failure) {
    const { agentId, executorId } = event.failure
    return list(agentId && `agent ${agentId.value}`, executorId && `executor ${executorId.value}`)
  }
  return event.error?.message ?? ''
}

function ofStatus(status: messages.DaemonStatus): string {
  const counts = status.counts.map((count) => `${count.tasks} ${count.state}`)
  return list(status.subscription, status.master, status.message, ...counts)
}
