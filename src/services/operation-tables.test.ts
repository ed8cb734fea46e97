import { expect, it } from "vitest";
import { createFindOperation } from "./operation-tables.ts";
import { type Operations, operation, type ServiceDefinition } from "./service.ts";

const named = (name: string) =>
  operation<object, object>({
    name,
    support: "supported",
    source: "https://docs.aws.amazon.com/kms/latest/APIReference/Welcome.html",
    authorize: () => [],
    errors: [],
    run: () => ({}),
  });
const OPERATIONS = [named("ListAliases"), named("ListKeys")];

/** A service whose import the test ends, and how often it was begun. */
function lazyService(name: "kms" | "ssm" = "kms") {
  const imports: { resolve(operations: Operations): void; reject(error: Error): void }[] = [];
  const service: ServiceDefinition = {
    name,
    title: "Keys",
    protocol: "awsJson1_1",
    operations: () => new Promise((resolve, reject) => imports.push({ resolve, reject })),
  };
  return { service, imports };
}
const finderOf = (...services: ServiceDefinition[]) =>
  createFindOperation(new Map(services.map((service) => [service.name, service])));

it("imports a service once, for all the calls that come meanwhile", async () => {
  const { service, imports } = lazyService();
  const find = finderOf(service);
  const first = [find("kms", "ListAliases"), find("kms", "ListKeys"), find("kms", "ListAliases")];
  expect(imports).toHaveLength(1);
  imports[0]?.resolve(OPERATIONS);
  const found = await Promise.all(first);
  expect(found.map(({ definition }) => definition.name)).toEqual(["ListAliases", "ListKeys", "ListAliases"]);
  expect(found[0]).toBe(found[2]);
  expect(imports).toHaveLength(1);
});

it("finds at once, without a promise, what is imported", async () => {
  const { service, imports } = lazyService();
  const find = finderOf(service);
  const first = find("kms", "ListKeys");
  imports[0]?.resolve(OPERATIONS);
  const target = await first;
  expect(find("kms", "ListKeys")).toBe(target);
});

it("imports no service that is not called", async () => {
  const [kms, ssm] = [lazyService("kms"), lazyService("ssm")];
  const find = finderOf(kms.service, ssm.service);
  const first = find("kms", "ListKeys");
  kms.imports[0]?.resolve(OPERATIONS);
  await first;
  expect(ssm.imports).toHaveLength(0);
});

it("fails every call that waited for an import that failed, and imports anew for the next", async () => {
  const { service, imports } = lazyService();
  const find = finderOf(service);
  const first = [find("kms", "ListAliases"), find("kms", "ListKeys")];
  imports[0]?.reject(new Error("a file is gone"));
  for (const call of first) await expect(call).rejects.toThrow("a file is gone");
  const next = find("kms", "ListKeys");
  expect(imports).toHaveLength(2);
  imports[1]?.resolve(OPERATIONS);
  expect((await next).definition.name).toBe("ListKeys");
});

it("refuses what a service does not have or does not offer, the first time and later", async () => {
  const { service, imports } = lazyService();
  const find = finderOf(service);
  const first = find("kms", "Encrypt");
  imports[0]?.resolve(OPERATIONS);
  await expect(first).rejects.toThrow("these operations of Keys: ListAliases, ListKeys");
  await expect(find("kms", "Encrypt")).rejects.toThrow("kms:Encrypt");
  await expect(find("kms", "NoSuchThing")).rejects.toMatchObject({ code: "UnknownOperationException" });
  expect(() => find("ssm", "GetParameter")).toThrow("the services kms");
});
