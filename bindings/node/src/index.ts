// zmesos: launch and kill tasks on a Mesos cluster, and miss no event, through a zmesosd.
//
//     const client = new Client()
//     const task = await client.launch('echo hello from $HOSTNAME', { cpus: 0.1, mem: 32 })
//     console.log((await task.wait({ timeout: 60_000 })).state)

export { Client, type ClientOptions, type LaunchLike, DEFAULT_CONTROL, DEFAULT_PIPELINE } from './client.js'
export type { Operations as RequestOperation } from './asking.js'
export type { ExecutorPlace, FrameworkChange } from './calls.js'
export { Prepared, decode, encode, jsonValue, prepare } from './codec.js'
export {
  type Constraint,
  equals,
  exists,
  far,
  greater,
  less,
  matches,
  maxPer,
  near,
  noneOf,
  notEquals,
  notExists,
  notMatches,
  oneOf,
  preferred,
  spread,
  together,
  unique,
} from './constraints.js'
export type { UpdateLike } from './consuming.js'
export {
  Conflict,
  Invalid,
  Malformed,
  Misused,
  NotFound,
  ProtocolError,
  Refused,
  TimedOut,
  TooLarge,
  Truncated,
  Unavailable,
  Unsupported,
  ZmesosError,
} from './errors.js'
export { Event } from './event.js'
export { DEFAULT_EVENTS, Events, type EventsOptions, type ReceiveOptions } from './events.js'
export { type Followed, type FollowOptions, Follower, type Start } from './follow.js'
export type { MessageInits, MessageTypes, mesos, messages, scheduler } from './generated/messages.js'
export { TaskHandle } from './handle.js'
export { Snapshot, type TaskFilter } from './journal.js'
export { Lease, type LeaseOptions, type OfferLike, type Placement, scalars } from './leases.js'
export type { EventClass, JournaledClass } from './ledger.js'
export type { MapOptions } from './mapping.js'
export {
  type Amounts,
  type OperationFilter,
  type OperationOptions,
  type VolumeOptions,
  operationSpec,
  reserved,
  volume,
} from './operations.js'
export { Position, StartedOver } from './position.js'
export type { Result } from './results.js'
export {
  type Command,
  type ConsumerOptions,
  type LabelLike,
  type Retry,
  type TaskOptions,
  newId,
  retryPolicy,
  taskSpec,
} from './specs.js'
export { type Operation, type OperationState, type Task, type TaskState, isOver, operationIsOver } from './states.js'
export type { AskOptions, CallOptions } from './transport.js'
