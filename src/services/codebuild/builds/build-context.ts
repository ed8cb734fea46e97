/**
 * What making a build or a batch takes, whoever makes it: an operation (its context has all of it), a batch, a webhook.
 * Nothing in it decides about permissions: an operation asks for them before it makes a build, and what the build does it
 * does as its role, through the policy engine.
 */
import type { OperationContext } from "../../service.ts";

export type BuildContext = Pick<OperationContext, "scope" | "store" | "clock" | "ids">;
