// What the types say, held to it by `npm run check`: each line under @ts-expect-error has to be one that is refused.
import { Client, type Event, StartedOver, type Task, type TaskState, equals, taskSpec } from 'zmesos'

export async function use(client: Client): Promise<void> {
  const task = await client.launch('echo hello', { cpus: 0.1, mem: 32, retry: { maxAttempts: 3, on: ['FAILED'] } })
  const ended: Task = await task.wait({ timeout: 1000 })
  const state: TaskState = ended.state
  const revision: bigint = ended.revision
  const several: Map<string, Task> = await client.wait(['a', 'b'])
  const message: string | undefined = ended.message
  for await (const event of client.follow('task/')) {
    if (event instanceof StartedOver) continue
    const named: Event = event
    const view: Task | undefined = named.task
    void view
  }
  await client.launch({ spec: { id: 'a', cpus: 1, command: { value: 'true' }, constraints: [equals('rack', 'r1')] } })
  taskSpec({ command: ['ls', '-l'], healthCheck: { type: 'COMMAND', command: { value: 'true' } } })

  // @ts-expect-error no such option
  await client.launch('true', { cpu: 1 })
  // @ts-expect-error a number
  await client.launch('true', { cpus: '1' })
  // @ts-expect-error no such state
  client.tasks({ state: 'ASLEEP' })
  // @ts-expect-error may be absent
  const surely: string = ended.message
  // @ts-expect-error a bigint
  const number: number = ended.revision
  // @ts-expect-error no such outcome
  taskSpec({ command: 'true', retry: { on: 'MAYBE' } })
  // @ts-expect-error a required field of Mesos's message
  taskSpec({ command: 'true', healthCheck: { http: {} } })
  // @ts-expect-error no such class
  client.replay('NONSENSE')
  // @ts-expect-error a StartedOver may come, too
  for await (const event of client.follow('task/')) void event.topic
  void [state, revision, several, message, surely, number]
}
