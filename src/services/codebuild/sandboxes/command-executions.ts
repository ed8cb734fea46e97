/**
 * StartCommandExecution, BatchGetCommandExecutions, ListCommandExecutionsForSandbox: commands in an open sandbox, one
 * after the other, each a script of its own as in a build. StartSandboxConnection needs Session Manager and is refused.
 * Source: https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartCommandExecution.html
 */
import type { AuthorizationRequest } from "../../../authorize/decision.ts";
import { type OperationContext, type OperationDefinition, operation } from "../../service.ts";
import type { BuildRunner } from "../builds/build-runner.ts";
import { invalidInput, sandboxNotFound } from "../errors.ts";
import { recordPage } from "../pages.ts";
import { recordsIn, type SandboxRecord, scopeOf } from "../records.ts";
import type {
  BatchGetCommandExecutionsInput,
  BatchGetCommandExecutionsOutput,
  CommandExecution,
  ListCommandExecutionsForSandboxInput,
  ListCommandExecutionsForSandboxOutput,
  StartCommandExecutionInput,
  StartCommandExecutionOutput,
} from "../shapes.gen.ts";
import { addExecution, isOver, sandboxArn, sandboxIdOf, sandboxKey } from "./sandbox-records.ts";
import { findSandbox } from "./sandboxes.ts";

const API = "https://docs.aws.amazon.com/codebuild/latest/APIReference/";

// biome-ignore lint/suspicious/noExplicitAny: each operation has its own input type
export const commandExecutionOperations = (runner: BuildRunner): readonly OperationDefinition<any, object>[] => [
  operation<StartCommandExecutionInput, StartCommandExecutionOutput>({
    name: "StartCommandExecution",
    support: "partial",
    gaps: ["of each output the first 1,048,576 characters are kept"],
    source: `${API}API_StartCommandExecution.html`,
    authorize: (input, context) => [onSandbox("StartCommandExecution", input.sandboxId, context)],
    errors: [invalidInput, sandboxNotFound],
    async run(input, context) {
      const { store, scope, clock, ids } = context;
      const records = recordsIn(store);
      const key = sandboxKey(input.sandboxId, scope);
      const id = ids.uuid();
      const execution = await store.write((): CommandExecution => {
        const record = requireSandbox(context, input.sandboxId);
        if (isOver(record)) throw invalidInput(`Sandbox is not running: ${record.sandbox.id}`);
        const made: CommandExecution = {
          id,
          sandboxId: record.sandbox.id,
          sandboxArn: record.sandbox.arn,
          submitTime: clock.nowMs(),
          status: "SUBMITTED",
          command: input.command,
          type: input.type ?? "SHELL",
          logs: record.sandbox.currentSession?.logs,
        };
        addExecution(records, key, JSON.parse(JSON.stringify(made)) as CommandExecution);
        return made;
      });
      runner.sandboxes.wake(key.at(-1) ?? "");
      return { commandExecution: execution };
    },
  }),

  operation<BatchGetCommandExecutionsInput, BatchGetCommandExecutionsOutput>({
    name: "BatchGetCommandExecutions",
    support: "supported",
    source: `${API}API_BatchGetCommandExecutions.html`,
    authorize: (input, context) => [onSandbox("BatchGetCommandExecutions", input.sandboxId, context)],
    errors: [invalidInput, sandboxNotFound],
    run(input, context) {
      requireSandbox(context, input.sandboxId);
      const key = sandboxKey(input.sandboxId, context.scope);
      const { executions } = recordsIn(context.store);
      const ids = [...new Set(input.commandExecutionIds)];
      return {
        commandExecutions: ids.flatMap((id) => executions.get([...key, id]) ?? []),
        commandExecutionsNotFound: ids.filter((id) => !executions.has([...key, id])),
      };
    },
  }),

  operation<ListCommandExecutionsForSandboxInput, ListCommandExecutionsForSandboxOutput>({
    name: "ListCommandExecutionsForSandbox",
    support: "supported",
    source: `${API}API_ListCommandExecutionsForSandbox.html`,
    authorize: (input, context) => [onSandbox("ListCommandExecutionsForSandbox", input.sandboxId, context)],
    errors: [invalidInput, sandboxNotFound],
    run(input, context) {
      requireSandbox(context, input.sandboxId);
      const key = sandboxKey(input.sandboxId, context.scope);
      const records = recordsIn(context.store);
      const { entries, ...more } = recordPage(records.executionOrder, key, input);
      return {
        commandExecutions: entries.flatMap(({ value }) => records.executions.get([...key, value]) ?? []),
        ...more,
      };
    },
  }),
];

function requireSandbox(context: OperationContext, idOrArn: string): SandboxRecord {
  const record = findSandbox(context, idOrArn);
  if (!record) throw sandboxNotFound(idOrArn);
  return record;
}

/** AWS: commands are decided on the sandbox, which has no tags. */
const onSandbox = (action: string, idOrArn: string, { scope }: OperationContext): AuthorizationRequest => ({
  action: `codebuild:${action}`,
  resource: sandboxArn(scopeOf(idOrArn, scope), sandboxIdOf(idOrArn)),
});
