/** The graph of a batch's builds: an order in which each comes after what it waits for, levels, and a cycle if there is one. */

export interface GraphNode {
  readonly identifier: string;
  readonly dependsOn: readonly string[];
}

/** Identifiers along a cycle, the first one again at the end (`a`, `b`, `a`); undefined when there is none. Unknown names are passed over. */
export function findCycle(nodes: readonly GraphNode[]): readonly string[] | undefined {
  const byName = new Map(nodes.map((node) => [node.identifier, node]));
  const done = new Set<string>();
  for (const { identifier } of nodes) {
    if (done.has(identifier)) continue;
    // A stack of its own: thousands of builds in a row must not exhaust the engine's.
    const path: { readonly name: string; next: number }[] = [{ name: identifier, next: 0 }];
    const onPath = new Set([identifier]);
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const dependency = byName.get(top.name)?.dependsOn[top.next++];
      if (dependency === undefined) {
        done.add(top.name);
        onPath.delete(top.name);
        path.pop();
      } else if (onPath.has(dependency)) {
        return [...path.slice(path.findIndex(({ name }) => name === dependency)).map(({ name }) => name), dependency];
      } else if (byName.has(dependency) && !done.has(dependency)) {
        path.push({ name: dependency, next: 0 });
        onPath.add(dependency);
      }
    }
  }
  return undefined;
}

/** The nodes by how long a chain stands before them: level 0 waits for nothing. Within a level the given order. Needs a graph without cycle. */
export function levelsOf<N extends GraphNode>(nodes: readonly N[]): readonly (readonly N[])[] {
  const levels = new Map<string, number>();
  const byName = new Map(nodes.map((node) => [node.identifier, node]));
  for (const node of inOrder(nodes)) {
    const before = node.dependsOn.filter((name) => byName.has(name)).map((name) => levels.get(name) ?? 0);
    levels.set(node.identifier, before.length === 0 ? 0 : Math.max(...before) + 1);
  }
  const result: N[][] = [];
  for (const node of nodes) {
    const level = levels.get(node.identifier) ?? 0;
    while (result.length <= level) result.push([]);
    result[level]?.push(node);
  }
  return result;
}

/** Each node after all it depends on; otherwise as given. Nodes on a cycle are left out. */
export function inOrder<N extends GraphNode>(nodes: readonly N[]): readonly N[] {
  const byName = new Map(nodes.map((node) => [node.identifier, node]));
  const waitsFor = new Map(
    nodes.map((node) => [node.identifier, new Set(node.dependsOn.filter((name) => byName.has(name)))]),
  );
  const dependents = new Map<string, string[]>();
  for (const [name, dependencies] of waitsFor) {
    for (const dependency of dependencies) dependents.set(dependency, [...(dependents.get(dependency) ?? []), name]);
  }
  const ready = nodes.filter((node) => waitsFor.get(node.identifier)?.size === 0);
  const order: N[] = [];
  for (let at = 0; at < ready.length; at++) {
    const node = ready[at] as N;
    order.push(node);
    for (const name of dependents.get(node.identifier) ?? []) {
      const left = waitsFor.get(name);
      left?.delete(node.identifier);
      const next = byName.get(name);
      if (left?.size === 0 && next) ready.push(next);
    }
  }
  return order;
}
