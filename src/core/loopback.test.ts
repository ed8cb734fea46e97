import { describe, expect, it } from "vitest";
import { isLoopbackAddress, isLoopbackHost, unmappedAddress } from "./loopback.ts";

describe("loopback", () => {
  it.each(["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"])("has the address %s", (address) => {
    expect(isLoopbackAddress(address)).toBe(true);
    expect(isLoopbackHost(address)).toBe(true);
  });

  it.each(["localhost", "[::1]"])("has the host %s, which is no address", (host) => {
    expect(isLoopbackHost(host)).toBe(true);
    expect(isLoopbackAddress(host)).toBe(false);
  });

  it.each([
    "",
    "0.0.0.0",
    "::",
    "10.0.0.1",
    "::ffff:10.0.0.1",
    "127.evil.example",
    "127.0.0.1.evil.example",
    "127.0.0.1:80",
    "127.0.0",
    "localhost.evil.example",
    "app.localhost",
    "[::2]",
    "[127.0.0.1]",
  ])("does not have %j", (host) => {
    expect(isLoopbackHost(host)).toBe(false);
    expect(isLoopbackAddress(host)).toBe(false);
  });

  it("shows IPv4 addresses of sockets for both kinds as such", () => {
    expect(unmappedAddress("::ffff:10.1.2.3")).toBe("10.1.2.3");
    expect(unmappedAddress("10.1.2.3")).toBe("10.1.2.3");
    expect(unmappedAddress("fe80::1")).toBe("fe80::1");
  });
});
