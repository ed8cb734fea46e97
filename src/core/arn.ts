/** ARNs: the only place that knows their syntax. `arn:partition:service:region:account:resource`. */

export interface Arn {
  readonly partition: string;
  readonly service: string;
  /** Empty for global services. */
  readonly region: string;
  readonly accountId: string;
  /** Everything after the fifth colon, colons and slashes included. */
  readonly resource: string;
}

/** The parts of an ARN, or undefined when `text` is not one. */
export function parseArn(text: string): Arn | undefined {
  const match = /^arn:([^:]+):([^:]+):([^:]*):([^:]*):([\s\S]+)$/.exec(text);
  if (!match) return undefined;
  const [, partition = "", service = "", region = "", accountId = "", resource = ""] = match;
  return { partition, service, region, accountId, resource };
}

export function formatArn(arn: Arn): string {
  return `arn:${arn.partition}:${arn.service}:${arn.region}:${arn.accountId}:${arn.resource}`;
}

const REGION_NAME = /^[a-z]{2,}(?:-[a-z]+)+-\d{1,2}$/;

/** Whether a text has the form of a region's name; which there are changes. */
export const isRegionName = (text: string): boolean => REGION_NAME.test(text);

const ACCOUNT_ID = /^\d{12}$/;

export const isAccountId = (text: string): boolean => ACCOUNT_ID.test(text);

/** The partition that a region is in, by its name. */
export function partitionOf(region: string): string {
  if (region.startsWith("cn-")) return "aws-cn";
  return region.startsWith("us-gov-") ? "aws-us-gov" : "aws";
}

const ACCOUNT_PART = 4;

/** True when the fifth part of an ARN is this account. Every decision asks, so nothing is split. */
export function isArnOfAccount(text: string, accountId: string): boolean {
  if (!text.startsWith("arn:")) return false;
  let colon = "arn".length;
  for (let part = 1; part < ACCOUNT_PART; part++) {
    colon = text.indexOf(":", colon + 1);
    if (colon < 0) return false;
  }
  return text.startsWith(accountId, colon + 1) && text.charAt(colon + 1 + accountId.length) === ":";
}

/** The account and region a request speaks for. */
export interface AwsScope {
  readonly partition: string;
  readonly region: string;
  readonly accountId: string;
}

/** ARN of a regional resource of `service` in this scope. */
export const arnIn = (scope: AwsScope, service: string, resource: string): string =>
  `arn:${scope.partition}:${service}:${scope.region}:${scope.accountId}:${resource}`;

/** ARN of a global (region-less) resource, e.g. IAM's. */
export const globalArnIn = (scope: AwsScope, service: string, resource: string): string =>
  formatArn({ ...scope, region: "", service, resource });
