// How far events are known, and the word that some are lost for good.

import { invalid } from './errors.js'
import { type EventClass, type JournaledClass, isJournaled } from './ledger.js'

/** The last number known of each class, in the history that `store` names. JSON.stringify() and fromJSON() keep it. */
export class Position {
  constructor(
    readonly store: string,
    readonly numbers: ReadonlyMap<JournaledClass, bigint>,
  ) {}

  /** Numbers as decimal strings: JSON has no integers of 64 bits. */
  toJSON(): { store: string; numbers: Record<string, string> } {
    return { store: this.store, numbers: Object.fromEntries([...this.numbers].map(([name, at]) => [name, at.toString()])) }
  }

  /** From what toJSON() made. */
  static fromJSON(json: { store: string; numbers: Readonly<Record<string, string>> }): Position {
    const numbers = new Map<JournaledClass, bigint>()
    for (const [name, at] of Object.entries(json.numbers)) {
      if (!isJournaled(name as EventClass)) throw invalid('is no journaled class', `numbers.${name}`)
      if (!/^[0-9]+$/.test(at)) throw invalid('takes a decimal number', `numbers.${name}`)
      numbers.set(name as JournaledClass, BigInt(at))
    }
    return new Position(json.store, numbers)
  }
}

/**
 * Stands among the events where some are lost for good: whoever keeps a state takes it anew, by Client.snapshot(), before
 * the next event, and then drops events that do not raise a task's revision.
 */
export class StartedOver {
  constructor(
    /**
     * TRUNCATED: the events of `eventClass` with the numbers `missed` (first and last) are not kept any more; ADDED: the
     * position that was begun with says nothing of `eventClass`, which was not followed or not known then: it begins at its
     * head, and its events `missed` are not told (Client.replay() has those that are kept); STORE: the daemon's history is
     * another one since it was restored from a backup.
     */
    readonly reason: 'TRUNCATED' | 'ADDED' | 'STORE',
    readonly eventClass: JournaledClass | undefined,
    readonly missed: readonly [first: bigint, last: bigint] | undefined,
    /** What follows comes after it. */
    readonly position: Position,
  ) {}
}
