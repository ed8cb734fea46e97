/** What the policy engine is asked and what it answers. Other folders read these; only evaluate.ts makes decisions. */
import type { PolicyDocument, Principal } from "../core/aws.ts";

/** Values of one condition key; several for multi-valued keys such as `aws:TagKeys`. */
export type ContextValue = string | readonly string[];
/** Condition keys of a request. Key names are compared without regard to case. */
export type RequestContext = Readonly<Record<string, ContextValue>>;

/** One thing an operation wants to do: each must be allowed. Operations return a list of these. */
export interface AuthorizationRequest {
  /** `service:Action`, e.g. `ssm:GetParameters`. */
  readonly action: string;
  /** The resource's ARN, or `*` for actions without a resource type. */
  readonly resource: string;
  /** Service-specific and resource-specific condition keys; global keys are added by the dispatcher. */
  readonly context?: RequestContext;
  /** Keys of `context` whose values are secrets: policies are tested with them, nothing that is printed or kept shows them. */
  readonly secretKeys?: readonly string[];
  /** Policy of the resource itself (key policy, trust policy, repository policy …), where it has one. */
  readonly resourcePolicy?: ResourcePolicy;
  /** Policies of the resource that count like `resourcePolicy`, beside it: the one of an ECR registry, where the repository has its own. */
  readonly furtherResourcePolicies?: readonly Pick<ResourcePolicy, "name" | "document">[];
  /**
   * What else the resource itself allows, each for whom it names, also of other accounts and whatever their identity
   * policies say: grants of KMS keys. They only allow; a Deny in them has no effect.
   */
  readonly grants?: readonly ResourceGrant[];
  /**
   * How the resource is printed in the denial, where the service does not print `on resource: <ARN>`: `role NAME` takes
   * the ARN's place, a text that starts with `on ` takes the place of the whole phrase, and `""` leaves it out.
   */
  readonly resourceText?: string;
  /**
   * What follows the action, in place of resource and reason, when the resource's own policy refuses: KMS does not tell
   * strangers whether a key exists.
   */
  readonly hiddenText?: string;
  /** The whole sentence of a denial, where the service has one of its own. */
  readonly denialText?: string;
  /** Account that owns the resource, where the ARN does not say (S3) and there is no resource policy. */
  readonly resourceAccountId?: string;
}

export interface ResourcePolicy {
  /** Name for explanations, e.g. `key policy of arn:aws:kms:…`. */
  readonly name: string;
  readonly document: PolicyDocument;
  /** Account that owns the resource. */
  readonly accountId: string;
  /** True for key policies and role trust policies: without their consent nothing else counts. */
  readonly mandatory: boolean;
}

/** A grant in the form of a policy. */
export interface ResourceGrant {
  /** Name for explanations, e.g. `grant 0c237476…`. */
  readonly name: string;
  readonly document: PolicyDocument;
}

/** A policy with the name a person knows it by. */
export interface NamedPolicy {
  /** Managed policy ARN, or `inline policy NAME of role ROLE`. */
  readonly name: string;
  /** Set for managed policies. */
  readonly arn?: string;
  readonly document: PolicyDocument;
}

/** All policies of a principal. Root has none and is allowed by default. */
export interface PrincipalPolicies {
  readonly identity: readonly NamedPolicy[];
  readonly boundary?: NamedPolicy;
  /** When given, also when empty, the session may do only what one of them allows. */
  readonly session?: readonly NamedPolicy[];
  /** Service control policies by level, from the organisation's root to the account; every level must allow. */
  readonly organization?: readonly (readonly NamedPolicy[])[];
}

/** The kinds of policy that take part in a decision; `trust` is a role's own resource policy. */
export type PolicyType = "identity" | "resource" | "boundary" | "session" | "scp" | "trust";

/** `explicitDeny`: a Deny matches. `implicitDeny`: nothing allows. */
export type Effect = "allowed" | "explicitDeny" | "implicitDeny";

/** What the policies of one type say by themselves, whatever the others say. */
export interface TypeVerdict {
  readonly policyType: PolicyType;
  readonly effect: Effect;
  /** Of service control policies that do not allow: the first level that denies or is silent, 1 for the root. */
  readonly level?: number;
}

/** Why one statement did or did not match, in the order action, resource, principal, condition. */
export interface StatementTrace {
  readonly policyName: string;
  readonly policyType: PolicyType;
  /** Of a service control policy: its level of the organisation, 1 for the root. */
  readonly level?: number;
  /** 0-based index in the document. */
  readonly index: number;
  readonly sid?: string;
  readonly effect: "Allow" | "Deny";
  readonly matched: boolean;
  /** First part that failed, when not matched. */
  readonly failed?: "Action" | "Resource" | "Principal" | "Condition";
  /** One sentence with the pattern and the value, e.g. "`ssm:GetParameter` is not `ssm:GetParameters`". */
  readonly detail?: string;
  /** When Action or Resource failed: the statement's patterns, of many the few that come nearest. */
  readonly expected?: readonly string[];
}

export interface Decision {
  readonly effect: Effect;
  readonly action: string;
  readonly resource: string;
  readonly principalArn: string;
  /** The request's own condition keys. May hold secrets (`secretKeys`): not to be printed or kept as they are. */
  readonly context: RequestContext;
  /** The kind of policy that decided (for an implicit deny: the kind that is silent). */
  readonly policyType: PolicyType | "none";
  /** The statements that decided. */
  readonly decidedBy: readonly StatementTrace[];
  /** AWS's sentence: `User: … is not authorized to perform: … on resource: … because …`; empty when allowed. */
  readonly message: string;
  /** The principal and the resource are of different accounts: both sides must allow. */
  readonly isCrossAccount: boolean;
  /** Every type of policy that takes part, each by itself; built on demand. */
  byType(): readonly TypeVerdict[];
  /** Every statement with its reason; built on demand. */
  explain(): readonly StatementTrace[];
}

export interface EvaluationInput {
  readonly principal: Principal;
  readonly policies: PrincipalPolicies;
  readonly request: AuthorizationRequest;
  /** Global and request condition keys, without the ones in `request.context`. */
  readonly context: RequestContext;
  /** Name the managed policy in an explicit deny, as AWS does since January 2026. Default true. */
  readonly namePolicyInDenial?: boolean;
}

/** What is kept of a decision so that `kiln explain` can read it later. Never holds a secret. */
export interface DecisionRecord {
  readonly requestId: string;
  readonly atMs: number;
  readonly service: string;
  readonly operation: string;
  readonly principalArn: string;
  readonly decisions: readonly {
    readonly effect: Effect;
    readonly action: string;
    readonly resource: string;
    readonly policyType: PolicyType | "none";
    readonly message: string;
    readonly isCrossAccount?: boolean;
    /** Keys that tie a call to its purpose, which the least policy names: `kms:EncryptionContext:PARAMETER_ARN`. */
    readonly purpose?: RequestContext;
    /** Of a denial every statement, of an allowed call the ones that decided. */
    readonly trace: readonly StatementTrace[];
    /** Of a denial: what each type of policy says by itself. */
    readonly byType?: readonly TypeVerdict[];
  }[];
  /** The service that called for the principal, e.g. `s3.amazonaws.com` when S3 asks KMS for a key. */
  readonly calledVia?: string;
  /** Code of the error the call ended in, if it did. */
  readonly errorCode?: string;
  /** The key that signed, where no signature was looked at (lenient keys of the control API). */
  readonly lenientKey?: string;
  /** The fault that the control API injected, e.g. `throttle fault-1`. */
  readonly injectedFault?: string;
}
