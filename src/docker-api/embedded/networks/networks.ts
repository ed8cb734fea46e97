/**
 * Networks of a build: names only. Every container is on this machine's network (or on none), so a network is what its
 * containers know each other by: their names and aliases on it stand in each other's /etc/hosts, as 127.0.0.1.
 * Gaps: no isolation between networks, no addresses of their own, no other drivers.
 */
import type { Clock } from "../../../core/clock.ts";
import type { Ids } from "../../../core/ids.ts";
import { ApiError } from "../api.ts";
import type { EventLog } from "../system/event-log.ts";

export interface Network {
  readonly id: string;
  readonly name: string;
  readonly driver: "bridge" | "host" | "null";
  readonly createdMs: number;
  readonly isInternal: boolean;
  readonly isAttachable: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string>>;
  /** As asked for; nothing is done with it. */
  readonly ipam: unknown;
  /** Names of a container on this network, by its id. */
  readonly members: Map<string, NetworkMember>;
}

export interface NetworkMember {
  readonly endpointId: string;
  readonly aliases: readonly string[];
  /** The container runs. */
  isActive: boolean;
}

interface NetworkDeps {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly events: EventLog;
}

const PREDEFINED = ["bridge", "host", "none"];

export class Networks {
  readonly #deps: NetworkDeps;
  readonly #networks = new Map<string, Network>();

  constructor(deps: NetworkDeps) {
    this.#deps = deps;
    for (const name of PREDEFINED) this.#add(name, name === "none" ? "null" : (name as "bridge" | "host"), {});
  }

  list(): Network[] {
    return [...this.#networks.values()];
  }

  /** By name, id, or beginning of an id. */
  find(name: string): Network | undefined {
    const all = this.list();
    const exact = all.find((network) => network.name === name || network.id === name);
    if (exact || !/^[a-f0-9]+$/.test(name)) return exact;
    const matches = all.filter((network) => network.id.startsWith(name));
    return matches.length === 1 ? matches[0] : undefined;
  }

  require(name: string): Network {
    const network = this.find(name);
    if (!network) throw new ApiError(404, `network ${name} not found`);
    return network;
  }

  create(name: string, given: Partial<Network>): Network {
    if (PREDEFINED.includes(name)) throw new ApiError(403, `operation is not permitted on predefined ${name} network`);
    if (this.list().some((network) => network.name === name))
      throw new ApiError(409, `network with name ${name} already exists`);
    const network = this.#add(name, "bridge", given);
    this.#deps.events.add("network", "create", network.id, { name, type: "bridge" });
    return network;
  }

  remove(network: Network): void {
    if (PREDEFINED.includes(network.name))
      throw new ApiError(403, `${network.name} is a pre-defined network and cannot be removed`);
    if ([...network.members.values()].some((member) => member.isActive))
      throw new ApiError(
        403,
        `error while removing network: network ${network.name} id ${network.id} has active endpoints`,
      );
    this.#networks.delete(network.id);
    this.#deps.events.add("network", "destroy", network.id, { name: network.name, type: network.driver });
  }

  join(network: Network, containerId: string, aliases: readonly string[], isActive: boolean): void {
    const endpointId = this.#deps.ids.bytes(32).toString("hex");
    network.members.set(containerId, { endpointId, aliases, isActive });
    const attributes = { container: containerId, name: network.name, type: network.driver };
    this.#deps.events.add("network", "connect", network.id, attributes);
  }

  leave(network: Network, containerId: string): void {
    if (!network.members.delete(containerId)) return;
    const attributes = { container: containerId, name: network.name, type: network.driver };
    this.#deps.events.add("network", "disconnect", network.id, attributes);
  }

  setActive(containerId: string, isActive: boolean): void {
    for (const network of this.of(containerId)) {
      const member = network.members.get(containerId);
      if (member) member.isActive = isActive;
    }
  }

  /** Those a container is on, in the order of their making. */
  of(containerId: string): Network[] {
    return this.list().filter((network) => network.members.has(containerId));
  }

  /** Whether its containers know each other's names: those of docker's default bridge do not. */
  isNamed(network: Network): boolean {
    return network.driver === "bridge" && network.name !== "bridge";
  }

  #add(name: string, driver: Network["driver"], given: Partial<Network>): Network {
    const network: Network = {
      isInternal: false,
      isAttachable: false,
      labels: {},
      options: {},
      ipam: { Driver: "default", Options: null, Config: [] },
      ...given,
      ...{ name, driver, id: this.#deps.ids.bytes(32).toString("hex"), createdMs: this.#deps.clock.nowMs() },
      members: new Map(),
    };
    this.#networks.set(network.id, network);
    return network;
  }
}
