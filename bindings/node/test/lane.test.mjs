// One class of events as a follower sees it. No daemon.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'

const { Lane } = await import(new URL('lane.js', pathToFileURL(createRequire(import.meta.url).resolve('zmesos'))))

test('any number of events wait for a count', async () => {
  const many = 300_000n
  const lane = new Lane('TASK', ['task/job/'])
  lane.begin(0n)
  for (let number = 1n; number <= many; number += 1n) lane.take({ number })
  lane.settle(many, [...lane.aside.values()])
  let told = 0n
  for (let event = lane.tell(); event !== undefined; event = lane.tell()) assert.equal(event.number, (told += 1n))
  assert.equal(told, many)
})
