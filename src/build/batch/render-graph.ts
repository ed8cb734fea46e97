/** A batch's builds for people and programs: a text with levels, a mermaid flowchart, plain JSON. Pure. */
import type { BatchPlan, BatchTask } from "./batch-plan.ts";
import { levelsOf } from "./graph.ts";

export const GRAPH_FORMATS = ["text", "mermaid", "json"] as const;
export type GraphFormat = (typeof GRAPH_FORMATS)[number];

/** Without a line end. */
export function renderGraph(plan: BatchPlan, format: GraphFormat): string {
  switch (format) {
    case "text":
      return textOf(plan);
    case "mermaid":
      return mermaidOf(plan);
    case "json":
      return JSON.stringify(jsonOf(plan), undefined, 2);
  }
}

/** One line: `build-graph of 5 builds in 3 levels, fast-fail on`. */
export function graphTitle(plan: BatchPlan): string {
  const levels = levelsOf(plan.tasks).length;
  const count = `${plan.tasks.length} build${plan.tasks.length === 1 ? "" : "s"}`;
  return `${plan.kind} of ${count}${levels > 1 ? ` in ${levels} levels` : ""}, fast-fail ${plan.fastFail ? "on" : "off"}`;
}

function textOf(plan: BatchPlan): string {
  const width = Math.max(...plan.tasks.map(({ identifier }) => identifier.length));
  const lines = [graphTitle(plan)];
  for (const [level, tasks] of levelsOf(plan.tasks).entries()) {
    for (const [index, task] of tasks.entries()) {
      const after = task.dependsOn.length > 0 ? [`after ${task.dependsOn.join(", ")}`] : [];
      const details = [...after, ...detailsOf(task)].join(" · ");
      lines.push(
        `${index === 0 ? String(level + 1).padStart(3) : "   "}  ${task.identifier.padEnd(width)}  ${details}`.trimEnd(),
      );
    }
  }
  return lines.join("\n");
}

function detailsOf(task: BatchTask): string[] {
  const { computeType, fleet, image, privilegedMode, type } = task.environment;
  return [
    ...(task.buildspec === undefined ? [] : [task.buildspec]),
    ...(task.shard ? [`shard ${task.shard.index + 1} of ${task.shard.count}`] : []),
    ...(image === undefined ? [] : [image]),
    ...(type === undefined ? [] : [type]),
    ...(computeType === undefined ? [] : [computeType]),
    ...(fleet === undefined ? [] : [`fleet ${fleet}`]),
    ...(privilegedMode === undefined ? [] : [`privileged mode ${privilegedMode ? "on" : "off"}`]),
    // Names only: a value may be a secret that somebody should not have written there. A matrix is told apart by them.
    ...task.variables.map(({ name, value }) => (isMatrixTask(task) ? `${name}=${value}` : name)),
    ...(task.ignoreFailure ? ["may fail"] : []),
    ...(task.debugSession ? ["debug-session"] : []),
  ];
}

const isMatrixTask = (task: BatchTask): boolean => task.identifier.startsWith("build_matrix_");

function mermaidOf(plan: BatchPlan): string {
  const node = (task: BatchTask): string => {
    const label = [task.identifier, ...mermaidDetails(task)].map(escapeLabel).join("<br/>");
    return task.ignoreFailure
      ? `  ${nodeId(task.identifier)}(["${label}"])`
      : `  ${nodeId(task.identifier)}["${label}"]`;
  };
  const edges = plan.tasks.flatMap((task) =>
    task.dependsOn.map((before) => `  ${nodeId(before)} --> ${nodeId(task.identifier)}`),
  );
  return ["flowchart LR", ...plan.tasks.map(node), ...edges].join("\n");
}

const mermaidDetails = (task: BatchTask): string[] => [
  ...(task.buildspec === undefined ? [] : [task.buildspec]),
  ...(isMatrixTask(task) ? task.variables.map(({ name, value }) => `${name}=${value}`) : []),
];

/** Some words, such as `end`, are mermaid's own. */
const nodeId = (identifier: string): string => `t_${identifier}`;

const escapeLabel = (text: string): string =>
  text.replace(/[&"<>#;]/g, (character) => `#${character.codePointAt(0)};`).replaceAll("\n", " ");

function jsonOf(plan: BatchPlan): unknown {
  return {
    kind: plan.kind,
    buildspec: plan.buildspecFile,
    fastFail: plan.fastFail,
    builds: plan.tasks.map((task) => ({
      ...task,
      variables: isMatrixTask(task) ? task.variables : task.variables.map(({ name }) => ({ name })),
    })),
    levels: levelsOf(plan.tasks).map((level) => level.map(({ identifier }) => identifier)),
    notes: plan.notes,
  };
}
