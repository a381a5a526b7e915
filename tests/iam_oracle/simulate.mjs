// Asks an independent evaluator of AWS policies. One simulation a line on stdin as JSON, one result a line on stdout.
// The evaluator is AGPL: this program is a part of the tests alone, runs in a process of its own and ships nowhere.
import { createInterface } from 'node:readline'
import { runSimulation } from '@cloud-copilot/iam-simulate'

for await (const line of createInterface({ input: process.stdin })) {
  const found = await runSimulation(JSON.parse(line), {})
  const told =
    found.resultType === 'error'
      ? { error: JSON.stringify(found.errors) }
      : { result: found.overallResult, ignored: found.result?.ignoredContextKeys ?? [] }
  console.log(JSON.stringify(told))
}
