// Requests over ZeroMQ: each on a REQ socket of its own while it is under way. A request that is not answered is sent again,
// byte for byte, on a new socket: zmesosd answers a repeated launch with what it knows, and with the old socket goes what
// may still be unsent in it.

import { setMaxListeners } from 'node:events'
import { performance } from 'node:perf_hooks'

import * as zmq from 'zeromq'

import { decode } from './codec.js'
import { Misused, ProtocolError, TimedOut, invalid } from './errors.js'
import type { messages } from './generated/messages.js'

export const VERSION = 1
const KEEPALIVE_S = 3
const FIRST_PAUSE = 50 // ms, before asking again where the daemon said UNAVAILABLE; doubles
const LONGEST_PAUSE = 1000
const LONGEST_TIMER = 2 ** 31 - 1 // ms that a timer and a socket take: a longer time would be none, or be refused
const SOCKETS = 32 // requests under way at once; others wait for their turn

/** A request as it goes out. The id tells its reply from others. */
export interface Question {
  readonly id: string
  readonly data: Uint8Array
}

/** How long a call may take, and what ends it early. */
export interface CallOptions {
  /** Milliseconds; default: the client's. They begin when the request is sent. */
  timeout?: number | undefined
  /** Ends the call: it throws the signal's reason. What was asked for may or may not have been done. */
  signal?: AbortSignal | undefined
}

export interface AskOptions extends CallOptions {
  /** How often the request is sent within the timeout. */
  attempts?: number | undefined
}

/** Milliseconds of a clock that only goes forward. */
export const now = (): number => performance.now()

/**
 * Options of every socket of ours. No heartbeats of ZeroMQ: libzmq 4.3.4 ends the process where a socket that has them
 * has stopped reading and loses its connection, and its successors were not tried. TCP's own signs of life find a peer
 * that has gone without a word.
 */
export const SOCKET_OPTIONS = {
  linger: 0,
  tcpKeepalive: 1,
  tcpKeepaliveIdle: KEEPALIVE_S,
  tcpKeepaliveInterval: KEEPALIVE_S,
  tcpKeepaliveCount: 3,
} as const

/** The parts of a message, or undefined when none has come within so many milliseconds (undefined: for ever). */
export async function receive(
  socket: { receiveTimeout: number; receive(): Promise<Buffer[]> },
  milliseconds: number | undefined,
): Promise<Buffer[] | undefined> {
  const parts = await receiveOnce(socket, milliseconds === undefined ? -1 : Math.max(0, Math.ceil(milliseconds)))
  // A program that was busy finds its timer over before it has looked at the socket: what is there has come in time.
  return parts ?? (milliseconds === undefined || milliseconds <= 0 ? undefined : receiveOnce(socket, 0))
}

async function receiveOnce(
  socket: { receiveTimeout: number; receive(): Promise<Buffer[]> },
  milliseconds: number,
): Promise<Buffer[] | undefined> {
  socket.receiveTimeout = Math.min(milliseconds, LONGEST_TIMER)
  try {
    return await socket.receive()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return undefined
    throw error
  }
}

/** Calls it after so many milliseconds, however many; what it returns calls it off. */
export function later(milliseconds: number, call: () => void): () => void {
  const due = now() + milliseconds
  let timer: NodeJS.Timeout | undefined
  const wait = (): void => {
    const left = due - now()
    timer = left > LONGEST_TIMER ? setTimeout(wait, LONGEST_TIMER) : setTimeout(call, Math.ceil(left))
  }
  wait()
  return () => clearTimeout(timer)
}

/** Waits; throws the signal's reason when that comes first. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  let callOff = (): void => {}
  try {
    await orAborted(new Promise<void>((resolve) => (callOff = later(milliseconds, resolve))), signal)
  } finally {
    callOff()
  }
}

/** True once the promise is settled, or undefined when that takes more than so many milliseconds. Throws what it throws. */
export async function within(promise: Promise<unknown>, milliseconds: number): Promise<true | undefined> {
  let callOff = (): void => {}
  const late = new Promise<undefined>((resolve) => {
    // A program that was busy finds its timer over before it has looked at the socket: once more.
    callOff = later(milliseconds, () => setImmediate(() => resolve(undefined)))
  })
  try {
    return await Promise.race([promise.then((): true => true), late])
  } finally {
    callOff()
  }
}

