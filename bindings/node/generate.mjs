// Makes src/generated from the .proto files: their descriptor, from which protobufjs makes codecs when the package is
// loaded, and TypeScript types of every message. Run by `npm run build`; the .proto files are beside bindings/, in proto/.
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import protobuf from 'protobufjs'

const here = dirname(fileURLToPath(import.meta.url))
const protos = join(here, '..', '..', 'proto')
const target = join(here, 'src', 'generated')

// Which package is which namespace of TypeScript: the names of the Python package.
const NAMESPACES = { 'mesos.v1': 'mesos', 'mesos.v1.scheduler': 'scheduler', 'zmesos.v1': 'messages' }

const LONG = new Set(['int64', 'uint64', 'sint64', 'fixed64', 'sfixed64'])
const INTEGER = new Set(['int32', 'uint32', 'sint32', 'fixed32', 'sfixed32'])

const root = new protobuf.Root()
root.resolvePath = (_, path) => join(protos, path)
root.loadSync(['zmesos/v1/zmesos.proto', 'mesos/v1/scheduler/scheduler.proto'], {
  keepCase: true,
  alternateCommentMode: true,
})
root.resolveAll()

const camel = (name) => name.replace(/_([a-z0-9])/g, (_, letter) => letter.toUpperCase())

/** mesos.Offer.Operation for .mesos.v1.Offer.Operation */
function typeName(type) {
  const full = type.fullName.slice(1)
  const home = Object.keys(NAMESPACES)
    .filter((name) => full.startsWith(`${name}.`))
    .sort((a, b) => b.length - a.length)[0]
  if (home === undefined) throw new Error(`${full} is in no namespace`)
  return NAMESPACES[home] + full.slice(home.length)
}

function fieldType(field, init) {
  const type = field.resolvedType
  if (type instanceof protobuf.Enum) return typeName(type)
  if (type !== null) return typeName(type) + (init ? 'Init' : '')
  if (LONG.has(field.type)) return init ? 'bigint | number' : 'bigint'
  if (INTEGER.has(field.type) || field.type === 'double' || field.type === 'float') return 'number'
  if (field.type === 'bool') return 'boolean'
  if (field.type === 'string') return 'string'
  if (field.type === 'bytes') return 'Uint8Array'
  throw new Error(`${field.fullName} is of a type that is not known here: ${field.type}`)
}

function comment(words, indent) {
  if (!words) return []
  const lines = words.replaceAll('*/', '*\\/').split('\n').map((line) => line.trim()).filter((line) => line !== '')
  if (lines.length === 1) return [`${indent}/** ${lines[0]} */`]
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`), `${indent} */`]
}

function interfaceOf(type, init, indent) {
  const lines = comment(type.comment, indent)
  lines.push(`${indent}export interface ${type.name}${init ? 'Init' : ''} {`)
  for (const field of type.fieldsArray) {
    const inner = fieldType(field, init)
    const optional = field.repeated ? init : !field.required
    const named = inner.includes(' ') ? `(${inner})` : inner
    const shown = field.repeated ? (init ? `readonly ${named}[]` : `${named}[]`) : inner
    // undefined stands for "not set" on the way in: a field can be left out by a condition.
    lines.push(...comment(field.comment, `${indent}  `))
    lines.push(`${indent}  ${camel(field.name)}${optional ? '?' : ''}: ${shown}${optional && init ? ' | undefined' : ''}`)
  }
  lines.push(`${indent}}`)
  return lines
}

function declarations(namespace, indent) {
  const lines = []
  for (const thing of namespace.nestedArray) {
    if (thing instanceof protobuf.Enum) {
      lines.push(...comment(thing.comment, indent))
      const names = Object.keys(thing.values).map((name) => `'${name}'`)
      lines.push(`${indent}export type ${thing.name} = ${names.join(' | ')}`)
    } else if (thing instanceof protobuf.Type) {
      lines.push(...interfaceOf(thing, false, indent), ...interfaceOf(thing, true, indent))
      const inner = declarations(thing, `${indent}  `)
      if (inner.length > 0) lines.push(`${indent}export namespace ${thing.name} {`, ...inner, `${indent}}`)
    }
  }
  return lines
}

const lines = [
  '// Made by generate.mjs from proto/: not to be edited.',
  '//',
  '// Of each message two types: as it is read, and (…Init) as it may be given. A field that is not set is not there.',
]
for (const [path, name] of Object.entries(NAMESPACES)) {
  lines.push('', `export namespace ${name} {`, ...declarations(root.lookup(path), '  '), '}')
}
const names = []
const collect = (namespace) => {
  for (const thing of namespace.nestedArray) {
    if (thing instanceof protobuf.Type) names.push(thing)
    if (thing instanceof protobuf.Namespace) collect(thing)
  }
}
collect(root)
for (const [title, suffix] of [['MessageTypes', ''], ['MessageInits', 'Init']]) {
  lines.push('', `/** By the full name of the message${suffix && ', as it may be given'}. */`, `export interface ${title} {`)
  lines.push(...names.map((type) => `  '${type.fullName.slice(1)}': ${typeName(type)}${suffix}`), '}')
}

mkdirSync(target, { recursive: true })
writeFileSync(join(target, 'messages.ts'), lines.join('\n') + '\n')
const descriptor = JSON.stringify(JSON.stringify(root.toJSON()))
writeFileSync(
  join(target, 'descriptor.ts'),
  '// Made by generate.mjs from proto/: not to be edited.\n' + `export const descriptor = ${descriptor}\n`,
)
console.log(`generate: ${names.length} messages`)
