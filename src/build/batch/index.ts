/** Public face of build/batch: a buildspec's `batch` as a checked plan, what to do next, and the graph for people. */
export type { BatchPlan, BatchRestrictions, BatchTask, TaskEnvironment } from "./batch-plan.ts";
export type { BatchPlanInput, PlannedBatch } from "./plan-batch.ts";
export { DOWNLOAD_SOURCE, planBatch } from "./plan-batch.ts";
export { GRAPH_FORMATS, type GraphFormat, graphTitle, renderGraph } from "./render-graph.ts";
export { nextSteps, type TaskEnd, type TaskStatus } from "./schedule.ts";
export { shardGroup, wholeGroup } from "./shard-groups.ts";
