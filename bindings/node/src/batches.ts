// Cutting many items into requests that the daemon takes: by number and by bytes.

export const MAX_REQUEST_BYTES = 1 << 20
const ENVELOPE_BYTES = 256 // more than version, request id and the operation's own tag and length ever take
export const MAX_ITEM_BYTES = MAX_REQUEST_BYTES - ENVELOPE_BYTES

/** How many items one request takes. */
export const MOST = {
  launch: 1000,
  kill: 10_000,
  get: 1000,
  confirm: 1000,
  release: 10_000,
  operate: 1000,
  cancel: 10_000,
} as const

/** Bytes of a message or string of this size inside another message, under a field number up to 15. */
export function embeddedSize(size: number): number {
  let length = 1
  while (size >= 2 ** (7 * length)) length += 1
  return 1 + length + size
}

/**
 * Runs of at most `most` items and MAX_ITEM_BYTES bytes, in order. An item that is larger alone is a run of its own: the
 * caller refuses it.
 */
export function* split<Item>(items: Iterable<Item>, size: (item: Item) => number, most: number): Generator<Item[]> {
  let run: Item[] = []
  let total = 0
  for (const item of items) {
    const more = embeddedSize(size(item))
    if (run.length > 0 && (run.length === most || total + more > MAX_ITEM_BYTES)) {
      yield run
      run = []
      total = 0
    }
    run.push(item)
    total += more
  }
  if (run.length > 0) yield run
}
