/** Batches by id or ARN, and what must be allowed before they are touched. */
import type { AuthorizationRequest } from "../../../authorize/decision.ts";
import type { OperationContext } from "../../service.ts";
import { batchNotFound } from "../errors.ts";
import { projectAccess } from "../projects/find-project.ts";
import { buildKey, parseBatchId, projectArn, scopeOf } from "../records.ts";
import { type BatchRecord, batchRecordsIn } from "./batch-records.ts";

/** Actions on batches are decided on the project. */
export const onBatch = (context: OperationContext, action: string, idOrArn: string): AuthorizationRequest =>
  projectAccess(context, action, projectArn(scopeOf(idOrArn, context.scope), parseBatchId(idOrArn).projectName));

/** The batch, or undefined. */
export function findBatch({ store, scope }: OperationContext, idOrArn: string): BatchRecord | undefined {
  const { projectName, uuid } = parseBatchId(idOrArn);
  return batchRecordsIn(store).batches.get(buildKey(scopeOf(idOrArn, scope), projectName, uuid));
}

/** The batch. Throws ResourceNotFoundException. */
export function requireBatch(context: OperationContext, idOrArn: string): BatchRecord {
  const record = findBatch(context, idOrArn);
  if (!record) throw batchNotFound(idOrArn);
  return record;
}
