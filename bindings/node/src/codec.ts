// Messages between bytes and plain objects. Objects have fields in camelCase, enums by name, 64-bit numbers as bigint,
// bytes as Uint8Array; a field that is not set is not there (a repeated one is an empty array). What goes out is checked
// field by field, since JavaScript would send anything.

import Long from 'long'

import { ProtocolError, invalid } from './errors.js'
import type { MessageInits, MessageTypes } from './generated/messages.js'
import { type Field, type Table, table } from './schema.js'

type Wire = Record<string, unknown>

const MAX_DEPTH = 32 // of messages in messages, as the daemon has it

/** A message that was checked, ready to be sent or put into another one. */
export class Prepared {
  #size: number | undefined

  constructor(
    readonly table: Table,
    readonly wire: Wire,
  ) {}

  /** Bytes that it takes. */
  get size(): number {
    this.#size ??= this.table.type.encode(this.wire).len
    return this.#size
  }

  encode(): Uint8Array {
    return this.table.type.encode(this.wire).finish()
  }
}

/** Checks a message to be sent. Invalid names the field in the protocol's own words, below `path`. */
export function prepare<Name extends keyof MessageInits>(name: Name, init: MessageInits[Name], path = ''): Prepared {
  const made = table(name)
  return new Prepared(made, toWire(made, init, path, 1))
}

/** The bytes of a message. */
export function encode<Name extends keyof MessageInits>(name: Name, init: MessageInits[Name]): Uint8Array {
  return prepare(name, init).encode()
}

/** The message in these bytes. ProtocolError if there is none. */
export function decode<Name extends keyof MessageTypes>(name: Name, bytes: Uint8Array): MessageTypes[Name] {
  const made = table(name)
  try {
    return toPlain(made, made.type.decode(bytes) as unknown as Wire) as unknown as MessageTypes[Name]
  } catch (error) {
    throw new ProtocolError(`${bytes.length} bytes that are no ${name}: ${(error as Error).message}`, { cause: error })
  }
}

/** For JSON.stringify: 64-bit numbers as decimal strings, bytes as base64, as protobuf's own JSON has them. */
export function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64')
  if (Array.isArray(value)) return value.map(jsonValue)
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, jsonValue(inner)]))
  }
  return value
}

// ---- reading -------------------------------------------------------------------------------------------

function toPlain(of: Table, message: Wire): Wire {
  const plain: Wire = {}
  for (const field of of.fields) {
    if (field.repeated) plain[field.key] = (message[field.name] as unknown[]).map((value) => readValue(field, value))
    else if (Object.hasOwn(message, field.name)) plain[field.key] = readValue(field, message[field.name])
  }
  return plain
}

function readValue(field: Field, value: unknown): unknown {
  if (field.kind === 'message') return toPlain(field.table(), value as Wire)
  if (field.kind === 'enum') return field.names.get(value as number)
  if (field.kind === 'long') return (value as Long).toBigInt()
  return value
}

// ---- writing -------------------------------------------------------------------------------------------

function toWire(of: Table, init: unknown, path: string, depth: number): Wire {
  if (init instanceof Prepared) {
    if (init.table !== of) throw invalid(`is a ${init.table.name}, and takes a ${of.name}`, path)
    return init.wire
  }
  if (typeof init !== 'object' || init === null || Array.isArray(init) || ArrayBuffer.isView(init)) {
    throw invalid(`takes an object with the fields of ${of.name}, not ${shown(init)}`, path)
  }
  if (depth > MAX_DEPTH) throw invalid(`messages are nested deeper than ${MAX_DEPTH}`, path)
  const wire: Wire = {}
  const chosen = new Map<string, string>()
  for (const [key, value] of Object.entries(init)) {
    const field = of.byKey.get(key)
    if (field === undefined) throw invalid(`${of.name} has no field of that name`, join(path, key))
    if (value === undefined) continue
    const where = join(path, field.name)
    if (field.oneof !== undefined) {
      const other = chosen.get(field.oneof)
      if (other !== undefined) throw invalid(`only one of ${other} and ${field.name} can be set`, where)
      chosen.set(field.oneof, field.name)
    }
    wire[field.name] = field.repeated ? writeMany(field, value, where, depth) : writeValue(field, value, where, depth)
  }
  for (const field of of.fields) {
    if (field.required && !Object.hasOwn(wire, field.name)) throw invalid('is required', join(path, field.name))
  }
  return wire
}

function writeMany(field: Field, value: unknown, path: string, depth: number): unknown[] {
  if (!Array.isArray(value)) throw invalid(`takes an array, not ${shown(value)}`, path)
  return Array.from(value, (one, index) => writeValue(field, one, `${path}[${index}]`, depth))
}

function writeValue(field: Field, value: unknown, path: string, depth: number): unknown {
  switch (field.kind) {
    case 'message':
      return toWire(field.table(), value, path, depth + 1)
    case 'enum': {
      const number = typeof value === 'string' ? field.numbers.get(value.toUpperCase()) : undefined
      if (number === undefined) {
        throw invalid(`takes one of ${[...field.numbers.keys()].join(', ')}, not ${shown(value)}`, path)
      }
      return number
    }
    case 'integer': {
      const [least, most] = field.unsigned ? [0, 2 ** 32 - 1] : [-(2 ** 31), 2 ** 31 - 1]
      if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most) {
        throw invalid(`takes an integer from ${least} to ${most}, not ${shown(value)}`, path)
      }
      return value
    }
    case 'long':
      return writeLong(field, value, path)
    case 'float':
      if (typeof value !== 'number') throw invalid(`takes a number, not ${shown(value)}`, path)
      return value
    case 'boolean':
      if (typeof value !== 'boolean') throw invalid(`takes true or false, not ${shown(value)}`, path)
      return value
    case 'string':
      if (typeof value !== 'string') throw invalid(`takes a string, not ${shown(value)}`, path)
      if (/\p{Surrogate}/u.test(value)) throw invalid('has half a surrogate pair, which is no text', path)
      return value
    case 'bytes':
      if (!(value instanceof Uint8Array)) throw invalid(`takes a Uint8Array, not ${shown(value)}`, path)
      return value
  }
}

function writeLong(field: Field, value: unknown, path: string): Long {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) {
    throw invalid(`takes a bigint, or a number that is an integer below 2^53, not ${shown(value)}`, path)
  }
  if (typeof value !== 'number' && typeof value !== 'bigint') throw invalid(`takes a bigint, not ${shown(value)}`, path)
  const exact = BigInt(value)
  const [least, most] = field.unsigned ? [0n, 2n ** 64n - 1n] : [-(2n ** 63n), 2n ** 63n - 1n]
  if (exact < least || exact > most) throw invalid(`takes an integer from ${least} to ${most}, not ${exact}`, path)
  return Long.fromBigInt(exact, field.unsigned)
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return `a ${value.constructor?.name ?? 'null-prototype object'}`
  return String(value)
}
