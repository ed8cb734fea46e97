/**
 * From what a person writes to the ARN that a service would ask policies about: an ARN, `*`, or a short form that only one
 * resource type of the action can mean (`/app/x` for a parameter, `secret:db`, `my-bucket/key`, `alias/app`, `role/Builder`).
 * Templates of ARNs: data/iam-actions.json (AWS's service authorization reference).
 */
import { type AwsScope, arnIn, parseArn } from "../core/arn.ts";
import { type KilnError, usageError } from "../core/errors.ts";
import { type ActionInfo, isOfResourceType, type ResourceTypeInfo } from "../services/index.ts";

/** What a text was taken for. */
export interface NamedResource {
  /** The ARN, or `*`. */
  readonly arn: string;
  /** What was made of the text, and what it cannot be. */
  readonly notes: readonly string[];
}

/** `text` undefined: what policies are asked about when nothing is named. */
export function findResource(action: ActionInfo, text: string | undefined, scope: AwsScope): NamedResource {
  if (action.resources.length === 0) {
    const isNamed = text !== undefined && text !== "*";
    return {
      arn: "*",
      notes: isNamed ? [`\`${action.name}\` has no resource type: policies are asked about \`*\``] : [],
    };
  }
  if (text === undefined) {
    if (action.resources.some(({ isRequired }) => isRequired)) throw resourceNeeded(action);
    return { arn: "*", notes: [] };
  }
  if (text === "*") return { arn: "*", notes: [] };
  if (text.startsWith("arn:")) return asAsked(action, text, notesOfArn(action, text));
  const meant = meanings(action, text, scope);
  const [arn] = meant;
  if (arn === undefined) throw resourceNeeded(action, `\`${text}\` is not a resource of \`${action.name}\``);
  if (meant.length > 1) {
    throw usageError(
      `\`${text}\` can mean ${meant.length} resources of \`${action.name}\``,
      meant.map((one) => `write \`${one}\``),
    );
  }
  return asAsked(action, arn, []);
}

function notesOfArn(action: ActionInfo, arn: string): string[] {
  if (!parseArn(arn)) {
    throw usageError(
      `\`${arn}\` is not an ARN`,
      [],
      "an ARN has six parts: arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE",
    );
  }
  if (action.resources.some((type) => isOfResourceType(arn, type))) return [];
  return [`no resource of \`${action.name}\` has such an ARN; they look like ${listed(action.resources)}`];
}

/** ARNs that a text without `arn:` can mean: with the word of a resource type in front, else as a bare name. */
function meanings(action: ActionInfo, text: string, scope: AwsScope): string[] {
  // AWS: an alias leads to a key; policies are asked about the key, so few actions have aliases among their resources.
  if (action.name.startsWith("kms:") && text.startsWith("alias/")) return [arnIn(scope, "kms", text)];
  const types = action.resources.map((type) => readTemplate(type, scope)).filter((type) => type !== undefined);
  const worded = types.filter(({ word }) => word !== "" && text.startsWith(word));
  const isWorded = worded.length > 0;
  const chosen = isWorded ? worded : typesOfName(types, text.includes("/"));
  return unique(chosen.map(({ head, word }) => head + word + bare(word, isWorded ? text.slice(word.length) : text)));
}

/** Types that a bare name can be one of: the required ones before the others, those that a name is enough for before the others. */
function typesOfName(types: readonly Template[], hasSlash: boolean): readonly Template[] {
  // A bucket, and an object in it.
  const buckets = types.filter(({ word }) => word === "");
  if (buckets.length > 0) return buckets.filter(({ variables }) => variables === (hasSlash ? 2 : 1));
  const byNeed = [types.filter(({ isRequired }) => isRequired), types];
  const byName = [1, 2].flatMap((count) => byNeed.map((some) => some.filter(({ variables }) => variables === count)));
  return byName.find((some) => some.length > 0) ?? [];
}

/** AWS: a parameter's ARN has the name without its leading slash. */
const bare = (word: string, name: string): string => (word === "parameter/" ? name.replace(/^\//, "") : name);

interface Template {
  /** `arn:aws:ssm:us-east-1:000000000000:` */
  readonly head: string;
  /** The resource part before the first variable: `parameter/`, `secret:`, `` for a bucket. */
  readonly word: string;
  readonly variables: number;
  readonly isRequired: boolean;
}

/** Undefined for what Kiln has none of: access points, instances, templates of other services. */
function readTemplate(
  type: ResourceTypeInfo & { readonly isRequired: boolean },
  scope: AwsScope,
): Template | undefined {
  const match = /^arn:\$\{Partition\}:([^:]*):([^:]*):([^:]*):(.*)$/.exec(type.arn);
  if (!match) return undefined;
  const [, service = "", region = "", account = "", resource = ""] = match;
  // Of S3 only buckets and objects, whose ARNs have neither region nor account.
  if (/^(s3|ec2|ecs|s3-object-lambda)$/.test(service) && (service !== "s3" || region + account !== ""))
    return undefined;
  const place = [region && scope.region, account && (account === "aws" ? "aws" : scope.accountId)];
  return {
    head: `arn:${scope.partition}:${service}:${place.join(":")}:`,
    word: resource.slice(0, resource.indexOf("${") === -1 ? undefined : resource.indexOf("${")),
    variables: resource.split("${").length - 1,
    isRequired: type.isRequired,
  };
}

/** AWS: what is done in a log group is asked about `log-group:NAME:log-stream:`, whatever the reference's template says. */
function asAsked(action: ActionInfo, arn: string, notes: readonly string[]): NamedResource {
  const group = /^(arn:[^:]+:logs:[^:]*:[^:]*:log-group:[^:]+)(:\*)?$/.exec(arn)?.[1];
  if (group === undefined || /^logs:(Tag|Untag|ListTags)/i.test(action.name)) return { arn, notes };
  const isOfStream = action.resources.some(({ name }) => name === "log-stream");
  return { arn: `${group}:log-stream:${isOfStream ? "*" : ""}`, notes };
}

const resourceNeeded = (action: ActionInfo, message = `\`${action.name}\` needs a resource`): KilnError =>
  usageError(message, [`name one like ${listed(action.resources)}`, "or `*` to ask for all resources at once"]);

const listed = (types: readonly ResourceTypeInfo[]): string =>
  unique(types.map(({ arn }) => `\`${arn}\``))
    .slice(0, 4)
    .join(" or ");

const unique = (texts: readonly string[]): string[] => [...new Set(texts)];
