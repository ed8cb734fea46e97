/**
 * What a resource says about who may use it: its own policy and its tags, read with the service's own operations as the
 * root user of the account that owns it. Also the ARN that is really asked about, where what was named only leads to it: a
 * key behind an alias, a secret with its six characters, a role with its path.
 * Gap: condition keys of a call's input (`kms:EncryptionContext:…`, `ssm:Policies`, …) are not known here.
 */
import type { RequestContext, ResourcePolicy } from "../authorize/decision.ts";
import { type Arn, type AwsScope, isAccountId, parseArn } from "../core/arn.ts";
import type { AwsCaller, PolicyDocument, ServiceName } from "../core/aws.ts";
import { AwsError, KilnError } from "../core/errors.ts";
import type { KeyGrant } from "../services/index.ts";
import { readerFor } from "./resource-readers.ts";

/** What is known of a resource before somebody asks for it. */
export interface ResourceFacts {
  /** The ARN to ask about. */
  readonly arn: string;
  /** Policy of the resource, where it has one. */
  readonly policy?: ResourcePolicy;
  /** Grants of a key, to whomever. */
  readonly grants?: readonly KeyGrant[];
  /** `aws:ResourceTag/k` and the keys that the service adds. */
  readonly context: RequestContext;
  /** The account that owns it, where the ARN does not say. */
  readonly accountId?: string;
  readonly notes: readonly string[];
}

/** Facts about the resource of an ARN; of a kind without a reader, none. */
export async function resourceFacts(
  action: string,
  text: string,
  rootOf: (scope: AwsScope) => AwsCaller,
  scope: AwsScope,
): Promise<ResourceFacts> {
  const arn = parseArn(text);
  const read = arn && readerFor(arn);
  if (!arn || !read) return { arn: text, context: {}, notes: [] };
  const owner = { ...scope, ...(arn.region && { region: arn.region }), accountId: accountOf(arn) ?? scope.accountId };
  const notes: string[] = [];
  const aws = rootOf(owner);
  const call = async <T>(service: ServiceName, operation: string, input: object): Promise<T | undefined> => {
    try {
      return await aws.call<T>(service, operation, input);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      if (/^AccessDenied/.test(error.code) && !/Tags/.test(operation)) throw unreadable(text, error);
      // What is not there, and names that nothing can have, are no facts; anything else is worth telling.
      if (!/NotFound|NoSuch|Validation|InvalidParameter|InvalidResourceId|^404$/i.test(error.code)) {
        notes.push(`${service}:${operation} does not tell about it: ${error.code}: ${error.message}`);
      }
      return undefined;
    }
  };
  const facts = await read({ action, arn, call });
  const asked = facts.arn ?? text;
  const tags = Object.entries(facts.tags ?? {}).map(([key, value]) => [`aws:ResourceTag/${key}`, value] as const);
  return {
    arn: asked,
    ...(facts.policyText !== undefined && {
      policy: {
        name: `${facts.policyName ?? "resource policy"} of ${asked}`,
        document: JSON.parse(facts.policyText) as PolicyDocument,
        accountId: owner.accountId,
        mandatory: facts.isMandatory ?? false,
      },
    }),
    ...(facts.grants && { grants: facts.grants }),
    ...(facts.hasOwner && { accountId: owner.accountId }),
    context: { ...Object.fromEntries(tags), ...facts.context },
    notes: [...notes, ...(facts.notes ?? [])],
  };
}

/**
 * AWS: a resource's own policy may shut out the root user of its account, and a bucket may be anybody's. Without the policy
 * every answer would be a guess.
 */
const unreadable = (arn: string, error: AwsError): KilnError =>
  new KilnError({
    code: "KILN_E_UNREADABLE_POLICY",
    message: `nobody can say who may use \`${arn}\`: its own policy cannot be read`,
    why: error.message,
    fix: [
      arn.startsWith("arn:aws:s3:")
        ? "if the bucket is of another account, ask there: `--account ID`, with the caller's whole ARN"
        : "let its policy name the account, as `arn:aws:iam::ACCOUNT:root`",
      "or make the call: `kiln requests show ID` explains what became of it",
    ],
    exitCode: 4,
  });

/** The account in an ARN; buckets have none in theirs. */
const accountOf = ({ accountId }: Arn): string | undefined => (isAccountId(accountId) ? accountId : undefined);
