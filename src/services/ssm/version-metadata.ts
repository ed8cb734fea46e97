/** What DescribeParameters and GetParameterHistory both say about a version. */
import type { ParameterVersion } from "./records.ts";

export function versionMetadata(version: ParameterVersion) {
  return {
    Type: version.type,
    ...(version.keyId !== undefined && { KeyId: version.keyId }),
    LastModifiedDate: version.lastModifiedMs,
    // Public parameters tell of none.
    ...(version.lastModifiedUser !== "" && { LastModifiedUser: version.lastModifiedUser }),
    ...(version.description !== undefined && { Description: version.description }),
    ...(version.allowedPattern !== undefined && { AllowedPattern: version.allowedPattern }),
    Version: version.version,
    Tier: version.tier,
    DataType: version.dataType,
  };
}
