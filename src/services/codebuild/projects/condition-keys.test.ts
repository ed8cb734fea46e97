import { describe, expect, it } from "vitest";
import { requestFieldKeys } from "./condition-keys.ts";

describe("condition keys of a request's fields", () => {
  it("are one a field, `true` for structures, lists together and by identifier, and none for what is not given", () => {
    expect(requestFieldKeys({})).toEqual({});
    expect(
      requestFieldKeys({
        source: { type: "GITHUB", location: "https://github.com/o/r", buildspec: "ci.yml", insecureSsl: false },
        secondarySources: [
          { type: "GITHUB", location: "https://github.com/o/a", sourceIdentifier: "a" },
          { type: "GITHUB", location: "https://github.com/o/b", sourceIdentifier: "b" },
        ],
        environment: { image: "alpine", privilegedMode: true, fleet: { fleetArn: "arn:fleet" } },
        environmentVariables: [{ name: "A", value: "1" }],
        vpcConfig: { vpcId: "vpc-1", subnets: ["s"], securityGroupIds: ["g"] },
        concurrentBuildLimit: 2,
      }),
    ).toEqual({
      "codebuild:source": "true",
      "codebuild:source.location": "https://github.com/o/r",
      "codebuild:source.buildspec": "true",
      "codebuild:source.insecureSsl": "false",
      "codebuild:secondarySources": "true",
      "codebuild:secondarySources.sourceIdentifier": ["a", "b"],
      "codebuild:secondarySources.location": ["https://github.com/o/a", "https://github.com/o/b"],
      "codebuild:secondarySources/a.location": "https://github.com/o/a",
      "codebuild:secondarySources/b.location": "https://github.com/o/b",
      "codebuild:environment": "true",
      "codebuild:environment.image": "alpine",
      "codebuild:environment.privilegedMode": "true",
      "codebuild:environment.fleet.fleetArn": "arn:fleet",
      "codebuild:environment.environmentVariables": "true",
      "codebuild:environment.environmentVariables.name": ["A"],
      "codebuild:environment.environmentVariables.value": ["1"],
      "codebuild:environment.environmentVariables/A.value": "1",
      "codebuild:vpcConfig": "true",
      "codebuild:vpcConfig.vpcId": "vpc-1",
      "codebuild:vpcConfig.subnets": ["s"],
      "codebuild:vpcConfig.securityGroupIds": ["g"],
      "codebuild:concurrentBuildLimit": "2",
    });
  });
});
