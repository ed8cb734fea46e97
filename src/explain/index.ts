/** Public face of explain/: from a build's facts to its first cause. */
export type { BuildFacts, BuildRecord, ParameterFacts } from "./build-facts.ts";
export type { Confidence, Diagnosis, Outcome, ProjectField, SideFinding } from "./diagnosis.ts";
export type { BatchDiagnosis, BatchFacts, BatchGroup, BatchRecord } from "./explain-batch.ts";
export { explainBatch } from "./explain-batch.ts";
export { explainBuild } from "./explain-build.ts";
export { type DecisionExplanation, explainDecision, POLICY_TYPE_NAMES, renderDecision } from "./explain-decision.ts";
export { type Evidence, joinFacts, readEvidence } from "./inputs/read-evidence.ts";
export { factsFromLog } from "./log-file.ts";
export { renderDiagnosis } from "./render.ts";
