// Messages between bytes and objects: presence, 64-bit numbers, what is refused. No daemon.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { Invalid, Position, ProtocolError, decode, encode, jsonValue, newId, prepare, taskSpec } from 'zmesos'

import { refused } from './cluster.mjs'

const TASK = 'zmesos.v1.Task'

test('what is set is there, what is not is not: proto2', () => {
  const empty = decode(TASK, new Uint8Array())
  assert.deepEqual(empty, { attempts: [] })
  const zeros = { id: '', state: 'QUEUED', revision: 0n, killRequested: false, createdNs: 0n, attempts: [] }
  assert.deepEqual(decode(TASK, encode(TASK, zeros)), zeros)
  // A default of the .proto is what an absent field means, not what it has.
  assert.equal('pageSize' in decode('zmesos.v1.List', encode('zmesos.v1.List', {})), false)
  assert.equal(encode('zmesos.v1.List', { pageSize: 100 }).length, 2)
  assert.equal(encode('zmesos.v1.List', { pageSize: undefined }).length, 0)
})

test('64-bit numbers are exact at both ends', () => {
  for (const revision of [0n, 1n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n]) {
    assert.equal(decode(TASK, encode(TASK, { revision })).revision, revision)
  }
  for (const createdNs of [-(2n ** 63n), -1n, 1795384970720375960n, 2n ** 63n - 1n]) {
    assert.equal(decode(TASK, encode(TASK, { createdNs })).createdNs, createdNs)
  }
  assert.equal(decode(TASK, encode(TASK, { revision: 7 })).revision, 7n)
  // As protobuf writes it: field 5, ten bytes of varint.
  assert.deepEqual([...encode(TASK, { revision: 2n ** 64n - 1n })], [0x28, ...new Array(9).fill(0xff), 1])
})

test('numbers past their type are refused, and those at its ends taken', async () => {
  const spec = 'zmesos.v1.TaskSpec'
  assert.equal(decode(spec, encode(spec, { priority: -(2 ** 31) })).priority, -(2 ** 31))
  assert.equal(decode(spec, encode(spec, { ports: 2 ** 32 - 1 })).ports, 2 ** 32 - 1)
  for (const [type, init, field] of [
    [spec, { priority: 2 ** 31 }, 'priority'],
    [spec, { ports: -1 }, 'ports'],
    [spec, { ports: 2 ** 32 }, 'ports'],
    [spec, { ports: 1.5 }, 'ports'],
    [TASK, { revision: -1n }, 'revision'],
    [TASK, { revision: 2n ** 64n }, 'revision'],
    [TASK, { revision: 2 ** 53 }, 'revision'],
    [TASK, { createdNs: 2n ** 63n }, 'created_ns'],
    [TASK, { revision: '7' }, 'revision'],
  ]) {
    await refused(() => encode(type, init), Invalid, field)
  }
})

test('what is no such message is refused with the field', async () => {
  for (const [init, field] of [
    [{ cpu: 1 }, 'launch.tasks[3].cpu'],
    [{ cpus: '1' }, 'launch.tasks[3].cpus'],
    [{ cpus: null }, 'launch.tasks[3].cpus'],
    [{ id: 7 }, 'launch.tasks[3].id'],
    [{ id: 'a\ud800' }, 'launch.tasks[3].id'],
    [{ despiteMaintenance: 1 }, 'launch.tasks[3].despite_maintenance'],
    [{ data: 'text' }, 'launch.tasks[3].data'],
    [{ constraints: 'rack' }, 'launch.tasks[3].constraints'],
    [{ constraints: [{ operator: 'SAME' }] }, 'launch.tasks[3].constraints[0].operator'],
    [{ constraints: [undefined] }, 'launch.tasks[3].constraints[0]'],
    [{ healthCheck: { type: 'HTTP', http: {} } }, 'launch.tasks[3].health_check.http.port'],
    [{ command: 'echo' }, 'launch.tasks[3].command'],
    [{ resources: [{ name: 'cpus', scalar: 1, items: 2n }] }, 'launch.tasks[3].resources[0].items'],
    [[], 'launch.tasks[3]'],
  ]) {
    await refused(() => prepare('zmesos.v1.TaskSpec', init, 'launch.tasks[3]'), Invalid, field)
  }
  const circle = { name: 'a', role: 'b', allocationInfo: undefined }
  const device = { type: 'COMMAND', command: { value: 'true' } }
  await refused(() => encode('mesos.v1.CheckInfo', { ...device, command: circle }), Invalid, 'command.name')
})

test('bytes that are no message are a ProtocolError', () => {
  assert.throws(() => decode(TASK, Uint8Array.of(0x0a, 0xff)), ProtocolError)
  assert.throws(() => decode('mesos.v1.Label', new Uint8Array()), /key/) // required, in Mesos's own messages
  // A field and a value of an enum that are not known here are left out.
  assert.deepEqual(decode(TASK, Uint8Array.of(0xa0, 0x3f, 1, 0x20, 99)), { attempts: [] })
})

test('what JSON cannot say has its place in it', () => {
  const value = { number: 2n ** 60n, bytes: Uint8Array.of(1, 2), list: [{ n: 1n }], none: undefined }
  assert.equal(JSON.stringify(jsonValue(value)), '{"number":"1152921504606846976","bytes":"AQI=","list":[{"n":"1"}]}')
  const position = new Position('s', new Map([['TASK', 2n ** 60n]]))
  assert.deepEqual(Position.fromJSON(JSON.parse(JSON.stringify(position))), position)
  assert.throws(() => Position.fromJSON({ store: 's', numbers: { OFFERS: '1' } }), Invalid)
  assert.throws(() => Position.fromJSON({ store: 's', numbers: { TASK: '1.5' } }), Invalid)
})

test('specifications from options', async () => {
  const spec = taskSpec({
    command: ['echo', 'a b'],
    name: 'a/b',
    cpus: 0.5,
    env: { A: '1' },
    labels: { k: 'v' },
    agent: 'S0',
    retry: { maxAttempts: 3, on: 'FAILED', backoff: 1500 },
    maxCompletionTime: 0.25,
    limits: { mem: Infinity },
    consumer: 'ledger',
  })
  assert.match(spec.id, /^a-b-[0-9a-f]{12}$/)
  const read = decode('zmesos.v1.TaskSpec', encode('zmesos.v1.TaskSpec', spec))
  assert.deepEqual(read.command, {
    shell: false,
    value: 'echo',
    arguments: ['echo', 'a b'],
    uris: [],
    environment: { variables: [{ name: 'A', value: '1' }] },
  })
  assert.deepEqual(read.retry, { maxAttempts: 3, on: ['FAILED'], backoff: { nanoseconds: 1_500_000_000n } })
  assert.deepEqual(read.maxCompletionTime, { nanoseconds: 250_000n })
  assert.deepEqual(read.constraints, [{ attribute: 'agent_id', operator: 'EQUALS', values: ['S0'] }])
  assert.deepEqual(read.limits, [{ key: 'mem', value: { value: Infinity } }])
  assert.deepEqual(read.consumer, { name: 'ledger' })
  await refused(() => taskSpec({ comand: 'true' }), Invalid, 'comand')
  await refused(() => taskSpec({ env: {} }), Invalid, 'command')
  await refused(() => taskSpec({ command: [] }), Invalid, 'command')
  await refused(() => taskSpec({ retry: { times: 3 } }), Invalid, 'retry.times')
  await refused(() => taskSpec({ launchTimeout: NaN }), Invalid, 'launch_timeout')
  assert.equal(Buffer.byteLength(newId('ä'.repeat(300))) <= 200, true)
})
