// Leases: offers for this client alone, for some seconds, and tasks placed on them (docs/protocol.md "Leases").

import type { Asking } from './asking.js'
import { had } from './calls.js'
import type { Constraint } from './constraints.js'
import { NotFound, ProtocolError, invalid, refusal } from './errors.js'
import type { mesos, messages } from './generated/messages.js'
import { type Result, resultOf } from './results.js'
import { duration as lengthOf, newId } from './specs.js'
import { type CallOptions, now } from './transport.js'

export type OfferLike = string | mesos.Offer

/** What goes to an offer, or to several of one agent: tasks, and operations, which are done before them. */
export interface Placement {
  offers: OfferLike | readonly OfferLike[]
  tasks?: string | readonly string[] | undefined
  operations?: string | readonly string[] | undefined
}

export interface LeaseOptions {
  /** Default: made up. */
  id?: string | undefined
  role?: string | undefined
  /** Those that look at an agent alone. */
  constraints?: readonly Constraint[] | undefined
  /** What an offer has at least. */
  cpus?: number | undefined
  mem?: number | undefined
  disk?: number | undefined
  gpus?: number | undefined
  ports?: number | undefined
  /** At once: 1 to 1,000 (100). */
  maxOffers?: number | undefined
  /** Milliseconds (10,000); at most the daemon's --lease-max. */
  duration?: number | undefined
  despiteMaintenance?: boolean | undefined
}

/** The message that asks for a lease. */
export function leaseRequest({ id, duration, ...rest }: LeaseOptions): messages.LeaseInit {
  return { ...rest, id: id ?? newId('lease'), duration: duration === undefined ? undefined : lengthOf(duration, 'lease.duration') }
}

/**
 * Made by Client.lease(). `offers` is what it holds as far as is known here: after renew() all of it. What is left goes
 * back with release(), or when its time is over.
 *
 * One that is over throws NotFound. The daemon ends it also when it loses its master.
 */
export class Lease {
  readonly #client: Asking
  readonly id: string
  readonly role: string
  #over = false
  #offers: readonly mesos.Offer[] = []
  #ends = 0

  constructor(client: Asking, reply: messages.LeaseReply) {
    this.#client = client
    this.id = had(reply.leaseId, 'the id of a lease')
    this.role = reply.role ?? ''
    this.#take(reply)
  }

  get offers(): readonly mesos.Offer[] {
    return this.#offers
  }

  get over(): boolean {
    return this.#over
  }

  /** Milliseconds until it ends, at least 0. */
  get left(): number {
    return this.#over ? 0 : Math.max(0, this.#ends - now())
  }

  /**
   * It lasts so many milliseconds from now on (undefined: as long as when it was made), and `offers` is all that it holds:
   * those that came since, too. maxOffers: from now on; 0 for no more than it has.
   */
  async renew(
    { duration, maxOffers }: { duration?: number; maxOffers?: number } = {},
    options?: CallOptions,
  ): Promise<this> {
    const body: messages.RenewLeaseInit = {
      leaseId: this.id,
      maxOffers,
      duration: duration === undefined ? undefined : lengthOf(duration, 'renew_lease.duration'),
    }
    this.#take(had((await this.#client.ask({ renewLease: body }, options)).lease, 'a lease'))
    return this
  }

  /**
   * Puts tasks that wait on offers. One result for each operation and each task of a placement, in order, refused ones
   * included. All that goes to an offer goes into one placement: what it leaves comes back as another offer.
   *
   * It is sent once: after TimedOut it may have been done; the tasks tell.
   */
  async place(placements: Placement | readonly Placement[], options?: CallOptions): Promise<Result[]> {
    const entries = many(placements).map(({ offers, tasks, operations, ...others }) => {
      const unknown = Object.keys(others)[0]
      if (unknown !== undefined) throw invalid('there is no such part of a placement', `place.placements.${unknown}`)
      return { offerIds: many(offers).map(idOf), taskIds: many(tasks ?? []), operationIds: many(operations ?? []) }
    })
    const asked = { place: { leaseId: this.id, placements: entries } }
    const { items } = await this.#client.ask(asked, { ...options, attempts: 1 })
    const results = (items?.items ?? []).map((item) => resultOf(item))
    const expected = entries.reduce((sum, entry) => sum + entry.taskIds.length + entry.operationIds.length, 0)
    if (results.length !== expected) throw new ProtocolError(`${results.length} results for ${expected} placed`)
    let at = 0
    const used = new Set<string>()
    for (const entry of entries) {
      const own = results.slice(at, (at += entry.taskIds.length + entry.operationIds.length))
      for (const id of usedUp(entry.offerIds, own)) used.add(id)
    }
    this.#offers = this.#offers.filter((offer) => !used.has(offer.id.value))
    return results
  }

  /**
   * Gives these offers back, or all and with them the lease: the daemon's own matching has them at once. refuse:
   * milliseconds for which the master is to offer what is in them to others instead. NotFound where it did not hold all of
   * them; the others are given back.
   */
  async release(
    { offers, refuse }: { offers?: OfferLike | readonly OfferLike[]; refuse?: number } = {},
    options?: CallOptions,
  ): Promise<void> {
    const offerIds = offers === undefined ? [] : many(offers).map(idOf)
    if (offers !== undefined && offerIds.length === 0) return
    const body = { leaseId: this.id, offerIds, refuseSeconds: refuse === undefined ? undefined : refuse / 1000 }
    const reply = await this.#client.ask({ releaseLease: body }, options)
    const lease = had(reply.lease, 'a lease')
    this.#take(lease)
    if (lease.missing.length > 0) throw refusal('NOT_FOUND', reply.message ?? '', 'release_lease.offer_ids')
  }

  /** Runs with the lease, and gives back what is left of it then. */
  async with<Value>(run: (lease: this) => Promise<Value>): Promise<Value> {
    try {
      return await run(this)
    } finally {
      if (!this.#over) {
        await this.release().catch((error: unknown) => {
          if (!(error instanceof NotFound)) throw error
          this.#over = true // it ended by itself
        })
      }
    }
  }

  #take(reply: messages.LeaseReply): void {
    this.#offers = reply.offers
    this.#ends = now() + Number(reply.validMs ?? 0n)
    this.#over = reply.over ?? false
  }
}

/** How much of each scalar an offer has, over all its reservations. */
export function scalars(offer: mesos.Offer): Record<string, number> {
  const amounts: Record<string, number> = {}
  for (const { name, scalar } of offer.resources) {
    if (scalar !== undefined) amounts[name] = (amounts[name] ?? 0) + scalar.value
  }
  return amounts
}

function many<Value extends string | object>(like: Value | readonly Value[]): readonly Value[] {
  return Array.isArray(like) ? (like as readonly Value[]) : [like as Value]
}

function idOf(offer: OfferLike): string {
  return typeof offer === 'string' ? offer : offer.id.value
}

/** Offers on which something was placed, and those that the daemon does not know any more. */
function usedUp(offerIds: readonly string[], results: readonly Result[]): string[] {
  if (results.some((result) => result.ok)) return [...offerIds]
  const used: string[] = []
  for (const { field, code } of results) {
    const place = /\.offer_ids\[(\d+)\]$/.exec(field)?.[1]
    const id = place === undefined ? undefined : offerIds[Number(place)]
    if (id !== undefined && (code === 'NOT_FOUND' || code === 'CONFLICT')) used.push(id)
  }
  return used
}
