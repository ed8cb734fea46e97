/** Parameter Store as commands need it: metadata of all parameters, never values. */
import type { AwsCaller } from "../../core/aws.ts";
import { AwsError } from "../../core/errors.ts";
import type { ParameterFacts } from "../../explain/index.ts";

interface DescribeParametersOutput {
  readonly Parameters?: readonly {
    readonly Name?: string;
    readonly Version?: number;
    readonly Type?: string;
    readonly LastModifiedDate?: number;
    readonly Description?: string;
    readonly KeyId?: string;
  }[];
  readonly NextToken?: string;
}

export interface ParameterMetadata extends ParameterFacts {
  readonly description?: string;
  readonly keyId?: string;
}

/** Every parameter's metadata, in name order. */
export async function listParameters(aws: AwsCaller): Promise<ParameterMetadata[]> {
  const all: ParameterMetadata[] = [];
  let token: string | undefined;
  do {
    const page: DescribeParametersOutput = await aws.call("ssm", "DescribeParameters", {
      MaxResults: 50,
      ...(token === undefined ? {} : { NextToken: token }),
    });
    for (const parameter of page.Parameters ?? []) {
      all.push({
        name: parameter.Name ?? "",
        version: parameter.Version ?? 1,
        type: parameter.Type ?? "String",
        lastModifiedMs: parameter.LastModifiedDate ?? 0,
        ...(parameter.Description === undefined ? {} : { description: parameter.Description }),
        ...(parameter.KeyId === undefined ? {} : { keyId: parameter.KeyId }),
      });
    }
    token = page.NextToken;
  } while (token !== undefined);
  return all.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Versions of one parameter with their dates, oldest first. */
export async function parameterHistory(
  aws: AwsCaller,
  name: string,
): Promise<{ version: number; lastModifiedMs: number }[]> {
  const history: { version: number; lastModifiedMs: number }[] = [];
  let token: string | undefined;
  do {
    const page: DescribeParametersOutput = await aws.call("ssm", "GetParameterHistory", {
      Name: name,
      MaxResults: 50,
      ...(token === undefined ? {} : { NextToken: token }),
    });
    for (const entry of page.Parameters ?? [])
      history.push({ version: entry.Version ?? 1, lastModifiedMs: entry.LastModifiedDate ?? 0 });
    token = page.NextToken;
  } while (token !== undefined);
  return history;
}

/** The answer of a call, or undefined when it ended in one of these error codes. */
export async function unlessCode<T>(codes: readonly string[], call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof AwsError && codes.includes(error.code)) return undefined;
    throw error;
  }
}
