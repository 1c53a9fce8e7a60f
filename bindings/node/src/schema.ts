// The messages of proto/, as tables that codec.ts goes by: made by protobufjs from the descriptor that was packed in.

import protobuf from 'protobufjs/light.js'

import { descriptor } from './generated/descriptor.js'

const root = protobuf.Root.fromJSON(JSON.parse(descriptor) as protobuf.INamespace)
root.resolveAll()

export type Kind = 'integer' | 'long' | 'float' | 'boolean' | 'string' | 'bytes' | 'enum' | 'message'

/** A field. `name` is the protocol's, `key` the one in JavaScript. */
export interface Field {
  readonly name: string
  readonly key: string
  readonly kind: Kind
  readonly unsigned: boolean
  readonly repeated: boolean
  readonly required: boolean
  /** Of fields of which one message has one at most. */
  readonly oneof: string | undefined
  readonly numbers: ReadonlyMap<string, number>
  readonly names: ReadonlyMap<number, string>
  /** Of a message; made when it is asked for, since messages hold each other. */
  readonly table: () => Table
}

/** A message. */
export interface Table {
  readonly name: string
  readonly type: protobuf.Type
  readonly fields: readonly Field[]
  readonly byKey: ReadonlyMap<string, Field>
}

const KINDS: Readonly<Record<string, Kind>> = {
  int32: 'integer',
  uint32: 'integer',
  int64: 'long',
  uint64: 'long',
  double: 'float',
  float: 'float',
  bool: 'boolean',
  string: 'string',
  bytes: 'bytes',
}

const tables = new Map<protobuf.Type, Table>()
const noNumbers: ReadonlyMap<string, number> = new Map()
const noNames: ReadonlyMap<number, string> = new Map()

/** The table of a message by its full name, as zmesos.v1.Task. */
export function table(name: string): Table {
  return tableOf(root.lookupType(name))
}

/** The names of an enum by number, as zmesos.v1.EventClass. */
export function enumNames(name: string): ReadonlyMap<number, string> {
  return new Map(Object.entries(root.lookupEnum(name).values).map(([key, number]) => [number, key]))
}

function tableOf(type: protobuf.Type): Table {
  let found = tables.get(type)
  if (found === undefined) {
    const fields = type.fieldsArray.map(fieldOf)
    found = { name: type.fullName.slice(1), type, fields, byKey: new Map(fields.map((field) => [field.key, field])) }
    tables.set(type, found)
  }
  return found
}

function fieldOf(field: protobuf.Field): Field {
  const resolved = field.resolvedType
  const values = resolved instanceof protobuf.Enum ? Object.entries(resolved.values) : []
  const kind = resolved instanceof protobuf.Enum ? 'enum' : resolved instanceof protobuf.Type ? 'message' : KINDS[field.type]
  if (kind === undefined) throw new Error(`${field.fullName} is of type ${field.type}, which is not known here`)
  return {
    name: field.name,
    key: field.name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase()),
    kind,
    unsigned: field.type.startsWith('u'),
    repeated: field.repeated,
    required: field.required,
    oneof: field.partOf?.name,
    numbers: values.length > 0 ? new Map(values) : noNumbers,
    names: values.length > 0 ? new Map(values.map(([name, number]) => [number, name])) : noNames,
    table: () => {
      if (!(resolved instanceof protobuf.Type)) throw new Error(`${field.fullName} is no message`)
      return tableOf(resolved)
    },
  }
}
