import type { Plan, Scan, Stateful } from '../plan/plan.ts'
import type { Chain } from '../print/text.ts'
import type { DeltaContext, Reading } from './context.ts'
import { expand } from './expand.ts'
import { filter } from './filter.ts'
import { innerJoin } from './inner-join.ts'
import { project } from './project.ts'
import { outerJoin } from './outer-join.ts'
import { readInParts, readPlan, type StageReader } from './readings.ts'
import { scan } from './scan.ts'
import { semiJoin } from './semi-join.ts'
import { unionAll } from './union-all.ts'

/**
 * The switch: one law an operator. Each delta becomes a named part of the statement, once, however often it is used.
 *
 * Contract: the part has the operator's columns, in order, and then `__w`.
 */
export class Differentiator implements DeltaContext {
  private readonly chain: Chain
  private readonly stages: StageReader
  private readonly windows: ReadonlyMap<string, string>
  private readonly stageDeltas: ReadonlyMap<Stateful, string | null>
  readonly onShards: boolean
  private readonly deltas = new Map<Plan, string | null>()

  constructor(options: {
    readonly chain: Chain
    readonly stages: StageReader
    /** Name of the window of each source whose changes are read, by stable name. */
    readonly windows: ReadonlyMap<string, string>
    /** Filled as stages are compiled, innermost first. */
    readonly stageDeltas: ReadonlyMap<Stateful, string | null>
    /** Citus is to run the statement on other nodes. */
    readonly onShards?: boolean
  }) {
    this.onShards = options.onShards === true
    this.chain = options.chain
    this.stages = options.stages
    this.windows = options.windows
    this.stageDeltas = options.stageDeltas
  }

  delta(plan: Plan): string | null {
    const known = this.deltas.get(plan)
    if (known !== undefined) return known
    const name = this.compile(plan)
    this.deltas.set(plan, name)
    return name
  }

  read(plan: Plan, reading: Reading): string {
    return readPlan(plan, reading, this.stages)
  }

  readInParts(plan: Plan, reading: Reading): readonly string[] {
    return readInParts(plan, reading, this.stages)
  }

  window(node: Scan): string | null {
    return this.windows.get(node.relation.stableName) ?? null
  }

  decided(condition: string): readonly string[] {
    return this.onShards ? [] : [condition]
  }

  part(label: string, body: string): string {
    return this.chain.add(label, body)
  }

  stageDelta(aggregate: Stateful): string | null {
    const name = this.stageDeltas.get(aggregate)
    if (name === undefined) throw new TypeError('an inner stage was read before it was compiled')
    return name
  }

  private compile(plan: Plan): string | null {
    switch (plan.kind) {
      case 'scan':
        return this.named(`Δ ${plan.label}`, scan(plan, this))
      case 'constant':
        return null
      case 'filter':
        return this.named('Δ filter', filter(plan, this))
      case 'project':
        return this.named('Δ project', project(plan, this))
      case 'join':
        return this.named('Δ join', plan.type === 'inner' ? innerJoin(plan, this) : outerJoin(plan, this))
      case 'semi-join':
        return this.named(`Δ ${plan.type} join`, semiJoin(plan, this))
      case 'union-all':
        return this.named('Δ union all', unionAll(plan, this))
      case 'expand':
        return this.named('Δ expand', expand(plan, this))
      case 'aggregate':
      case 'partitioned':
      case 'recursion':
        return this.stageDelta(plan)
      case 'working-table':
        // the stored rows of its recursion, which have not changed yet
        return null
    }
  }

  private named(label: string, body: string | null): string | null {
    return body === null ? null : this.chain.add(label, body)
  }
}
