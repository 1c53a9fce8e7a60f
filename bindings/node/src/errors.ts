// What can go wrong, as classes. All are ZmesosError; a Refused carries what the daemon said, field by field.

import type { Result } from './results.js'

/** Anything this package throws by itself. */
export class ZmesosError extends Error {
  /** What a batch had been told before it failed. */
  results: readonly Result[] = []

  constructor(message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.name = new.target.name
  }
}

/** No answer in time. What was asked for may or may not have been done: ask again with the same id, or look. */
export class TimedOut extends ZmesosError {}

/** The other side answered something that is not this protocol. */
export class ProtocolError extends ZmesosError {}

/** The client, subscription or follower was closed, or is used by two at a time. */
export class Misused extends ZmesosError {}

/**
 * The daemon said no; or this package did, where it can tell before the daemon is asked.
 *
 * code: its name, as INVALID; field: what was at fault, as launch.tasks[0].cpus, or ''; retry: whether the same request
 * may succeed later.
 */
export class Refused extends ZmesosError {
  constructor(
    readonly code: string,
    readonly sentence: string,
    readonly field: string = '',
    readonly retry: boolean = false,
  ) {
    super(`${code}: ${sentence}${field === '' ? '' : ` (${field})`}`)
  }
}

/** The daemon could not read the request. */
export class Malformed extends Refused {}

/** The daemon is of another version: it does not know the operation, or not this protocol. */
export class Unsupported extends Refused {}

/** A field's value is not allowed, or there is no such field. */
export class Invalid extends Refused {}

/** More bytes, items or depth than allowed. */
export class TooLarge extends Refused {}

/** No such task, operation, lease or update. */
export class NotFound extends Refused {}

/** Contradicts what is there: a task with that id and another specification exists. */
export class Conflict extends Refused {}

/** Not now; `retry` says whether trying again can help. */
export class Unavailable extends Refused {}

/** Those events are not kept any more. */
export class Truncated extends Refused {
  /** The first number that is. */
  oldest: bigint = 0n
}

const CLASSES: Readonly<Record<string, typeof Refused>> = {
  MALFORMED: Malformed,
  UNSUPPORTED_VERSION: Unsupported,
  UNKNOWN_OPERATION: Unsupported,
  INVALID: Invalid,
  TOO_LARGE: TooLarge,
  NOT_FOUND: NotFound,
  CONFLICT: Conflict,
  UNAVAILABLE: Unavailable,
  TRUNCATED: Truncated,
}

/** The error for a code. */
export function refusal(code: string, message: string, field = '', retry = false): Refused {
  return new (CLASSES[code] ?? Refused)(code, message, field, retry)
}

/** For what this package can tell to be wrong by itself. */
export function invalid(message: string, field = ''): Invalid {
  return new Invalid('INVALID', message, field)
}
