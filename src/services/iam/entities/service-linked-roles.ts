/**
 * Roles that belong to an AWS service: made with the service's own trust and policy, changed by nobody, deleted in a way
 * of their own. On AWS a deletion takes its time and fails while the service uses the role; here no service does.
 * Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/using-service-linked-roles.html
 */
import { globalArnIn } from "../../../core/arn.ts";
import { DAY_MS } from "../../../core/clock.ts";
import { entityKey, forgetUses, type RoleRecord } from "../../../identity/index.ts";
import type { Collection, Store } from "../../../store/store.ts";
import { notOffered } from "../../common-errors.ts";
import { type OperationContext, operation } from "../../service.ts";
import { noSuchDeletionTask, noSuchEntity, quotaExceeded, serviceRoleTaken, suffixNotAllowed } from "../errors.ts";
import type * as Shapes from "../shapes.gen.ts";
import {
  addEntity,
  findEntity,
  isServiceLinked,
  newEntity,
  ROLE,
  requireEntity,
  SERVICE_ROLE_PATH,
} from "./entities.ts";
import { entityAccess } from "./entity-access.ts";
import { LINKED_SERVICES } from "./linked-services.ts";
import { identification } from "./role-shapes.ts";

const DOCS = "https://docs.aws.amazon.com/IAM/latest/APIReference";
const SESSION_SECONDS = 3_600;
const TASK_KEPT_MS = DAY_MS;

/** Deletions that are done, by account and id of the task: when. */
const tasksIn = (store: Store): Collection<number> => store.collection("iam-role-deletions");

function roleNameOf(serviceName: string, suffix: string | undefined): string | undefined {
  const roleName = LINKED_SERVICES.get(serviceName)?.roleName;
  return roleName === undefined || suffix === undefined ? roleName : `${roleName}_${suffix}`;
}

export const createServiceLinkedRole = operation<
  Shapes.CreateServiceLinkedRoleRequest,
  Shapes.CreateServiceLinkedRoleResponse
>({
  name: "CreateServiceLinkedRole",
  support: "partial",
  gaps: ["the services around builds and deployments only; few of their roles get AWS's description"],
  source: `${DOCS}/API_CreateServiceLinkedRole.html`,
  authorize: ({ AWSServiceName: service, CustomSuffix: suffix }, { scope }) => [
    {
      action: "iam:CreateServiceLinkedRole",
      resource: globalArnIn(scope, "iam", `role${SERVICE_ROLE_PATH}${service}/${roleNameOf(service, suffix) ?? "*"}`),
      context: { "iam:AWSServiceName": service },
    },
  ],
  errors: [notOffered, suffixNotAllowed, serviceRoleTaken, quotaExceeded],
  async run({ AWSServiceName: serviceName, CustomSuffix: suffix, Description: description }, context) {
    const service = LINKED_SERVICES.get(serviceName);
    if (!service) {
      const known = [...LINKED_SERVICES.keys()].join(", ");
      throw notOffered(`iam:CreateServiceLinkedRole for ${serviceName}`, `the roles of ${known}`);
    }
    if (suffix !== undefined && !service.takesSuffix) throw suffixNotAllowed(serviceName);
    const name = roleNameOf(serviceName, suffix) as string;
    const given = description ?? service.description;
    const policyArn = globalArnIn(
      { ...context.scope, accountId: "aws" },
      "iam",
      `policy${SERVICE_ROLE_PATH}${service.policyName}`,
    );
    const role = await addEntity(ROLE, context, (): RoleRecord => {
      if (findEntity(ROLE, name, context)) throw serviceRoleTaken(name);
      return {
        ...newEntity(ROLE, { name, path: `${SERVICE_ROLE_PATH}${serviceName}/` }, context),
        attachedPolicyArns: [policyArn],
        trustPolicy: trustOf(serviceName),
        trustedIds: {},
        maxSessionSeconds: SESSION_SECONDS,
        ...(given === undefined ? {} : { description: given }),
      };
    });
    return { Role: identification(role, context) };
  },
});

export const deleteServiceLinkedRole = operation<
  Shapes.DeleteServiceLinkedRoleRequest,
  Shapes.DeleteServiceLinkedRoleResponse
>({
  name: "DeleteServiceLinkedRole",
  support: "supported",
  source: `${DOCS}/API_DeleteServiceLinkedRole.html`,
  authorize: (input, context) => {
    const { resourceText: _, ...request } = entityAccess(ROLE, "DeleteServiceLinkedRole", input.RoleName, context);
    return [request];
  },
  errors: [noSuchEntity],
  async run(input, context) {
    const { store, scope, clock, ids } = context;
    const uuid = ids.uuid();
    const nowMs = clock.nowMs();
    const taskId = await store.write(() => {
      const role = requireEntity(ROLE, input.RoleName, context);
      // AWS: to this operation only its own roles exist.
      if (!isServiceLinked(role)) throw noSuchEntity("role", input.RoleName);
      forgetOldTasks(context, nowMs);
      const id = `task${role.path}${role.name}/${uuid}`;
      ROLE.collection(store).delete(entityKey(scope.accountId, role.name));
      forgetUses(store, role.id);
      tasksIn(store).put([scope.accountId, id], nowMs);
      return id;
    });
    return { DeletionTaskId: taskId };
  },
});

export const getServiceLinkedRoleDeletionStatus = operation<
  Shapes.GetServiceLinkedRoleDeletionStatusRequest,
  Shapes.GetServiceLinkedRoleDeletionStatusResponse
>({
  name: "GetServiceLinkedRoleDeletionStatus",
  support: "supported",
  source: `${DOCS}/API_GetServiceLinkedRoleDeletionStatus.html`,
  authorize: (input, { scope }) => [
    {
      action: "iam:GetServiceLinkedRoleDeletionStatus",
      resource: globalArnIn(scope, "iam", `role/${rolePathIn(input.DeletionTaskId)}`),
    },
  ],
  errors: [noSuchDeletionTask],
  run({ DeletionTaskId: taskId }, { store, scope }) {
    if (!tasksIn(store).has([scope.accountId, taskId])) throw noSuchDeletionTask(taskId);
    return { Status: "SUCCEEDED" };
  },
});

/** `aws-service-role/<service>/<role>` of `task/aws-service-role/<service>/<role>/<uuid>`. */
const rolePathIn = (taskId: string): string => taskId.split("/").slice(1, -1).join("/");

function forgetOldTasks({ store, scope }: OperationContext, nowMs: number): void {
  const tasks = tasksIn(store);
  for (const { key, value: doneMs } of tasks.list([scope.accountId])) {
    if (doneMs < nowMs - TASK_KEPT_MS) tasks.delete(key);
  }
}

const trustOf = (serviceName: string): string =>
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Action: ["sts:AssumeRole"], Effect: "Allow", Principal: { Service: [serviceName] } }],
  });
