/** DeleteParameter and DeleteParameters: the parameter with all its versions, labels and tags. */
import { type OperationContext, operation } from "../service.ts";
import { parameterNotFound, reservedName, validationFailure } from "./errors.ts";
import { removeParameter } from "./expiration.ts";
import { findParameter } from "./find-parameter.ts";
import { accessTo, accessToEach } from "./parameter-access.ts";
import { requireReadableName, requireUnreserved } from "./parameter-name.ts";
import type { DeleteParameterRequest, DeleteParametersRequest, DeleteParametersResult } from "./shapes.gen.ts";

export const deleteParameter = operation<DeleteParameterRequest, object>({
  name: "DeleteParameter",
  support: "supported",
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameter.html",
  authorize: (input, context) => accessTo(context, "ssm:DeleteParameter", input.Name),
  errors: [parameterNotFound, reservedName, validationFailure],
  async run(input, context) {
    const name = requireDeletableName(input.Name);
    await context.store.write(() => {
      if (!remove(context, name)) throw parameterNotFound();
    });
    return {};
  },
});

export const deleteParameters = operation<DeleteParametersRequest, DeleteParametersResult>({
  name: "DeleteParameters",
  support: "supported",
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_DeleteParameters.html",
  authorize: (input, context) => accessToEach(context, "ssm:DeleteParameters", input.Names),
  errors: [reservedName, validationFailure],
  async run(input, context) {
    const names = [...new Set(input.Names.map(requireDeletableName))];
    return context.store.write(() => {
      const deleted = names.filter((name) => remove(context, name));
      return { DeletedParameters: deleted, InvalidParameters: names.filter((name) => !deleted.includes(name)) };
    });
  },
});

function requireDeletableName(written: string): string {
  const name = written.trim();
  requireUnreserved(name);
  requireReadableName(name);
  return name;
}

/** Only inside `Store.write`. */
function remove(context: OperationContext, name: string): boolean {
  const isThere = findParameter(context, context.scope, name) !== undefined;
  removeParameter(context.store, context.scope, name);
  return isThere;
}
