// Conditions on where a task goes (docs/protocol.md "Launch"). `attribute` is an agent's attribute, or 'hostname',
// 'agent_id', 'region', 'zone'. All constraints of a task must hold; what is wrapped in preferred() only says which places
// come first.

import { invalid } from './errors.js'
import type { messages } from './generated/messages.js'

export type Constraint = messages.ConstraintInit

function make(attribute: string, operator: messages.Constraint.Operator, values: readonly string[] = []): Constraint {
  return { attribute, operator, values: many(values) }
}

function many(values: readonly string[]): readonly string[] {
  // A string is iterable too, letter by letter: without TypeScript that would pass.
  if (!Array.isArray(values)) throw invalid('takes an array of values', 'values')
  return [...(values as readonly string[])]
}

/** A number as the daemon compares it: three decimals count. */
function decimal(number: number): string {
  if (typeof number !== 'number' || !Number.isFinite(number)) throw invalid('takes a finite number', 'values[0]')
  return number.toFixed(3)
}

/** The agent's attribute has this value. */
export const equals = (attribute: string, value: string): Constraint => make(attribute, 'EQUALS', [value])

/** The agent has the attribute, with another value. */
export const notEquals = (attribute: string, value: string): Constraint => make(attribute, 'NOT_EQUALS', [value])

/** The attribute has one of these values. */
export const oneOf = (attribute: string, values: readonly string[]): Constraint => make(attribute, 'IN', values)

/** The agent has the attribute, with none of these values. */
export const noneOf = (attribute: string, values: readonly string[]): Constraint => make(attribute, 'NOT_IN', values)

/** The whole value matches this POSIX extended regular expression. */
export const matches = (attribute: string, expression: string): Constraint => make(attribute, 'MATCHES', [expression])

/** The agent has the attribute, and the whole value does not match. */
export const notMatches = (attribute: string, expression: string): Constraint =>
  make(attribute, 'NOT_MATCHES', [expression])

/** The value is a number greater than this one; three decimals count. */
export const greater = (attribute: string, number: number): Constraint => make(attribute, 'GREATER', [decimal(number)])

/** The value is a number less than this one; three decimals count. */
export const less = (attribute: string, number: number): Constraint => make(attribute, 'LESS', [decimal(number)])

/** The agent has the attribute. */
export const exists = (attribute: string): Constraint => make(attribute, 'EXISTS')

/** The agent lacks the attribute. */
export const notExists = (attribute: string): Constraint => make(attribute, 'NOT_EXISTS')

/** No two live tasks of the same name that ask for this share a value of the attribute. */
export const unique = (attribute: string): Constraint => make(attribute, 'UNIQUE')

/** At most so many live tasks of the same name share a value. */
export const maxPer = (attribute: string, tasks: number): Constraint => make(attribute, 'MAX_PER', [String(tasks)])

/** Live tasks of the same name are spread evenly: over these values, or over those of all agents known. */
export const spread = (attribute: string, values: readonly string[] = []): Constraint =>
  make(attribute, 'SPREAD', values)

/** Live tasks of the same name all share one value. */
export const together = (attribute: string): Constraint => make(attribute, 'TOGETHER')

/** The value that all of these tasks have, where they run. */
export const near = (attribute: string, ids: readonly string[]): Constraint => make(attribute, 'NEAR', ids)

/** None of the values that these tasks have, where they run. */
export const far = (attribute: string, ids: readonly string[]): Constraint => make(attribute, 'FAR', ids)

/** The same, as a wish: places where it holds come first, and others are taken too. */
export const preferred = (constraint: Constraint): Constraint => ({ ...constraint, preferred: true })
