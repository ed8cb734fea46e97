import { describe, expect, it } from "vitest";
import { DockerfileError } from "./instruction.ts";
import { parseMount } from "./run-mounts.ts";

const at = { line: 3, endLine: 3 };

describe("RUN --mount", () => {
  it("is a read-only bind unless it says otherwise", () => {
    expect(parseMount("target=/x,from=build,source=/y", at)).toMatchObject({
      ...{ type: "bind", from: "build", source: "/y", target: "/x", isReadOnly: true },
    });
    expect(parseMount("dst=/x,rw", at)).toMatchObject({ isReadOnly: false });
    expect(parseMount("dst=/x,readonly=false", at)).toMatchObject({ isReadOnly: false });
  });

  it("has caches with an identity, rights and sharing, secrets with a place and a name, folders in memory with a size", () => {
    expect(parseMount("type=cache,target=/c,sharing=locked,mode=0700,uid=1,gid=2", at)).toMatchObject({
      ...{ type: "cache", id: "/c", sharing: "locked", mode: 0o700, uid: 1, gid: 2, isReadOnly: false },
    });
    expect(parseMount("type=secret,id=token,required,env=TOKEN", at)).toMatchObject({
      ...{ id: "token", isRequired: true, env: "TOKEN", target: "" },
    });
    expect(parseMount('type=tmpfs,"target=/a,b",size=1.5m', at)).toMatchObject({ target: "/a,b", sizeBytes: 1572864 });
  });

  it.each([
    ["type=ssh", "kiln's embedded builder does not do RUN --mount=type=ssh"],
    ["type=cach", 'dockerfile parse error on line 3: unsupported mount type "cach" (did you mean cache?)'],
    ["type=cache,target", "dockerfile parse error on line 3: invalid field 'target' must be a key=value pair"],
    ["tragt=/x", "dockerfile parse error on line 3: unexpected key 'tragt' in 'tragt=/x'"],
    [
      "type=cache,target=/x,sharing=lock",
      'dockerfile parse error on line 3: unsupported sharing value "lock" (did you mean locked?)',
    ],
    ["type=bind,target=/x,mode=0700", 'dockerfile parse error on line 3: mode not allowed for "bind" type mounts'],
    ["type=tmpfs,target=/x,size=big", "dockerfile parse error on line 3: invalid value for size: big"],
    ["type=secret", "dockerfile parse error on line 3: invalid secret mount. one of source, target required"],
    ["type=secret,id=a,source=b", "dockerfile parse error on line 3: both source and id can't be set"],
    [
      "type=cache,target=/x,required",
      "dockerfile parse error on line 3: unexpected key 'required' for mount type 'cache'",
    ],
    ["type=bind,target=/x,ro=perhaps", "dockerfile parse error on line 3: invalid value for ro: perhaps"],
  ])("%s is refused", (text, message) => {
    expect(() => parseMount(text, at)).toThrow(new DockerfileError(message, at));
  });
});
