/** GetParameter and GetParameters: by name, ARN, or either with `:version` or `:label`. */
import { AwsError } from "../../core/errors.ts";
import { type OperationContext, operation } from "../service.ts";
import { parameterNotFound, parameterVersionNotFound, referencedSecretNotFound, validationFailure } from "./errors.ts";
import { requireVersion } from "./find-parameter.ts";
import { accessTo, accessToEach } from "./parameter-access.ts";
import { askedBy, parameterAnswer } from "./parameter-answer.ts";
import { type ParameterReference, requireReadable } from "./parameter-name.ts";
import { isSecretReference, secretAnswer } from "./secret-reference.ts";
import { secureStringErrors } from "./secure-string.ts";
import type {
  GetParameterRequest,
  GetParameterResult,
  GetParametersRequest,
  GetParametersResult,
  Parameter,
} from "./shapes.gen.ts";

const errors = [
  validationFailure,
  parameterNotFound,
  parameterVersionNotFound,
  referencedSecretNotFound,
  ...secureStringErrors,
];
const gaps = ["of the public parameters under /aws/service only the regions, and those of a file"];

export const getParameter = operation<GetParameterRequest, GetParameterResult>({
  name: "GetParameter",
  support: "partial",
  gaps,
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameter.html",
  authorize: (input, context) => accessTo(context, "ssm:GetParameter", input.Name),
  errors,
  run(input, context) {
    const parameter = read(context, requireReadable(context.scope, input.Name), input.WithDecryption);
    if (!(parameter instanceof Promise)) return { Parameter: parameter };
    return parameter.then((decrypted) => ({ Parameter: decrypted }));
  },
});

// AWS: one denied name fails the whole call; one missing name only goes to InvalidParameters.
export const getParameters = operation<GetParametersRequest, GetParametersResult>({
  name: "GetParameters",
  support: "partial",
  gaps,
  source: "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html",
  authorize: (input, context) => accessToEach(context, "ssm:GetParameters", input.Names),
  errors,
  async run(input, context) {
    const references = input.Names.map((name) => requireReadable(context.scope, name));
    const unique = [...new Map(references.map((reference) => [reference.text, reference])).values()];
    const parameters: Parameter[] = [];
    const invalid: string[] = [];
    for (const reference of unique) {
      try {
        parameters.push(await read(context, reference, input.WithDecryption));
      } catch (error) {
        if (!isAbsence(error)) throw error;
        invalid.push(reference.text);
      }
    }
    const nameOf = (parameter: Parameter): string => `${parameter.Name}${parameter.Selector ?? ""}`;
    parameters.sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    return { Parameters: parameters, InvalidParameters: invalid };
  },
});

/** A promise only for what another service has to answer. */
function read(
  context: OperationContext,
  reference: ParameterReference,
  withDecryption: boolean | undefined,
): Parameter | Promise<Parameter> {
  if (isSecretReference(reference.name)) return secretAnswer(context, reference, withDecryption ?? false);
  return parameterAnswer(context, requireVersion(context, reference), askedBy(reference, withDecryption));
}

const isAbsence = (error: unknown): boolean =>
  error instanceof AwsError && (error.code === "ParameterNotFound" || error.code === "ParameterVersionNotFound");
