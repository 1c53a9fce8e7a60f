// Task specifications from options, and parts of them. Times are milliseconds, as everywhere in this package.

import { randomUUID } from 'node:crypto'

import { type Constraint, equals } from './constraints.js'
import { invalid } from './errors.js'
import type { mesos, messages } from './generated/messages.js'

const MAX_ID_BYTES = 200

/** A string is run by the shell; an array is a program's arguments, the program first. */
export type Command = string | readonly string[]

/** When a task is tried again; what is left out is the daemon's to choose. docs/protocol.md "Retries" tells of each. */
export interface Retry {
  /** 1 to 100; those that certainly never ran do not count. */
  maxAttempts?: number | undefined
  /** Default: FAILED, LAUNCH_TIMEOUT and GONE. With LOST, UNREACHABLE or UNKNOWN two attempts may run at once. */
  on?: messages.RetryPolicy.Outcome | readonly messages.RetryPolicy.Outcome[] | undefined
  /** Milliseconds before the second attempt, doubled for each further one. */
  backoff?: number | undefined
  /** Milliseconds: the longest backoff. */
  backoffMax?: number | undefined
  /** For how many milliseconds an attempt is LOST, UNREACHABLE or UNKNOWN before it is given up. */
  replaceAfter?: number | undefined
  /** Never on an agent on which an attempt of the task has ended. */
  elsewhere?: boolean | undefined
}

/** Who is to have a task's updates before Mesos may forget them. */
export interface ConsumerOptions {
  name: string
  /** Milliseconds for each update to be confirmed; default: a minute. */
  timeout?: number | undefined
  /** What then: acknowledge without (the default), or wait for ever. */
  afterTimeout?: messages.Consumer.AfterTimeout | undefined
}

/** What a task is launched with. docs/tasks.md has an example of each kind of task. */
export interface TaskOptions {
  command?: Command | undefined
  /** Default: made up, beginning with the name. Keep it to launch the same thing safely again. */
  id?: string | undefined
  name?: string | undefined
  role?: string | undefined
  /** Higher goes first. */
  priority?: number | undefined
  /** Shares of a core. */
  cpus?: number | undefined
  /** MB. */
  mem?: number | undefined
  /** MB. */
  disk?: number | undefined
  /** Whole ones. */
  gpus?: number | undefined
  /** How many; the task reads PORT0, PORT1, ... and PORTS. */
  ports?: number | undefined
  env?: Readonly<Record<string, string>> | undefined
  labels?: Readonly<Record<string, string>> | undefined
  constraints?: readonly Constraint[] | undefined
  /** Fetched into the sandbox. */
  uris?: readonly string[] | undefined
  user?: string | undefined
  retry?: Retry | undefined
  /** Milliseconds until it is STARTING or RUNNING, before it is killed; default: the daemon's. */
  launchTimeout?: number | undefined
  /** Milliseconds that it may run. */
  maxCompletionTime?: number | undefined
  /** Goes to agents, and stays there, that are to be maintained soon. */
  despiteMaintenance?: boolean | undefined
  /** The id of the one agent that it may go to. */
  agent?: string | undefined
  /** Who says where it goes: it waits until somebody places it on an offer of a lease. */
  placer?: string | undefined
  /** Whose share of the cluster it takes; at most 128 bytes. */
  submitter?: string | undefined
  /** The tasks of one launch that are placed together, and live and die together: see Client.launchGroup(). */
  group?: string | undefined
  /** Who confirms its updates before Mesos may forget them. */
  consumer?: string | ConsumerOptions | undefined
  container?: mesos.ContainerInfoInit | undefined
  healthCheck?: mesos.HealthCheckInit | undefined
  check?: mesos.CheckInfoInit | undefined
  killPolicy?: mesos.KillPolicyInit | undefined
  discovery?: mesos.DiscoveryInfoInit | undefined
  executor?: mesos.ExecutorInfoInit | undefined
  /** What it needs besides the amounts above. */
  resources?: readonly messages.ResourceRequestInit[] | undefined
  /** Of cpus and mem, at least what is asked for; Infinity for none. */
  limits?: Readonly<Record<string, number>> | undefined
  data?: Uint8Array | undefined
}

const PLAIN = [
  'name', 'role', 'priority', 'cpus', 'mem', 'disk', 'gpus', 'ports', 'despiteMaintenance', 'placer', 'submitter', 'group',
  'container', 'healthCheck', 'check', 'killPolicy', 'discovery', 'executor', 'resources', 'data',
] as const // as the message has them
const MADE = [
  'command', 'id', 'env', 'labels', 'constraints', 'uris', 'user', 'retry', 'launchTimeout', 'maxCompletionTime', 'agent',
  'consumer', 'limits',
] as const
const KNOWN: ReadonlySet<string> = new Set([...PLAIN, ...MADE])

