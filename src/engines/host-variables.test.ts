import { describe, expect, it } from "vitest";
import { reachLoopbackDirectly } from "./host-variables.ts";

describe("a proxy in a build", () => {
  it("is not used for Kiln's own endpoint", () => {
    expect(reachLoopbackDirectly({ HTTPS_PROXY: "http://proxy:3128", NO_PROXY: "corp.example, localhost" })).toEqual({
      HTTPS_PROXY: "http://proxy:3128",
      NO_PROXY: "corp.example, localhost,127.0.0.1",
      no_proxy: "corp.example, localhost,127.0.0.1",
    });
    expect(reachLoopbackDirectly({ http_proxy: "http://proxy:3128" })).toEqual({
      http_proxy: "http://proxy:3128",
      NO_PROXY: "127.0.0.1,localhost",
      no_proxy: "127.0.0.1,localhost",
    });
  });

  it("changes nothing where there is none, or where everything is reached directly", () => {
    expect(reachLoopbackDirectly({ A: "b" })).toEqual({ A: "b" });
    expect(reachLoopbackDirectly({ ALL_PROXY: "x", NO_PROXY: "*", no_proxy: "*" })).toEqual({
      ALL_PROXY: "x",
      NO_PROXY: "*",
      no_proxy: "*",
    });
  });
});
