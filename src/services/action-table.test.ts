import { describe, expect, it } from "vitest";
import {
  actionServices,
  actionsOf,
  findAction,
  findConditionKey,
  isOfResourceType,
  nearestActions,
} from "./action-table.ts";

describe("the table of IAM actions", () => {
  it("knows the services Kiln offers", () => {
    expect(actionServices()).toEqual([
      "codebuild",
      "ecr",
      "ecr-public",
      "iam",
      "kms",
      "logs",
      "s3",
      "secretsmanager",
      "ssm",
      "sts",
    ]);
  });

  it("finds an action in any case, with its resource types and keys", () => {
    const action = findAction("SSM:putparameter");
    expect(action).toMatchObject({
      name: "ssm:PutParameter",
      level: "Write",
      resources: [
        {
          name: "parameter",
          arn: "arn:${Partition}:ssm:${Region}:${Account}:parameter/${ParameterNameWithoutLeadingSlash}",
          isRequired: true,
        },
      ],
      dependentActions: [],
    });
    expect(action?.conditionKeys.map(({ name, type }) => `${name} ${type}`)).toEqual([
      "aws:RequestTag/${TagKey} String",
      "aws:TagKeys ArrayOfString",
      "ssm:Overwrite String",
      "ssm:Policies String",
      "aws:ResourceTag/${TagKey} String",
      "ssm:resourceTag/tag-key String",
    ]);
  });

  it("gives the most telling access level, optional resource types and dependent actions", () => {
    expect(findAction("secretsmanager:PutResourcePolicy")?.level).toBe("Permissions management");
    expect(findAction("iam:TagRole")?.level).toBe("Tagging");
    expect(findAction("ssm:AddTagsToResource")?.resources.every((type) => !type.isRequired)).toBe(true);
    expect(findAction("kms:ListKeys")?.resources).toEqual([]);
  });

  it("does not know actions that do not exist", () => {
    expect(findAction("ssm:GetParam")).toBeUndefined();
    expect(findAction("ec2:RunInstances")).toBeUndefined();
    expect(findAction("constructor:GetParameter")).toBeUndefined();
    expect(findAction("")).toBeUndefined();
    expect(actionsOf("ec2")).toEqual([]);
  });

  it("suggests the nearest actions", () => {
    expect(nearestActions("ssm:GetParamater")).toEqual(["ssm:GetParameter", "ssm:GetParameters", "ssm:PutParameter"]);
    expect(nearestActions("sms:GetParameter")[0]).toBe("ssm:GetParameter");
    expect(nearestActions("secretmanager:GetSecretValue", 1)).toEqual(["secretsmanager:GetSecretValue"]);
    expect(nearestActions("kms:Xyzzy")).toEqual([]);
    expect(nearestActions("nothing")).toEqual([]);
  });

  it("tells the form of a resource", () => {
    const [parameter] = findAction("ssm:GetParameter")?.resources ?? [];
    if (!parameter) throw new Error("no resource type");
    expect(isOfResourceType("arn:aws:ssm:eu-west-1:111122223333:parameter/a/b", parameter)).toBe(true);
    expect(isOfResourceType("arn:aws:ssm:eu-west-1:111122223333:document/a", parameter)).toBe(false);
    expect(isOfResourceType("*", parameter)).toBe(false);
  });

  it("finds the key that a name with a tag is an instance of", () => {
    const keys = findAction("secretsmanager:TagResource")?.conditionKeys ?? [];
    expect(findConditionKey("aws:RequestTag/team", keys)?.name).toBe("aws:RequestTag/${TagKey}");
    expect(findConditionKey("secretsmanager:ResourceTag/team", keys)?.type).toBe("String");
    expect(findConditionKey("aws:SourceIp", keys)).toBeUndefined();
    const ofObject = findAction("s3:PutObject")?.conditionKeys ?? [];
    expect(findConditionKey("s3:RequestObjectTag/team", ofObject)?.name).toBe("s3:RequestObjectTag/<key>");
  });
});