/** An id that nobody else has: the prefix, made fit for an id, and twelve random hexadecimal digits. */
export function newId(prefix = 'task'): string {
  const suffix = `-${randomUUID().replaceAll('-', '').slice(0, 12)}`
  let clean = prefix.replace(/[/\\\x00-\x1f\x7f]|\p{Surrogate}/gu, '-')
  while (Buffer.byteLength(clean) > MAX_ID_BYTES - suffix.length) clean = [...clean].slice(0, -1).join('')
  return clean + suffix
}

/** Mesos's message of a length of time. */
export function duration(milliseconds: number, field: string): mesos.DurationInfoInit {
  const microseconds = Math.round(milliseconds * 1000)
  if (typeof milliseconds !== 'number' || !Number.isSafeInteger(microseconds)) throw invalid('takes milliseconds', field)
  return { nanoseconds: BigInt(microseconds) * 1000n }
}

/** A label from 'key', 'key=value' or a pair. */
export type LabelLike = string | readonly [key: string, value?: string]

export function asLabel(like: LabelLike): mesos.LabelInit {
  if (typeof like !== 'string') return { key: like[0], value: like[1] }
  const at = like.indexOf('=')
  return at < 0 ? { key: like } : { key: like.slice(0, at), value: like.slice(at + 1) }
}

export function labelsOf(labels: Readonly<Record<string, string>>): mesos.LabelsInit {
  return { labels: Object.entries(labels).map(([key, value]) => ({ key, value })) }
}

/** A specification from options. Invalid, with the field, for what is no option. */
export function taskSpec(options: TaskOptions): messages.TaskSpecInit {
  const unknown = Object.keys(options).find((key) => !KNOWN.has(key))
  if (unknown !== undefined) throw invalid('there is no such option of a task', unknown)
  const { agent, limits } = options
  const constraints = [...(options.constraints ?? []), ...(agent === undefined ? [] : [equals('agent_id', agent)])]
  return {
    id: options.id ?? newId(options.name ?? 'task'),
    ...Object.fromEntries(PLAIN.map((key) => [key, options[key]])),
    constraints,
    labels: options.labels && labelsOf(options.labels),
    retry: options.retry && retryPolicy(options.retry),
    consumer: options.consumer === undefined ? undefined : asConsumer(options.consumer),
    launchTimeout: options.launchTimeout === undefined ? undefined : duration(options.launchTimeout, 'launch_timeout'),
    maxCompletionTime:
      options.maxCompletionTime === undefined ? undefined : duration(options.maxCompletionTime, 'max_completion_time'),
    limits: limits && Object.entries(limits).map(([key, value]) => ({ key, value: { value } })),
    command: commandOf(options),
  }
}

function commandOf({ command, env, uris, user }: TaskOptions): mesos.CommandInfoInit | undefined {
  if (command === undefined) {
    if (env !== undefined || uris !== undefined || user !== undefined) {
      throw invalid('env, uris and user are of a command, and there is none', 'command')
    }
    return undefined
  }
  const rest = {
    environment: env && { variables: Object.entries(env).map(([name, value]) => ({ name, value })) },
    uris: uris?.map((value) => ({ value })),
    user,
  }
  if (typeof command === 'string') return { shell: true, value: command, ...rest }
  if (!Array.isArray(command) || command.length === 0) {
    throw invalid('takes a line for the shell, or an array that begins with the program', 'command')
  }
  return { shell: false, value: command[0] as string, arguments: command as readonly string[], ...rest }
}

/** When a task is tried again. */
export function retryPolicy(retry: Retry): messages.RetryPolicyInit {
  const { maxAttempts, on, backoff, backoffMax, replaceAfter, elsewhere, ...others } = retry
  const unknown = Object.keys(others)[0]
  if (unknown !== undefined) throw invalid('there is no such option of a retry', `retry.${unknown}`)
  const time = (value: number | undefined, field: string): mesos.DurationInfoInit | undefined =>
    value === undefined ? undefined : duration(value, `retry.${field}`)
  return {
    maxAttempts,
    on: typeof on === 'string' ? [on] : on,
    backoff: time(backoff, 'backoff'),
    backoffMax: time(backoffMax, 'backoff_max'),
    replaceAfter: time(replaceAfter, 'replace_after'),
    elsewhere,
  }
}

/** The consumer of a task's updates, from its name or options. */
export function asConsumer(like: string | ConsumerOptions): messages.ConsumerInit {
  if (typeof like === 'string') return { name: like }
  const { name, timeout, afterTimeout, ...others } = like
  const unknown = Object.keys(others)[0]
  if (unknown !== undefined) throw invalid('there is no such option of a consumer', `consumer.${unknown}`)
  return { name, timeout: timeout === undefined ? undefined : duration(timeout, 'consumer.timeout'), afterTimeout }
}