/** What the promise gives, or the signal's reason when that comes first. */
export function orAborted<Value>(promise: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return promise
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) {
      promise.catch(() => {}) // nobody waits for it any more
      abort()
      return
    }
    signal.addEventListener('abort', abort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** A signal that is aborted with the first of two, for any number of calls: AbortSignal.any() is not in node 18. */
export function eitherSignal(first: AbortSignal | undefined, second: AbortSignal): AbortSignal {
  const both = new AbortController()
  setMaxListeners(0, first === undefined ? second : both.signal) // else node warns of a leak where there is none
  if (first === undefined) return second
  for (const signal of [first, second]) {
    if (signal.aborted) both.abort(signal.reason)
    else signal.addEventListener('abort', () => both.abort(signal.reason), { once: true, signal: both.signal })
  }
  return both.signal
}

/** The reply in these bytes; ProtocolError if there is none, or one of a newer protocol. */
function readReply(data: Uint8Array): messages.Reply {
  const reply = decode('zmesos.v1.Reply', data)
  if ((reply.version ?? VERSION) > VERSION) {
    throw new ProtocolError(`a reply of protocol version ${reply.version}; this package knows ${VERSION}`)
  }
  return reply
}

/** Whether the daemon asks for the same request again. */
function tryLater(reply: messages.Reply): boolean {
  return reply.code === 'UNAVAILABLE' && reply.retry === true
}

/** Asks questions, many at once. */
export class Requester {
  #closed = false
  #idle: zmq.Request[] = []
  #open = new Set<zmq.Request>()
  #busy = 0
  #turns: (() => void)[] = []

  constructor(
    readonly endpoint: string,
    readonly timeout: number,
    readonly attempts: number,
  ) {}

  /** The reply, or TimedOut after `timeout` milliseconds and at most `attempts` unanswered ones. */
  async ask(question: Question, options: AskOptions = {}): Promise<messages.Reply> {
    const { signal, timeout = this.timeout } = options
    if (!(timeout > 0)) throw invalid('takes milliseconds above 0', 'timeout')
    signal?.throwIfAborted()
    await this.#turn(signal)
    try {
      return await this.#ask(question, timeout, options.attempts ?? this.attempts, signal)
    } finally {
      this.#busy -= 1
      this.#turns.shift()?.()
    }
  }

  /** Ends all calls under way, which throw, and closes the sockets. Again: nothing. */
  close(): void {
    this.#closed = true
    for (const socket of this.#open) socket.close()
    this.#open.clear()
    this.#idle = []
    for (const turn of this.#turns.splice(0)) turn()
  }

  async #turn(signal: AbortSignal | undefined): Promise<void> {
    while (this.#busy >= SOCKETS && !this.#closed) {
      let turn = (): void => {}
      const come = new Promise<void>((resolve) => (turn = resolve))
      this.#turns.push(turn)
      try {
        await orAborted(come, signal)
      } catch (error) {
        const place = this.#turns.indexOf(turn)
        if (place >= 0) this.#turns.splice(place, 1)
        else this.#turns.shift()?.() // it was given to this call, which does not want it any more
        throw error
      }
    }
    this.#busy += 1
  }

  async #ask(
    question: Question,
    total: number,
    attempts: number,
    signal: AbortSignal | undefined,
  ): Promise<messages.Reply> {
    const deadline = now() + total
    let wait = FIRST_PAUSE
    for (let unanswered = 0; ; ) {
      const reply = await this.#try(question, Math.min(deadline, now() + total / attempts), signal)
      if (reply === undefined) {
        unanswered += 1
        if (now() >= deadline || unanswered >= attempts) {
          throw new TimedOut(`no answer from ${this.endpoint} within ${total / 1000} s`)
        }
      } else if (tryLater(reply) && now() + wait < deadline) {
        await pause(wait, signal)
        wait = Math.min(2 * wait, LONGEST_PAUSE)
      } else {
        return reply
      }
    }
  }

  /** Sends once; the reply, or undefined at `until`. Only a socket that has had its reply is used again. */
  async #try(question: Question, until: number, signal?: AbortSignal): Promise<messages.Reply | undefined> {
    if (this.#closed) throw new Misused('the client is closed')
    const socket = this.#idle.pop() ?? this.#connect()
    let answered = false
    try {
      await socket.send(question.data)
      const parts = await orAborted(receive(socket, until - now()), signal)
      if (parts === undefined) return undefined
      if (parts.length !== 1) throw new ProtocolError(`a reply of ${parts.length} parts`)
      const reply = readReply(parts[0] as Buffer)
      // '': the daemon could not read the request
      if (reply.id !== undefined && reply.id !== '' && reply.id !== question.id) {
        throw new ProtocolError(`a reply to request ${reply.id} instead of ${question.id}`)
      }
      answered = true
      return reply
    } catch (error) {
      if (this.#closed) throw new Misused('the client is closed', { cause: error })
      throw error
    } finally {
      if (answered && !this.#closed) {
        this.#idle.push(socket)
      } else if (this.#open.delete(socket)) {
        socket.close()
      }
    }
  }

  #connect(): zmq.Request {
    const socket = new zmq.Request(SOCKET_OPTIONS)
    connect(socket, this.endpoint)
    this.#open.add(socket)
    return socket
  }
}

/** Connects; closes the socket where the endpoint is none. */
export function connect(socket: zmq.Socket, endpoint: string): void {
  try {
    socket.connect(endpoint)
  } catch (error) {
    socket.close()
    throw new Misused(`${endpoint}: ${(error as Error).message}; expected an endpoint such as tcp://127.0.0.1:5560`, {
      cause: error,
    })
  }
}
